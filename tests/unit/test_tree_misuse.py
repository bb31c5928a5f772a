# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Wrong arguments: refused with the operation, the place and the type named,
in one line of bearable length; questions are answered, not refused."""

import pytest

from pyfdtx import Fdt, FdtBadParameter, FdtError, FdtStale, MemRange

HUGE = 1 << 100_000


def tree():
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    fdt.root.add("chosen").set_string("bootargs", "quiet")
    return fdt


@pytest.mark.parametrize(
    "name", ["", "a\0b", "é", "\ud800", "/", "missing", 3, None, b"bootargs"]
)
def test_what_cannot_be_a_name_is_not_in_a_tree(name):
    # As for any mapping: `in` answers
    fdt = tree()
    assert name not in fdt["/chosen"]
    assert (name, b"quiet\0") not in fdt["/chosen"].items()
    if name != "/":
        assert name not in fdt


def test_items_are_compared_by_name_and_value():
    items = tree()["/chosen"].items()
    assert ("bootargs", b"quiet\0") in items
    assert ("bootargs", b"loud\0") not in items
    assert "bootargs" not in items
    assert ("bootargs",) not in items


SETTERS = {
    "setprop": lambda node, value: node.__setitem__("a", value),
    "append": lambda node, value: node.append("a", value),
    "set_u32": lambda node, value: node.set_u32("a", value),
    "set_u64": lambda node, value: node.set_u64("a", value),
    "set_string": lambda node, value: node.set_string("a", value),
    "set_stringlist": lambda node, value: node.set_stringlist("a", value),
    "append_stringlist": lambda node, value: node.append_stringlist("a", value),
    "set_cells": lambda node, value: node.set_cells("a", value),
    "append_cells": lambda node, value: node.append_cells("a", value),
    "set_reg": lambda node, value: node.set_reg("a", value),
    "append_reg": lambda node, value: node.append_reg("a", value),
}


@pytest.mark.parametrize("value", [None, 1.5, object(), [object()], len], ids=repr)
@pytest.mark.parametrize("op", SETTERS)
def test_a_value_of_the_wrong_type_is_named_with_its_place(op, value):
    fdt = tree()
    before = fdt.to_bytes()
    with pytest.raises(TypeError, match=f"^{op} /chosen:a: want ") as e:
        SETTERS[op](fdt["/chosen"], value)
    assert "not" in str(e.value)
    assert fdt.to_bytes() == before


@pytest.mark.parametrize("value", ["", "text", b"", b"\0\0\0\1", bytearray(4)])
@pytest.mark.parametrize("op", ["set_cells", "append_cells"])
def test_text_and_bytes_are_no_cells(op, value):
    """Bytes are numbers to Python: 4 of them would become 4 cells."""
    with pytest.raises(TypeError, match="want several int, not"):
        SETTERS[op](tree()["/chosen"], value)


@pytest.mark.parametrize(
    "act",
    [
        lambda f: MemRange(0, HUGE),
        lambda f: MemRange(-HUGE, 1),
        lambda f: f.root.set_u32("a", HUGE),
        lambda f: f.root.set_cells("a", [HUGE]),
        lambda f: f.root.set_reg("a", [(HUGE, 1)]),
        lambda f: f.memreserve.append(HUGE, 1),
        lambda f: f.memreserve.remove((HUGE, 1)),
        lambda f: f.node_by_phandle(HUGE),
        lambda f: setattr(f, "boot_cpuid_phys", HUGE),
    ],
)
def test_a_number_of_thousands_of_digits_is_not_written_out(act):
    with pytest.raises(FdtBadParameter) as e:
        act(tree())
    assert len(str(e.value)) < 300


@pytest.mark.parametrize("value", [None, 5, (), (1,), (1, 2, 3), "ab", ("a", "b")])
def test_what_is_no_pair_is_a_type_error(value):
    fdt = tree()
    for take in (MemRange.of, fdt.memreserve.remove):
        with pytest.raises(TypeError, match=r"MemRange"):
            take(value)
    if not isinstance(value, int):
        with pytest.raises(TypeError, match=r"MemRange"):
            fdt.memreserve.append(value)


def test_a_range_starts_inside_64_bits():
    assert MemRange((1 << 64) - 1, 1).stop == 1 << 64
    with pytest.raises(FdtBadParameter):
        MemRange(1 << 64, 0)


def test_a_deleted_node_as_parent_is_stale_for_the_operation_asked():
    fdt = tree()
    gone = fdt.root.add("gone")
    gone.delete()
    with pytest.raises(FdtStale, match=r"^set_reg /gone: "):
        fdt["/chosen"].set_reg("a", [(1, 2)], parent=gone)
    with pytest.raises(FdtStale, match=r"^depth /gone: "):
        gone.depth  # noqa: B018
    with pytest.raises(FdtStale, match=r"^add /gone: "):
        gone.add("x")


def test_a_parent_of_another_tree_is_called_so():
    with pytest.raises(FdtBadParameter, match="parent / is a node of another tree"):
        tree()["/chosen"].set_reg("a", [(1, 2)], parent=tree().root)


@pytest.mark.parametrize("find", ["node_by_label", "node_by_alias", "__getitem__"])
@pytest.mark.parametrize("name", [None, 3, b"uart"])
def test_names_of_nodes_are_text(find, name):
    with pytest.raises(TypeError, match="must be str, not"):
        getattr(tree(), find)(name)


def test_a_tree_is_not_walked_backwards_by_accident():
    with pytest.raises(TypeError, match="not reversible"):
        reversed(tree())


def test_names_of_any_bytes_can_be_printed():
    fdt = tree()
    node = fdt.root.add("\udcff\n")
    assert repr(node) == r"<Node /\udcff\n>"
    with pytest.raises(FdtError) as e:
        node["x"]
    assert str(e.value).encode("utf-8").startswith(rb"getprop /\udcff")
