# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The plain Python reader and writer against blobs assembled word by word.

Layout and tags: Devicetree Specification, chapter 5. Codes: libfdt.h. Rules:
csrc/blob/check.h and docs/trees.md.
"""

import ast
import struct
from pathlib import Path

import pytest

from pyfdtx import FdtBadBlob, pure

BEGIN, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def words(*values):
    return struct.pack(f">{len(values)}I", *values)


RSV = struct.pack(">4Q", 0x48000000, 0x1000, 0, 0)
STRINGS = b"#size-cells\0model\0"  # "model" at 12; "cells" is a tail at 6
STRUCT = (
    words(BEGIN, 0)
    + words(PROP, 4, 0, 2)  # #size-cells = <2>
    + words(PROP, 3, 12)
    + b"ab\0\0"  # model = "ab"
    + words(BEGIN)
    + b"cpu@\0\0\0\0"
    + words(PROP, 0, 6)  # cells (empty): a name that is the tail of another
    + words(END_NODE, END_NODE, END)
)
BARE = words(BEGIN, 0, END_NODE, END)
TREE = ("", [("#size-cells", words(2)), ("model", b"ab\0")],
        [("cpu@", [("cells", b"")], [])])  # fmt: skip


def blob(rsv=RSV, structure=STRUCT, strings=STRINGS, **header):
    """A blob of three blocks in the usual order; header fields by name."""
    rsv_at = header.pop("header_size", 40)
    struct_at = rsv_at + len(rsv)
    strings_at = struct_at + len(structure)
    h = {
        "magic": 0xD00DFEED,
        "totalsize": strings_at + len(strings),
        "off_struct": struct_at,
        "off_strings": strings_at,
        "off_rsv": rsv_at,
        "version": 17,
        "last_comp": 16,
        "cpu": 7,
        "size_strings": len(strings),
        "size_struct": len(structure),
    }
    assert set(header) <= set(h)
    h.update(header)
    return words(*h.values())[:rsv_at] + rsv + structure + strings


def code_of(data):
    try:
        pure.check(data)
    except FdtBadBlob as e:
        return e.name.replace("FDT_ERR_", "")
    return None


def test_a_hand_made_blob_is_read():
    assert pure.check(blob()) is None
    assert pure.unflatten(blob()) == TREE
    assert pure.memreserve(blob()) == [(0x48000000, 0x1000)]


def test_a_canonical_blob_stays_as_it_is():
    assert pure.canonicalise(blob()) == blob()
    assert pure.canonicalise(memoryview(bytearray(blob()))) == blob()


def test_flatten_writes_the_hand_made_blob_with_names_in_order_of_use():
    made = pure.flatten(TREE, [(0x48000000, 0x1000)], 7)
    assert made == blob()


def test_a_version_16_blob_becomes_version_17():
    # Version 16 has no size_dt_struct: nine words of header. The reservations
    # still start on a multiple of 8, behind a gap of four bytes.
    old = bytearray(blob(version=16))
    gap = bytearray(old[:36]) + bytes(4) + old[40:]
    assert pure.canonicalise(gap) == blob()


def test_gaps_block_order_trailing_bytes_and_dirt_do_not_show():
    dirty = (
        words(NOP, BEGIN, 0, NOP)
        + words(PROP, 4, 0, 2)
        + words(PROP, 3, 12)
        + b"ab\0\xee"
        + words(NOP, BEGIN)
        + b"cpu@\0\x01\x02\x03"
        + words(PROP, 0, 6, NOP, END_NODE, END_NODE, NOP, END)
        + b"behind the end"
    )
    rsv = RSV[:16] + struct.pack(">2Q", 0xBAD, 0)  # size 0 ends the list
    strings_at, struct_at, rsv_at = 40, 60, 60 + len(dirty) + 6
    total = rsv_at + len(rsv) + 5
    mixed = (
        words(0xD00DFEED, total, struct_at, strings_at, rsv_at, 17, 16, 7, 18,
              len(dirty))
        + STRINGS + b"??" + dirty + bytes(6) + rsv + b"slack" + b"not ours"
    )  # fmt: skip
    assert rsv_at % 8 == 0
    assert pure.unflatten(mixed) == TREE
    assert pure.canonicalise(mixed, squeeze=True) == blob()
    kept = pure.canonicalise(mixed)
    assert kept == blob(
        structure=words(BEGIN, 0, NOP) + STRUCT[8:40]
        + words(NOP) + STRUCT[40:64] + words(NOP, END_NODE, END_NODE, NOP, END)
    )  # fmt: skip
    assert pure.canonicalise(kept) == kept


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("TRUNCATED", b""),
        ("BADMAGIC", blob(magic=0xD00DFEEE)),
        ("BADVERSION", blob(version=15)),
        ("BADVERSION", blob(version=19, last_comp=18)),
        ("BADVERSION", blob(version=16, last_comp=17)),
        ("TRUNCATED", blob(totalsize=39)),
        ("TRUNCATED", blob(totalsize=len(blob()) + 1)),
        ("TRUNCATED", blob(totalsize=len(blob()) - 1)),
        ("ALIGNMENT", blob(off_rsv=44)),
        ("TRUNCATED", blob(off_rsv=0)),
        ("TRUNCATED", blob(rsv=RSV[:16], structure=b"\xff" * 64)),
        ("TRUNCATED", blob(off_strings=0xFFFFFFFF)),
        ("TRUNCATED", blob(size_strings=0xFFFFFFFF)),
        ("TRUNCATED", blob(strings=STRINGS[:-1])),
        ("ALIGNMENT", blob(off_struct=74, size_struct=9)),
        ("TRUNCATED", blob(off_struct=36)),
        ("TRUNCATED", blob(size_struct=len(STRUCT) + 19)),
        ("TRUNCATED", blob(size_struct=len(STRUCT) - 1)),
        ("TRUNCATED", blob(structure=words(BEGIN) + b"abcd", strings=b"")),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, END_NODE, BEGIN, 0))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN) + b"abc\0")),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, BEGIN, 0))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, BEGIN) + b"a/b\0")),
        ("BADSTRUCTURE", blob(structure=words(PROP, 0, 0))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, END_NODE, PROP, 0, 0))),
        ("BADSTRUCTURE", blob(structure=words(END_NODE))),
        ("BADSTRUCTURE", blob(structure=words(END))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, END))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, 5))),
        ("TRUNCATED", blob(structure=words(BEGIN, 0, PROP, 0))),
        ("TRUNCATED", blob(structure=words(BEGIN, 0, PROP, 1, 0))),
        ("TRUNCATED", blob(structure=words(BEGIN, 0, PROP, 0xFFFFFFFF, 0))),
        ("TRUNCATED", blob(structure=words(BEGIN, 0, PROP, 1, 0) + b"x")),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, PROP, 0, len(STRINGS)))),
        ("BADSTRUCTURE", blob(structure=words(BEGIN, 0, PROP, 0, 11))),
        # strings in the reservations, in the root's name; empty ones there
        ("BADLAYOUT", blob(structure=BARE, off_strings=40, size_strings=1)),
        ("BADLAYOUT", blob(structure=BARE, off_strings=76, size_strings=4)),
        ("BADLAYOUT", blob(structure=BARE, off_strings=76, size_strings=0)),
        (None, blob(structure=BARE, off_strings=72, size_strings=0)),
    ],
)  # fmt: skip
def test_each_rule_has_its_code(expected, data):
    assert code_of(data) == expected


def test_properties_behind_a_subnode_are_refused():
    late = words(BEGIN, 0, BEGIN) + b"a\0\0\0" + words(END_NODE, PROP, 0, 0)
    assert code_of(blob(structure=late + words(END_NODE, END))) == "BADSTRUCTURE"


def nested(levels):
    inner = (words(BEGIN) + b"n\0\0\0") * (levels - 1)
    return blob(structure=words(BEGIN, 0) + inner + words(END_NODE) * levels
                + words(END))  # fmt: skip


def test_1024_levels_are_accepted_and_one_more_is_not():
    assert code_of(nested(1024)) is None
    assert pure.canonicalise(pure.flatten(pure.unflatten(nested(1024)))) == (
        pure.flatten(pure.unflatten(nested(1024)))
    )
    assert code_of(nested(1025)) == "BADSTRUCTURE"


def test_every_truncation_is_refused():
    whole = blob()
    for size in range(len(whole)):
        assert code_of(whole[:size]) == "TRUNCATED", size


@pytest.mark.parametrize("wrong", ["text", 12, None])
def test_only_bytes_like_objects_are_trees(wrong):
    with pytest.raises(TypeError):
        pure.check(wrong)


@pytest.mark.parametrize(
    "source", sorted(Path(pure.__file__).parent.glob("*.py")), ids=lambda p: p.name
)
def test_pure_imports_errors_and_cheap_modules_alone(source):
    allowed = {"__future__", "os", "struct", "..errors"}
    allowed |= {"." + p.stem for p in source.parent.glob("*.py")}
    # under TYPE_CHECKING, never at run time
    typing_only = {"typing", "collections.abc"}
    tree = ast.parse(source.read_text())
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            found = {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            found = {"." * statement.level + (statement.module or "")}
        else:
            continue
        if statement not in tree.body:
            found -= typing_only
        assert found <= allowed, f"{source.name}:{statement.lineno}"
