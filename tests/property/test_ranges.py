# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The algebra of ranges against a model that is a set of byte numbers."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyfdtx.errors import FdtBadParameter
from pyfdtx.kexec.facts.ranges import Ranges

TOP = 1 << 64
SPAN = 64
# The same small world at the bottom, around 4 GiB and at the end of memory
BASES = st.sampled_from([0, (1 << 32) - SPAN // 2, TOP - SPAN])
SMALL = st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)).map(
    lambda p: (min(p), max(p) - min(p))
)


@st.composite
def worlds(draw):
    """Two lists of pairs that may overlap, in one small world."""
    base = draw(BASES)
    # start TOP with size 0 is a sound empty range of the model, not of 64 bits
    pair = SMALL.map(lambda p: (base + p[0], p[1])).filter(lambda p: p[0] < TOP)
    return draw(st.lists(pair, max_size=12)), draw(st.lists(pair, max_size=12))


def model(pairs):
    return {b for start, size in pairs for b in range(start, start + size)}


def runs(numbers):
    """Maximal runs of a set of numbers as pairs."""
    found = []
    for n in sorted(numbers):
        if found and sum(found[-1]) == n:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((n, 1))
    return found


def sound(ranges):
    """The bytes of a list that keeps its promises."""
    end = 0
    for start, size in ranges:
        assert size > 0
        assert start >= end
        end = start + size
    assert end <= TOP
    assert ranges.total == len(model(ranges))
    return model(ranges)


@given(worlds())
def test_union_is_the_maximal_runs_of_all_bytes(world):
    one, _ = world
    assert [tuple(r) for r in Ranges.union(one)] == runs(model(one))


@given(worlds())
def test_exclude_leaves_the_difference(world):
    one, two = world
    assert sound(Ranges.union(one).exclude(two)) == model(one) - model(two)


@given(worlds())
def test_intersect_leaves_the_common_bytes(world):
    one, two = world
    assert sound(Ranges.union(one).intersect(two)) == model(one) & model(two)


@given(worlds())
def test_merge_is_the_maximal_runs_of_both(world):
    one, two = world
    merged = Ranges.union(one).merge(two)
    assert [tuple(r) for r in merged] == runs(model(one) | model(two))


@given(worlds(), st.integers(0, SPAN), st.integers(0, SPAN))
def test_clip_leaves_what_lies_between(world, a, b):
    one, two = world
    base = min((p[0] for p in one + two), default=0)
    start, stop = min(base + min(a, b), TOP), min(base + max(a, b), TOP)
    clipped = Ranges.union(one).clip(start, stop)
    assert sound(clipped) == {n for n in model(one) if start <= n < stop}


@given(worlds())
def test_one_pass_for_all_holes_equals_one_hole_after_the_other(world):
    one, holes = world
    step = whole = Ranges.union(one)
    for hole in holes:
        step = step.exclude([hole])
    assert step == whole.exclude(holes)


@given(worlds())
def test_touching_ranges_are_never_joined_by_exclude(world):
    """A list cut into single bytes stays cut."""
    one, holes = world
    bytewise = Ranges([(n, 1) for n in model(one)])
    left = bytewise.exclude(holes)
    assert [tuple(r) for r in left] == [
        (n, 1) for n in sorted(model(one) - model(holes))
    ]


@given(worlds())
def test_the_parts_make_the_whole(world):
    one, two = world
    ranges = Ranges.union(one)
    out, common = ranges.exclude(two), ranges.intersect(two)
    assert out.merge(common) == ranges
    assert not out.intersect(common)
    assert out.total + common.total == ranges.total


@given(worlds())
def test_overlaps_are_refused_exactly_when_bytes_are_counted_twice(world):
    one, _ = world
    packed = array("Q", [n for pair in one for n in pair])
    if sum(size for _, size in one) != len(model(one)):
        with pytest.raises(FdtBadParameter, match="overlap"):
            Ranges(one)
        with pytest.raises(FdtBadParameter, match="overlap"):
            Ranges(packed)
    else:
        assert sound(Ranges(one)) == model(one)
        assert Ranges(packed) == Ranges(one)


@given(worlds())
def test_covers_agrees_with_the_model(world):
    one, two = world
    ranges = Ranges.union(one)
    for pair in two:
        assert ranges.covers(pair) == (model([pair]) <= model(one))
