# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory reservations: in the header of the tree, and in /reserved-memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ...facts.ranges import Ranges
from ..facts import Facts, inside, overlap, shown, shown_place
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...reserved import Reserved

# Linux frees, and reserves, whole pages; the largest page
PAGE = 64 << 10
# The first version that reads /reserved-memory before the header's reservations
NO_MAP_FIRST = (6, 4)
READER = "drivers/of/fdt.c early_init_fdt_scan_reserved_mem()"


def _text(entry: tuple[int, int]) -> str:
    return f"/memreserve/ {entry[0]:#x} {entry[1]:#x}"


def _sane(f: Facts) -> Iterator[MemRange]:
    for start, size in f.memreserve:
        if start + size <= U64_END:
            yield MemRange(start, size)


def _called(f: Facts, r: Reserved) -> str:
    if r.node < 0:
        return _text(r.range)
    return f"{f.path(r.node)} {shown(r.range)}"


def _covers(outer: MemRange, inner: MemRange) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop


def _own(f: Facts) -> set[tuple[int, int]]:
    """Reservations of what a loader puts into memory itself."""
    return {
        (where.start, size)
        for _, _, _, where in f.segments()
        for size in _page_sizes(where.size)
    }


@rule(
    "segment-on-reservation",
    ERROR,
    about="image (BSS included), initrd, tree or core header lie on memory that the "
    "tree reserves for something else",
    effect="has what belongs to firmware or a device overwritten before it starts; "
    "no-map is refused there (-EBUSY), so it maps that memory and may fault",
    way_out="place it elsewhere: make_plan() keeps off what the tree reserves",
    source="drivers/of/of_reserved_mem.c (older: fdt.c) "
    "early_init_dt_reserve_memory(); Documentation/devicetree/bindings/"
    "reserved-memory/reserved-memory.yaml",
)
def segment_on_reservation(f: Facts) -> Iterator[Found]:
    # What starts where a segment does is meant for it, whatever its size
    own = {where.start for _, _, _, where in f.segments()}
    others = [r for r in f.reserved if r.node >= 0 or r.range.start not in own]
    for what, node, prop, where in f.segments():
        hit = [r for r in others if overlap(where, r.range)]
        if what == "the core header":  # else elfcorehdr-half-reserved
            hit = [r for r in hit if r.node >= 0 or _covers(r.range, where)]
        if hit:
            more = f" (and {len(hit) - 1} more)" if len(hit) > 1 else ""
            value = shown(where) if prop else shown_place(what, where)
            yield Found(f"{_called(f, hit[0])}{more} is reserved", node, prop, value)


@rule(
    "no-map-on-memreserve",
    WARNING,
    about="a reservation in the header (/memreserve/) overlaps a no-map region of "
    "/reserved-memory",
    effect="reserves it first and then refuses no-map (-EBUSY): maps that memory, and "
    "may fault when the CPU reads ahead into it",
    way_out="remove the /memreserve/: the node alone is enough",
    source="drivers/of/fdt.c early_init_fdt_scan_reserved_mem(), "
    "early_init_dt_reserve_memory()",
    versions="before 6.4 (commit b413281876292)",
)
def no_map_on_memreserve(f: Facts) -> Iterator[Found]:
    if f.kernel is not None and f.kernel >= NO_MAP_FIRST:
        return
    own = _own(f)
    header = Ranges.union(
        [r.range for r in f.reserved if r.node < 0 and r.range not in own]
    )
    starts = list(header.words[::2])
    for r in f.reserved:
        at = bisect_right(starts, r.range.stop - 1) - 1
        if r.no_map and at >= 0 and header[at].stop > r.range.start:
            yield Found(_text(header[at]), r.node, "reg", shown(r.range))


@rule(
    "reserved-memory-overlap",
    WARNING,
    about="two regions of /reserved-memory overlap",
    effect='prints "OVERLAP DETECTED!"; no-map of the one that is read later is '
    "refused, and two users write to the same memory",
    way_out="correct one reg",
    source="drivers/of/of_reserved_mem.c __rmem_check_for_overlap()",
)
def reserved_memory_overlap(f: Facts) -> Iterator[Found]:
    by_start = sorted((r for r in f.reserved if r.node >= 0), key=lambda r: r.range)
    last: Reserved | None = None
    for r in by_start:
        if last is not None and overlap(last.range, r.range):
            yield Found(
                f"another has {shown(last.range)}", r.node, "reg", shown(r.range)
            )
        if last is None or r.range.stop > last.range.stop:
            last = r


