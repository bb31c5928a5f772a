# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory ranges: every way in which two ranges can meet, and the limits.

Expected values follow from the definition of the set operations; the numbers
are small enough to see it. tests/property/test_ranges.py holds the same
functions against a model that counts bytes.
"""

import copy
import pickle
from array import array

import pytest

from pyfdtx.codec.reg import MemRange
from pyfdtx.errors import FdtBadParameter
from pyfdtx.kexec.facts.ranges import Ranges

TOP = 1 << 64


def pairs(ranges):
    return [tuple(r) for r in ranges]


# one range [100, 200) and every position of a hole relative to it
HOLES = {
    "far below": ((10, 5), [(100, 100)]),
    "touching from below": ((90, 10), [(100, 100)]),
    "over the start": ((90, 20), [(110, 90)]),
    "from the start": ((100, 10), [(110, 90)]),
    "strictly inside": ((150, 10), [(100, 50), (160, 40)]),
    "one byte inside": ((150, 1), [(100, 50), (151, 49)]),
    "to the end": ((190, 10), [(100, 90)]),
    "over the end": ((190, 20), [(100, 90)]),
    "touching from above": ((200, 10), [(100, 100)]),
    "far above": ((300, 10), [(100, 100)]),
    "exact": ((100, 100), []),
    "from below to the end": ((50, 150), []),
    "from the start beyond": ((100, 150), []),
    "around": ((50, 500), []),
    "empty": ((150, 0), [(100, 100)]),
}


@pytest.mark.parametrize("where", HOLES)
def test_a_hole_in_one_range(where):
    hole, left = HOLES[where]
    assert pairs(Ranges([(100, 100)]).exclude([hole])) == left


def test_a_hole_spans_several_ranges_and_cuts_the_outer_ones():
    ranges = Ranges([(0, 10), (20, 10), (40, 10), (60, 10)])
    assert pairs(ranges.exclude([(5, 60)])) == [(0, 5), (65, 5)]
    assert pairs(ranges.exclude([(10, 50)])) == [(0, 10), (60, 10)]


def test_a_range_with_many_holes_needs_no_spare_slot():
    """Linux's crash_exclude_mem_range() (kernel/crash_core.c) splits in place
    and returns -ENOMEM when the array is full, with the earlier edits kept.
    Here one range falls into a thousand."""
    holes = [(10 * i + 5, 5) for i in range(1000)]
    left = Ranges([(0, 10_000)]).exclude(holes)
    assert pairs(left) == [(10 * i, 5) for i in range(1000)]


def test_a_hole_over_a_partial_overlap_still_cuts_the_later_ranges():
    """Linux 6.1 stops after the first partial overlap and leaves the rest."""
    ranges = Ranges([(0, 100), (100, 100), (200, 100)])
    assert pairs(ranges.exclude([(50, 200)])) == [(0, 50), (250, 50)]


def test_a_failed_operation_changes_nothing():
    ranges = Ranges([(0, 100), (200, 100)])
    with pytest.raises(FdtBadParameter):
        ranges.exclude([(10, 20), (TOP - 1, 2)])
    assert pairs(ranges) == [(0, 100), (200, 100)]


def test_ranges_that_touch_stay_apart_until_they_are_joined():
    ranges = Ranges([(0, 10), (10, 10), (30, 10)])
    assert len(ranges) == 3
    assert pairs(ranges.exclude([(35, 1)])) == [(0, 10), (10, 10), (30, 5), (36, 4)]
    assert pairs(ranges.joined()) == [(0, 20), (30, 10)]


def test_intersect_cuts_at_the_borders_of_both():
    one = Ranges([(0, 10), (20, 10), (40, 10)])
    two = Ranges([(5, 20), (29, 12)])
    assert pairs(one.intersect(two)) == [(5, 5), (20, 5), (29, 1), (40, 1)]
    assert one.intersect(two) == two.intersect(one)


def test_merge_joins_overlapping_touching_and_contained_ranges():
    one = Ranges([(0, 10), (30, 10), (100, 50)])
    two = Ranges([(10, 5), (35, 10), (110, 5)])
    assert pairs(one.merge(two)) == [(0, 15), (30, 15), (100, 50)]
    assert one.merge(two) == two.merge(one)


def test_holes_may_overlap_each_other_and_come_in_any_order():
    holes = [(50, 10), (5, 10), (0, 8), (55, 20), (14, 1)]
    assert pairs(Ranges([(0, 100)]).exclude(holes)) == [(15, 35), (75, 25)]


def test_clip_takes_start_inclusive_and_stop_exclusive():
    ranges = Ranges([(0, 10), (20, 10)])
    assert pairs(ranges.clip(5, 21)) == [(5, 5), (20, 1)]
    assert pairs(ranges.clip(10, 20)) == []
    assert pairs(ranges.clip(7, 7)) == []
    assert ranges.clip(0, TOP) == ranges


@pytest.mark.parametrize("at", [0, 1, TOP - 1, TOP])
def test_clip_of_no_byte_is_empty_also_at_both_ends_of_memory(at):
    assert pairs(Ranges([(0, 10), (TOP - 10, 10)]).clip(at, at)) == []


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (6, 5), (0, TOP + 1)])
def test_clip_refuses_limits_that_cannot_be(start, stop):
    with pytest.raises(FdtBadParameter, match=r"0 <= start <= stop <= 2\*\*64"):
        Ranges().clip(start, stop)


def test_a_range_may_end_at_2_64_and_nothing_wraps():
    top = Ranges([(TOP - 100, 100)])
    assert pairs(top.exclude([(TOP - 1, 1)])) == [(TOP - 100, 99)]
    assert pairs(top.exclude([(TOP - 50, 10)])) == [(TOP - 100, 50), (TOP - 40, 40)]
    assert pairs(top.exclude([(0, 1)])) == [(TOP - 100, 100)]
    assert pairs(top.merge([(0, 1)])) == [(0, 1), (TOP - 100, 100)]
    assert pairs(top.intersect([(TOP - 1, 1)])) == [(TOP - 1, 1)]
    assert pairs(top.clip(TOP - 1, TOP)) == [(TOP - 1, 1)]
    assert TOP - 1 in top
    assert TOP not in top


def test_all_of_memory_is_two_halves_because_2_64_is_no_64_bit_number():
    half = TOP // 2
    halves = [(0, half), (half, half)]
    everything = Ranges(halves)
    assert pairs(everything.joined()) == halves
    assert pairs(Ranges.union(halves)) == halves
    assert pairs(Ranges([(0, half)]).merge([(half - 1, half + 1)])) == halves
    assert everything.total == TOP
    assert pairs(everything.exclude([(5, 1)])) == [(0, 5), (6, half - 6), (half, half)]
    with pytest.raises(FdtBadParameter, match="two halves"):
        Ranges([(0, TOP)])


def test_nothing_is_a_list_too():
    nothing = Ranges()
    assert not nothing
    assert nothing.total == 0
    assert pairs(nothing.exclude([(0, 5)])) == []
    assert pairs(nothing.intersect([(0, 5)])) == []
    assert pairs(nothing.merge([(0, 5)])) == [(0, 5)]
    assert pairs(nothing.merge([])) == []
    assert nothing.words.nbytes == 0


def test_any_order_is_sorted_and_empty_ranges_are_dropped():
    assert pairs(Ranges([(50, 5), (0, 5), (7, 0), (20, 5)])) == [
        (0, 5),
        (20, 5),
        (50, 5),
    ]
    packed = array("Q", [50, 5, 0, 5, 7, 0, 20, 5])
    assert pairs(Ranges(packed)) == [(0, 5), (20, 5), (50, 5)]


@pytest.mark.parametrize("kind", [list, lambda p: array("Q", sum(p, ()))])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([(0, 10), (9, 5)], r"MemRange\(0x0, 0xa\) and MemRange\(0x9, 0x5\).*union"),
        ([(9, 5), (0, 10)], r"MemRange\(0x0, 0xa\) and MemRange\(0x9, 0x5\)"),
        ([(0, 10), (0, 10)], "overlap"),
        ([(3, 1), (0, 10)], "overlap"),
        ([(0, 1), (TOP - 1, 2)], r"0xffffffffffffffff, 0x2\)"),
    ],
)
def test_ranges_that_overlap_or_wrap_are_refused_by_name(kind, given, says):
    with pytest.raises(FdtBadParameter, match=says):
        Ranges(kind(given))


def test_union_takes_ranges_that_overlap():
    given = [(0, 10), (9, 5), (20, 1), (14, 6), (40, 0), (30, 1)]
    assert pairs(Ranges.union(given)) == [(0, 21), (30, 1)]
    with pytest.raises(FdtBadParameter, match="wraps"):
        Ranges.union(array("Q", [TOP - 1, 2]))


def test_packed_numbers_are_copied_in_and_shown_read_only():
    packed = array("Q", [0, 5, 10, 5])
    ranges = Ranges(packed)
    packed[0] = 99
    assert pairs(ranges) == [(0, 5), (10, 5)]
    assert ranges.words.format == "Q"
    assert ranges.words.tolist() == [0, 5, 10, 5]
    with pytest.raises(TypeError):
        ranges.words[0] = 1
    assert Ranges(memoryview(array("Q", [0, 5]))) == Ranges([(0, 5)])
    assert Ranges(memoryview(array("Q", [0, 9, 5, 9]))[::2]) == Ranges([(0, 5)])


def test_what_is_not_ranges_is_refused():
    with pytest.raises(FdtBadParameter, match="3 packed numbers"):
        Ranges(array("Q", [1, 2, 3]))
    with pytest.raises(TypeError, match="format 'I' of 4 bytes"):
        Ranges(array("I", [1, 2]))
    with pytest.raises(TypeError, match="format 'd'"):
        Ranges(array("d", [1, 2]))
    with pytest.raises(TypeError, match="pairs"):
        Ranges([(1, 2, 3)])
    with pytest.raises(TypeError, match="pairs"):
        Ranges([("a", "b")])
    with pytest.raises(FdtBadParameter, match="negative"):
        Ranges([(-1, 5)])


def test_a_list_of_ranges_is_a_sequence_of_memranges():
    ranges = Ranges([(0, 5), (10, 5), (20, 5)])
    assert all(isinstance(r, MemRange) for r in ranges)
    assert ranges[-1] == MemRange(20, 5)
    assert pairs(ranges[1:]) == [(10, 5), (20, 5)]
    with pytest.raises(IndexError):
        ranges[3]
    assert ranges == Ranges([(20, 5), (10, 5), (0, 5)])
    assert hash(ranges) == hash(Ranges(ranges))
    assert ranges != [(0, 5), (10, 5), (20, 5)]
    assert pickle.loads(pickle.dumps(ranges)) == ranges
    assert copy.copy(ranges) == ranges
    assert Ranges(MemRange(4, 4)) == Ranges([(4, 4)])


def test_membership_of_addresses_and_ranges():
    ranges = Ranges([(0, 5), (5, 5), (20, 5)])
    assert [a for a in range(30) if a in ranges] == [*range(10), *range(20, 25)]
    assert MemRange(3, 5) in ranges
    assert MemRange(8, 3) not in ranges
    assert ranges.covers((0, 10))
    assert not ranges.covers((0, 25))
    assert "0" not in ranges


def test_repr_stays_short():
    assert repr(Ranges([(16, 1)])) == "Ranges([(0x10, 0x1)])"
    text = repr(Ranges([(2 * i, 1) for i in range(100_000)]))
    assert "100000 in all" in text
    assert len(text) < 300


def test_a_hundred_thousand_ranges_and_holes():
    """Each range [10i, 10i+8) has the hole [10i+2, 10i+4)."""
    count = 100_000
    ranges = Ranges([(10 * i, 8) for i in range(count)])
    left = ranges.exclude([(10 * i + 2, 2) for i in range(count)])
    assert len(left) == 2 * count
    assert left.total == 6 * count
    assert left[0] == MemRange(0, 2)
    assert left[2 * count - 1] == MemRange(10 * (count - 1) + 4, 4)
    assert left.merge(ranges) == ranges


def test_every_way_to_give_ranges_gives_the_same():
    pairs = [(i << 20, 0x1000) for i in range(1000)]
    flat = array("Q", [number for pair in pairs for number in pair])
    ways = {
        "list": pairs,
        "tuple": tuple(pairs),
        "MemRange": [MemRange(*pair) for pair in pairs],
        "lists": [list(pair) for pair in pairs],
        "generator": (pair for pair in pairs),
        "array": flat,
        "view": memoryview(flat),
        "backwards": pairs[::-1],
        "with empty ones": [*pairs[:500], (0, 0), (1 << 40, 0), *pairs[500:]],
    }
    for name, way in ways.items():
        assert list(Ranges(way)) == pairs, name


def test_packed_numbers_are_copied():
    flat = array("Q", [0x1000, 0x1000])
    got = Ranges(flat)
    flat[0] = 5
    flat.append(1)  # BufferError if something still held it
    assert list(got) == [(0x1000, 0x1000)]
