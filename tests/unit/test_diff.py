# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Two trees compared by meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyfdtx import Fdt, FdtBadBlob, pure
from pyfdtx.text.diff import Change, diff

A = (
    "",
    [("model", b"x\0"), ("#size-cells", b"\0\0\0\1")],
    [
        ("cpus", [("n", b"1\0")], [("cpu@0", [], []), ("cpu@1", [("r", b"\1")], [])]),
        ("chosen", [("bootargs", b"quiet\0"), ("kaslr-seed", b"secret!!")], []),
    ],
)
RSV = [(0x1000, 0x2000), (0x8000, 0x100)]
BLOB = pure.flatten(A, RSV, boot_cpuid=1)


def turned(node):
    """The same node with everything in it in the opposite order."""
    name, props, children = node
    return name, props[::-1], [turned(child) for child in children[::-1]]


def test_a_tree_is_the_same_as_itself():
    assert diff(BLOB, BLOB) == []
    assert diff(Fdt(BLOB), BLOB) == []


def test_order_does_not_count():
    assert diff(BLOB, pure.flatten(turned(A), RSV[::-1], boot_cpuid=1)) == []


def test_nops_slack_and_version_do_not_count():
    fdt = Fdt(BLOB)
    fdt["/chosen"]["extra"] = b"1234"
    del fdt["/chosen"]["extra"]
    assert diff(BLOB, fdt.to_bytes() + bytes(64)) == []
    start = int.from_bytes(BLOB[8:12], "big")
    nop = bytes([0, 0, 0, 4])
    with_nop = bytearray(BLOB[: start + 8] + nop + BLOB[start + 8 :])
    for field in (4, 12, 36):  # totalsize, off_dt_strings, size_dt_struct
        old = int.from_bytes(with_nop[field : field + 4], "big")
        with_nop[field : field + 4] = (old + 4).to_bytes(4, "big")
    pure.check(with_nop)
    assert diff(BLOB, with_nop) == []


@pytest.mark.parametrize(
    ("path", "name", "old", "new", "kind"),
    [
        ("/chosen", "bootargs", b"quiet\0", b"quiet", "changed"),
        ("/chosen", "bootargs", b"quiet\0", None, "removed"),
        ("/chosen", "empty", None, b"", "added"),
        ("/", "model", b"x\0", b"y\0", "changed"),
        ("/cpus/cpu@1", "r", b"\1", b"\2", "changed"),
    ],
)
def test_a_property_is_named_with_both_values(path, name, old, new, kind):
    fdt = Fdt(BLOB)
    if new is None:
        del fdt[path][name]
    else:
        fdt[path][name] = new
    assert diff(BLOB, fdt) == [Change(kind, "property", path, name, old, new)]
    other = {"added": "removed", "removed": "added", "changed": "changed"}[kind]
    assert diff(fdt, BLOB) == [Change(other, "property", path, name, new, old)]


def test_an_added_node_comes_with_all_that_is_in_it():
    without = ("", A[1], A[2][1:])
    assert diff(pure.flatten(without, RSV, 1), BLOB) == [
        Change("added", "node", "/cpus"),
        Change("added", "property", "/cpus", "n", None, b"1\0"),
        Change("added", "node", "/cpus/cpu@0"),
        Change("added", "node", "/cpus/cpu@1"),
        Change("added", "property", "/cpus/cpu@1", "r", None, b"\1"),
    ]


def test_reservations_are_a_collection_that_counts():
    twice = pure.flatten(A, [RSV[1], RSV[0], RSV[0]], 1)
    assert diff(BLOB, twice) == [Change("added", "memreserve", new=RSV[0])]
    moved = pure.flatten(A, [RSV[0], (0x8001, 0x100)], 1)
    assert diff(BLOB, moved) == [
        Change("removed", "memreserve", old=RSV[1]),
        Change("added", "memreserve", new=(0x8001, 0x100)),
    ]


def test_the_boot_cpu_counts():
    assert diff(BLOB, pure.flatten(A, RSV, 3)) == [
        Change("changed", "boot-cpu", old=1, new=3)
    ]


def test_equal_names_are_compared_in_their_order():
    def twins(*values):
        props = [("p", value) for value in values]
        children = [("n", [("q", value)], []) for value in values]
        return pure.flatten(("", props, children))

    assert diff(twins(b"1", b"2"), twins(b"1", b"2")) == []
    assert diff(twins(b"1", b"2"), twins(b"1", b"3")) == [
        Change("changed", "property", "/", "p[2]", b"2", b"3"),
        Change("changed", "property", "/n[2]", "q", b"2", b"3"),
    ]
    assert diff(twins(b"1"), twins(b"1", b"2")) == [
        Change("added", "property", "/", "p[2]", None, b"2"),
        Change("added", "node", "/n[2]"),
        Change("added", "property", "/n[2]", "q", None, b"2"),
    ]


