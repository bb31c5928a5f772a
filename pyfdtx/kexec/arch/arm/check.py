# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Rules of check_tree() for 32-bit arm alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ...check import names
from ...check.facts import overlap, shown
from ...check.rule import ERROR, rule
from ...check.rules import Found  # and with it the rules that ours stand among
from ...check.rules.core import VMCORE
from ...check.rules.crash import about_header
from ...cmdline import memparse
from ...facts.ranges import Ranges
from . import CRASH_BOUNDARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...check.facts import Facts

OURS = ("arm",)
FOUR_GIB = 1 << 32


@rule(
    "core-class",
    ERROR,
    about="the core header of a 32-bit arm kernel is not ELF32",
    effect='prints "Core image elf header is not sane", with LPAE too: no /proc/vmcore',
    way_out="make it with 32 bits",
    source=f"{VMCORE}; arch/arm/include/asm/elf.h",
    arches=OURS,
    before="core-byteorder",
)
def core_class(f: Facts) -> Iterator[Found]:
    if f.core and not f.core.faults and f.core.bits != 32:
        yield Found("arm wants 32", value=f"ELF{f.core.bits}")


@rule(
    "usable-above-4g",
    ERROR,
    about="a usable range of a 32-bit arm kernel starts at 4 GiB or above",
    effect="its decompressor ignores the range; without LPAE the kernel cuts the "
    "address to 32 bits",
    way_out="reserve memory below 4 GiB",
    source="arch/arm/boot/compressed/fdt_check_mem_start.c",
    arches=OURS,
    before="elfcorehdr-outside-usable",
)
def usable_above_4g(f: Facts) -> Iterator[Found]:
    for r in f.usable:
        if r.start >= FOUR_GIB:
            yield Found("starts too high", f.chosen, names.USABLE, shown(r))


def _mem_words(f: Facts) -> Iterator[tuple[str, MemRange]]:
    """Each mem= of a 32-bit arm kernel with the memory that it adds. The first one
    takes away all other memory (arch/arm/kernel/setup.c early_mem())."""
    # A usable range that starts above is ignored: who knows where memory starts
    if not f.usable or f.usable[0].start >= FOUR_GIB:
        return
    for text in f.words:
        if text.startswith("mem="):
            size, rest = memparse(text[len("mem=") :])
            # Memory starts where the decompressor put the kernel
            start = -(-f.usable[0].start // CRASH_BOUNDARY) * CRASH_BOUNDARY
            if rest.startswith("@"):
                start = memparse(rest[1:])[0]
            yield text, MemRange(start, min(size, U64_END - start))


@rule(
    "elfcorehdr-inside-usable",
    ERROR,
    about="the core header of a 32-bit arm kernel is inside the memory that it uses: "
    "what mem= says, else the usable ranges",
    effect='prints "vmcore not initialized": ioremap() refuses its own memory',
    way_out="end the usable range, and what mem= says, below the header",
    source="arch/arm/kernel/crash_dump.c copy_oldmem_page(); arch/arm/mm/ioremap.c; "
    "arch/arm/kernel/setup.c early_mem()",
    arches=OURS,
    before="elfcorehdr-not-in-first",
)
def elfcorehdr_inside_usable(f: Facts) -> Iterator[Found]:
    if not f.header or not f.header.size:
        return
    words = list(_mem_words(f))
    for text, r in words:
        if overlap(f.header, r):
            yield about_header(f, f"{text[:60]}: {shown(r)}")
    for r in f.usable if not words else ():
        if overlap(f.header, r):
            yield about_header(f, f"usable: {shown(r)}")


@rule(
    "mem-not-usable",
    ERROR,
    about="mem= on the command line of a 32-bit arm kernel names memory that is not "
    "usable",
    effect="takes what mem= says instead of linux,usable-memory-range, and overwrites "
    "the dump",
    way_out="remove the word: crash-dtb --arch arm writes the one that fits",
    source="arch/arm/kernel/setup.c early_mem(); "
    "arch/arm/boot/compressed/fdt_check_mem_start.c",
    arches=OURS,
    before="elfcorehdr-not-in-first",
)
def mem_not_usable(f: Facts) -> Iterator[Found]:
    # Over the core header is another rule's
    ours = Ranges.union([*f.usable, *([f.header] if f.header else ())])
    for text, r in _mem_words(f):
        if not ours.covers(r):
            yield Found(
                f"{shown(r)}; usable: " + ", ".join(map(shown, f.usable)),
                f.chosen,
                names.BOOTARGS,
                text[:60],
            )
