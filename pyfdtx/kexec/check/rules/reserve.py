# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory reservations in the header of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ..facts import Facts, overlap, shown
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

# Linux frees, and reserves, whole pages; the largest page
PAGE = 64 << 10
READER = "drivers/of/fdt.c early_init_fdt_scan_reserved_mem()"


def _text(entry: tuple[int, int]) -> str:
    return f"/memreserve/ {entry[0]:#x} {entry[1]:#x}"


def _sane(f: Facts) -> Iterator[MemRange]:
    for start, size in f.memreserve:
        if start + size <= U64_END:
            yield MemRange(start, size)


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
        covers = r.start <= header.start and header.stop <= r.stop
        if overlap(r, header) and not covers:
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
