# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A structure block may end anywhere: size_dt_struct (version 17) and totalsize
(version 16) are any number. What lies behind the last whole word is no tag."""

import sys
from itertools import product
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import BEGIN, END, END_NODE, NOP, cells

from pyfdtx import Fdt, FdtBadBlob, FdtView, pure

MAGIC = 0xD00DFEED
# What a walk meets last: each kind of tag, in runs, at several depths
NODES = [cells(BEGIN, 0) + (cells(BEGIN) + b"a\0\0\0") * n for n in (0, 1, 6, 62)]
WILD = cells(3, 0xE0000000, 0)
LAST = [cells(END_NODE) * n for n in (0, 1, 2, 5, 64)] + [cells(NOP) * 3, b""]
TAILS = [b"", cells(END), cells(END_NODE, END), cells(BEGIN) + b"x\0\0\0"]
TAGS = [cells(tag) for tag in (END_NODE, BEGIN, NOP, END, 3)]


def blob(structure, odd, word, version):
    """The block's stated end lies `odd` bytes inside `word`; behind that stands
    a property that ends far outside."""
    names = b"p\0\0\0"
    head = 40 + 16
    behind = word[odd:] + WILD
    structure += word[:odd]
    if version == 17:
        strings_at = head + len(structure) + len(behind)
        words = (
            MAGIC, strings_at + len(names), head, strings_at, 40, 17, 16, 0,
            len(names), len(structure),
        )  # fmt: skip
        return cells(*words) + bytes(16) + structure + behind + names
    # Strings in front: the structure block ends with totalsize
    at = head + len(names)
    words = (MAGIC, at + len(structure), at, head, 40, 16, 16, 0, len(names), 0)
    return cells(*words) + bytes(16) + names + structure + behind


def verdict(read, data):
    try:
        read(data)
    except FdtBadBlob as e:
        return e.name
    return None


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("odd", range(4))
def test_every_reader_stays_inside_the_block(version, odd):
    for nodes in NODES:
        for last in LAST:
            for tail, word in product(TAILS, TAGS):
                data = blob(nodes + last + tail, odd, word, version)
                expected = verdict(pure.check, data)
                for read in (Fdt, FdtView):
                    assert verdict(read, data) == expected, data.hex()


def test_a_sound_tree_with_an_odd_end_is_sound():
    structure = cells(BEGIN, 0, BEGIN) + b"a\0\0\0" + cells(END_NODE, END_NODE, END)
    for version in (16, 17):
        for odd in range(4):
            assert (
                Fdt(blob(structure, odd, cells(END_NODE), version))["/a"].path == "/a"
            )
