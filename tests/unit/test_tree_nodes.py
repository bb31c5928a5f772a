# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Finding, adding, renaming and deleting nodes; what handles are."""

import gc
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, canonical, cells

from pyfdtx import (
    Fdt,
    FdtBadContent,
    FdtBadParameter,
    FdtExists,
    FdtNotFound,
    FdtStale,
    Node,
    pure,
)


def tree():
    return Fdt(
        blob(
            [],
            [
                ("aliases", [("serial0", b"/soc@0/uart@1\0"), ("bad", b"x")], []),
                ("memory@0", [("device_type", b"memory\0")], []),
                ("memory", [], []),
                (
                    "soc@0",
                    [("phandle", cells(1))],
                    [
                        ("uart@2", [("linux,phandle", cells(7))], []),
                        ("uart@1", [], [("dma", [], [])]),
                    ],
                ),
                ("__symbols__", [("u2", b"/soc@0/uart@2\0")], []),
            ],
        )
    )


# ---- look-up -------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/", "/"),
        ("/soc@0/uart@1", "/soc@0/uart@1"),
        ("//soc@0///uart@1/", "/soc@0/uart@1"),
        # left-out unit addresses: the first one
        ("/soc/uart", "/soc@0/uart@2"),
        ("/soc/uart@1/dma", "/soc@0/uart@1/dma"),
        # libfdt's fdt_path_offset() would answer memory@0, which comes first
        ("/memory", "/memory"),
        ("/memory@0", "/memory@0"),
        ("serial0", "/soc@0/uart@1"),
        ("serial0/dma", "/soc@0/uart@1/dma"),
        ("serial0/", "/soc@0/uart@1"),
        ("&u2", "/soc@0/uart@2"),
    ],
)
def test_a_node_is_found_and_knows_its_full_path(asked, found):
    fdt = tree()
    node = fdt[asked]
    assert node.path == found
    assert node is fdt[found]
    assert asked in fdt
    assert fdt.get(asked) is node
    assert node.depth == len([part for part in found.split("/") if part])
    assert node.name == found.rpartition("/")[2]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("/nothing", "/ has no child 'nothing'"),
        ("/soc/nothing/deeper", "/soc has no child 'nothing'"),
        ("/soc@1", "/ has no child 'soc@1'"),
        ("/soc@", "/ has no child 'soc@'"),
        ("/so", "/ has no child 'so'"),
        ("serial1", "no alias 'serial1'"),
        ("serial0/x", "/soc@0/uart@1 has no child 'x'"),
        ("&u3", "no label 'u3'"),
        ("&", "no label ''"),
    ],
)
def test_a_missing_node_is_named_where_the_path_ends(asked, says):
    fdt = tree()
    with pytest.raises(FdtNotFound) as e:
        fdt[asked]
    assert says in str(e.value)
    assert asked in str(e.value)
    assert asked not in fdt
    assert fdt.get(asked) is None
    assert fdt.get(asked, "default") == "default"


def test_a_tree_without_symbols_says_so():
    with pytest.raises(FdtNotFound, match="the tree has no /__symbols__"):
        Fdt.empty()["&uart0"]


def test_an_alias_must_be_a_full_path():
    fdt = tree()
    fdt["/aliases"].set_string("loop", "loop")
    with pytest.raises(FdtBadContent, match=r"/aliases:loop.*not a full path"):
        fdt["loop"]


