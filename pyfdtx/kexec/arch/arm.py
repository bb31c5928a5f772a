# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""32-bit arm, with and without LPAE: a zImage that unpacks itself, and a core
header that must not be memory of the crash kernel.

It needs no trampoline: the old kernel looks for the segment that is a device
tree, and enters the image with r0 = 0, r1 = ~0 and r2 = the tree (Linux
arch/arm/kernel/machine_kexec.c machine_kexec_prepare(), relocate_kernel.S).

Source: Linux Documentation/arch/arm/booting.rst.
"""

from __future__ import annotations

from ..._native import lib
from ...reg import MemRange
from ..image import ZImage
from ..mapping import Mapping
from .rules import Footprint, Rules

__all__ = ["RULES", "mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..image import AnyImage
    from ..machine import Machine

PAGE = 4096
MIB = 1 << 20
# What fdt_check_mem_start() makes the start of the crash kernel's memory a
# multiple of (arch/arm/boot/compressed/fdt_check_mem_start.c)
CRASH_BOUNDARY = 2 * MIB
# Without a usable range the start of memory is the zImage's own address,
# rounded down to this (arch/arm/boot/compressed/head.S, AUTO_ZRELADDR)
PLAIN_BOUNDARY = 128 * MIB
# Any place that the zImage's room covers will do, since it moves itself out of
# its own way; this one has always been the bootloaders'
ZIMAGE_AT = 0x8000
# Memory that a kernel of VMSPLIT_3G surely maps; an initrd beyond it is lost
# (arch/arm/mm/mmu.c adjust_lowmem_bounds(); vmalloc's 240 MiB and gaps off 1 GiB)
LOWMEM = 760 * MIB
ADDRESS_END = 1 << 32
# arch/arm/Kconfig PAGE_OFFSET of VMSPLIT_3G
PAGE_OFFSET = 0xC000_0000


def footprint(image: AnyImage) -> Footprint:
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


def mapping(machine: Machine) -> Mapping:
    """There is no /proc/kcore to ask: the kernel's own symbols tell where the
    halves of the address space meet, memory is mapped from its start."""
    page_offset = PAGE_OFFSET
    if machine.exists("proc/kallsyms"):
        for line in machine.text("proc/kallsyms").splitlines():
            text, _, name = line.partition(" ")
            if name[2:] != "_stext":
                continue
            try:
                address = int(text, 16)
            except ValueError:
                machine.refuse("proc/kallsyms", f"not 'address type name': {line!r}")
            # Zero for those who may not see addresses
            if address:
                page_offset = address & 0xF000_0000
                break
    start = machine.ram[0].start
    return Mapping(page_offset - start, last=start + (ADDRESS_END - 1 - page_offset))


RULES = Rules(
    name="arm",
    tree="arm",
    elf_machine=lib.EM_ARM,
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
