# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""FdtView and to_dict(): what they say of trees written down here by hand."""

import copy
import gc
import mmap
import pickle
import subprocess
import sys
import tracemalloc
import weakref
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tree_blobs as blobs

from pyfdtx import (
    Fdt,
    FdtBadBlob,
    FdtBadContent,
    FdtBadParameter,
    FdtNotFound,
    FdtView,
    MemRange,
    NodeView,
    to_dict,
)

BLOB = blobs.blob(
    [("#address-cells", blobs.cells(2)), ("#size-cells", blobs.cells(1)), "nop"],
    [
        ("aliases", [("serial0", b"/soc/uart@1\0"), ("bad", b"soc\0")], []),
        "nop",
        (
            "soc",
            [("ranges", b""), ("phandle", blobs.cells(7))],
            [
                (
                    "uart@1",
                    [("reg", blobs.cells(1, 2, 3)), ("linux,phandle", blobs.cells(8))],
                    [("port", [("s", b"on\0"), ("l", b"a\0b\0")], [])],
                ),
                ("uart@2", [("odd", b"\1\2\3"), ("big", b"\0" * 7 + b"\5")], []),
            ],
        ),
        ("__symbols__", [("u", b"/soc/uart@1\0")], []),
        ("memory@0", [("reg", blobs.cells(0, 0x80, 0x100, 1, 0, 0x200))], []),
    ],
    rsv=[(0x1000, 0x2000), (1 << 63, 1 << 62)],
    boot_cpu=5,
)
TREE = {
    "/": {"#address-cells": b"\0\0\0\2", "#size-cells": b"\0\0\0\1"},
    "/aliases": {"serial0": b"/soc/uart@1\0", "bad": b"soc\0"},
    "/soc": {"ranges": b"", "phandle": b"\0\0\0\7"},
    "/soc/uart@1": {
        "reg": b"\0\0\0\1\0\0\0\2\0\0\0\3",
        "linux,phandle": b"\0\0\0\x08",
    },
    "/soc/uart@1/port": {"s": b"on\0", "l": b"a\0b\0"},
    "/soc/uart@2": {"odd": b"\1\2\3", "big": b"\0" * 7 + b"\5"},
    "/__symbols__": {"u": b"/soc/uart@1\0"},
    "/memory@0": {
        "reg": bytes.fromhex("000000000000008000000100000000010000000000000200")
    },
}


@pytest.fixture
def view():
    return FdtView(BLOB)


def items(tree):
    """A tree as lists, for comparisons that see the order."""
    return [(path, list(props.items())) for path, props in tree.items()]


def read(view):
    return {node.path: dict(node) for node in view.walk()}


def test_to_dict_gives_every_node_and_property_in_order():
    assert items(to_dict(BLOB)) == items(TREE)


def test_a_walk_gives_every_node_and_property_in_order(view):
    assert items(read(view)) == items(TREE)
    assert [node.path for node in view] == list(TREE)
    assert len(view) == len(TREE)
    for node in view:
        assert list(node) == list(TREE[node.path])
        assert list(node.values()) == list(TREE[node.path].values())
        assert len(node) == len(TREE[node.path])


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("order", ["rsv struct strings", "strings struct rsv"])
@pytest.mark.parametrize("nops", [0, 3])
def test_every_form_of_a_sound_blob_says_the_same(version, order, nops):
    props = [("a", b"1"), ("bc", b"23456")]
    children = [("x", [("bc", b"")], [("y@0", [("a", b"7")], [])])]
    blob = blobs.blob(
        props,
        children,
        version=version,
        order=order,
        leading_nops=nops,
        gap=3,
        fill=b"\xee",
        junk=b"behind",
    )
    tree = {
        "/": {"a": b"1", "bc": b"23456"},
        "/x": {"bc": b""},
        "/x/y@0": {"a": b"7"},
    }
    assert items(to_dict(blob)) == items(tree)
    assert items(read(FdtView(blob))) == items(tree)
    assert FdtView(blob).version == version


