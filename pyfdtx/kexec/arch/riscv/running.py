# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a running riscv kernel has its memory and itself."""

from __future__ import annotations

from ....codec.reg import U64_END
from ...facts.mapping import Mapping, kernel_image

__all__ = ["mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine


def mapping(machine: Machine) -> Mapping:
    """Source: Linux arch/riscv/kernel/vmcore_info.c, arch/riscv/mm/init.c."""
    info = machine.vmcoreinfo
    image = kernel_image(machine)
    if info.has_number("va_kernel_pa_offset"):
        virtual = image.start + info.number("va_kernel_pa_offset")
    else:
        virtual = info.number("KERNEL_LINK_ADDR")
    return Mapping(
        info.number("PAGE_OFFSET") - info.number("phys_ram_base"),
        (image, virtual % U64_END),
    )
