# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""FdtView and to_dict() of random blobs, against the tree that they were
assembled from and against Fdt. Names repeat on purpose."""

import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import tree_blobs as blobs

from pyfdtx import Fdt, FdtError, FdtView, to_dict

NAMES = ["a", "b", "a@1", "a@2", "memory@0", "n" * 33, "abc", "abcd"]
PROPS = ["p", "reg", "phandle", "linux,phandle", "#address-cells", "#size-cells"]
VALUES = [
    b"",
    b"\0\0\0\1",
    b"\0\0\0\2",
    bytes(8),
    bytes(12),
    b"abc",
    b"x\0",
    b"\xff" * 4,
]

props = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(PROPS), st.sampled_from(VALUES)), st.just("nop")
    ),
    max_size=6,
)
nodes = st.recursive(
    st.tuples(st.sampled_from(NAMES), props, st.just([])),
    lambda inner: st.tuples(
        st.sampled_from(NAMES),
        props,
        st.lists(st.one_of(inner, st.just("nop")), max_size=4),
    ),
    max_leaves=12,
)
forms = st.fixed_dictionaries(
    {
        "version": st.sampled_from([16, 17]),
        "order": st.sampled_from(
            ["rsv struct strings", "strings rsv struct", "struct strings rsv"]
        ),
        "gap": st.integers(0, 9),
        "leading_nops": st.integers(0, 2),
        "fill": st.sampled_from([b"\0", b"\xaa"]),
        "junk": st.sampled_from([b"", b"junk"]),
    }
)


def expected(props, children, path="", found=None):
    """{path: {name: value}}: of equal names the first."""
    found = {} if found is None else found
    mine = found[path or "/"] = {}
    for item in props:
        if item != "nop":
            mine.setdefault(*item)
    for child in children:
        if child != "nop" and f"{path}/{child[0]}" not in found:
            expected(*child[1:], f"{path}/{child[0]}", found)
    return found


def items(tree):
    return [(path, list(props.items())) for path, props in tree.items()]


def outcome(ask, node):
    try:
        return ask(node)
    except FdtError as e:
        return type(e), str(e)


@given(props, st.lists(nodes, max_size=4), forms)
def test_a_view_and_a_dict_say_what_the_tree_was_made_of(props, children, form):
    blob = blobs.blob(props, children, **form)
    tree = items(expected(props, children))
    assert items(to_dict(blob)) == tree
    view = FdtView(blob)
    assert items({n.path: dict(n) for n in view}) == tree


@given(props, st.lists(nodes, max_size=4), forms)
def test_a_view_answers_as_fdt_does(props, children, form):
    blob = blobs.blob(props, children, **form)
    fdt, view = Fdt(blob), FdtView(blob)
    assert [n.path for n in view] == [n.path for n in fdt]
    for node in fdt:
        same = view[node.path]
        assert (same.path, same.name, same.depth) == (node.path, node.name, node.depth)
        assert [n.path for n in same.children()] == [n.path for n in node.children()]
        assert same.phandle == node.phandle
        for ask in (
            lambda n: n.reg(),
            lambda n: n.reg("p"),
            lambda n: n.address_cells,
            lambda n: n.size_cells,
            lambda n: n.get_u32("p"),
            lambda n: n.get_string("p"),
            lambda n: n.child("a").name,
            lambda n: n.fdt.node_by_phandle(n.phandle or 1).path,
        ):
            assert outcome(ask, same) == outcome(ask, node)
        for name in PROPS:
            assert same.get(name) == node.get(name)
            if name in node:
                assert view.getprop(node.path, name) == node[name]
    for path in ("/a", "/a/a", "/memory", "/b@1", "//a//"):
        found = fdt.get(path)
        assert view.get(path) == (None if found is None else view[found.path])
