# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Core header and usable memory: what makes a kernel a crash kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...facts.ranges import Ranges
from .. import names
from ..facts import CMA_SINCE, Facts, hexed, inside, overlap, shown, shown_place
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = "drivers/of/fdt.c early_init_dt_check_for_elfcorehdr()"
CAPPER = "drivers/of/fdt.c early_init_dt_check_for_usable_mem_range()"


def about_header(f: Facts, why: str) -> Found:
    """About the core header, wherever it is said."""
    if names.HEADER in f.in_chosen:
        value = shown(f.header) if f.header else hexed(f.in_chosen[names.HEADER])
        return Found(why, f.chosen, names.HEADER, value)
    return Found(why, f.chosen, names.BOOTARGS, f.word.text[:60] if f.word else "")


@rule(
    "elfcorehdr-missing",
    ERROR,
    about="usable memory is limited, but nothing tells of a core header",
    effect="boots in the crash kernel's memory and has no /proc/vmcore",
    way_out="make the tree with crash-dtb; for a normal kexec remove "
    "linux,usable-memory-range (kexec-dtb does)",
    source=f"{READER}; include/linux/crash_dump.h is_kdump_kernel()",
)
def elfcorehdr_missing(f: Facts) -> Iterator[Found]:
    if names.USABLE in f.in_chosen and not f.word and names.HEADER not in f.in_chosen:
        yield Found("it is missing", f.chosen, names.HEADER)


@rule(
    "usable-missing",
    ERROR,
    about="there is a core header, but usable memory is not limited",
    effect="takes all memory of the machine and overwrites the dump",
    way_out="make the tree with crash-dtb; for a normal kexec remove "
    "linux,elfcorehdr (kexec-dtb does)",
    source=CAPPER,
)
def usable_missing(f: Facts) -> Iterator[Found]:
    if names.USABLE in f.in_chosen or not f.crash:
        return
    # Some can say it on the command line alone
    if f.own.mem_word and any(w.startswith("mem=") for w in f.words):
        return
    yield Found("it is missing", f.chosen, names.USABLE)


@rule(
    "elfcorehdr-length",
    ERROR,
    about="linux,elfcorehdr is not exactly one (address, size) of the root's cells",
    effect="from about 6.19 ignores it: no /proc/vmcore. Before, reads the first "
    "entry, beyond the property's end if it is too short",
    way_out="replace the property instead of appending to it; write it with the "
    "root's cells, and write these (--root-cells 2/2) if they are missing",
    source=READER,
)
def elfcorehdr_length(f: Facts) -> Iterator[Found]:
    value = f.in_chosen.get(names.HEADER)
    if value is not None and f.tuple_size and len(value) != f.tuple_size:
        yield Found(
            f"{len(value)} bytes, one entry has {f.tuple_size} "
            f"({f.address_cells} + {f.size_cells} cells)",
            f.chosen,
            names.HEADER,
            hexed(value),
        )


@rule(
    "elfcorehdr-empty",
    ERROR,
    about="the core header has 0 bytes",
    effect="does not reserve its memory and overwrites it before it is read",
    way_out="say its real size",
    source="drivers/of/fdt.c fdt_reserve_elfcorehdr()",
)
def elfcorehdr_empty(f: Facts) -> Iterator[Found]:
    if names.HEADER in f.in_chosen and f.header and not f.header.size:
        yield about_header(f, "size 0")


@rule(
    "range-does-not-fit",
    ERROR,
    about="a range in /chosen reaches beyond the addresses that the root's cells spell",
    effect="takes the low 64 bits; the range wraps, and memory that is meant is not "
    "there",
    way_out="use 2/2 cells (--root-cells 2/2), or a range that ends below",
    source="drivers/of/fdt.c dt_mem_next_cell(); libfdt fdt_appendprop_addrrange() "
    "refuses to write it from 1.7.0",
)
def range_does_not_fit(f: Facts) -> Iterator[Found]:
    for name in (names.HEADER, names.USABLE):
        for entry in f.entries(f.in_chosen.get(name, b"")):
            if not f.fits(entry):
                yield Found(
                    f"ends at {sum(entry):#x}, {f.address_cells} cells end at "
                    f"{min(1 << 32 * f.address_cells, 1 << 64):#x}",
                    f.chosen,
                    name,
                    shown(entry),
                )


