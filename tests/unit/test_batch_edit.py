# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Changes that are made together: all or none, each refusal in words.

What they come to is held against the same changes made one by one in
tests/property/test_edit_model.py, and on real trees in tests/corpus.
"""

import mmap
import random
import struct
import sys
from array import array
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import assemble
from slow_twins import SlowEdit

import pyfdtx.tree.edit as edit_module
from pyfdtx import (
    Fdt,
    FdtBadContent,
    FdtBadParameter,
    FdtExists,
    FdtNotFound,
    FdtStale,
    MemRange,
    _native,
    to_dict,
)
from pyfdtx._native import ffi, lib

TREE = (
    "",
    [("model", b"m\0")],
    [("soc", [("reg", b"12345"), ("reg", b"5")], [("uart@0", [], [])])],
)
BLOB = assemble(TREE, [(0x5000, 0x1000)])


@pytest.fixture
def fdt():
    return Fdt(BLOB)


def test_all_kinds_of_change_are_made_on_leaving_the_block(fdt):
    with fdt.edit() as edit:
        edit.set("/", "model", bytearray(b"other\0"))
        edit.append("/soc", "reg", b"6")
        edit.delete("/soc", "reg")
        edit.append("/soc", "ranges", b"")
        edit.set_u32("/soc/uart@0", "reg", 1)
        edit.set_u64(fdt["/soc/uart@0"], "big", 2)
        edit.set_string("/soc/uart@0", "status", "okay")
        edit.set_stringlist("/soc/uart@0", "names", ["a", "b"])
        edit.set_cells("/soc/uart@0", "cells", [1, 2])
        edit.add_node("/a/b/c", parents=True)
        edit.set("/a/b/c", "x", b"1")
        edit.append("/a/b/c", "x", b"2")
        edit.add_node("/gone")
        edit.delete_node("/gone")
        edit.reserve((0x1000, 0x10))
        edit.unreserve(MemRange(0x5000, 0x1000))
        assert fdt.to_bytes() == Fdt(BLOB).to_bytes(), "changed before its time"
        assert repr(edit) == "<Edit of 16 changes>"
    assert fdt.root["model"] == b"other\0"
    assert dict(fdt["/soc"].items()) == {"ranges": b""}
    assert dict(fdt["/soc/uart@0"].items()) == {
        "reg": b"\0\0\0\1",
        "big": b"\0\0\0\0\0\0\0\2",
        "status": b"okay\0",
        "names": b"a\0b\0",
        "cells": b"\0\0\0\1\0\0\0\2",
    }
    assert fdt["/a/b/c"]["x"] == b"12"
    assert [node.path for node in fdt] == [
        "/",
        "/a",
        "/a/b",
        "/a/b/c",
        "/soc",
        "/soc/uart@0",
    ]
    assert list(fdt.memreserve) == [MemRange(0x1000, 0x10)]
    assert repr(edit) == "<Edit: done>"


def test_no_change_is_none(fdt):
    with fdt.edit():
        pass
    assert fdt.to_bytes() == Fdt(BLOB).to_bytes()


def test_an_exception_in_the_block_gives_all_up(fdt):
    def block():
        with fdt.edit() as edit:
            edit.set("/", "model", b"x")
            edit.add_node("/new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert fdt.to_bytes() == Fdt(BLOB).to_bytes()


def changes(edit, *wanted):
    for kind, *args in wanted:
        getattr(edit, kind)(*args)


# What the tree does not allow: the class, the whole message. The changes in
# front of it count: the second deletes what the first one added
REFUSED = [
    (
        [("set", "/soc/none/x", "p", b"")],
        FdtNotFound,
        "edit.set /soc/none/x: /soc has no child 'none' (change 1 of 1; none has "
        "been made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("append", "/none", "p", b"")],
        FdtNotFound,
        "edit.append /none: / has no child 'none' (change 1 of 1; none has been "
        "made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("set", "/soc/uart", "p", b"")],
        FdtNotFound,
        "edit.set /soc/uart: /soc has no child 'uart' (change 1 of 1; none has "
        "been made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("set", "/", "p", b""), ("delete", "/", "p"), ("delete", "/", "p")],
        FdtNotFound,
        "edit.delete /:p: no such property (change 3 of 3; none has been made) "
        "(FDT_ERR_NOTFOUND)",
    ),
    (
        [("delete", "/soc", "reg"), ("delete", "/soc", "reg")],
        FdtNotFound,
        "edit.delete /soc:reg: no such property (change 2 of 2; none has been "
        "made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("add_node", "/soc")],
        FdtExists,
        "edit.add_node /soc: exists already (change 1 of 1; none has been made) "
        "(FDT_ERR_EXISTS)",
    ),
    (
        [("add_node", "/new"), ("add_node", "/new", True)],
        FdtExists,
        "edit.add_node /new: exists already (change 2 of 2; none has been made) "
        "(FDT_ERR_EXISTS)",
    ),
    (
        [("add_node", "/a/b")],
        FdtNotFound,
        "edit.add_node /a/b: / has no child 'a'; parents=True adds what is missing "
        "(change 1 of 1; none has been made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("delete_node", "/soc"), ("set", "/soc/uart@0", "p", b"")],
        FdtNotFound,
        "edit.set /soc/uart@0: / has no child 'soc' (change 2 of 2; none has been "
        "made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [
            ("set_u32", "/", "#address-cells", 2),
            ("set_u32", "/", "#size-cells", 1),
            ("append_reg", "/soc", "reg", [(1, 2)]),
        ],
        FdtBadContent,
        "edit.append_reg /soc:reg: the length is not a whole number of entries of "
        "12 bytes (change 3 of 3; none has been made) (FDT_ERR_BADNCELLS)",
    ),
    (
        [("delete_node", "/no")],
        FdtNotFound,
        "edit.delete_node /no: / has no child 'no' (change 1 of 1; none has been "
        "made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("unreserve", (0x5000, 0x1000)), ("unreserve", (0x5000, 0x1000))],
        FdtNotFound,
        "edit.unreserve MemRange(0x5000, 0x1000): there is no such reservation "
        "(change 2 of 2; none has been made) (FDT_ERR_NOTFOUND)",
    ),
    (
        [("add_node", "/x" * lib.FDTX_MAX_DEPTH, True)],
        FdtBadParameter,
        f"edit.add_node {'/x' * lib.FDTX_MAX_DEPTH}: nodes are nested 1024 deep at "
        "most (change 1 of 1; none has been made)",
    ),
]


@pytest.mark.parametrize(
    ("wanted", "kind", "text"), REFUSED, ids=[r[2].split(":")[0][:40] for r in REFUSED]
)
def test_what_the_tree_does_not_allow_changes_nothing(fdt, wanted, kind, text):
    edit = fdt.edit()
    edit.set("/", "first", b"change")
    changes(edit, *wanted)
    with pytest.raises(kind) as told:
        edit.commit()
    n = text.replace(f"change {len(wanted)} of {len(wanted)}",
                     f"change {len(wanted) + 1} of {len(wanted) + 1}")  # fmt: skip
    assert str(told.value) == n
    assert fdt.to_bytes() == Fdt(BLOB).to_bytes()


def test_the_deepest_node_that_can_be_is_added(fdt):
    path = "/x" * (lib.FDTX_MAX_DEPTH - 1)
    with fdt.edit() as edit:
        edit.add_node(path, parents=True)
        edit.set_u32(path, "p", 1)
    assert fdt[path].get_u32("p") == 1
    assert Fdt(fdt.to_bytes()).to_bytes() == fdt.to_bytes()


# What can be said at once, without the tree
AT_ONCE = [
    (("set", "soc", "p", b""), FdtBadParameter, "no '/' in front"),
    (("set", "", "p", b""), FdtBadParameter, "no '/' in front"),
    (("set", 5, "p", b""), TypeError, "want a path or a Node, not int"),
    (("set", "/\0", "p", b""), FdtBadParameter, "NUL"),
    (("set", "/\u00e9", "p", b""), FdtBadParameter, "ASCII"),
    (("set", "/soc", "", b""), FdtBadParameter, "/soc: the property name is empty"),
    (("set", "/soc", "a\0", b""), FdtBadParameter, "NUL"),
    (("set", "/soc", 5, b""), TypeError, "property name must be str"),
    (("set", "/soc", "p", "text"), TypeError, "/soc:p: want bytes-like, not str"),
    (("append", "/soc", "p", 5), TypeError, "edit.append /soc:p: want bytes-like"),
    (("set_u32", "/soc", "p", 1 << 32), FdtBadParameter, "edit.set_u32 /soc:p"),
    (("set_u64", "/soc", "p", -1), FdtBadParameter, "edit.set_u64 /soc:p"),
    (("set_string", "/soc", "p", b"x"), TypeError, "edit.set_string /soc:p"),
    (("set_stringlist", "/soc", "p", "x"), TypeError, "edit.set_stringlist /soc:p"),
    (("set_cells", "/soc", "p", b"x"), TypeError, "edit.set_cells /soc:p"),
    (("set_reg", "/soc", "p", [(1, 2)]), FdtBadContent, "/ has no #address-cells"),
    (("append_reg", "/soc", "p", [(1,)]), TypeError, "edit.append_reg /soc:p: want"),
    (("set_reg", "soc", "p", []), FdtBadParameter, "no '/' in front"),
    (("delete", "/soc", ""), FdtBadParameter, "the property name is empty"),
    (("add_node", "/"), FdtBadParameter, "the root is there already"),
    (("add_node", "//"), FdtBadParameter, "the root is there already"),
    (("delete_node", "/"), FdtBadParameter, "the root cannot be deleted"),
    (("reserve", (1, 0)), FdtBadParameter, "would end the list"),
    (("reserve", 5), TypeError, "want a MemRange or a pair"),
    (("unreserve", (-1, 5)), FdtBadParameter, "negative"),
]


@pytest.mark.parametrize(("change", "kind", "text"), AT_ONCE)
def test_what_is_wrong_with_an_argument_is_said_at_once(fdt, change, kind, text):
    edit = fdt.edit()
    with pytest.raises(kind) as told:
        changes(edit, change)
    assert text in str(told.value)
    assert repr(edit) == "<Edit of 0 changes>"


def test_entries_are_written_with_the_cells_of_the_node_that_is_named(fdt):
    # Devicetree Specification 2.3.6: address cells, then size cells, big-endian
    with fdt.edit() as edit:
        edit.set_u32("/", "#address-cells", 2)
        edit.set_u32("/", "#size-cells", 1)
        edit.set_u32("/soc", "#address-cells", 1)
        edit.set_u32("/soc", "#size-cells", 0)
        edit.set_reg("/soc", "reg", [(1 << 32, 5)])
        edit.append_reg("/soc//", "reg", array("Q", (6, 7)))
        edit.set_reg(fdt["/soc/uart@0"], "reg", [(0xFFFFFFFF, 0)])
        edit.set_reg("/soc/uart@0", "far", [(1, 2)], parent="/")
        edit.append_reg("/soc/uart@0", "far", [(3, 4)], parent=fdt.root)
        edit.set_reg("/", "whole", ())
    assert fdt["/soc"]["reg"] == struct.pack(">QIQI", 1 << 32, 5, 6, 7)
    assert fdt["/soc/uart@0"]["reg"] == b"\xff" * 4
    assert fdt["/soc/uart@0"]["far"] == struct.pack(">QIQI", 1, 2, 3, 4)
    assert fdt.root["whole"] == b""


@pytest.mark.parametrize(
    ("cells", "entry"),
    [
        ((1, 1), (1 << 32, 0)),
        ((1, 1), (0, 1 << 32)),
        ((1, 1), ((1 << 32) - 1, 2)),
        ((2, 0), (0, 1)),
        ((2, 2), ((1 << 64) - 1, 2)),
    ],
)
def test_an_entry_that_does_not_fit_is_named_at_once(fdt, cells, entry):
    edit = fdt.edit()
    edit.set_u32("/", "#address-cells", cells[0])
    edit.set_u32("/", "#size-cells", cells[1])
    for act in (edit.set_reg, edit.append_reg):
        with pytest.raises(FdtBadParameter) as told:
            act("/soc", "reg", [(0, 0), entry])
        assert f"entry 1 ({entry[0]:#x}, {entry[1]:#x})" in str(told.value)
        assert "/soc:reg" in str(told.value)
    assert repr(edit) == "<Edit of 2 changes>"


def test_a_secret_stays_out_of_the_message(fdt):
    edit = fdt.edit()
    for name in ("kaslr-seed", "rng-seed"):
        with pytest.raises(FdtBadParameter) as told:
            edit.set_u64("/soc", name, 0x123456789ABCDEF123456789)
        assert "abcdef" not in str(told.value)


def test_a_node_of_another_tree_or_a_deleted_one_is_refused(fdt):
    other = Fdt(BLOB)
    with pytest.raises(FdtBadParameter, match="another tree"):
        fdt.edit().set(other["/soc"], "p", b"")
    uart = fdt["/soc/uart@0"]
    uart.delete()
    with pytest.raises(FdtStale):
        fdt.edit().set(uart, "p", b"")
    with pytest.raises(TypeError, match="not a Node"):
        fdt.edit().add_node(fdt["/soc"])


def test_changes_are_made_once(fdt):
    edit = fdt.edit()
    edit.set("/", "p", b"")
    edit.commit()
    for again in (
        edit.commit,
        edit.__enter__,
        lambda: edit.set("/", "p", b""),
        lambda: edit.add_node("/x"),
        lambda: edit.delete_node("/soc"),
        lambda: edit.reserve((1, 1)),
    ):
        with pytest.raises(FdtBadParameter, match="call edit\\(\\) again"):
            again()
    assert "/x" not in fdt


def test_a_block_may_commit_before_its_end(fdt):
    with fdt.edit() as edit:
        edit.set("/", "p", b"1")
        edit.commit()
        assert fdt.root["p"] == b"1"


def test_handles_stay_good_and_those_of_deleted_nodes_are_stale(fdt):
    soc, uart = fdt["/soc"], fdt["/soc/uart@0"]
    with fdt.edit() as edit:
        edit.add_node("/in-front")
        edit.set(soc, "p", bytes(100))
    assert soc["p"] == bytes(100)
    assert fdt["/soc"] is soc
    assert fdt["/soc/uart@0"] is uart
    assert uart.path == "/soc/uart@0"
    with fdt.edit() as edit:
        edit.delete_node(soc)
        edit.add_node("/soc/uart@0", parents=True)
    for node in (soc, uart):
        with pytest.raises(FdtStale):
            node.get("p")
    assert dict(fdt["/soc"].items()) == {}
    # and a refused deletion kills nothing
    soc = fdt["/soc"]
    edit = fdt.edit()
    edit.delete_node(soc)
    edit.delete_node("/soc")
    with pytest.raises(FdtNotFound):
        edit.commit()
    assert soc.path == "/soc"


def test_values_are_those_of_the_call(fdt):
    value = bytearray(b"now")
    with fdt.edit() as edit:
        edit.set("/", "p", value)
        edit.append("/", "p", memoryview(value)[::-1])
        value[:] = b"xxx"
    assert fdt.root["p"] == b"nowwon"


def test_nops_stay_where_they_were():
    fdt = Fdt(assemble(TREE, nops=True))
    nops = fdt.to_bytes().count(b"\0\0\0\4")
    with fdt.edit() as edit:
        edit.set("/soc", "reg", b"x" * 9)
        edit.set("/soc", "new", b"")
    assert fdt.to_bytes().count(b"\0\0\0\4") == nops > 5


def test_forty_thousand_nodes_and_a_property_of_five_megabytes():
    fdt = Fdt.empty()
    with fdt.edit() as edit:
        for i in range(40_000):
            edit.add_node(f"/node@{i:x}")
            edit.set_u32(f"/node@{i:x}", "reg", i)
        for i in range(100_000):
            edit.append("/", "large", i.to_bytes(50, "big"))
    # each in front of the ones before it
    for i, node in zip(reversed(range(40_000)), fdt.root.children()):
        assert (node.name, node["reg"]) == (f"node@{i:x}", struct.pack(">I", i))
        if i < 39_900:
            break
    assert fdt.root["large"] == b"".join(i.to_bytes(50, "big") for i in range(100_000))
    assert len(fdt) == 40_001


def test_names_that_share_their_bytes_take_no_longer():
    # 20,000 properties whose names are tails of one string of 200,000 bytes:
    # whoever measured each name to its end would look at 4 GB
    strings = b"n" * 200_000 + b"\0"
    props = b"".join(struct.pack(">III", 3, 0, i) for i in range(20_000))
    struct_block = struct.pack(">II", 1, 0) + props + struct.pack(">II", 2, 9)
    at = 56 + len(struct_block)
    blob = struct.pack(
        ">10I", 0xD00DFEED, at + len(strings), 56, at, 40, 17, 16, 0, len(strings),
        len(struct_block),
    ) + bytes(16) + struct_block + strings  # fmt: skip
    fdt = Fdt(blob)
    with fdt.edit() as edit:
        for i in range(1000):
            edit.set("/", f"new-{i}", b"")
    assert fdt.root["new-999"] == b""
    assert fdt.totalsize > len(blob) + 12_000


# Lengths are numbers of 32 bits in C. Strings of 4 GiB are nothing for a test, so
# the limit is lowered, in Python; that it is one of 32 bits is looked at first.


PLACES = {
    "set path": lambda edit, s: edit.set("/" + s[1:], "p", b""),
    "append path": lambda edit, s: edit.append("/" + s[1:], "p", b""),
    "set_u32 path": lambda edit, s: edit.set_u32("/" + s[1:], "p", 1),
    "delete path": lambda edit, s: edit.delete("/" + s[1:], "p"),
    "add_node path": lambda edit, s: edit.add_node("/" + s[1:]),
    "delete_node path": lambda edit, s: edit.delete_node("/" + s[1:]),
    "set property name": lambda edit, s: edit.set("/", s, b""),
    "append property name": lambda edit, s: edit.append("/", s, b""),
    "delete property name": lambda edit, s: edit.delete("/", s),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_path_or_name_longer_than_any_tree_is_refused(fdt, what, monkeypatch):
    assert _native._MAX_NAME == lib.FDTX_MAX_TOTALSIZE < 1 << 32
    monkeypatch.setattr(_native, "_MAX_NAME", 100)
    edit = SlowEdit(fdt, fdt._blob)
    PLACES[what](edit, "x" * 100)
    why = rf"^edit\.{what}: .* has 101 bytes, a device tree ends at 100$"
    with pytest.raises(FdtBadParameter, match=why) as e:
        PLACES[what](edit, "x" * 101)
    assert len(str(e.value)) < 150
    assert repr(edit) == "<Edit of 1 changes>"


VALUES = {
    "set": lambda edit, n: edit.set("/", "p", bytes(n)),
    "append": lambda edit, n: edit.append("/", "p", bytearray(n)),
    "set_string": lambda edit, n: edit.set_string("/", "p", "x" * (n - 1)),
    "set_stringlist": lambda edit, n: edit.set_stringlist("/", "p", ["x" * (n - 1)]),
    "set_cells": lambda edit, n: edit.set_cells("/", "p", [7] * -(-n // 4)),
}


@pytest.mark.parametrize("op", VALUES)
def test_a_value_larger_than_any_tree_is_refused(fdt, op, monkeypatch):
    assert edit_module._MAX_VALUE < lib.FDTX_MAX_TOTALSIZE < 1 << 32
    monkeypatch.setattr(edit_module, "_MAX_VALUE", 100)
    edit = SlowEdit(fdt, fdt._blob)
    VALUES[op](edit, 100)
    why = rf"^edit\.{op} /:p: 10[14] bytes are more than .* can hold, 100$"
    with pytest.raises(FdtBadParameter, match=why):
        VALUES[op](edit, 101)
    assert repr(edit) == "<Edit of 1 changes>"


def test_four_gigabytes_are_refused_before_they_are_copied(fdt, tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as f:
        f.truncate(1 << 32)
    with path.open("rb") as f:
        value = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    with pytest.raises(FdtBadParameter, match="4294967296 bytes are more"):
        fdt.edit().set("/", "p", value)


def test_a_text_that_encodes_itself_to_something_else_is_taken_as_it_is(fdt):
    class Liar(bytes):
        def __len__(self):
            return 1 << 20

    class Text(str):
        def encode(self, *_args):
            return Liar(b"/")

    assert fdt[Text("/soc")].name == "soc"
    with fdt.edit() as edit:
        edit.set(Text("/soc"), Text("p"), b"1")
    assert fdt["/soc"]["p"] == b"1"


# The list of changes as C sees it

OPS = b"".join(
    struct.pack("=IIII", kind, len(path), len(name), len(value))
    + path
    + (name + b"\0" if name else b"")
    + value
    for kind, path, name, value in [
        (lib.FDTX_OP_SET, b"/soc", b"new", b"value"),
        (lib.FDTX_OP_ADD_NODE, b"/x", b"", b""),
        (lib.FDTX_OP_APPEND, b"/x", b"reg", b"v"),
        (lib.FDTX_OP_RESERVE, b"", b"", struct.pack("=QQ", 1, 1)),
        (lib.FDTX_OP_DELETE_NODE, b"/soc/uart@0", b"", b""),
        (lib.FDTX_OP_DELETE, b"/soc", b"reg", b""),
        (lib.FDTX_OP_APPEND_REG, b"/soc", b"reg", struct.pack("=I", 8) + b"8 bytes!"),
    ]
)


def plan(ops, blob=BLOB):
    """What fdtx_ops_plan() returns, and the tree if there is one."""
    where = ffi.new("struct fdtx_ops_plan **")
    fault = ffi.new("struct fdtx_ops_fault *")
    # A copy of exactly its size
    room = ffi.new("char[]", len(ops) or 1)
    ffi.memmove(room, ops, len(ops))
    key = ffi.new("struct fdtx_key *", {"k": [1, 2]})
    size = lib.fdtx_ops_plan(blob, len(blob), room, len(ops), key, where, fault)
    if size < 0:
        return size, None
    out = ffi.new("char[]", b"\xff" * (size + 8))
    lib.fdtx_ops_emit(where[0], out)
    lib.fdtx_ops_free(where[0])
    made = bytes(ffi.buffer(out, size + 8))
    assert made[size:] == b"\xff" * 8
    Fdt(made[:size])
    return size, made[:size]


def test_a_list_cut_off_anywhere_is_refused_or_made_up_to_a_change():
    whole = [plan(OPS[:n])[0] for n in range(len(OPS) + 1)]
    sound = [n for n, code in enumerate(whole) if code > 0]
    assert len(sound) == 8, "the ends of seven changes, and nothing at all"
    assert {code for code in whole if code < 0} == {-lib.FDT_ERR_BADVALUE}


def test_a_list_with_any_byte_changed_is_refused_or_made():
    for at in range(len(OPS)):
        for value in (0, 1, 0x2F, 0x7F, 0xFF):
            ops = OPS[:at] + bytes([value]) + OPS[at + 1 :]
            code, _ = plan(ops)
            assert code > 0 or -code in (
                lib.FDT_ERR_BADVALUE,
                lib.FDT_ERR_BADNCELLS,
                lib.FDT_ERR_NOTFOUND,
                lib.FDT_ERR_EXISTS,
                lib.FDT_ERR_BADPATH,
            ), (at, value, code)


def test_a_bad_blob_is_refused_before_any_change():
    for n in range(len(BLOB)):
        code, _ = plan(OPS, BLOB[:n])
        assert code < 0, n


def test_the_key_changes_nothing():
    results = set()
    for word in (0, 1, (1 << 64) - 1, 0x0123456789ABCDEF):
        key = ffi.new("struct fdtx_key *", {"k": [word, word ^ 5]})
        where = ffi.new("struct fdtx_ops_plan **")
        fault = ffi.new("struct fdtx_ops_fault *")
        size = lib.fdtx_ops_plan(BLOB, len(BLOB), OPS, len(OPS), key, where, fault)
        out = bytearray(size)
        lib.fdtx_ops_emit(where[0], ffi.from_buffer(out))
        lib.fdtx_ops_free(where[0])
        results.add(bytes(out))
    assert len(results) == 1


def test_reservations_are_a_list_in_which_the_first_equal_one_is_removed():
    r = random.Random(7)
    for _ in range(200):
        values = [(r.randrange(3) << 12, 4096 << r.randrange(2)) for _ in range(40)]
        model = values[: r.randrange(12)]
        fdt = Fdt(assemble(TREE, model))
        with fdt.edit() as edit:
            for value in values[12:]:
                if value in model and r.randrange(2):
                    edit.unreserve(value)
                    model.remove(value)
                else:
                    edit.reserve(value)
                    model.append(value)
        assert list(fdt.memreserve) == model
        gone = next(v for v in [*values, (1, 1)] if v not in model)
        before = fdt.to_bytes()
        edit = fdt.edit()
        edit.reserve((1, 2))
        edit.unreserve(gone)
        with pytest.raises(FdtNotFound):
            edit.commit()
        assert fdt.to_bytes() == before


def test_cells_of_many_nodes_are_those_that_one_search_finds():
    """After some searches all nodes are listed; of one name the first is found."""

    def bus(name, ac, sc):
        cells = [("#address-cells", bytes([0, 0, 0, ac]))]
        cells.append(("#size-cells", bytes([0, 0, 0, sc])))
        return (
            name,
            cells,
            [("dev", [], []), ("bridge", cells[::-1], [("d", [], [])])],
        )

    buses = [bus(f"bus@{i}", 1 + i % 2, i % 3) for i in range(40)]
    buses[9:9] = [bus("bus@8", 4, 4)]
    data = assemble(("", [], buses))
    slow, fast = Fdt(data), Fdt(data)
    entry = [(1, 0)]
    with fast.edit() as edit:
        for i in range(40):
            if i in (5, 25):
                # What is known of places is no good any more
                for fdt in (slow, fast):
                    fdt.root.set_u32(f"moved-{i}", i)
            for path in (f"/bus@{i}/dev", f"/bus@{i}/bridge/d"):
                edit.set_reg(path, "reg", entry)
                slow[path].set_reg("reg", entry)
        with pytest.raises(FdtBadContent):
            edit.set_reg("/bus@40/dev", "reg", entry)
        with pytest.raises(FdtBadContent):
            edit.set_reg("/bus@1/dev/x", "reg", entry)
    assert to_dict(fast.to_bytes()) == to_dict(slow.to_bytes())


def test_a_reservation_is_removed_by_address_and_size():
    """Of those that are equal the first one; hundreds share the chains of a hash."""
    entries = [MemRange(0x1000 * (i % 7), 0x1000 * (i % 11 + 1)) for i in range(400)]
    fdt = Fdt(assemble(TREE, entries))
    gone = random.Random(3).sample(entries, 150)
    with fdt.edit() as edit:
        for entry in gone:
            edit.unreserve(entry)
    for entry in gone:
        entries.remove(entry)
    assert list(fdt.memreserve) == entries
    for missing in (MemRange(0, 0x100000), MemRange(0x10000, 0x1000)):
        with pytest.raises(FdtNotFound), fdt.edit() as edit:
            edit.unreserve(missing)