def test_the_deepest_trees_are_compared_without_recursion():
    def deep(value):
        node = ("n", [("x", value)], [])
        for _ in range(1022):
            node = ("n", [], [node])
        return pure.flatten(("", [], [node]))

    (change,) = diff(deep(b"1"), deep(b"2"))
    assert change.path == "/n" * 1023
    assert (change.old, change.new) == (b"1", b"2")


def test_secrets_stay_out_of_repr():
    fdt = Fdt(BLOB)
    del fdt["/chosen"]["kaslr-seed"]
    (change,) = diff(BLOB, fdt)
    assert repr(change) == "<Change: property /chosen:kaslr-seed removed>"


def test_damage_in_either_tree_is_refused():
    for pair in ((BLOB[:-1], BLOB), (BLOB, b"")):
        with pytest.raises(FdtBadBlob):
            diff(*pair)


names = st.sampled_from("abc")
props = st.lists(st.tuples(names, st.binary(max_size=2)), max_size=3)
leaves = st.tuples(names, props, st.just([]))
trees = st.tuples(
    st.just(""), props, st.lists(st.tuples(names, props, st.lists(leaves, max_size=2)))
)
reserved = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2)), max_size=3)


def by_place(tree, rsv, cpu):
    """What a tree says, place by place; equal names numbered."""
    found, rest = {("cpu",): cpu}, [((), tree)]

    def put(key, value):
        count = 0
        while (*key, count) in found:
            count += 1
        found[(*key, count)] = value
        return (*key, count)

    for entry in rsv:
        put(("rsv", entry), entry)
    while rest:
        way, (name, properties, children) = rest.pop(0)
        place = put((*way, "node", name), None)
        for prop, value in properties:
            put((*place, "prop", prop), value)
        rest += [(place, child) for child in children]
    return found


@given(trees, trees, reserved, reserved, st.integers(0, 1), st.integers(0, 1))
def test_as_many_changes_as_places_that_differ(a, b, rsv_a, rsv_b, cpu_a, cpu_b):
    changes = diff(pure.flatten(a, rsv_a, cpu_a), pure.flatten(b, rsv_b, cpu_b))
    first, second = by_place(a, rsv_a, cpu_a), by_place(b, rsv_b, cpu_b)
    gone, come = first.keys() - second.keys(), second.keys() - first.keys()
    kinds = [change.kind for change in changes]
    assert kinds.count("removed") == len(gone)
    assert kinds.count("added") == len(come)
    assert kinds.count("changed") == sum(
        first[key] != second[key] for key in first.keys() & second.keys()
    )


def board(*extra, first=1, clock=None, vendor=None):
    """A provider and its users, with phandles from `first` on."""

    def cell(*numbers):
        return b"".join(n.to_bytes(4, "big") for n in numbers)

    clk = [("#clock-cells", cell(1)), ("phandle", cell(first))]
    gpio = [("#gpio-cells", cell(2)), ("phandle", cell(first + 1))]
    uart = [
        ("clocks", cell(clock or first, 7, first, 8)),
        ("reset-gpios", cell(first + 1, first, 0)),
        ("pinctrl-0", cell(first, first + 1)),
        ("vnd,link", cell(vendor or first)),
        ("reg", cell(first)),
    ]
    nodes = [("clk", clk, []), ("gpio", gpio, []), ("uart", uart, [])]
    return pure.flatten(("", [], [*extra, *nodes]))


def properties(changes):
    return [(c.kind, c.path, c.name) for c in changes if c.what == "property"]


def test_references_are_compared_by_what_they_point_to():
    changes = diff(board(), board(("new", [], []), first=5))
    assert [c.path for c in changes if c.what == "node"] == ["/new"]
    # gpio's arguments and reg are numbers, whatever number the provider has
    assert properties(changes) == [
        ("changed", "/uart", "reset-gpios"),
        ("renumbered", "/uart", "vnd,link"),
        ("renumbered", "/uart", "reg"),
    ]
    (link,) = [c for c in changes if c.name == "vnd,link"]
    assert link.refers == ({0: "/clk"}, {0: "/clk"})


def test_the_same_number_of_another_node_is_a_change():
    swapped = diff(board(), board(clock=2))
    assert properties(swapped) == [("changed", "/uart", "clocks")]


def test_a_reference_to_another_node_is_shown_with_both_paths():
    old = board()
    fdt = Fdt(old)
    fdt["/uart"]["pinctrl-0"] = bytes([0, 0, 0, 2, 0, 0, 0, 1])
    (change,) = diff(old, fdt)
    assert change.refers == ({0: "/clk", 4: "/gpio"}, {0: "/gpio", 4: "/clk"})


def test_a_list_that_ends_inside_an_entry_is_numbers():
    fdt = Fdt(board())
    fdt["/uart"]["clocks"] = bytes([0, 0, 0, 1])
    (change,) = diff(board(), fdt)
    assert change.kind == "changed"
    assert change.refers[1] == {}