def test_of_equal_names_the_first_is_found_and_the_others_do_not_show():
    blob = blobs.blob(
        [("a", b"first"), ("b", b""), ("a", b"second")],
        [
            ("x", [("p", b"first"), ("p", b"")], [("deep", [], [])]),
            (
                "x",
                [("q", b"hidden")],
                [("deep", [], []), ("lost", [], [("z", [], [])])],
            ),
            ("y", [("phandle", blobs.cells(3))], []),
        ],
    )
    tree = {
        "/": {"a": b"first", "b": b""},
        "/x": {"p": b"first"},
        "/x/deep": {},
        "/y": {"phandle": b"\0\0\0\3"},
    }
    assert items(to_dict(blob)) == items(tree)
    view = FdtView(blob)
    assert items(read(view)) == items(tree)
    assert view["/x"]["p"] == b"first"
    assert view.get("/x/lost") is None
    assert view.node_by_phandle(3).path == "/y"
    assert [n.name for n in view.root.children()] == ["x", "y"]


def test_a_phandle_of_a_hidden_node_is_refused():
    hidden = ("x", [("phandle", blobs.cells(9))], [])
    view = FdtView(blobs.blob([], [("x", [], []), hidden]))
    with pytest.raises(FdtBadContent, match="/x is hidden behind a sibling"):
        view.node_by_phandle(9)


def test_bytes_are_not_copied_and_what_can_be_written_to_is():
    assert FdtView(BLOB).data is BLOB
    buf = bytearray(BLOB)
    for data in (buf, memoryview(buf), memoryview(bytes(2) + BLOB)[2:]):
        view = FdtView(data)
        assert type(view.data) is bytes
        assert items(read(view)) == items(TREE)
        assert items(to_dict(data)) == items(TREE)
    view = FdtView(buf)
    buf[:] = bytes(len(buf))
    assert items(read(view)) == items(TREE)
    strided = memoryview(b"".join(bytes([b, 0]) for b in BLOB))[::2]
    assert FdtView(strided).data == BLOB


def file_map(path, access):
    path.write_bytes(BLOB)
    with path.open("r+b") as f:
        return mmap.mmap(f.fileno(), 0, access=access)


def test_a_read_only_buffer_in_one_piece_is_read_in_place(tmp_path):
    mapped = file_map(tmp_path / "a.dtb", mmap.ACCESS_READ)
    big = memoryview(bytes(8) + BLOB)
    words = memoryview(BLOB + bytes(-len(BLOB) % 4)).cast("I")
    for data in (mapped, memoryview(BLOB), memoryview(mapped), big[8:], words):
        view = FdtView(data)
        assert type(view.data) is memoryview
        assert view.data.readonly
        assert view.data == data or data is words
        assert items(read(view)) == items(TREE)
        assert view.totalsize == len(BLOB)
        assert view.version == 17
        assert list(view.memreserve) == list(FdtView(BLOB).memreserve)
        copies = pickle.loads(pickle.dumps(view)), copy.copy(view)
        assert all(type(other.data) is bytes for other in copies)
        assert all(items(read(other)) == items(TREE) for other in copies)


def test_one_that_is_read_in_place_takes_no_memory_of_its_size(tmp_path):
    mapped = file_map(tmp_path / "a.dtb", mmap.ACCESS_READ)
    same = bytes(mapped)
    tracemalloc.start()
    try:
        kept = FdtView(mapped), FdtView(memoryview(same))
        most = tracemalloc.get_traced_memory()[1]
        copied = FdtView(bytearray(same))
        assert tracemalloc.get_traced_memory()[1] > most + len(BLOB)
    finally:
        tracemalloc.stop()
    assert len(kept) == 2
    assert copied.data == BLOB


def test_a_map_that_is_viewed_cannot_be_closed(tmp_path):
    mapped = file_map(tmp_path / "a.dtb", mmap.ACCESS_READ)
    view = FdtView(mapped)
    node = view["/soc/uart@1"]
    view.data.release()  # another one is given each time
    with pytest.raises(BufferError):
        mapped.close()
    del view
    gc.collect()
    with pytest.raises(BufferError):
        mapped.close()
    assert node["reg"] == blobs.cells(1, 2, 3)
    del node
    mapped.close()


def test_a_map_that_can_be_written_to_is_copied(tmp_path):
    mapped = file_map(tmp_path / "a.dtb", mmap.ACCESS_WRITE)
    view = FdtView(mapped)
    assert type(view.data) is bytes
    mapped[:] = bytes(len(mapped))
    mapped.close()
    assert items(read(view)) == items(TREE)


