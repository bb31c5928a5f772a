# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a zImage, which unpacks itself, may lie, and a core header that must not be
memory of the crash kernel.

It needs no trampoline: the old kernel looks for the segment that is a device
tree, and enters the image with r0 = 0, r1 = ~0 and r2 = the tree (Linux
arch/arm/kernel/machine_kexec.c machine_kexec_prepare(), relocate_kernel.S).

Source: Linux Documentation/arch/arm/booting.rst.
"""

from __future__ import annotations

from ....codec.reg import MemRange
from ...place.rules import Footprint, Rules
from .image import CRASH_BOUNDARY, PLAIN_BOUNDARY, ZImage

__all__ = ["RULES"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...image.kernel import KernelImage

PAGE = 4096
MIB = 1 << 20
# Any place that the zImage's room covers will do, since it moves itself out of
# its own way; this one has always been the bootloaders'
ZIMAGE_AT = 0x8000
# Memory that a kernel of VMSPLIT_3G surely maps; an initrd beyond it is lost
# (arch/arm/mm/mmu.c adjust_lowmem_bounds(); vmalloc's 240 MiB and gaps off 1 GiB)
LOWMEM = 760 * MIB
ADDRESS_END = 1 << 32


def footprint(image: KernelImage) -> Footprint:
    """The kernel unpacks itself to TEXT_OFFSET behind the start of its memory,
    and moves what is left to do behind that."""
    assert isinstance(image, ZImage)
    return Footprint(image.room, at=ZIMAGE_AT, length=len(image.data))


def usable(main: MemRange, header: MemRange) -> MemRange:
    """The core header is read with ioremap(), which refuses memory of the
    kernel's own (arch/arm/kernel/crash_dump.c copy_oldmem_page()): memory ends
    below it. mem= counts from where the kernel's memory starts."""
    start = -(-main.start // CRASH_BOUNDARY) * CRASH_BOUNDARY
    return MemRange(start, header.start - start)


RULES = Rules(
    name="arm",
    tree="arm",
    images=("arm",),
    boundary=CRASH_BOUNDARY,
    plain_boundary=PLAIN_BOUNDARY,
    footprint=footprint,
    initrd_boundary=1,
    initrd_reach=lambda start: start + LOWMEM,
    # Two sections are mapped from the one that the tree starts in, each of
    # 1 MiB or more (arch/arm/kernel/head.S)
    max_dtb=MIB,
    trampoline=None,
    usable=usable,
    # arm has no /proc/kcore to read it from, and no other size
    page_size=PAGE,
    address_end=ADDRESS_END,
)
