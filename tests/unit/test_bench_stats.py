# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Medians, quartiles and paired ratios of the benchmarks."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from stats import Spread, paired, spread


def test_quartiles_of_five_numbers_are_the_second_third_and_fourth():
    assert spread([50, 10, 40, 20, 30]) == (20, 30, 40)


def test_quartiles_between_numbers_are_interpolated():
    # positions 0.75, 1.5 and 2.25 of 1, 2, 3, 4 counted from 0
    assert spread([4, 1, 3, 2]) == (1.75, 2.5, 3.25)


def test_one_round_is_its_own_median_and_quartiles():
    assert spread([7]) == (7, 7, 7)


def test_no_round_at_all_is_an_error():
    with pytest.raises(ValueError, match="no rounds"):
        spread([])


def test_ratios_are_taken_round_by_round():
    # The second round was disturbed tenfold, for both: its ratio is still 2.
    # Ratios 2, 2, 3; the third quartile lies half-way between 2 and 3.
    slow, fast = [200, 2200, 180], [100, 1100, 60]
    assert paired(slow, fast) == (2, 2, 2.5)


def test_unpaired_rounds_are_an_error():
    with pytest.raises(ValueError, match="3 rounds against 2"):
        paired([1, 2, 3], [1, 2])


def test_scaling_scales_all_three():
    assert Spread(1, 2, 3).scaled(10) == (10, 20, 30)


def test_rounds_that_one_was_not_run_in_are_left_out():
    assert paired([10, None, 40], [10, 7, 20]) == (1.25, 1.5, 1.75)
    assert paired([None, None], [1, 2]) is None