def test_bad_bytes_are_refused_in_place_as_elsewhere(tmp_path):
    mapped = file_map(tmp_path / "a.dtb", mmap.ACCESS_READ)
    for data in (memoryview(mapped)[:-8], memoryview(bytes(64)), memoryview(b"")):
        with pytest.raises(FdtBadBlob):
            FdtView(data)


def test_a_subclass_of_bytes_is_copied():
    # It could refer to the view, a cycle that nobody collects
    class Bytes(bytes):
        pass

    assert type(FdtView(Bytes(BLOB)).data) is bytes
    assert items(to_dict(Bytes(BLOB))) == items(TREE)


@pytest.mark.parametrize("data", [None, 7, "text", [1], 1.5])
@pytest.mark.parametrize("read", [FdtView, to_dict])
def test_what_is_not_bytes_like_is_refused(read, data):
    with pytest.raises(TypeError, match="must be bytes-like, not"):
        read(data)


@pytest.mark.parametrize("read", [FdtView, to_dict])
def test_a_bad_blob_is_refused_as_fdt_refuses_it(read):
    for size in range(len(BLOB)):
        with pytest.raises(FdtBadBlob) as expected:
            Fdt(BLOB[:size])
        with pytest.raises(FdtBadBlob) as e:
            read(BLOB[:size])
        assert (e.value.code, e.value.cause) == (
            expected.value.code,
            expected.value.cause,
        )
        assert e.value.op == read.__name__


def nested(levels):
    """A root and levels - 1 nodes, each in the one before."""
    tree = blobs.cells(blobs.BEGIN, 0)
    tree += blobs.cells(blobs.BEGIN, 0x61 << 24) * (levels - 1)
    tree += blobs.cells(blobs.END_NODE) * levels + blobs.cells(blobs.END)
    # Unused strings: so that to_dict() may spell the paths
    return assembled(tree, b"s" * 70_000 + b"\0")


@pytest.mark.parametrize("read_blob", [lambda b: read(FdtView(b)), to_dict])
def test_depth_ends_at_1024_levels(read_blob):
    # FDTX_MAX_DEPTH of csrc/blob/check.h
    tree = read_blob(nested(1024))
    assert list(tree) == ["/", *("/a" * n for n in range(1, 1024))]
    for levels in (1025, 100_000):
        with pytest.raises(FdtBadBlob, match="nested too deep"):
            read_blob(nested(levels))


def test_the_deepest_node_knows_its_way_up():
    node = FdtView(nested(1024))["/a" * 1023]
    assert node.depth == 1023
    for depth in range(1022, -1, -1):
        node = node.parent
        assert node.depth == depth
    assert node == node.fdt.root
    assert node.parent is None


def test_nodes_know_where_they_are(view):
    port = view["/soc/uart@1/port"]
    assert (port.path, port.name, port.depth) == ("/soc/uart@1/port", "port", 3)
    assert port.parent == view["/soc/uart@1"]
    assert view.root.name == ""
    assert view.root.depth == 0
    assert [n.name for n in view["/soc"].children()] == ["uart@1", "uart@2"]
    assert [n.path for n in view["/soc"].walk()] == [
        "/soc", "/soc/uart@1", "/soc/uart@1/port", "/soc/uart@2",
    ]  # fmt: skip
    assert [n.path for n in view.walk("/soc/uart@2")] == ["/soc/uart@2"]
    assert list(port.children()) == []


def test_ways_to_a_node(view):
    uart = view["/soc/uart@1"]
    for way in (
        view["serial0"],
        view["&u"],
        view["/soc/uart"],  # the first uart@...
        view["//soc//uart@1/"],
        view["/soc"].child("uart@1"),
        view["/soc"].child("uart"),
        view.node_by_alias("serial0"),
        view.node_by_label("u"),
        view.node_by_phandle(8),
        view.get("serial0"),
    ):
        assert way == uart
        assert hash(way) == hash(uart)
    assert view["serial0/port"].path == "/soc/uart@1/port"
    assert view["/"] == view.root
    assert "/soc" in view
    assert "serial0" in view
    assert uart in view
    assert uart not in FdtView(BLOB)
    assert uart != FdtView(BLOB)["/soc/uart@1"]
    assert view.aliases() == {"serial0": "/soc/uart@1"}
    assert view.labels() == {"u": "/soc/uart@1"}


