# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The blob as a whole: size, place, waste, depth, duplicates."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from ...._native import lib
from ...dtb.arguments import DTB_ALIGNMENT
from ..facts import Facts
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = Struct(">10I")
WORD, PROP = Struct(">I"), Struct(">2I")
RESERVATION = Struct(">2Q")
# Linux drivers/of/fdt.c unflatten_dt_nodes(): FDT_MAX_DEPTH is 64, one of them
# is taken by the parent of the root
DEPTHS = 63
SLACK = 4096


@rule(
    "dtb-too-large",
    ERROR,
    about="the tree is larger than 2 MiB (arm: 1 MiB, its slack not counted)",
    effect="arm64 spins for ever before it prints a word; riscv and arm map no more "
    "of it, and die when they read the rest",
    way_out="remove nodes or properties, or slack (Fdt.pack())",
    source="arch/arm64/mm/fixmap.c (older: mmu.c) fixmap_remap_fdt(), "
    "arch/arm64/kernel/setup.c setup_machine_fdt(); arch/riscv/mm/init.c "
    "create_fdt_early_page_table(); arch/arm/kernel/head.S",
)
def dtb_too_large(f: Facts) -> Iterator[Found]:
    limit = f.own.max_dtb
    if f.own.slack_counts:
        what, size = "totalsize", HEADER.unpack_from(f.blob)[1]
    else:
        what, size = "end of the blocks", _end(f)
    if size > limit:
        yield Found(
            f"{size - limit} bytes more than {limit:#x}",
            value=f"{what} {size:#x}",
        )


def _end(f: Facts) -> int:
    """Behind the last byte that any reader looks at."""
    header = HEADER.unpack_from(f.blob)
    total, tree, strings, version, n_strings, n_tree = (
        int(header[i]) for i in (1, 2, 3, 5, 8, 9)
    )
    # Before version 17 nobody says how large the structure block is
    return max(tree + n_tree, strings + n_strings) if version >= 17 else total


@rule(
    "dtb-misaligned",
    ERROR,
    about="the tree is not loaded to a multiple of 8 bytes",
    effect="arm64 spins for ever before it prints a word; others may fault",
    way_out="load it to the start of a page",
    source="arch/arm64/mm/fixmap.c (older: mmu.c) fixmap_remap_fdt(); "
    "Documentation/arch/arm64/booting.rst",
)
def dtb_misaligned(f: Facts) -> Iterator[Found]:
    if f.address is not None and f.address % DTB_ALIGNMENT:
        yield Found(
            f"{f.address % DTB_ALIGNMENT} bytes too high",
            value=f"load address {f.address:#x}",
        )


@rule(
    "dtb-slack",
    NOTE,
    about="the blob has a page or more of unused room",
    effect="reads and reserves it with the tree",
    way_out="write the tree again: Fdt(blob).to_bytes(), crash-dtb and kexec-dtb do",
    source="drivers/of/fdt.c early_init_fdt_reserve_self()",
)
def dtb_slack(f: Facts) -> Iterator[Found]:
    head = HEADER.unpack_from(f.blob)
    total, structs, strings = head[1:4]
    # Version 16 does not say how long the structure block is
    used = max(strings + head[8], structs + (head[9] if head[5] >= 17 else 0))
    if total - used >= SLACK:
        yield Found(
            f"{total - used} bytes behind the last block",
            value=f"totalsize {total:#x}",
        )


def _nops(blob: bytes) -> int:
    """Tags that say nothing, in the validated structure block."""
    at = HEADER.unpack_from(blob)[2]
    count = 0
    while True:
        (tag,) = WORD.unpack_from(blob, at)
        at += 4
        if tag == lib.FDT_NOP:
            count += 1
        elif tag == lib.FDT_PROP:
            at += 8 + (PROP.unpack_from(blob, at)[0] + 3 & ~3)
        elif tag == lib.FDT_BEGIN_NODE:
            at += (blob.index(b"\0", at) - at + 4) & ~3
        elif tag == lib.FDT_END:
            return count


@rule(
    "nop-growth",
    NOTE,
    about="the structure block has FDT_NOP tags",
    effect="skips them; Linux's own loader never drops them, and each boot turns "
    "rng-seed into 140 bytes more of them",
    way_out="write the tree again: Fdt.squeeze(), crash-dtb and kexec-dtb do",
    source="drivers/of/fdt.c early_init_dt_scan_chosen(), drivers/of/kexec.c",
)
def nop_growth(f: Facts) -> Iterator[Found]:
    count = _nops(f.blob)
    if count:
        yield Found(f"{4 * count} bytes are {count} times FDT_NOP")


@rule(
    "node-too-deep",
    ERROR,
    about=f"a node lies more than {DEPTHS - 1} levels below the root",
    effect="warns once and leaves the node and all below it out",
    way_out="flatten the tree",
    source="drivers/of/fdt.c unflatten_dt_nodes()",
)
def node_too_deep(f: Facts) -> Iterator[Found]:
    for i, node in enumerate(f.nodes):
        if node.depth >= DEPTHS:
            yield Found(f"it lies {node.depth} levels below the root", i)


@rule(
    "duplicate-property",
    WARNING,
    about="a node has two properties of one name",
    effect="reads the first one and never looks at the others",
    way_out="remove all but one",
    source="drivers/of/base.c __of_find_property(), libfdt fdt_getprop()",
)
def duplicate_property(f: Facts) -> Iterator[Found]:
    for i, node in enumerate(f.nodes):
        seen: set[str] = set()
        for name, _ in node.properties:
            if name in seen:
                yield Found("it stands there more than once", i, name)
            seen.add(name)


@rule(
    "duplicate-node",
    WARNING,
    about="two children of a node have the same name",
    effect="finds the first one by its path; the other one is renamed in sysfs",
    way_out="remove or rename one",
    source="drivers/of/kobj.c safe_name(), libfdt fdt_subnode_offset()",
)
def duplicate_node(f: Facts) -> Iterator[Found]:
    siblings: list[set[str]] = []
    for i, node in enumerate(f.nodes):
        del siblings[node.depth + 1 :]
        if len(siblings) <= node.depth:
            siblings.append(set())
        if node.name in siblings[node.depth]:
            yield Found("a node in front of it has the same name", i)
        siblings[node.depth].add(node.name)


@rule(
    "memreserve-cut",
    WARNING,
    about="a reservation of 0 bytes with an address ends the list",
    effect="stops there: reservations behind it do not count",
    way_out="remove it; a list ends with address 0 and size 0",
    source="drivers/of/fdt.c early_init_fdt_scan_reserved_mem()",
)
def memreserve_cut(f: Facts) -> Iterator[Found]:
    at = HEADER.unpack_from(f.blob)[4] + RESERVATION.size * len(f.memreserve)
    start, _ = RESERVATION.unpack_from(f.blob, at)
    if start:
        yield Found(
            f"it is number {len(f.memreserve)} of the list",
            value=f"/memreserve/ {start:#x} 0x0",
        )
