# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Properties as a mapping, and with types."""

import array
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, canonical, cells
from tree_blobs import node as struct_of

from pyfdtx import Fdt, FdtBadContent, FdtBadParameter, FdtNotFound


@pytest.fixture
def node():
    return Fdt.empty().root.add("n")


# ---- the mapping ---------------------------------------------------------


def test_a_node_is_a_mapping_of_its_properties(node):
    node["a"] = b"1"
    node["b"] = b""
    node["c"] = b"333"
    # libfdt puts a new property in front of the others
    assert list(node) == ["c", "b", "a"]
    assert dict(node) == {"a": b"1", "b": b"", "c": b"333"}
    assert list(node.items()) == [("c", b"333"), ("b", b""), ("a", b"1")]
    assert list(node.values()) == [b"333", b"", b"1"]
    assert list(node.keys()) == ["c", "b", "a"]
    assert len(node) == len(node.items()) == 3
    assert "b" in node
    assert "d" not in node
    assert 7 not in node
    assert node.get("b") == b""
    assert node.get("d") is None
    assert node.get("d", 7) == 7
    assert node.pop("a") == b"1"
    assert node.pop("a", 7) == 7
    assert node.setdefault("b", b"x") == b""
    assert node.setdefault("e", b"x") == b"x"
    assert node.popitem() == ("e", b"x")
    node.update({"f": b"6"}, g=b"7")
    assert list(node) == ["g", "f", "c", "b"]
    del node["f"]
    node.clear()
    assert list(node) == list(node.items()) == []
    assert node.fdt["/n"] is node


@pytest.mark.parametrize(
    "act",
    [
        lambda n: n["x"],
        lambda n: n.__delitem__("x"),
        lambda n: n.pop("x"),
        lambda n: n.get_u32("x"),
        lambda n: n.get_u64("x"),
        lambda n: n.get_string("x"),
        lambda n: n.get_stringlist("x"),
        lambda n: n.get_cells("x"),
        lambda n: n.reg("x"),
    ],
)
def test_a_missing_property_is_named(node, act):
    with pytest.raises(FdtNotFound, match="/n:x: no such property"):
        act(node)


def test_an_empty_node_has_no_item_to_pop(node):
    with pytest.raises(FdtNotFound, match="/n: the node has no properties"):
        node.popitem()


@pytest.mark.parametrize(
    "value",
    [
        bytearray(b"abcd"),
        memoryview(b"abcd"),
        memoryview(b"a-b-c-d")[::2],
        array.array("B", b"abcd"),
    ],
)
def test_any_buffer_can_be_a_value(node, value):
    node["x"] = value
    assert node["x"] == b"abcd"
    assert type(node["x"]) is bytes
    node.append("x", value)
    assert node["x"] == b"abcdabcd"
    node.set_bytes("x", value)
    assert node["x"] == b"abcd"


@pytest.mark.parametrize("value", ["text", 4, None, [1, 2], 1.5])
def test_what_is_no_buffer_is_no_value(node, value):
    for act in (node.__setitem__, node.append, node.set_bytes, node.setdefault):
        with pytest.raises(TypeError):
            act("x", value)
    assert "x" not in node


@pytest.mark.parametrize("name", ["", "a\0b", "\u00e9"])
def test_bad_names_of_properties_are_refused(node, name):
    for act in (
        lambda: node[name],
        lambda: node.__setitem__(name, b""),
        lambda: node.__delitem__(name),
        lambda: node.set_u32(name, 1),
        lambda: node.set_reg(name, []),
        lambda: node.reg(name),
    ):
        with pytest.raises(FdtBadParameter, match="property name"):
            act()
    assert len(node) == 0


@pytest.mark.parametrize("name", [b"a", 1, None])
def test_names_of_properties_are_text(node, name):
    with pytest.raises(TypeError):
        node[name]
    with pytest.raises(TypeError):
        node[name] = b""


@pytest.mark.parametrize(
    "name", ["n" * 31, "n" * 32, "n" * 4000, "a,b.c_d+e?f#g-h", "/"]
)
def test_long_and_odd_names_of_properties_are_taken(node, name):
    node[name] = b"1"
    assert Fdt(node.fdt.to_bytes())["/n"][name] == b"1"


def test_bytes_above_ascii_in_a_blob_come_out_and_go_back():
    data = blob([("caf\u00e9", b"1")], [("n\u00e9", [], [])])
    fdt = Fdt(data)
    (name,) = fdt.root
    assert name.encode("ascii", "surrogateescape") == "caf\u00e9".encode()
    assert fdt.root[name] == b"1"
    (child,) = fdt.root.children()
    assert fdt[child.path] is child
    assert child.path.encode("ascii", "surrogateescape") == "/n\u00e9".encode()