def test_an_exact_name_wins_over_one_without_its_unit_address():
    children = [("u@1", [], []), ("u", [("here", b"")], []), ("u@2", [], [])]
    view = FdtView(blobs.blob([], children))
    assert view["/u"].name == "u"
    assert view.root.child("u").name == "u"
    assert view["/u@2"].name == "u@2"
    assert view.get("/u@") is None
    assert view.getprop("/u", "here") == b""


SAME_ERRORS = {
    "no node": lambda t: t["/soc/none/x"],
    "no alias": lambda t: t["serial9"],
    "alias that is no path": lambda t: t["bad"],
    "no label": lambda t: t["&none"],
    "empty path": lambda t: t[""],
    "path with a NUL": lambda t: t["/soc\0"],
    "path beyond ASCII": lambda t: t["/s\xf6c"],
    "path of bytes": lambda t: t[b"/soc"],
    "path of a number": lambda t: t[0],
    "no property": lambda t: t["/soc"]["none"],
    "empty name": lambda t: t["/soc"][""],
    "name with a NUL": lambda t: t["/soc"]["ranges\0"],
    "name beyond ASCII": lambda t: t["/soc"]["\u1234"],
    "name of bytes": lambda t: t["/soc"][b"ranges"],
    "get of a bad name": lambda t: t["/soc"].get(""),
    "no child": lambda t: t["/soc"].child("none"),
    "child of a path": lambda t: t["/soc"].child("uart@1/port"),
    "child without name": lambda t: t["/soc"].child(""),
    "child of bytes": lambda t: t["/soc"].child(b"uart@1"),
    "u32 of 3 bytes": lambda t: t["/soc/uart@2"].get_u32("odd"),
    "string without NUL": lambda t: t["/soc/uart@2"].get_string("odd"),
    "several strings": lambda t: t["/soc/uart@1/port"].get_string("l"),
    "cells of 3 bytes": lambda t: t["/soc/uart@2"].get_cells("odd"),
    "phandle 0": lambda t: t.node_by_phandle(0),
    "phandle -1": lambda t: t.node_by_phandle(0xFFFFFFFF),
    "phandle of text": lambda t: t.node_by_phandle("7"),
    "no phandle": lambda t: t.node_by_phandle(99),
    "reg of 3 bytes": lambda t: t["/soc/uart@2"].reg("odd"),
    "no reg": lambda t: t["/soc"].reg(),
    "reg by no node": lambda t: t["/soc/uart@1"].reg(parent="/none"),
    "reservation that wraps": lambda t: list(
        type(t)(blobs.blob(rsv=[(1 << 63, (1 << 63) + 1)])).memreserve
    ),
}


@pytest.mark.parametrize("call", SAME_ERRORS.values(), ids=SAME_ERRORS)
def test_errors_are_those_of_fdt(view, call):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        call(Fdt(BLOB))
    with pytest.raises(type(expected.value)) as e:
        call(view)
    assert str(e.value) == str(expected.value)


def test_getprop_finds_and_complains_as_the_node_does(view):
    assert view.getprop("/soc/uart@2", "odd") == b"\1\2\3"
    assert view.getprop("/soc/uart", "reg") == TREE["/soc/uart@1"]["reg"]
    assert view.getprop("serial0", "reg") == TREE["/soc/uart@1"]["reg"]
    assert view.getprop("&u/port", "s") == b"on\0"
    for path, name, kind in [
        ("/none", "reg", FdtNotFound),
        ("/soc", "reg", FdtNotFound),
        ("", "reg", FdtBadParameter),
        ("/soc", "", FdtBadParameter),
        (b"/soc", "reg", TypeError),
        ("/soc", b"reg", TypeError),
        ("/soc", None, TypeError),
    ]:
        with pytest.raises(kind):
            view.getprop(path, name)


