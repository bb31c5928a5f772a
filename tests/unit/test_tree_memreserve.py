# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The list of memory reservations."""

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, canonical

from pyfdtx import Fdt, FdtBadContent, FdtBadParameter, MemRange

U64 = 1 << 64
THREE = [(0x4000_0000, 0x1000), (U64 - 1, 1), (0, U64 - 1)]


def test_it_is_a_list_of_ranges():
    fdt = Fdt(blob([("p", b"1")], rsv=THREE))
    rsv = fdt.memreserve
    assert len(rsv) == 3
    assert list(rsv) == THREE
    assert all(type(r) is MemRange for r in rsv)
    assert rsv[0] == rsv[-3] == THREE[0]
    assert rsv[1:] == THREE[1:]
    assert rsv[::-1] == THREE[::-1]
    assert THREE[1] in rsv
    assert (1, 1) not in rsv
    assert "0x40000000, 0x1000" in repr(rsv)
    assert len(Fdt.empty().memreserve) == 0


@pytest.mark.parametrize("index", [3, -4])
def test_there_is_nothing_behind_the_ends(index):
    rsv = Fdt(blob(rsv=THREE)).memreserve
    for act in (rsv.__getitem__, rsv.__delitem__):
        with pytest.raises(IndexError, match="there are 3 reservations"):
            act(index)
    assert len(rsv) == 3


@pytest.mark.parametrize(
    "index", [0, 1, 2, -1, -3, slice(0, 2), slice(None), slice(2, 0, -1), slice(5, 9)]
)
def test_deleting_is_that_of_a_list(index):
    fdt = Fdt(blob([("p", b"1")], rsv=THREE))
    del fdt.memreserve[index]
    left = list(THREE)
    del left[index]
    assert list(fdt.memreserve) == left
    assert fdt.to_bytes() == canonical([("p", b"1")], rsv=left)


@pytest.mark.parametrize("n", range(7))
def test_any_of_a_list_may_go_at_once(n):
    """Every set of places that a slice can name; the tree behind stays."""
    have = [(i << 20, i + 1) for i in range(n)]
    cuts = range(-n - 1, n + 2)
    for index in (slice(a, b, c) for a in cuts for b in cuts for c in (-3, -1, 1, 2)):
        fdt = Fdt(blob([("p", b"1")], rsv=have))
        del fdt.memreserve[index]
        left = list(have)
        del left[index]
        assert fdt.to_bytes() == canonical([("p", b"1")], rsv=left), index


def test_clearing_a_long_list_takes_one_pass():
    # not one move of what is behind for each entry, which is quadratic
    fdt = Fdt(blob([("p", b"1")], rsv=[(1, 1)] * 200_000))
    began = time.perf_counter()
    fdt.memreserve.clear()
    assert time.perf_counter() - began < 2
    assert fdt.to_bytes() == canonical([("p", b"1")])


def test_append_remove_clear():
    fdt = Fdt(blob([("p", b"1")]))
    rsv = fdt.memreserve
    rsv.append(1, 2)
    rsv.append((3, 4))
    rsv.append(MemRange(1, 2))
    assert fdt.to_bytes() == canonical([("p", b"1")], rsv=[(1, 2), (3, 4), (1, 2)])
    rsv.remove((1, 2))
    assert list(rsv) == [(3, 4), (1, 2)]
    with pytest.raises(ValueError, match=r"no MemRange\(0x9, 0x9\)"):
        rsv.remove((9, 9))
    rsv.clear()
    assert fdt.to_bytes() == canonical([("p", b"1")])
    assert fdt.root["p"] == b"1"


@pytest.mark.parametrize("start", [0, 0x4000_0000, U64 - 1])
def test_a_reservation_of_no_bytes_is_refused_because_it_ends_the_list(start):
    fdt = Fdt(blob(rsv=THREE))
    with pytest.raises(FdtBadParameter, match="size 0 would end the list"):
        fdt.memreserve.append(start, 0)
    assert list(fdt.memreserve) == THREE


@pytest.mark.parametrize("entry", [(-1, 1), (0, -1), (U64, 1), (1, U64), (U64 - 1, 2)])
def test_a_range_beyond_64_bits_is_refused(entry):
    rsv = Fdt.empty().memreserve
    with pytest.raises(FdtBadParameter):
        rsv.append(*entry)
    with pytest.raises(FdtBadParameter):
        rsv.append(entry)
    assert len(rsv) == 0


@pytest.mark.parametrize("args", [(1,), ("1", 2), (1, "2"), ((1, 2), 3), (None,)])
def test_what_is_no_range_is_a_type_error(args):
    rsv = Fdt.empty().memreserve
    with pytest.raises(TypeError):
        rsv.append(*args)
    with pytest.raises(TypeError):
        rsv["0"]
    assert len(rsv) == 0


def test_a_reservation_that_wraps_can_be_deleted_but_not_read():
    fdt = Fdt(blob(rsv=[(1, 2), (U64 - 1, 2)]))
    assert fdt.memreserve[0] == (1, 2)
    for act in (lambda: list(fdt.memreserve), lambda: fdt.memreserve[1]):
        with pytest.raises(FdtBadContent, match="wraps past"):
            act()
    del fdt.memreserve[1]
    assert list(fdt.memreserve) == [(1, 2)]


def test_handles_of_nodes_stay_good():
    fdt = Fdt(blob([], [("n", [("p", b"1")], [])], rsv=THREE))
    node = fdt["/n"]
    assert node["p"] == b"1"
    fdt.memreserve.append(5, 6)
    assert node["p"] == b"1"
    fdt.memreserve.clear()
    node["p"] = b"2"
    assert fdt.to_bytes() == canonical([], [("n", [("p", b"2")], [])])