@rule(
    "usable-length",
    ERROR,
    about="linux,usable-memory-range is not a whole number of entries",
    effect="from about 6.19 ignores it and takes all memory, the dump too. Before, "
    "reads beyond the property's end",
    way_out="write whole entries with the root's cells, and write these "
    "(--root-cells 2/2) if they are missing",
    source=CAPPER,
)
def usable_length(f: Facts) -> Iterator[Found]:
    value = f.in_chosen.get(names.USABLE)
    if value is not None and f.tuple_size and not f.whole(value):
        yield Found(
            f"{len(value)} bytes, one entry has {f.tuple_size} "
            f"({f.address_cells} + {f.size_cells} cells)",
            f.chosen,
            names.USABLE,
            hexed(value),
        )


@rule(
    "usable-empty",
    ERROR,
    about="a usable range has 0 bytes",
    effect="the first one: limits nothing and takes all memory, the dump too. A "
    "later one: ignores it and all behind it",
    way_out="remove it",
    source=f"{CAPPER}; mm/memblock.c memblock_cap_memory_range()",
)
def usable_empty(f: Facts) -> Iterator[Found]:
    for i, entry in enumerate(f.entries(f.in_chosen.get(names.USABLE, b""))):
        if not entry[1]:
            yield Found(f"range {i}", f.chosen, names.USABLE, shown(entry))


@rule(
    "usable-too-many",
    ERROR,
    about="more usable ranges than the kernel reads",
    effect="ignores the rest without a word and has less memory than was set aside",
    way_out="give the main range, the low range, and more only to a kernel that "
    "reads them (--kernel)",
    source=f"{CAPPER}, MAX_USABLE_RANGES",
    versions="to 7.2: 2 ranges; from 7.3: 6",
)
def usable_too_many(f: Facts) -> Iterator[Found]:
    count = sum(1 for _ in f.entries(f.in_chosen.get(names.USABLE, b"")))
    if count > f.limit:
        before = ".".join(map(str, CMA_SINCE))
        which = "that kernel" if f.kernel else f"Linux before {before}"
        yield Found(
            f"{count} ranges, {which} reads {f.limit}",
            f.chosen,
            names.USABLE,
            hexed(f.in_chosen[names.USABLE]),
        )


@rule(
    "usable-overlap",
    WARNING,
    about="two usable ranges overlap",
    effect="joins them; as a rule one is a leftover that was appended to",
    way_out="delete the old property before the new one is written",
    source=f"{CAPPER}; libfdt fdt_appendprop_addrrange() appends",
)
def usable_overlap(f: Facts) -> Iterator[Found]:
    for i, later in enumerate(f.usable):
        for earlier in f.usable[:i]:
            if overlap(earlier, later):
                yield Found(
                    f"overlaps {shown(earlier)}", f.chosen, names.USABLE, shown(later)
                )


@rule(
    "usable-not-in-memory",
    ERROR,
    about="the first usable range is not all in the memory nodes",
    effect="keeps only what both say; if that is nothing, hangs before it prints a "
    "word",
    way_out="is the tree of this machine? Take its boot tree as the input",
    source=f"{CAPPER}; mm/memblock.c memblock_cap_memory_range()",
)
def usable_not_in_memory(f: Facts) -> Iterator[Found]:
    if f.usable and f.memory and not f.efi and not f.memory.covers(f.usable[0]):
        got = f.memory.intersect([f.usable[0]]).total
        yield Found(
            f"{got} of its {f.usable[0].size} bytes are memory",
            f.chosen,
            names.USABLE,
            shown(f.usable[0]),
        )