def test_typed_getters(view):
    node, odd = view["/soc/uart@1/port"], view["/soc/uart@2"]
    assert view.root.get_u32("#size-cells") == 1
    assert odd.get_u64("big") == 5
    assert node.get_string("s") == "on"
    assert node.get_stringlist("l") == ["a", "b"]
    assert view["/soc/uart@1"].get_cells("reg") == [1, 2, 3]
    assert node.get_u32("none", 5) == 5
    assert node.get("none") is None
    assert "s" in node
    assert "none" not in node
    assert 5 not in node
    assert "\0" not in node
    assert view["/soc/uart@1"].phandle == 8
    assert view["/soc"].phandle == 7
    assert node.phandle is None


def test_reg_by_the_cells_that_apply(view):
    # /soc has no cells: 2 and 1, Devicetree Specification v0.4, 2.3.5
    assert view["/soc/uart@1"].reg() == [MemRange((1 << 32) + 2, 3)]
    memory = view["/memory"].reg()
    assert memory == [MemRange(0x80, 0x100), MemRange(1 << 32, 0x200)]
    assert all(type(r) is MemRange for r in memory)
    assert view["/soc/uart@1"].reg(parent="/") == [MemRange((1 << 32) + 2, 3)]
    assert view["/soc/uart@1"].reg(parent=view.root) == [MemRange((1 << 32) + 2, 3)]
    with pytest.raises(TypeError, match="a path or a NodeView, not int"):
        view["/soc/uart@1"].reg(parent=1)
    other = FdtView(BLOB)
    with pytest.raises(FdtBadParameter, match="a node of another tree"):
        view["/soc/uart@1"].reg(parent=other.root)


@pytest.mark.parametrize("ac", [1, 2, 3, 4])
@pytest.mark.parametrize("sc", [0, 1, 2, 3, 4])
def test_every_pair_of_cells_is_read(ac, sc):
    top = min(32 * ac, 64), min(32 * sc, 64)
    entries = [(0, 0), (2 ** top[0] - 1, min(1, sc)), (5, 2 ** top[1] - 9 if sc else 0)]
    raw = b"".join(
        a.to_bytes(4 * ac, "big") + s.to_bytes(4 * sc, "big") for a, s in entries
    )
    cells = [("#address-cells", blobs.cells(ac)), ("#size-cells", blobs.cells(sc))]
    view = FdtView(
        blobs.blob(cells, [("x", [("reg", raw), ("bad", raw + raw[:4])], [])])
    )
    assert view["/x"].reg() == entries
    if ac + sc > 1:
        with pytest.raises(FdtBadContent, match="not a whole number of entries"):
            view["/x"].reg("bad")


BAD_CELLS = [b"", b"\0\0\1", b"\0\0\0\5", b"\xff\xff\xff\xff", bytes(8)]


@pytest.mark.parametrize("raw", BAD_CELLS)
@pytest.mark.parametrize("name", ["#address-cells", "#size-cells"])
def test_bad_cells_are_refused_as_fdt_does(name, raw):
    blob = blobs.blob([(name, raw)], [("x", [("reg", bytes(12))], [])])
    attribute = name[1:].replace("-", "_")
    for call in (lambda t: getattr(t.root, attribute), lambda t: t["/x"].reg()):
        with pytest.raises(FdtBadContent) as expected:
            call(Fdt(blob))
        with pytest.raises(FdtBadContent) as e:
            call(FdtView(blob))
        assert e.value.name == expected.value.name == "FDT_ERR_BADNCELLS"
        assert name in str(e.value)


def test_header_and_reservations(view):
    assert view.totalsize == len(BLOB)
    assert view.version == 17
    assert view.boot_cpuid_phys == 5
    assert view.memreserve == [(0x1000, 0x2000), (1 << 63, 1 << 62)]
    assert repr(view) == f"<FdtView of {len(BLOB)} bytes>"
    assert repr(view["/soc"]) == "<NodeView /soc>"


def test_names_beyond_ascii_are_surrogates_and_found():
    raw = blobs.blob([("p-q", b"1")], [("n-m", [], [])])
    raw = raw.replace(b"p-q", b"p\xffq").replace(b"n-m", b"n\x80m")
    tree = {"/": {"p\udcffq": b"1"}, "/n\udc80m": {}}
    assert items(to_dict(raw)) == items(tree)
    view = FdtView(raw)
    assert items(read(view)) == items(tree)
    assert view["/n\udc80m"].name == "n\udc80m"
    assert view.root["p\udcffq"] == b"1"
    assert view.getprop("/", "p\udcffq") == b"1"
    assert view.get("/n\udc81m") is None


