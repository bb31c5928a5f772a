# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Paths in the drop-in: to a node, from a node, and by an alias.

What is expected comes from the list of nodes that the tree is made of; the errors
are those that libfdt.h names for fdt_path_offset() and fdt_get_path().
"""

import sys
from pathlib import Path

import pytest

import pyfdtx._core as C

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob

NOTFOUND, NOSPACE, BADOFFSET, BADPATH = -1, -3, -4, -5
LEAVES = [("x", [], [("y", [], [])]), ("long-name@100", [], [])]
ALIASES = {
    "i2c": b"/soc@1/i2c@20\0",
    "soc": b"/soc@1\0",
    "nowhere": b"/soc@1/spi\0",
    "relative": b"soc@1\0",
    "unended": b"/soc@1",
    "empty": b"",
}
CHILDREN = [
    ("soc@1", [], [("i2c@20", [], LEAVES), ("x", [], [])]),
    ("aliases", list(ALIASES.items()), []),
    ("z", [], LEAVES),
]
TREE = blob([], CHILDREN)


def paths(children, above=""):
    for name, _, below in children:
        yield f"{above}/{name}"
        yield from paths(below, f"{above}/{name}")


PATHS = ["/", *paths(CHILDREN)]


def offsets():
    """Of each node, in the order of PATHS, by fdt_next_node()."""
    found, offset, depth = [], 0, 0
    while offset >= 0 and depth >= 0:
        found.append(offset)
        offset, depth = C.fdt_next_node(bytearray(TREE), offset, depth)
    return found


OFFSETS = dict(zip(PATHS, offsets()))


def test_the_tree_has_the_nodes_that_are_listed():
    assert len(offsets()) == len(PATHS) == len(set(PATHS)) == 12


@pytest.mark.parametrize("path", PATHS)
def test_a_node_has_its_path_if_there_is_room_for_it(path):
    for room in range(len(path) + 4):
        answer = C.fdt_get_path(bytearray(TREE), OFFSETS[path], room)
        # One byte more, for the NUL
        assert answer == ([0, path] if room > len(path) else [NOSPACE, ""]), room


@pytest.mark.parametrize("path", PATHS)
def test_between_two_nodes_no_path_begins(path):
    assert C.fdt_get_path(bytearray(TREE), OFFSETS[path] + 4, 100) == [BADOFFSET, ""]


@pytest.mark.parametrize(
    ("path", "node"),
    [
        *((p, p) for p in PATHS),
        ("i2c", "/soc@1/i2c@20"),
        ("i2c/", "/soc@1/i2c@20"),
        ("i2c///x", "/soc@1/i2c@20/x"),
        ("i2c/x", "/soc@1/i2c@20/x"),
        ("i2c/x//y/", "/soc@1/i2c@20/x/y"),
        ("i2c/long-name", "/soc@1/i2c@20/long-name@100"),
        ("soc/x", "/soc@1/x"),
        ("soc/i2c/x/y", "/soc@1/i2c@20/x/y"),
        ("//z///x", "/z/x"),
        ("i2c/y", NOTFOUND),
        ("i2c/x/x", NOTFOUND),
        ("soc/", "/soc@1"),
        ("nowhere", NOTFOUND),
        ("nowhere/x", NOTFOUND),
        ("relative", BADPATH),
        ("unended", BADPATH),
        ("empty", BADPATH),
        ("so", BADPATH),
        ("so/x", BADPATH),
        ("socs", BADPATH),
        ("", BADPATH),
    ],
)
def test_a_path_or_an_alias_with_names_behind_it_finds_its_node(path, node):
    wanted = OFFSETS[node] if isinstance(node, str) else node
    assert C.fdt_path_offset(bytearray(TREE), path) == wanted
    more = f"{path}/more"
    length = len(path)
    assert C.fdt_path_offset_namelen(bytearray(TREE), more, length) == wanted