@rule(
    "reserved-memory-several",
    NOTE,
    about="a region of /reserved-memory has several entries",
    effect="reserves all of them, but its driver sees the first one alone",
    way_out="make it several nodes",
    source="drivers/of/of_reserved_mem.c (older: fdt.c) "
    "__reserved_mem_reserve_reg(), fdt_reserved_mem_save_node()",
)
def reserved_memory_several(f: Facts) -> Iterator[Found]:
    counts = Counter(r.node for r in f.reserved if r.node >= 0)
    for node, count in counts.items():
        if count > 1:
            yield Found(f"{count} entries", node, "reg")


@rule(
    "cma-lost",
    ERROR,
    about="a fixed pool (shared-dma-pool, reusable, reg) of a crash kernel's tree lies "
    "outside its usable memory",
    effect="oopses in cma_init_reserved_areas() before it prints a word: the pool's "
    "memory is not there",
    way_out='switch the node off (status = "disabled"): crash-dtb does',
    source="kernel/dma/contiguous.c rmem_cma_setup(); mm/cma.c cma_activate_area()",
    versions="with CONFIG_DMA_CMA",
)
def cma_lost(f: Facts) -> Iterator[Found]:
    for r in f.reserved if f.usable else ():
        if r.cma and not inside(r.range, f.usable):
            yield Found(
                "usable: " + ", ".join(map(shown, f.usable)),
                r.node,
                "reg",
                shown(r.range),
            )


@rule(
    "memreserve-wraps",
    ERROR,
    about="a reservation reaches beyond the last address",
    effect="cuts it at the last address and reserves all above its start",
    way_out="remove it",
    source=f"{READER}; mm/memblock.c memblock_cap_size()",
)
def memreserve_wraps(f: Facts) -> Iterator[Found]:
    for entry in f.memreserve:
        if sum(entry) > U64_END:
            yield Found("it wraps", value=_text(entry))


@rule(
    "memreserve-in-usable",
    WARNING,
    about="a reservation inside the crash kernel's memory is neither core header nor "
    "initrd nor tree",
    effect="never uses that memory: the crash kernel has less than was set aside",
    way_out="remove it: this memory held nothing before, so it is a leftover, as a "
    "rule of an older core header or initrd",
    source=READER,
)
def memreserve_in_usable(f: Facts) -> Iterator[Found]:
    places = [s[3] for s in f.segments()]
    if f.address is None:
        # It may be the tree's own, wherever it will be loaded
        places += [r for r in _sane(f) if r.size == len(f.blob)]
    own = {(r.start, size) for r in places for size in _page_sizes(r.size)}
    for r in _sane(f):
        if (r.start, r.size) in own:
            continue
        if any(overlap(r, u) for u in f.usable) and not any(
            overlap(r, place) for place in places
        ):
            yield Found(f"{r.size} bytes are lost", value=_text(r))


def _page_sizes(size: int) -> tuple[int, ...]:
    return (size, *(-(-size // page) * page for page in (4096, 16384, PAGE)))


@rule(
    "elfcorehdr-half-reserved",
    WARNING,
    about="a reservation covers a part of the core header",
    effect='prints "elfcorehdr is overlapped", does not reserve the rest, and may '
    "overwrite it",
    way_out="remove the reservation, or make it cover the whole header",
    source="drivers/of/fdt.c (newer: of_reserved_mem.c) fdt_reserve_elfcorehdr()",
    versions="before commit 3e8ade58b71b (December 2025)",
)
def elfcorehdr_half_reserved(f: Facts) -> Iterator[Found]:
    header = f.header
    if not header or not header.size:
        return
    for r in _sane(f):
        if overlap(r, header) and not _covers(r, header):
            yield Found(f"core header: {shown(header)}", value=_text(r))


@rule(
    "memreserve-duplicate",
    NOTE,
    about="two reservations are equal",
    effect="reserves the memory once",
    way_out="remove one",
    source=READER,
)
def memreserve_duplicate(f: Facts) -> Iterator[Found]:
    seen: set[tuple[int, int]] = set()
    for entry in f.memreserve:
        if entry in seen:
            yield Found("it stands there more than once", value=_text(entry))
        seen.add(entry)