def test_a_view_cannot_be_changed(view):
    with pytest.raises(TypeError):
        view["/soc"]["x"] = b""
    with pytest.raises(TypeError):
        del view["/soc"]["ranges"]
    with pytest.raises(AttributeError):
        view.root = None
    with pytest.raises(AttributeError):
        view.other = None


def test_handles_keep_the_tree_and_can_be_copied(view):
    soc = view["/soc"]
    gone = weakref.ref(view)
    assert copy.copy(soc) == soc
    assert pickle.loads(pickle.dumps(soc))["phandle"] == b"\0\0\0\7"
    assert items(read(pickle.loads(pickle.dumps(view)))) == items(TREE)
    assert isinstance(soc, NodeView)
    assert bool(view["/soc/uart@1"].parent)
    del view
    assert soc.fdt is gone()


def test_nothing_is_kept_of_views_and_dicts_that_are_gone():
    blob = bytes(bytearray(BLOB))
    before = sys.getrefcount(blob)
    for _ in range(3):
        view = FdtView(blob)
        list(view.walk())
        view.node_by_phandle(7)
        to_dict(blob)
    del view
    gc.collect()
    assert sys.getrefcount(blob) == before
    used = sys.getallocatedblocks()
    for _ in range(50):
        read(FdtView(blob))
        to_dict(blob)
        with pytest.raises(FdtBadBlob):
            to_dict(b"no tree")
    gc.collect()
    assert sys.getallocatedblocks() - used < 40


# Small blobs that spell gigabytes


def shared_names(n):
    """A node with n properties, whose names are the tails of one string."""
    name = b"x" * n + b"\0"
    tree = blobs.cells(blobs.BEGIN, 0)
    tree += b"".join(blobs.cells(blobs.PROP, 0, i) for i in range(n))
    tree += blobs.cells(blobs.END_NODE, blobs.END)
    return assembled(tree, name)


def long_paths(n):
    """n nodes below one whose name is as long as all of them together."""
    tree = blobs.cells(blobs.BEGIN, 0, blobs.BEGIN) + blobs.padded(
        b"n" * 12 * n + b"\0"
    )
    for i in range(n):
        tree += blobs.cells(blobs.BEGIN) + blobs.padded(b"%x\0" % i)
        tree += blobs.cells(blobs.END_NODE)
    return assembled(tree + blobs.cells(blobs.END_NODE, blobs.END_NODE, blobs.END))


def assembled(tree, strings=b""):
    at = 40 + 16
    end = at + len(tree)
    words = [
        blobs.MAGIC, end + len(strings), at, end, 40,
        17, 16, 0, len(strings), len(tree),
    ]  # fmt: skip
    return blobs.cells(*words) + bytes(16) + tree + strings


@pytest.mark.parametrize("make", [shared_names, long_paths])
def test_trees_that_would_explode_are_refused_as_a_whole_and_read_in_parts(make):
    small, large = make(8), make(20_000)
    assert items(to_dict(small)) == items(read(FdtView(small)))
    with pytest.raises(FdtBadContent, match="longer than 16 times the tree"):
        to_dict(large)
    view = FdtView(large)
    if make is shared_names:
        for look in (list, len, dict, lambda n: list(n.items())):
            with pytest.raises(FdtBadContent, match="longer than 16 times the tree"):
                look(view.root)
        assert view.root["x" * 20_000] == b""
        assert view.root["x"] == b""
    else:
        (long,) = view.root.children()
        assert [n.name for n in long.children()] == [f"{i:x}" for i in range(20_000)]
        assert len(view) == 20_002


def test_the_limit_on_names_is_sixteen_times_the_blob():
    # The names of shared_names(n) have n (n + 1) / 2 bytes, of 72 + 13 n + 1
    for n in range(400, 440):
        blob = shared_names(n)
        # and the root's path one
        fits = n * (n + 1) // 2 + 1 <= 16 * len(blob)
        if fits:
            assert len(to_dict(blob)["/"]) == n
        else:
            with pytest.raises(FdtBadContent):
                to_dict(blob)
    assert not fits, "the sweep ends beyond the limit"


