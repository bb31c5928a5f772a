# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a running arm64 kernel has its memory and itself."""

from __future__ import annotations

from ....codec.reg import U64_END, MemRange
from ....errors import FdtMachineError
from ...facts.mapping import Mapping
from ...facts.version import version_of

__all__ = ["mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine

# Linux arch/arm64/include/asm/memory.h SEGMENT_ALIGN: _stext is at most this
# far behind _text
HEAD = 0x1_0000


def mapping(machine: Machine) -> Mapping:
    """Source: Linux arch/arm64/include/asm/memory.h __phys_to_virt(),
    __kimg_to_phys(), KIMAGE_VADDR; kernel/kaslr.c."""
    info = machine.vmcoreinfo
    bits = info.number("VA_BITS")
    if not 0 < bits <= 64:
        raise FdtMachineError("Machine", info.where, f"VA_BITS={bits} cannot be")
    version = version_of(info["OSRELEASE"])
    if version is None:
        raise FdtMachineError(
            "Machine", info.where, f"OSRELEASE={info['OSRELEASE']} is no version"
        )
    # Linux 5.4 turned the halves of the address space round
    if version < (5, 4):
        bits -= 1
    image = machine.kernel_image
    voffset = info.number("kimage_voffset")
    stext = (info.symbol("_stext") - voffset) % U64_END
    if not image.start <= stext < image.stop:
        raise FdtMachineError(
            "Machine",
            info.where,
            f"_stext is at {stext:#x}, but {machine.path('proc/iomem')} has the "
            f"kernel at {image!r}; are the files of the same boot?",
        )
    if "KERNELOFFSET" in info and info.has_number("MODULES_END"):
        # The image begins before _stext; up to 6.10 iomem leaves that out
        text = info.number("MODULES_END") + info.kernel_offset - voffset
        if 0 <= stext - text % U64_END <= HEAD:
            image = MemRange(text % U64_END, image.stop - text % U64_END)
    return Mapping(
        -(1 << bits) - info.number("PHYS_OFFSET"),
        (image, (image.start + voffset) % U64_END),
    )