@pytest.mark.parametrize("path", ["", "/a\0b", "/caf\u00e9"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(FdtBadParameter):
        tree()[path]


@pytest.mark.parametrize("path", [b"/", 0, None])
def test_a_path_is_text(path):
    with pytest.raises(TypeError):
        tree()[path]


def test_tables_of_labels_and_aliases_leave_out_what_is_no_path():
    fdt = tree()
    assert fdt.labels() == {"u2": "/soc@0/uart@2"}
    assert fdt.aliases() == {"serial0": "/soc@0/uart@1"}
    assert fdt.node_by_label("u2") is fdt["/soc/uart@2"]
    assert fdt.node_by_alias("serial0") is fdt["/soc/uart@1"]
    with pytest.raises(FdtBadParameter, match="not an alias"):
        fdt.node_by_alias("/soc")
    assert Fdt.empty().labels() == Fdt.empty().aliases() == {}


@pytest.mark.parametrize(("name", "found"), [("uart", "uart@2"), ("uart@1", "uart@1")])
def test_child_by_name(name, found):
    assert tree()["/soc"].child(name).name == found


@pytest.mark.parametrize("name", ["", "a/b", "a\0b", "\u00e9"])
def test_what_is_no_name_of_a_node_is_refused(name):
    node = tree().root
    for act in (node.child, node.add, tree()["/soc"].rename):
        with pytest.raises(FdtBadParameter):
            act(name)


def test_walk_and_children_keep_the_order_of_the_blob():
    fdt = tree()
    paths = [
        "/", "/aliases", "/memory@0", "/memory", "/soc@0", "/soc@0/uart@2",
        "/soc@0/uart@1", "/soc@0/uart@1/dma", "/__symbols__",
    ]  # fmt: skip
    assert [n.path for n in fdt] == [n.path for n in fdt.walk()] == paths
    assert len(fdt) == len(paths)
    assert [n.path for n in fdt.walk("/soc")] == paths[4:8]
    assert [n.name for n in fdt.root.children()] == [
        "aliases", "memory@0", "memory", "soc@0", "__symbols__",
    ]  # fmt: skip
    assert [n.depth for n in fdt] == [0, 1, 1, 1, 1, 2, 2, 3, 1]
    dma = fdt["/soc/uart@1/dma"]
    assert dma.parent is fdt["serial0"]
    assert fdt.root.parent is None


def test_the_tree_may_be_changed_during_a_walk():
    fdt = tree()
    seen = []
    for node in fdt:
        seen.append(node.path)
        if node.name == "memory@0":
            del fdt["/soc"]
            fdt.root.add("new")
            node["x"] = bytes(5000)
            fdt["/__symbols__"].rename("renamed")
    assert seen == ["/", "/aliases", "/memory@0", "/memory", "/renamed"]


def test_of_siblings_with_one_name_the_first_is_the_one():
    """Linux and libfdt find the first; the second cannot be reached."""
    data = blob(
        [],
        [
            ("a", [("n", b"1")], [("x", [], [])]),
            ("a", [("n", b"2"), ("phandle", cells(5))], [("y", [], [])]),
            ("b", [], []),
        ],
    )
    fdt = Fdt(data)
    assert [n.path for n in fdt] == ["/", "/a", "/a/x", "/b"]
    assert [n.name for n in fdt.root.children()] == ["a", "b"]
    assert fdt["/a"]["n"] == b"1"
    with pytest.raises(FdtBadContent, match="/a is hidden behind a sibling"):
        fdt.node_by_phandle(5)
    first = fdt["/a"]
    first.delete()
    assert fdt["/a"]["n"] == b"2"
    assert fdt["/a"] is not first
    assert fdt.node_by_phandle(5).path == "/a"


@pytest.mark.parametrize(
    "first", ["/soc@0/uart@1/dma", "/soc/uart@1/dma", "serial0/dma"]
)
def test_the_nodes_above_one_that_was_looked_up_are_where_they_are(first):
    """Their handles are made with it, but its place is not theirs."""
    fdt = tree()
    dma = fdt[first]
    uart, soc = dma.parent, dma.parent.parent
    soc["of"] = b"soc"
    uart["of"] = b"uart"
    dma["of"] = b"dma"
    assert (soc.phandle, uart.phandle) == (1, None)
    assert [n.name for n in soc.children()] == ["uart@2", "uart@1"]
    again = Fdt(fdt.to_bytes())
    for path, of in (("/soc@0", b"soc"), ("/soc@0/uart@1", b"uart")):
        assert again[path]["of"] == of
    assert again["/soc@0/uart@1/dma"]["of"] == b"dma"
    assert len(again.root) == 0


# ---- phandles ------------------------------------------------------------


def test_phandles_current_and_legacy():
    fdt = tree()
    assert fdt["/soc"].phandle == 1
    assert fdt["/soc/uart@2"].phandle == 7
    assert fdt["/memory"].phandle is None
    assert fdt.node_by_phandle(1) is fdt["/soc"]
    assert fdt.node_by_phandle(7) is fdt["/soc/uart@2"]
    assert fdt.new_phandle() == 8
    assert fdt["/memory"].ensure_phandle() == 8
    assert fdt["/memory"]["phandle"] == cells(8)
    assert fdt["/memory"].ensure_phandle() == 8
    assert fdt["/soc"].ensure_phandle() == 1


@pytest.mark.parametrize("value", [cells(0), cells(0xFFFF_FFFF), b"", b"abc"])
def test_an_invalid_phandle_is_none(value):
    fdt = Fdt.empty()
    fdt.root["phandle"] = value
    assert fdt.root.phandle is None


@pytest.mark.parametrize("phandle", [0, 0xFFFF_FFFF, -1, 1 << 32])
def test_an_invalid_phandle_is_not_looked_for(phandle):
    with pytest.raises(FdtBadParameter, match="not a valid phandle"):
        tree().node_by_phandle(phandle)


def test_a_phandle_nobody_has():
    with pytest.raises(FdtNotFound, match="0x63: no node has this phandle"):
        tree().node_by_phandle(0x63)


# 0 and 0xffffffff are no phandles (Devicetree Specification v0.4, 2.3.3, and
# libfdt's FDT_MAX_PHANDLE), so they neither count nor are given away
@pytest.mark.parametrize(
    ("used", "free"),
    [
        ([], 1),
        ([0], 1),
        ([0xFFFF_FFFF], 1),
        ([5, 0xFFFF_FFFF], 6),
        ([0xFFFF_FFFD], 0xFFFF_FFFE),
        ([0xFFFF_FFFD, 0xFFFF_FFFF], 0xFFFF_FFFE),
        ([0xFFFF_FFFE], 1),
        ([0xFFFF_FFFE, 0xFFFF_FFFF], 1),
        ([0xFFFF_FFFE, 2, 1, 4], 3),
    ],
)
@pytest.mark.parametrize("name", ["phandle", "linux,phandle"])
def test_a_new_phandle_is_behind_the_largest_or_the_lowest_free(name, used, free):
    fdt = Fdt.empty()
    for i, phandle in enumerate(used):
        fdt.root.add(f"n{i}").set_u32(name, phandle)
    assert fdt.new_phandle() == free
    node = fdt.root.add("new")
    assert node.ensure_phandle() == free
    assert fdt.node_by_phandle(free) is node


def test_a_phandle_of_a_hidden_node_is_not_given_away():
    fdt = Fdt(
        blob(
            [],
            [
                ("a", [("phandle", cells(0xFFFF_FFFE))], []),
                ("a", [("phandle", cells(1))], []),
            ],
        )
    )
    assert fdt.new_phandle() == 2


# ---- adding, renaming, deleting ------------------------------------------


def test_nodes_go_behind_the_properties_in_front_of_the_others():
    """As libfdt's fdt_add_subnode() puts them."""
    fdt = Fdt.empty()
    fdt.root["p"] = b"1"
    fdt.root.add("first")
    fdt.root.add("second").add("below")
    assert fdt.to_bytes() == canonical(
        [("p", b"1")], [("second", [], [("below", [], [])]), ("first", [], [])]
    )


def test_only_the_exact_name_counts_as_existing():
    """fdt_add_subnode() refuses "memory" beside "memory@0"."""
    fdt = Fdt.empty()
    fdt.root.add("memory@0")
    fdt.root.add("memory")
    assert [n.name for n in fdt.root.children()] == ["memory", "memory@0"]
    for name in ("memory", "memory@0"):
        with pytest.raises(FdtExists, match=f"/{name}: exists already"):
            fdt.root.add(name)


@pytest.mark.parametrize("length", [1, 31, 32, 255, 5000])
def test_long_names_of_nodes_are_not_refused(length):
    fdt = Fdt.empty()
    fdt.root.add("n" * length)["p"] = b"1"
    again = Fdt(fdt.to_bytes())
    assert [n.name for n in again.root.children()] == ["n" * length]
    fdt["/" + "n" * length].rename("x")
    assert fdt.to_bytes() == canonical([], [("x", [("p", b"1")], [])])


def test_add_node_by_path():
    fdt = tree()
    assert fdt.add_node("/soc/new").path == "/soc@0/new"
    assert fdt.add_node("serial0/deep").path == "/soc@0/uart@1/deep"
    with pytest.raises(FdtNotFound, match="/soc has no child 'x'"):
        fdt.add_node("/soc/x/y/z")
    assert "/soc/x" not in fdt
    assert fdt.add_node("/soc/x/y/z", parents=True).path == "/soc@0/x/y/z"
    for path in ("/", "/soc/x/y/z"):
        with pytest.raises(FdtExists):
            fdt.add_node(path, parents=True)


def test_the_root_stays():
    fdt = tree()
    before = fdt.to_bytes()
    with pytest.raises(FdtBadParameter, match="root cannot be deleted"):
        fdt.root.delete()
    with pytest.raises(FdtBadParameter, match="root cannot be deleted"):
        del fdt["/"]
    with pytest.raises(FdtBadParameter, match="root has no name"):
        fdt.root.rename("x")
    assert fdt.to_bytes() == before


def test_nodes_are_nested_as_deep_as_a_sound_blob_can_be():
    fdt = Fdt.empty()
    node = fdt.root
    for _ in range(1023):
        node = node.add("n")
    with pytest.raises(FdtBadParameter, match="1024 deep at most"):
        node.add("n")
    assert node.depth == 1023  # FDTX_MAX_DEPTH levels with the root
    assert Fdt(fdt.to_bytes())[node.path].depth == 1023


@pytest.mark.parametrize("old", ["a", "abc", "abcd", "a" * 40])
@pytest.mark.parametrize("new", ["b", "bcd", "bcde", "b" * 40])
def test_renaming_moves_what_is_behind(old, new):
    fdt = Fdt(blob([], [(old, [("p", b"1")], [("x", [], [])]), ("z", [], [])]))
    below, behind = fdt[f"/{old}/x"], fdt["/z"]
    fdt[f"/{old}"].rename(new)
    below["q"] = b"2"
    behind["r"] = b"3"
    assert below.path == f"/{new}/x"
    assert fdt.to_bytes() == canonical(
        [],
        [(new, [("p", b"1")], [("x", [("q", b"2")], [])]), ("z", [("r", b"3")], [])],
    )


def test_renaming_onto_a_sibling_is_refused():
    fdt = tree()
    before = fdt.to_bytes()
    with pytest.raises(FdtExists, match="a sibling named 'memory' exists"):
        fdt["/soc"].rename("memory")
    assert fdt.to_bytes() == before
    fdt["/soc"].rename("soc@0")
    assert fdt.to_bytes() == before


def many_children(count):
    """A node that knows the names of its children: count were added through it."""
    fdt = Fdt.empty()
    node = fdt.root.add("many")
    for i in range(count):
        node.add(f"n{i}")
    return fdt, node


def names_written(fdt):
    """Of the children of /many, as the bytes have them."""
    ((_, _, children),) = pure.unflatten(fdt.to_bytes())[2]
    return [name for name, _, _ in children]


# On both sides of the number from which on the names are remembered
COUNTS = [1, 2, 14, 15, 16, 17, 18, 40]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("which", ["first", "last"])
def test_a_deleted_node_can_be_added_again(count, which):
    fdt, node = many_children(count)
    name = "n0" if which == "first" else f"n{count - 1}"
    for by_list in (False, True):
        if by_list:
            with fdt.edit() as e:
                e.delete_node(f"/many/{name}")
        else:
            node.child(name).delete()
        assert name not in names_written(fdt)
        node.add(name)["p"] = b"again"
        with pytest.raises(FdtExists):
            node.add(name)
        assert sorted(names_written(fdt)) == sorted(f"n{i}" for i in range(count))
        assert Fdt(fdt.to_bytes())[f"/many/{name}"]["p"] == b"again"


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("which", ["first", "last"])
def test_a_renamed_nodes_old_name_is_free_and_its_new_one_is_not(count, which):
    fdt, node = many_children(count)
    old = "n0" if which == "first" else f"n{count - 1}"
    node.child(old).rename("new")
    with pytest.raises(FdtExists):
        node.add("new")
    node.add(old)
    with pytest.raises(FdtExists):
        node.add(old)
    want = [f"n{i}" for i in range(count)] + ["new"]
    assert sorted(names_written(fdt)) == sorted(want)


@pytest.mark.parametrize("count", COUNTS)
def test_names_are_known_however_the_children_came(count):
    """By a list of edits, by an overlay, and what a load has."""
    fdt, node = many_children(count)
    with fdt.edit() as e:
        e.add_node("/many/edited")
    for name in ("edited", "n0", f"n{count - 1}"):
        with pytest.raises(FdtExists):
            node.add(name)
    node.add("other")
    again = Fdt(fdt.to_bytes())
    for i in range(count):
        again["/many"].add(f"more{i}")
    for name in ("edited", "other", "n0", "more0", f"more{count - 1}"):
        with pytest.raises(FdtExists):
            again["/many"].add(name)
    assert len(set(names_written(again))) == len(names_written(again))


# ---- handles -------------------------------------------------------------

USES = {
    "path": lambda n: n.path,
    "name": lambda n: n.name,
    "parent": lambda n: n.parent,
    "depth": lambda n: n.depth,
    "getprop": lambda n: n["p"],
    "setprop": lambda n: n.__setitem__("p", b""),
    "delprop": lambda n: n.__delitem__("p"),
    "in": lambda n: "p" in n,
    "iterate": list,
    "items": lambda n: list(n.items()),
    "len": len,
    "get": lambda n: n.get("p"),
    "pop": lambda n: n.pop("p", None),
    "set_u32": lambda n: n.set_u32("p", 1),
    "append": lambda n: n.append("p", b"x"),
    "reg": lambda n: n.reg(),
    "set_reg": lambda n: n.set_reg("reg", []),
    "cells": lambda n: n.address_cells,
    "phandle": lambda n: n.phandle,
    "ensure_phandle": lambda n: n.ensure_phandle(),
    "child": lambda n: n.child("x"),
    "children": lambda n: list(n.children()),
    "walk": lambda n: list(n.walk()),
    "add": lambda n: n.add("x"),
    "rename": lambda n: n.rename("x"),
    "delete": lambda n: n.delete(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("gone", ["/soc@0/uart@1", "/soc@0"])
def test_a_handle_of_a_deleted_node_is_dead_for_ever(use, gone):
    fdt = tree()
    node = fdt["/soc@0/uart@1"]
    del fdt[gone]
    fdt.add_node("/soc@0/uart@1", parents=True)["p"] = b"the new one"
    before = fdt.to_bytes()
    with pytest.raises(FdtStale, match=r"/soc@0/uart@1: the node has been deleted"):
        USES[use](node)
    assert fdt.to_bytes() == before
    assert node not in fdt
    assert "deleted" in repr(node)
    assert fdt["/soc@0/uart@1"] is not node


def test_a_handle_follows_renames_of_its_node_and_above():
    fdt = tree()
    dma = fdt["/soc/uart@1/dma"]
    fdt["/soc"].rename("bus")
    fdt["/bus/uart@1"].rename("serial")
    fdt.root.add("soc@0").add("uart@1").add("dma")
    assert dma.path == "/bus/serial/dma"
    dma["p"] = b"1"
    assert fdt["/bus/serial/dma"]["p"] == b"1"
    assert "p" not in fdt["/soc@0/uart@1/dma"]


def test_a_handle_outlives_more_edits_than_are_remembered():
    fdt = tree()
    behind = fdt["/__symbols__"]
    behind.path  # noqa: B018  (its offset is known now)
    front = fdt["/aliases"]
    for i in range(2000):
        front[f"p{i}"] = bytes(i % 7)
    assert behind.get_string("u2") == "/soc@0/uart@2"


def test_there_is_one_handle_for_a_node_while_it_is_referred_to():
    fdt = tree()
    node = fdt["/soc/uart@1"]
    assert fdt["serial0"] is node
    assert next(n for n in fdt if n.name == "uart@1") is node
    assert {node: 1}[fdt["/soc@0/uart@1"]] == 1
    assert node == fdt["/soc@0/uart@1"]
    assert node != fdt["/soc@0"]
    assert node != fdt.duplicate()["/soc@0/uart@1"]
    assert node in fdt
    assert node not in fdt.duplicate()


def test_handles_leave_nothing_behind():
    fdt = tree()
    root = fdt.root
    for _ in range(3):
        list(fdt)
    assert root._live == 0
    gc.collect()
    nodes = [o for o in gc.get_objects() if type(o) is Node and o.fdt is fdt]
    assert nodes == [root]


def test_a_node_without_properties_is_still_true():
    assert Fdt.empty().root
    assert Fdt.empty()
