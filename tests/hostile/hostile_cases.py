# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Blobs that must be refused, with the reason, and odd ones that must not.

One table for two readers: test_check.py asks the Python door for the typed
error, the sweep runs the accepted ones through everything under sanitizers
and compares both with fdt_check_full().

What is refused follows the Devicetree Specification, chapter 5, and the list
in docs/trees.md, "Trust", where the two differ.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hostile_blobs import (
    BEGIN_NODE,
    END,
    END_NODE,
    NOP,
    OFFSET,
    PROP,
    Strings,
    assemble,
    begin,
    minimal,
    node,
    reservations,
    rich,
    root,
    u32,
    u64,
)

MAX_DEPTH = 1024  # FDTX_MAX_DEPTH; a test compares

# Where the blocks of assemble() stand by default, with no reservations
RSV, STRUCT = 40, 56


class Refused(NamedTuple):
    name: str
    blob: bytes
    error: str
    offset: int
    cause: str


class Accepted(NamedTuple):
    name: str
    blob: bytes


REFUSED: list[Refused] = []
ACCEPTED: list[Accepted] = []


def bad(name: str, blob: bytes, error: str, offset: int, cause: str) -> None:
    REFUSED.append(Refused(name, blob, error, offset, cause))


def bad_tree(name: str, good: bytes, wrong: bytes, error: str, cause: str) -> None:
    """A structure block that is sound up to `good`; strings: "p"."""
    blob = assemble(good + wrong, b"p\0")
    bad(name, blob, error, STRUCT + len(good), cause)


def fine(name: str, blob: bytes) -> None:
    ACCEPTED.append(Accepted(name, blob))