@rule(
    "elfcorehdr-outside-usable",
    ERROR,
    about="the core header is not all inside the usable memory",
    effect="arm64 oopses when it reads the header: the memory is not mapped. riscv "
    "maps it anew; but no loader puts a segment there",
    way_out="place it inside the main range",
    source="arch/arm64/kernel/crash_dump.c elfcorehdr_read(); "
    "arch/riscv/kernel/crash_dump.c copy_oldmem_page(); kernel/kexec_core.c "
    "sanity_check_segment_list()",
    holds=lambda arch: arch.header_inside,
)
def elfcorehdr_outside_usable(f: Facts) -> Iterator[Found]:
    if f.header and f.header.size and f.usable and not inside(f.header, f.usable):
        yield about_header(f, "usable: " + ", ".join(map(shown, f.usable)))


@rule(
    "elfcorehdr-not-in-first",
    WARNING,
    about="the core header is not in the first usable range",
    effect="a kernel that reads one range (before 6.1) has it outside its memory and "
    "oopses; the loader refuses it: all segments belong into the main region",
    way_out="put the main range first and the header into it",
    source=f"{CAPPER}; kernel/kexec_core.c sanity_check_segment_list()",
    holds=lambda arch: arch.header_inside,
)
def elfcorehdr_not_in_first(f: Facts) -> Iterator[Found]:
    if not f.header or not f.header.size or not inside(f.header, f.usable):
        return
    if not inside(f.header, f.usable[:1]):
        yield about_header(f, f"first usable range: {shown(f.usable[0])}")


@rule(
    "elfcorehdr-overridden",
    ERROR,
    about="elfcorehdr= on the command line has another address than linux,elfcorehdr",
    effect="reads the header where the command line says",
    way_out="remove the word (crash-dtb does)",
    source="kernel/crash_dump.c setup_elfcorehdr()",
)
def elfcorehdr_overridden(f: Facts) -> Iterator[Found]:
    if not f.word or names.HEADER not in f.in_chosen or not f.header:
        return
    if f.word.start != f.header.start:
        yield Found(
            f"linux,elfcorehdr: {shown(f.header)}",
            f.chosen,
            names.BOOTARGS,
            f.word.text[:60],
        )


@rule(
    "elfcorehdr-unreserved",
    WARNING,
    about="only elfcorehdr= tells of the core header, without a size, and nothing "
    "reserves it",
    effect="may use its memory before it is read",
    way_out="write linux,elfcorehdr (crash-dtb does), or elfcorehdr=SIZE@ADDR",
    source="kernel/crash_dump.c setup_elfcorehdr(); drivers/of/fdt.c "
    "fdt_reserve_elfcorehdr()",
    holds=lambda arch: arch.header_inside,
)
def elfcorehdr_unreserved(f: Facts) -> Iterator[Found]:
    if names.HEADER in f.in_chosen or not f.word or f.word.size:
        return
    if not any(start <= f.word.start < start + n for start, n in f.memreserve):
        yield about_header(f, "its size is not said")


@rule(
    "segments-overlap",
    ERROR,
    about="two of core header, initrd, tree and image (BSS included) overlap",
    effect="finds one of them damaged",
    way_out="place them apart, each on pages of its own",
    source="kernel/kexec_core.c sanity_check_segment_list()",
)
def segments_overlap(f: Facts) -> Iterator[Found]:
    found = f.segments()
    for i, (this, node, prop, where) in enumerate(found):
        for what, _, _, other in found[:i]:
            if overlap(where, other):
                value = shown(where) if prop else shown_place(this, where)
                yield Found(f"{what} is at {shown(other)}", node, prop, value)


@rule(
    "dtb-outside-usable",
    ERROR,
    about="a crash kernel's tree is loaded outside its usable memory",
    effect="the loader refuses it, or memory of the dead kernel is overwritten",
    way_out="load it inside the main range",
    source="kernel/kexec_core.c sanity_check_segment_list()",
)
def dtb_outside_usable(f: Facts) -> Iterator[Found]:
    if not f.usable:
        return
    where = f.tree_range()
    if where and not inside(where, f.usable):
        yield Found(
            "usable: " + ", ".join(map(shown, f.usable)),
            value=shown_place("the tree", where),
        )