def test_duplicates_are_counted_once_against_the_limit():
    n = 400
    children = [("same", [("p" * 50, b"")], []) for _ in range(n)]
    assert list(to_dict(blobs.blob([], children))) == ["/", "/same"]


def test_the_index_is_half_the_size_of_the_blob_at_most():
    # Twelve bytes a node; a node with one property takes 28 at least
    for n in (1, 10, 1000):
        children = [(f"{i:03x}", [("p", b"")], []) for i in range(n)]
        view = FdtView(blobs.blob([], children))
        fixed = sys.getsizeof(FdtView(blobs.blob())._index)
        assert sys.getsizeof(view._index) == fixed + 12 * n
        assert 12 * (n + 1) <= 0.5 * view.totalsize


def test_index_numbers_are_checked(view):
    index = view._index
    calls = [
        index.name,
        index.parent,
        lambda n: index.below(n, 1),
        lambda n: index.prop(n, "a"),
        lambda n: index.props(n, True),
        lambda n: index.child(n, "a"),
    ]
    bad = {
        len(TREE): IndexError,
        1 << 32: IndexError,
        -1: OverflowError,
        "0": TypeError,
        None: TypeError,
    }
    for call in calls:
        for number, kind in bad.items():
            with pytest.raises(kind):
                call(number)
    for method in (index.prop, index.props, index.child, index.below, index.getprop):
        with pytest.raises(TypeError):
            method()
        with pytest.raises(TypeError):
            method(1, 2, 3)


def test_wide_trees_take_linear_time():
    """40,000 siblings: reading each by path would be quadratic, the rest is not."""
    n = 40_000
    blob = blobs.blob([], [(f"n@{i:x}", [("p", b"")], []) for i in range(n)])
    tree = to_dict(blob)
    view = FdtView(blob)
    assert len(tree) == len(view) == n + 1
    assert view["/n@9c3f"]["p"] == b""


def test_a_depth_that_hides_an_exception_does_not_lead_out_of_the_nodes():
    from pyfdtx._core import Index

    class Depth:
        """Its exception takes the place of the one that is pending."""

        def __index__(self):
            try:
                raise KeyError
            except BaseException:
                return 3

    index = Index(BLOB)
    for node in (len(index.below(0, 99)) // 2, 1 << 20, -1):
        with pytest.raises((IndexError, OverflowError)):
            index.below(node, Depth())


STARVED = """
import resource
from pyfdtx import Fdt, FdtView
view = FdtView(Fdt.empty().to_bytes())
long = "x" * (256 << 20)
with open("/proc/self/statm") as f:
    now = int(f.read().split()[0]) * resource.getpagesize()
# Not enough for the bytes of that name
resource.setrlimit(resource.RLIMIT_AS, (now + (64 << 20),) * 2)
for call in (
    lambda: view._index.find(long),
    lambda: view._index.child(0, long),
    lambda: view._index.prop(0, long),
    lambda: view._index.getprop(long, "x"),
    lambda: view._index.getprop("/", long),
):
    try:
        print(call())
    except MemoryError:
        print("no memory")
"""


def test_a_name_that_memory_does_not_suffice_for_is_not_just_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STARVED], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:5] == ["no memory"] * 5, done.stderr


def test_places_that_are_kept_are_those_of_the_node_that_is_asked():
    """Listing the names of a large node keeps their places."""
    many = [(f"p{i}", bytes([i]) * (i % 9)) for i in range(100)]
    other = [(f"p{i}", b"other") for i in range(120)]
    twice = [("p1", b"first"), *many, ("p2", b"last")]
    view = FdtView(blobs.blob(twice, [("n", other, []), ("small", [("p1", b"")], [])]))
    wanted = {**dict(many), "p1": b"first"}
    for node, found in [(view.root, wanted), (view["/n"], dict(other))] * 2:
        assert dict(node) == found
        assert view["/small"]["p1"] == b""
        assert view.root["p1"] == b"first"
        assert view["/n"]["p1"] == b"other"
        assert "p119" in view["/n"]
        assert "p119" not in view.root
        with pytest.raises(FdtBadParameter):
            node["\xe4"]
        with pytest.raises(TypeError):
            node[1]