def test_of_properties_with_one_name_the_first_counts_and_all_are_deleted():
    props = [("a", b"1"), ("x", b"22"), "nop", ("a", b"333"), ("y", b"4"), ("a", b"")]
    fdt = Fdt(blob(props, [("z", [], [])]))
    z = fdt["/z"]
    assert list(fdt.root) == ["a", "x", "y"]
    assert len(fdt.root) == 3
    assert dict(fdt.root) == {"a": b"1", "x": b"22", "y": b"4"}
    assert list(fdt.root.items()) == [("a", b"1"), ("x", b"22"), ("y", b"4")]
    assert list(fdt.root.values()) == [b"1", b"22", b"4"]
    del fdt.root["a"]
    assert "a" not in fdt.root
    assert dict(fdt.root) == {"x": b"22", "y": b"4"}
    assert z.path == "/z"
    z["p"] = b""

    class Kept:
        """The strings block stays: a, x, a, y, a, z's p behind them."""

        def offset(self, name):
            return {"x": 2, "y": 6, "p": 10}[name]

    kept = [("x", b"22"), "nop", ("y", b"4")]
    tree = struct_of("", kept, [("z", [("p", b"")], [])], Kept())
    # behind the header and one reservation
    assert fdt.to_bytes()[56:] == tree + cells(9) + b"a\0x\0a\0y\0a\0p\0"


def test_the_last_of_many_doubles_goes_in_one_pass():
    """A quadratic deletion would take minutes on such a blob."""
    n = 20_000
    one = cells(3, 0, 0)
    data = bytearray(blob([("a", b"")], []))
    at = data.index(one)
    data[at : at + 12] = one * n
    grown = 12 * (n - 1)
    for field in (4, 12, 36):  # totalsize, off_dt_strings, size_dt_struct
        word = int.from_bytes(data[field : field + 4], "big") + grown
        data[field : field + 4] = cells(word)
    fdt = Fdt(data)
    assert list(fdt.root) == ["a"]
    del fdt.root["a"]
    assert fdt.totalsize == len(canonical()) + len(b"a\0")


# ---- types ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("setter", "getter", "value", "raw"),
    [
        ("set_u32", "get_u32", 0, b"\0\0\0\0"),
        ("set_u32", "get_u32", 0x12345678, b"\x12\x34\x56\x78"),
        ("set_u32", "get_u32", (1 << 32) - 1, b"\xff" * 4),
        ("set_u64", "get_u64", 0, bytes(8)),
        ("set_u64", "get_u64", 0x123456789ABCDEF0, bytes.fromhex("123456789abcdef0")),
        ("set_u64", "get_u64", (1 << 64) - 1, b"\xff" * 8),
        ("set_string", "get_string", "", b"\0"),
        ("set_string", "get_string", "quiet", b"quiet\0"),
        ("set_string", "get_string", "caf\u00e9", b"caf\xc3\xa9\0"),
        ("set_stringlist", "get_stringlist", [], b""),
        ("set_stringlist", "get_stringlist", [""], b"\0"),
        ("set_stringlist", "get_stringlist", ["a", "", "bc"], b"a\0\0bc\0"),
        ("set_cells", "get_cells", [], b""),
        ("set_cells", "get_cells", [1, 0xFFFFFFFF], b"\0\0\0\1\xff\xff\xff\xff"),
    ],
)
def test_what_is_set_is_big_endian_and_read_back(node, setter, getter, value, raw):
    getattr(node, setter)("x", value)
    assert node["x"] == raw
    assert getattr(node, getter)("x") == value
    assert getattr(node, getter)("x", "default") == value
    assert getattr(node, getter)("missing", "default") == "default"
    assert getattr(node, getter)("missing", None) is None


def test_an_empty_property_is_there(node):
    node.set_empty("ranges")
    assert node["ranges"] == b""
    assert "ranges" in node