@rule(
    "usable-added-unseen",
    NOTE,
    about="a usable range behind the first is not in the memory nodes",
    effect="adds them even if no memory node and no EFI entry has them",
    way_out="is the range memory of this machine?",
    source=f"{CAPPER}: memblock_add()",
)
def usable_added_unseen(f: Facts) -> Iterator[Found]:
    if f.efi or not f.memory:
        return
    for r in f.usable[1:]:
        if r.size < 1 << 64 and not f.memory.covers(r):
            yield Found("no memory node has it", f.chosen, names.USABLE, shown(r))


# What other features leave in /chosen


@rule(
    "dmcryptkeys-length",
    ERROR,
    about="linux,dmcryptkeys is not exactly one entry",
    effect="does not find the keys: the encrypted dump target stays locked",
    way_out="write one (address, size) with the root's cells",
    source="drivers/of/fdt.c early_init_dt_check_for_dmcryptkeys()",
    versions="that have dm-crypt keys for kdump",
)
def dmcryptkeys_length(f: Facts) -> Iterator[Found]:
    value = f.in_chosen.get(names.KEYS)
    if value is not None and f.tuple_size and len(value) != f.tuple_size:
        yield Found(
            f"{len(value)} bytes, one entry has {f.tuple_size}",
            f.chosen,
            names.KEYS,
            hexed(value),
        )


@rule(
    "dmcryptkeys-stale",
    WARNING,
    about="linux,dmcryptkeys in a tree that is no crash kernel's",
    effect="looks for keys where none are any more",
    way_out="remove it (kexec-dtb does)",
    source="drivers/of/fdt.c early_init_dt_check_for_dmcryptkeys()",
    versions="that have dm-crypt keys for kdump",
)
def dmcryptkeys_stale(f: Facts) -> Iterator[Found]:
    if names.KEYS in f.in_chosen and not f.crash:
        yield Found(
            "left by an earlier boot",
            f.chosen,
            names.KEYS,
            hexed(f.in_chosen[names.KEYS]),
        )


@rule(
    "kho-length",
    WARNING,
    about="linux,kho-fdt or linux,kho-scratch is missing or not exactly one entry",
    effect="ignores both: nothing is handed over",
    way_out="write one entry each; delete the old property instead of appending",
    source="drivers/of/fdt.c early_init_dt_check_kho()",
    versions="that have KHO",
)
def kho_length(f: Facts) -> Iterator[Found]:
    if not any(name in f.in_chosen for name in names.KHO) or not f.tuple_size:
        return
    for name in names.KHO:
        value = f.in_chosen.get(name)
        if value is None:
            yield Found("it is missing", f.chosen, name)
        elif len(value) != f.tuple_size:
            yield Found(
                f"{len(value)} bytes, one entry has {f.tuple_size}",
                f.chosen,
                name,
                hexed(value),
            )


@rule(
    "kho-in-crash",
    ERROR,
    about="a crash kernel's tree hands over memory (linux,kho-*)",
    effect="faults in kho_memory_init(): what is handed over lies outside its memory",
    way_out="remove both (crash-dtb does)",
    source="drivers/of/fdt.c early_init_dt_check_kho(); kernel/liveupdate/"
    "kexec_handover.c kho_memory_init()",
    versions="that have KHO; their own loader leaves it out since commit a6715d7ec472",
)
def kho_in_crash(f: Facts) -> Iterator[Found]:
    for name in names.KHO if f.crash else ():
        if name in f.in_chosen:
            yield Found(
                "left by an earlier boot", f.chosen, name, hexed(f.in_chosen[name])
            )


@rule(
    "ima-buffer-stale",
    WARNING,
    about="a crash kernel's tree has an IMA buffer outside its usable memory",
    effect="does not find the measurements: the address is no memory of it",
    way_out="remove it (crash-dtb does)",
    source="drivers/of/kexec.c ima_get_kexec_buffer()",
)
def ima_buffer_stale(f: Facts) -> Iterator[Found]:
    value = f.in_chosen.get(names.IMA)
    for r in f.ranges(value)[:1] if f.usable else ():
        if not inside(r, Ranges(f.usable[:1])):
            yield Found(
                "usable: " + ", ".join(map(shown, f.usable)),
                f.chosen,
                names.IMA,
                shown(r),
            )
