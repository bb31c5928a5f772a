# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""(address, size) arrays: `reg` and its relatives, by the parent's cells.

The encoding expected here is that of the Devicetree Specification v0.4,
section 2.3.6: address cells, then size cells, each big-endian.
"""

import array
from itertools import product

import pytest

from pyfdtx import Fdt, FdtBadContent, FdtBadParameter, FdtNotFound, MemRange

PAIRS = list(product([1, 2, 3, 4], [0, 1, 2, 3, 4]))
U32, U64 = 1 << 32, 1 << 64


def board(address_cells, size_cells):
    """A bus with these cells and a device below it."""
    fdt = Fdt.empty()
    bus = fdt.root.add("bus")
    bus.set_u32("#address-cells", address_cells)
    bus.set_u32("#size-cells", size_cells)
    return bus, bus.add("device@0")


def encoded(entries, ac, sc):
    return b"".join(
        a.to_bytes(4 * ac, "big") + s.to_bytes(4 * sc, "big") for a, s in entries
    )


@pytest.mark.parametrize(("ac", "sc"), PAIRS)
def test_every_pair_of_cells_is_written_and_read(ac, sc):
    _, device = board(ac, sc)
    top = 1 << min(32 * ac, 64)
    entries = [(0, 0), (0x1000, 0)]
    if sc:
        entries += [(0, 1), (0x2000, 0x1000), (top - 1, 1), (top - 16, 16)]
        entries += [(0, min(top, 1 << min(32 * sc, 64)) - 1)]
    device.set_reg("reg", entries)
    assert device["reg"] == encoded(entries, ac, sc)
    assert device.reg() == entries
    assert all(type(r) is MemRange for r in device.reg())
    assert Fdt(device.fdt.to_bytes())["/bus/device"].reg() == entries
    device.append_reg("reg", [(7, 0)])
    assert device.reg() == [*entries, (7, 0)]
    device.append_reg("other", entries)
    assert device.reg("other") == entries


@pytest.mark.parametrize(("ac", "sc"), PAIRS)
def test_what_does_not_fit_is_refused_and_nothing_is_written(ac, sc):
    _, device = board(ac, sc)
    device["reg"] = encoded([(1, 0)], ac, sc)
    before = device.fdt.to_bytes()
    top = 1 << min(32 * ac, 64)
    bad = []
    if ac == 1:
        bad += [(U32, 0)]
    if sc == 0:
        bad += [(0, 1)]
    if sc == 1:
        bad += [(0, U32)]
    if sc:
        bad += [(top - 1, 2), (top - 0x1000, 0x1001)]
    for entry in bad:
        if entry[0] + entry[1] > U64:
            entry = tuple(entry)
        for act in (device.set_reg, device.append_reg):
            with pytest.raises(FdtBadParameter) as e:
                act("reg", [(0, 0), entry])
            assert "/bus/device@0:reg" in str(e.value)
            assert f"entry 1 ({entry[0]:#x}, {entry[1]:#x})" in str(e.value)
            assert "/bus" in str(e.value)
            assert device.fdt.to_bytes() == before


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ((-1, 1), "start -0x1 of entry 1"),
        ((U64, 0), "start 0x10000000000000000 of entry 1"),
        ((0, -1), "size -0x1 of entry 1"),
        ((0, U64), "size 0x10000000000000000 of entry 1"),
    ],
)
def test_numbers_beyond_64_bits_are_named(entry, says):
    _, device = board(2, 2)
    for act in (device.set_reg, device.append_reg):
        with pytest.raises(FdtBadParameter, match=f"/bus/device@0:reg: {says}"):
            act("reg", [(0, 1), entry])
    assert "reg" not in device


@pytest.mark.parametrize(
    "entries",
    [
        5, None, [5], [(1,)], [(1, 2, 3)], [("a", 1)], [(1.0, 1)], ["ab"], "ab",
        b"0123456789abcdef", array.array("I", [1, 2]), array.array("d", [1.0, 2.0]),
    ],
)  # fmt: skip
def test_what_is_no_list_of_pairs_is_a_type_error(entries):
    _, device = board(2, 2)
    with pytest.raises(TypeError):
        device.set_reg("reg", entries)
    assert "reg" not in device


@pytest.mark.parametrize(
    "pack",
    [
        lambda v: array.array("Q", v),
        lambda v: memoryview(array.array("Q", v)),
        lambda v: memoryview(array.array("Q", [w for x in v for w in (x, 0)]))[::2],
        lambda v: memoryview(bytearray(array.array("Q", v))).cast("Q"),
        lambda v: memoryview(b"x" + array.array("Q", v).tobytes())[1:].cast("Q"),
        lambda v: list(zip(v[::2], v[1::2])),
        lambda v: (MemRange(*p) for p in zip(v[::2], v[1::2])),
    ],
)
def test_packed_arrays_and_pairs_are_the_same(pack):
    _, device = board(2, 1)
    device.set_reg("reg", pack([0x1_0000_0000, 0x1000, 5, 6]))
    assert device["reg"] == encoded([(0x1_0000_0000, 0x1000), (5, 6)], 2, 1)
    device.append_reg("reg", pack([7, 8]))
    assert device.reg() == [(0x1_0000_0000, 0x1000), (5, 6), (7, 8)]
    device.set_reg("reg", pack([]))
    assert device["reg"] == b""


def test_an_odd_packed_array_is_refused():
    _, device = board(2, 2)
    with pytest.raises(FdtBadParameter, match=r"3 numbers are not \(start, size\)"):
        device.set_reg("reg", array.array("Q", [1, 2, 3]))


def test_cells_come_from_the_named_node():
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 1)
    fdt.root.set_u32("#size-cells", 1)
    chosen = fdt.root.add("chosen")
    chosen.set_u32("#address-cells", 2)
    chosen.set_u32("#size-cells", 2)
    fb = chosen.add("framebuffer@0")
    for parent, size in (
        (None, 16),
        ("/", 8),
        (fdt.root, 8),
        ("/chosen", 16),
        (chosen, 16),
    ):
        fb.set_reg("x", [(1, 2)], parent=parent)
        assert len(fb["x"]) == size
        assert fb.reg("x", parent=parent) == [(1, 2)]
    fdt.root.set_reg("x", [(1, 2)])
    assert len(fdt.root["x"]) == 8
    assert fdt.root.reg("x") == [(1, 2)]


def test_the_named_node_must_be_one_of_this_tree():
    bus, device = board(1, 1)
    other, _ = board(1, 1)
    with pytest.raises(FdtBadParameter, match="node of another tree"):
        device.set_reg("reg", [], parent=other)
    with pytest.raises(FdtNotFound):
        device.reg(parent="/nothing")
    with pytest.raises(TypeError):
        device.reg(parent=5)
    assert device.fdt is bus.fdt


def test_missing_cells_are_two_and_one_to_read_and_refused_to_write():
    """The specification's defaults, section 2.3.5; Linux reads a root without
    them as 1 and 1, so what libfdt would write is not what Linux reads."""
    fdt = Fdt.empty()
    assert (fdt.root.address_cells, fdt.root.size_cells) == (2, 1)
    node = fdt.root.add("memory@0")
    node["reg"] = encoded([(1, 2)], 2, 1)
    assert node.reg() == [(1, 2)]
    for missing in ("#address-cells", "#size-cells"):
        with pytest.raises(FdtBadContent, match=f"/ has no {missing}"):
            node.set_reg("reg", [(3, 4)])
        with pytest.raises(FdtBadContent, match=f"/ has no {missing}"):
            node.append_reg("reg", [(3, 4)])
        fdt.root.set_u32(missing, 2)
    node.set_reg("reg", [(3, 4)])
    assert node["reg"] == encoded([(3, 4)], 2, 2)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("#address-cells", b"\0\0\0\0"),
        ("#address-cells", b"\0\0\0\5"),
        ("#size-cells", b"\0\0\0\5"),
        ("#address-cells", b"\0\0\0"),
        ("#size-cells", b""),
        ("#size-cells", b"\xff\xff\xff\xff"),
    ],
)
def test_bad_cells_are_named(name, raw):
    bus, device = board(1, 1)
    device["reg"] = bytes(8)
    bus[name] = raw
    for act in (
        device.reg,
        lambda: device.set_reg("reg", [(1, 1)]),
        lambda: device.append_reg("reg", [(1, 1)]),
    ):
        with pytest.raises(FdtBadContent, match=r"/bus/device@0:reg: .*in /bus"):
            act()
    what = "address_cells" if "address" in name else "size_cells"
    with pytest.raises(FdtBadContent, match=f"/bus:{name}"):
        getattr(bus, what)
    assert device["reg"] == bytes(8)


@pytest.mark.parametrize("length", [1, 4, 7, 12, 15, 17])
def test_a_ragged_array_is_neither_read_nor_appended_to(length):
    _, device = board(1, 1)
    device["reg"] = bytes(length)
    if length % 8 == 0:
        return
    says = f"/bus/device@0:reg: the length {length} is not a whole number"
    with pytest.raises(FdtBadContent, match=says):
        device.reg()
    with pytest.raises(FdtBadContent, match=says):
        device.append_reg("reg", [(1, 1)])
    assert device["reg"] == bytes(length)


def test_entries_beyond_64_bits_cannot_be_read():
    _, device = board(3, 2)
    device["reg"] = encoded([(1, 1), (U64, 1)], 3, 2)
    with pytest.raises(FdtBadContent, match="more than 64 bits or wraps"):
        device.reg()
    _, device = board(2, 2)
    device["reg"] = encoded([(U64 - 1, 2)], 2, 2)
    with pytest.raises(FdtBadContent, match="more than 64 bits or wraps"):
        device.reg()
    device["reg"] = encoded([(U64 - 1, 1)], 2, 2)
    assert device.reg() == [(U64 - 1, 1)]


def test_large_arrays_go_through_in_one_piece():
    n = 20_000
    _, device = board(2, 2)
    flat = array.array("Q", range(2 * n))
    device.set_reg("reg", flat)
    assert len(device["reg"]) == 16 * n
    pairs = list(zip(flat[::2], flat[1::2]))
    assert device.reg() == pairs
    device.append_reg("reg", pairs)
    assert device.reg() == pairs + pairs


# C reads pairs 32 at a time
@pytest.mark.parametrize("n", [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 100, 10_000])
def test_every_way_to_give_many_entries_gives_the_same(n):
    pairs = [(i << 33 | i, 1 << (i % 60)) for i in range(n)]
    flat = array.array("Q", [number for pair in pairs for number in pair])
    # Numbers at an odd address: C could not read them there
    odd = memoryview(b"\0" * 4 + flat.tobytes())[4:].cast("Q")
    twice = array.array("Q", [n for n in flat for _ in range(2)])
    ways = {
        "list": pairs,
        "tuple": tuple(pairs),
        "MemRange": [MemRange(*pair) for pair in pairs],
        "lists": [list(pair) for pair in pairs],
        "generator": (pair for pair in pairs),
        "array": flat,
        "view": memoryview(flat),
        "misaligned": odd,
        "strided": memoryview(twice)[::2],
    }
    expected = encoded(pairs, 2, 2)
    for name, way in ways.items():
        _, device = board(2, 2)
        device.set_reg("reg", way)
        assert device["reg"] == expected, name
    for name in ("list", "array"):
        device.append_reg("reg", ways[name])
        expected += encoded(pairs, 2, 2)
        assert device["reg"] == expected, name


@pytest.mark.parametrize(
    "entry",
    [
        (True, False),
        (2**30 - 1, 2**30),
        (2**60, 2**62 - 1),
        (2**63 - 1, 2**63),
        (0, 2**64 - 1),
        (2**64 - 1, 1),
    ],
)
def test_numbers_of_every_length_are_taken_from_pairs(entry):
    # CPython's int has 30 bits to a digit, C's signed numbers 63
    _, device = board(2, 2)
    device.set_reg("reg", [entry] * 3)
    assert device["reg"] == encoded([entry] * 3, 2, 2)


@pytest.mark.parametrize("bad", [-1, 2**64, 2**200, -(2**200), 1.0, "1", None])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("at", [0, 31, 32, 777, 999])
def test_one_bad_number_among_many_is_found_and_named(bad, place, at):
    _, device = board(2, 2)
    device["reg"] = b"before"
    entries = [(1, 1)] * 1000
    entry = [1, 1]
    entry[place] = bad
    entries[at] = tuple(entry)
    number = isinstance(bad, int)
    with pytest.raises(FdtBadParameter if number else TypeError) as e:
        device.set_reg("reg", entries)
    if number:
        what = "size" if place else "start"
        assert f"{what} {hex(bad)[:20]}" in str(e.value)
        assert f"entry {at} " in str(e.value)
    assert device["reg"] == b"before"


class Sneaky:
    """No int: its __index__() must not be asked while C reads the list."""

    def __index__(self):
        raise AssertionError("asked")


def test_objects_that_are_like_numbers_are_no_numbers():
    _, device = board(2, 2)
    with pytest.raises(TypeError, match="want int, not Sneaky"):
        device.set_reg("reg", [(1, Sneaky())])


def test_the_packed_buffer_is_free_again_afterwards():
    flat = array.array("Q", [1, 2])
    _, device = board(2, 2)
    device.set_reg("reg", flat)
    flat.append(3)  # BufferError if something still held it
    with pytest.raises(FdtBadParameter, match="3 numbers are not"):
        device.set_reg("reg", flat)
    flat.append(4)