@pytest.mark.parametrize(
    ("setter", "value", "says"),
    [
        ("set_u32", -1, "-1 is not an unsigned 32-bit number"),
        ("set_u32", 1 << 32, "0x100000000 is not an unsigned 32-bit number"),
        ("set_u64", -1, "-1 is not an unsigned 64-bit number"),
        ("set_u64", 1 << 64, "0x10000000000000000 is not an unsigned 64-bit number"),
        ("set_cells", [1, -2], "-2 is not an unsigned 32-bit number"),
        ("set_cells", [1, 1 << 40], "0x10000000000 is not an unsigned 32-bit number"),
        ("append_cells", [1 << 32], "0x100000000 is not an unsigned 32-bit number"),
        ("set_string", "a\0b", "'a\\x00b' contains a NUL"),
        ("set_string", "\ud800", "'\\ud800' cannot be written as UTF-8"),
        ("set_stringlist", ["a", "b\0"], "'b\\x00' contains a NUL"),
        ("append_stringlist", ["b\0"], "'b\\x00' contains a NUL"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_nothing_is_written(
    node, setter, value, says
):
    node["x"] = b"old"
    before = node.fdt.to_bytes()
    with pytest.raises(FdtBadParameter) as e:
        getattr(node, setter)("x", value)
    assert f"{setter} /n:x: {says}" in str(e.value)
    assert node.fdt.to_bytes() == before


@pytest.mark.parametrize(
    ("setter", "value"),
    [
        ("set_u32", "1"),
        ("set_u32", 1.0),
        ("set_u32", None),
        ("set_u64", b"1"),
        ("set_string", b"bytes"),
        ("set_string", 1),
        ("set_stringlist", "one string"),
        ("set_stringlist", [1]),
        ("append_stringlist", b"x"),
        ("set_cells", ["1"]),
        ("set_cells", [1.5]),
        ("set_cells", 7),
    ],
)
def test_a_value_of_the_wrong_type_is_a_type_error(node, setter, value):
    with pytest.raises(TypeError):
        getattr(node, setter)("x", value)
    assert "x" not in node


@pytest.mark.parametrize("length", range(0, 13))
def test_numbers_have_their_exact_length(node, length):
    node["x"] = bytes(length)
    for getter, right in (("get_u32", 4), ("get_u64", 8)):
        if length == right:
            assert getattr(node, getter)("x") == 0
        else:
            with pytest.raises(
                FdtBadContent, match=f"{getter} /n:x: has {length} bytes, not {right}"
            ):
                getattr(node, getter)("x")
    if length % 4 == 0:
        assert node.get_cells("x") == [0] * (length // 4)
    else:
        with pytest.raises(FdtBadContent, match=f"has {length} bytes, not a whole"):
            node.get_cells("x")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"abc", "not NUL-terminated"),
        (b"a\0b", "not NUL-terminated"),
        (b"a\0b\0", "a list of 2 strings"),
        (b"a\0\0", "a list of 2 strings"),
        (b"ab\xff\0", "not UTF-8, at byte 2"),
    ],
)
def test_what_is_not_one_string_is_bad_content(node, raw, says):
    node["x"] = raw
    with pytest.raises(FdtBadContent, match=f"get_string /n:x: .*{says}"):
        node.get_string("x")


@pytest.mark.parametrize("raw", [b"abc", b"a\0b", b"\xff\0"])
def test_what_is_no_list_of_strings_is_bad_content(node, raw):
    node["x"] = raw
    with pytest.raises(FdtBadContent, match="get_stringlist /n:x"):
        node.get_stringlist("x")


def test_appending_adds_to_what_is_there(node):
    node.append("a", b"1")
    node.append("a", b"")
    node.append("a", b"2345")
    assert node["a"] == b"12345"
    node.append_cells("c", [1])
    node.append_cells("c", [2, 3])
    assert node.get_cells("c") == [1, 2, 3]
    node.append_stringlist("s", ["x"])
    node.append_stringlist("s", ["y", "z"])
    assert node.get_stringlist("s") == ["x", "y", "z"]
    node.append("e", b"")
    assert node["e"] == b""


def test_generators_are_taken_once(node):
    node.set_cells("c", (i for i in range(3)))
    node.set_stringlist("s", (s for s in "ab"))
    assert node.get_cells("c") == [0, 1, 2]
    assert node.get_stringlist("s") == ["a", "b"]


@pytest.mark.parametrize("name", ["kaslr-seed", "rng-seed"])
def test_seeds_do_not_get_into_messages(node, name):
    secret = 0x5EC12E7 << 64
    for act in (
        lambda: node.set_u64(name, secret),
        lambda: node.set_cells(name, [secret]),
        lambda: node.set_string(name, "5ec12e7\0"),
    ):
        with pytest.raises(FdtBadParameter) as e:
            act()
        assert "5ec12e7" not in str(e.value).lower()
        assert str(secret) not in str(e.value)
        assert f"/n:{name}" in str(e.value)


def tails(length):
    """A tree whose properties are named by every tail of one long name."""
    strings = b"n" * length + b"\0"
    tree = cells(1, 0) + b"".join(cells(3, 0, at) for at in range(length)) + cells(2, 9)
    at_strings = 56 + len(tree)
    words = [
        0xD00DFEED, at_strings + len(strings), 56, at_strings, 40,
        17, 16, 0, len(strings), len(tree),
    ]  # fmt: skip
    return cells(*words) + bytes(16) + tree + strings


@pytest.mark.parametrize(
    "use",
    [
        list,
        lambda n: range(len(n)),
        lambda n: list(n.items()),
        lambda n: list(n.values()),
    ],
)
def test_names_that_share_their_bytes_do_not_eat_the_memory(use):
    # n (n + 1) / 2 bytes of names in a tree of 73 + 13 n: for n = 400 less
    # than 16 times its size
    assert len(use(Fdt(tails(400)).root)) == 400
    fdt = Fdt(tails(50_000))
    assert fdt.root["n" * 50_000] == b""
    tracemalloc.start()
    with pytest.raises(FdtBadContent, match=r"/: the property names share bytes"):
        use(fdt.root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # all names together would take 1.25 GB
    assert peak < 100_000_000


def test_as_many_names_as_a_tree_can_have_are_listed():
    fdt = Fdt.empty()
    for i in range(5_000):
        fdt.root[f"name-{i}"] = b""
    assert len(fdt.root) == 5_000


def test_clearing_many_properties_takes_one_pass():
    # not one move of what is behind for each, which is quadratic
    many = [(f"p{i}", b"12345678" * 8) for i in range(20_000)]
    fdt = Fdt(blob(many, [("kept", [("p0", b"1")], [])]))
    kept = fdt["/kept"]
    began = time.perf_counter()
    fdt.root.clear()
    assert time.perf_counter() - began < 2
    assert list(fdt.root) == []
    assert kept["p0"] == b"1"
    kept.clear()
    kept.clear()
    assert list(kept) == []


def test_places_of_many_properties_are_forgotten_when_they_move():
    """Iteration over a large node remembers where its properties are."""
    many = [(f"p{i}", bytes([i % 256]) * (i % 9)) for i in range(100)]
    wanted = dict(many)
    fdt = Fdt(blob([("p5", b"first"), *many], [("n", many, [])], rsv=[(1, 2)]))
    wanted_root = {**wanted, "p5": b"first"}
    root, node = fdt.root, fdt["/n"]

    def both():
        assert dict(root) == wanted_root
        assert dict(node) == wanted

    both()
    steps = (
        # longer in its last word, shorter, longer by a word, new, gone
        (root, "p6", b"1234567"),
        (node, "p6", b"1"),
        (node, "p7", b"123456789"),
        (root, "q", b"new"),
        (node, "p8", None),
        (root, "p5", None),
    )
    for place, name, value in steps:
        list(place)
        kept = wanted_root if place is root else wanted
        if value is None:
            del place[name], kept[name]
            assert name not in place
        else:
            place[name] = value
            kept[name] = value
            assert place[name] == value
        assert {key: place[key] for key in kept} == kept
        both()
    list(node)
    fdt.memreserve.append(0x1000, 0x1000)
    assert node["p99"] == wanted["p99"]
    list(node)
    node.rename("x")
    assert node["p99"] == wanted["p99"]
    list(node)
    with fdt.edit() as edit:
        edit.set("/", "p1", b"elsewhere")
        edit.set("/x", "p99", b"after")
    assert node["p99"] == b"after"
    fdt.pack()
    assert node["p98"] == wanted["p98"]


def test_names_beyond_ascii_are_found_before_and_after_places_are_known():
    many = [(f"p{i:02}", bytes([i])) for i in range(100)]
    data = blob(many).replace(b"p07\0", b"p\xe27\0")
    name = "p\udce27"
    fdt = Fdt(data)
    for _ in range(2):
        assert fdt.root[name] == b"\x07"
        assert name in fdt.root
        assert "p\udce28" not in fdt.root
        for bad in ("p\xe27", "", "p\0"):
            assert bad not in fdt.root
            with pytest.raises(FdtBadParameter):
                fdt.root[bad]
        with pytest.raises(FdtNotFound):
            fdt.root["p\udce28"]
        assert list(fdt.root)[7] == name
    fdt.root[name] = b"longer than it was"
    assert dict(fdt.root)[name] == b"longer than it was"
    del fdt.root[name]
    assert name not in fdt.root