def header_cases() -> None:
    short = "shorter than a device tree header"
    bad("no data", b"", "TRUNCATED", 0, short)
    for size in (1, 4, 28, 35):
        bad(f"{size} bytes", minimal()[:size], "TRUNCATED", size, short)
    # fdt_check_full() looks for size_dt_strings here, behind the data
    v2 = minimal(version=2, last_comp_version=1)[:33]
    bad("33 bytes of version 2", v2, "TRUNCATED", 33, short)
    for size in (36, 39):  # enough for version 16 only
        bad(f"{size} bytes v17", minimal()[:size], "TRUNCATED", size, short)
    magic = "does not start with the magic d00dfeed"
    bad("another file", b"\x7fELF" + bytes(60), "BADMAGIC", 0, magic)
    bad("little-endian", minimal(magic=0xEDFE0DD0), "BADMAGIC", 0, magic)
    bad("all zero", bytes(72), "BADMAGIC", 0, magic)

    version = "format version is not compatible with 16 or 17"
    for new, last in ((0, 0), (1, 1), (2, 1), (3, 2), (15, 15), (16, 17)):
        # Before version 16 a node's name was its whole path
        tree = root() if new == 16 else BEGIN_NODE + b"/\0\0\0" + END_NODE + END
        blob = assemble(tree, version=new, last_comp_version=last)
        where = OFFSET["version"]
        bad(f"version {new}/{last}", blob, "BADVERSION", where, version)
    for new in (18, 0xFFFFFFFF):
        blob = minimal(version=new, last_comp_version=18)
        where = OFFSET["last_comp_version"]
        bad(f"version {new}/18", blob, "BADVERSION", where, version)

    where = OFFSET["totalsize"]
    larger = "totalsize is larger than the data"
    small = "totalsize is smaller than the header"
    for size in (0, 39):
        bad(f"total {size}", minimal(totalsize=size), "TRUNCATED", where, small)
    cause = "memory reservation block has no end"
    bad("only a header", minimal(totalsize=40), "TRUNCATED", 40, cause)
    v16 = minimal(version=16, totalsize=35)
    bad("total 35 v16", v16, "TRUNCATED", where, small)
    bad("one byte lost", minimal()[:-1], "TRUNCATED", where, larger)
    bad("one byte more", minimal(totalsize=73), "TRUNCATED", where, larger)
    gib = minimal(totalsize=1 << 30)[:40]
    bad("1 GiB in 40 bytes", gib, "TRUNCATED", where, larger)
    for size in (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        cause = "totalsize is 2 GiB or more"
        bad(f"total {size:#x}", minimal(totalsize=size), "TRUNCATED", where, cause)


def reservation_cases() -> None:
    field = OFFSET["off_mem_rsvmap"]
    outside = "memory reservation block is not inside the blob"
    for off in (0, 32, 39, 73, 0x7FFFFFF8, 0xFFFFFFF0):
        blob = minimal(off_mem_rsvmap=off)
        bad(f"rsv at {off:#x}", blob, "TRUNCATED", field, outside)
    for off in (41, 44, 47):
        cause = "memory reservation block is not 8-byte aligned"
        bad(f"rsv at {off}", minimal(off_mem_rsvmap=off), "ALIGNMENT", off, cause)
    endless = "memory reservation block has no end"
    last = ("struct", "strings", "rsv")
    for name, rsv, whole in (
        ("nothing", b"", 0),
        ("one entry", u64(1, 2), 16),
        ("cut end", u64(1, 2) + bytes(15), 16),
        ("many entries", u64(0, 1) * 1000, 16000),
    ):
        blob = assemble(root(), rsv=rsv, order=last)
        bad(f"rsv: {name}", blob, "TRUNCATED", STRUCT + whole, endless)


def block_cases() -> None:
    field = OFFSET["off_dt_struct"]
    outside = "structure block is not inside the blob"
    for off in (0, 36, 73, 76, 0x7FFFFFFC, 0xFFFFFFF0):
        blob = minimal(off_dt_struct=off)
        bad(f"struct at {off:#x}", blob, "TRUNCATED", field, outside)
    for size in (17, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFF):
        blob = minimal(size_dt_struct=size)
        bad(f"struct size {size:#x}", blob, "TRUNCATED", field, outside)
    for version in (16, 17):
        for off in (57, 58, 59):
            blob = minimal(version=version, off_dt_struct=off, size_dt_struct=8)
            cause = "structure block is not 4-byte aligned"
            name = f"struct at {off} v{version}"
            bad(name, blob, "ALIGNMENT", off, cause)

    field = OFFSET["off_dt_strings"]
    outside = "strings block is not inside the blob"
    for off in (0, 39, 73, 0x7FFFFFFF, 0xFFFFFFFF):
        blob = minimal(off_dt_strings=off)
        bad(f"strings at {off:#x}", blob, "TRUNCATED", field, outside)
    for size in (1, 0x7FFFFFFF, 0x100000000 - 72, 0xFFFFFFFF):
        blob = minimal(size_dt_strings=size)
        bad(f"strings size {size:#x}", blob, "TRUNCATED", field, outside)
    for strings in (b"p", b"p\0q", b"\xff"):
        blob = assemble(root(), strings)
        cause = "last string is not terminated"
        bad(f"strings {strings!r}", blob, "TRUNCATED", len(blob) - 1, cause)


def overlap_cases() -> None:
    s = Strings(b"p")
    rsv = "memory reservation block overlaps another"
    # The value stands 20 bytes into the structure block, from 76 to 100; the
    # first 8-byte aligned place in it is 80
    tree = root(s.prop(b"p", bytes(24)))
    blob = assemble(tree, s.data, off_mem_rsvmap=80)
    bad("rsv in struct", blob, "BADLAYOUT", 80, rsv)
    # The strings stand from 84 to 110
    tree = root(s.prop(b"p", nameoff=24))
    blob = assemble(tree, bytes(24) + b"p\0", off_mem_rsvmap=88)
    bad("rsv in strings", blob, "BADLAYOUT", 88, rsv)
    # The structure block read as a reservation has a size: it is not the end
    blob = assemble(root(), bytes(16), rsv=u64(1, 1))
    bad("rsv runs through struct", blob, "BADLAYOUT", RSV, rsv)
    blob = assemble(root(), bytes(8), off_dt_strings=RSV + 8)
    bad("strings in rsv", blob, "BADLAYOUT", RSV, rsv)
    blob = minimal(size_dt_strings=1, off_dt_strings=STRUCT - 1)
    bad("strings' first byte in rsv", blob, "BADLAYOUT", RSV, rsv)

    both = "structure block and strings block overlap"
    blob = minimal(size_dt_strings=1, off_dt_strings=STRUCT)
    bad("strings at struct", blob, "BADLAYOUT", STRUCT, both)
    blob = minimal(size_dt_strings=4, off_dt_strings=STRUCT + 4)
    bad("strings in struct", blob, "BADLAYOUT", STRUCT, both)
    blob = minimal(off_dt_strings=STRUCT + 8)
    bad("empty strings in struct", blob, "BADLAYOUT", STRUCT, both)
    blob = assemble(root(), bytes(4), off_dt_strings=STRUCT + 15)
    bad("struct's last byte in strings", blob, "BADLAYOUT", STRUCT, both)
    blob = assemble(root(), bytes(4), size_dt_struct=17)
    bad("strings' first byte in struct", blob, "BADLAYOUT", STRUCT, both)
    order = ("rsv", "strings", "struct")
    blob = assemble(root() + bytes(4), bytes(4), order=order, size_dt_strings=24)
    bad("struct in strings", blob, "BADLAYOUT", STRUCT + 4, both)
    blob = assemble(root(), bytes(4), version=16, off_dt_strings=STRUCT + 5)
    bad("v16 strings in struct", blob, "BADLAYOUT", STRUCT, both)


def structure_cases() -> None:
    s = Strings(b"p")
    structure, truncated = "BADSTRUCTURE", "TRUNCATED"
    bad_tree("second root", node(b""), node(b"") + END, structure, "second root node")
    bad_tree("no root", b"", END, structure, "no root node")
    bad_tree("only NOPs", NOP * 3, END, structure, "no root node")
    bad_tree("END in root", begin(), END, structure, "FDT_END inside a node")
    bad_tree(
        "END in a node",
        begin() + begin(b"a"),
        END + END_NODE * 2 + END,
        structure,
        "FDT_END inside a node",
    )
    bad_tree(
        "END_NODE first", b"", END_NODE + END, structure, "FDT_END_NODE without a node"
    )
    bad_tree(
        "one END_NODE more",
        node(b""),
        END_NODE + END,
        structure,
        "FDT_END_NODE without a node",
    )
    for tag in (0, 5, 8, 10, 0x01000000, 0xFFFFFFFF):
        bad_tree(
            f"tag {tag:#x}",
            begin(),
            u32(tag) + END_NODE + END,
            structure,
            "unknown tag",
        )

    outside = "property outside any node"
    bad_tree("property first", b"", s.prop(b"p") + root(), structure, outside)
    bad_tree(
        "property behind the root", node(b""), s.prop(b"p") + END, structure, outside
    )
    for between in (b"", NOP):
        bad_tree(
            f"property behind a subnode{between!r}",
            begin() + node(b"a") + between,
            s.prop(b"p") + END_NODE + END,
            structure,
            "property after a subnode",
        )

    # names stand 4 bytes behind their tag, and the fault names their first byte
    named = begin() + BEGIN_NODE
    bad_tree(
        "named root",
        BEGIN_NODE,
        b"x\0\0\0" + END_NODE + END,
        structure,
        "root node has a name",
    )
    bad_tree(
        "root named /",
        BEGIN_NODE,
        b"/\0\0\0" + END_NODE + END,
        structure,
        "root node has a name",
    )
    bad_tree(
        "unnamed node",
        named,
        bytes(4) + END_NODE * 2 + END,
        structure,
        "node has no name",
    )
    for name in (b"/", b"/a", b"a/", b"a/b", b"abc/def"):
        blob = (name + b"\0").ljust(8, b"\0") + END_NODE * 2 + END
        if len(name) < 4:
            blob = blob[:4] + blob[8:]
        bad_tree(f"node {name!r}", named, blob, structure, "node name contains '/'")
    bad_tree("name without NUL", named, b"abcd" * 3, truncated, "node name is cut off")
    bad_tree("no name at all", named, b"", truncated, "node name is cut off")
    bad_tree(
        "name's padding cut",
        named,
        b"a\0\0",
        truncated,
        "node name is cut off",
    )

    for size in range(8):
        bad_tree(
            f"property header {size}",
            begin() + PROP,
            bytes(size),
            truncated,
            "property header is cut off",
        )
    for length in (1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF):
        bad_tree(
            f"property length {length:#x}",
            begin(),
            PROP + u32(length, 0),
            truncated,
            "property value is cut off",
        )
    bad_tree(
        "value's padding cut",
        begin(),
        PROP + u32(1, 0) + b"v\0\0",
        truncated,
        "property value is cut off",
    )
    for nameoff in (2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        bad_tree(
            f"nameoff {nameoff:#x}",
            begin(),
            s.prop(b"p", nameoff=nameoff) + END_NODE + END,
            structure,
            "property name is not in the strings block",
        )
    bad_tree(
        "unnamed property",
        begin(),
        s.prop(b"p", nameoff=1) + END_NODE + END,
        structure,
        "property has no name",
    )
    tree = root(s.prop(b"p", nameoff=2))
    strings = b"p\0q\0"
    blob = assemble(tree, strings, version=16, size_dt_strings=2)
    cause = "property name is not in the strings block"
    bad("v16 name behind the strings", blob, structure, STRUCT + 8, cause)
    bad(
        "no strings at all",
        assemble(root(s.prop(b"p", nameoff=0))),
        structure,
        STRUCT + 8,
        "property name is not in the strings block",
    )

    missing = "structure block ends without FDT_END"
    bad_tree(
        "value up to the end", begin() + s.prop(b"p", u32(1)), b"", truncated, missing
    )
    bad_tree("empty structure block", b"", b"", truncated, missing)
    bad_tree("no END", node(b""), b"", truncated, missing)
    bad_tree("no END but NOPs", node(b"") + NOP * 5, b"", truncated, missing)
    for size in (1, 2, 3):
        bad_tree(f"END cut to {size}", node(b""), END[:size], truncated, missing)
    blob = assemble(node(b""), version=16)
    bad("no END v16", blob, truncated, len(blob), missing)

    deep = "nodes are nested too deep"
    for depth in (MAX_DEPTH + 1, 100_000):
        tree = begin() + begin(b"n") * (depth - 1) + END_NODE * depth + END
        where = STRUCT + len(begin()) * MAX_DEPTH
        bad(f"{depth} levels", assemble(tree), structure, where, deep)


def accepted_cases() -> None:
    s = Strings(b"linux,initrd-start", b"p")
    fine("minimal", minimal())
    fine("v16", minimal(version=16))
    fine(
        "v16, blocks at 36",
        assemble(root(), version=16, order=("struct", "rsv", "strings")),
    )
    fine("v17 only", minimal(last_comp_version=17))
    fine("v18 compatible with 17", minimal(version=18, last_comp_version=17))
    fine("v4294967295 compatible with 16", minimal(version=0xFFFFFFFF))
    fine("compatible with 0", minimal(last_comp_version=0))
    fine("boot CPU", minimal(boot_cpuid_phys=0xFFFFFFFF))
    for size in (1, 7, 8, 100):
        fine(f"{size} trailing bytes", minimal() + b"\xff" * size)
    for version, order, gap in itertools.product(
        (16, 17), itertools.permutations(("rsv", "struct", "strings")), (0, 1, 8)
    ):
        name = f"v{version} {'-'.join(order)} gap {gap}"
        fine(name, rich(version, order, gap))
    fine(
        "end of reservations with an address",
        assemble(root(), rsv=reservations(end=(1 << 63, 0))),
    )
    fine("1000 reservations", assemble(root(), rsv=reservations(*[(0, 1)] * 1000)))
    for size in (1, 2, 3, 4, 40):
        fine(f"{size} bytes behind END", assemble(root() + b"\xaa" * size, s.data))
    for places in range(1, 64):
        n = [NOP * (places >> bit & 1) for bit in range(6)]
        tree = n[0] + begin() + n[1] + s.prop(b"p", b"v") + n[2] + begin(b"a")
        tree += n[3] + END_NODE + n[4] + END_NODE + n[5] + END
        fine(f"NOPs {places:06b}", assemble(tree, s.data))
    fine("NOPs, v16", rich(16, before=NOP * 3, behind=NOP * 3))
    fine("empty strings at the structure block", minimal(off_dt_strings=STRUCT))
    fine("empty strings at the end of the header", minimal(off_dt_strings=40))
    names = bytes(set(range(1, 256)) - {ord("/")})
    fine("a name of every byte but '/'", assemble(root(node(names))))
    for length in range(9):
        value = bytes(range(length))
        fine(f"value of {length}", assemble(root(s.prop(b"p", value, b"\xee")), s.data))
    fine("name as the tail of a name", assemble(root(s.prop(b"p", nameoff=13)), s.data))
    fine("same node twice", assemble(root(node(b"a"), node(b"a"))))
    fine(
        "same property twice", assemble(root(s.prop(b"p"), s.prop(b"p", b"2")), s.data)
    )
    tree = begin() + begin(b"n") * (MAX_DEPTH - 1) + END_NODE * MAX_DEPTH + END
    fine(f"{MAX_DEPTH} levels", assemble(tree))


header_cases()
reservation_cases()
block_cases()
overlap_cases()
structure_cases()
accepted_cases()
