# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""riscv64: where a kernel may lie. It needs no trampoline: the old kernel
looks for the segment that is a device tree and puts its address into a1
(Linux arch/riscv/kernel/machine_kexec.c machine_kexec_prepare()).

Source: Linux Documentation/arch/riscv/boot.rst.
"""

from __future__ import annotations

from ..._native import lib
from ...reg import U64_END
from ..mapping import Mapping, kernel_image
from .rules import Rules

__all__ = ["RULES", "mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..machine import Machine

MIB = 1 << 20


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


RULES = Rules(
    name="riscv64",
    tree="riscv",
    elf_machine=lib.EM_RISCV,
    images=("riscv64", "riscv"),
    boundary=2 * MIB,
    # The kernel maps itself in pieces of 2 MiB and takes all of the last one:
    # an initrd that starts in it is dropped (arch/riscv/mm/init.c)
    initrd_boundary=2 * MIB,
    initrd_reach=lambda _image: 1 << 64,
    # arch/riscv/mm/init.c maps one such piece, MAX_FDT_SIZE
    max_dtb=2 * MIB,
    trampoline=None,
)
