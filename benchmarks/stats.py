# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Median and quartiles of rounds, alone and as ratios of paired rounds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple


class Spread(NamedTuple):
    """Median and quartiles of some numbers."""

    q1: float
    median: float
    q3: float

    def scaled(self, factor: float) -> Spread:
        return Spread(self.q1 * factor, self.median * factor, self.q3 * factor)


def spread(values: Sequence[float]) -> Spread:
    """Linear interpolation between the sorted values, ends included.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no rounds to take a median of")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*quantiles(values, n=4, method="inclusive"))


def paired(
    above: Sequence[float | None], below: Sequence[float | None]
) -> Spread | None:
    """Spread of above[i] / below[i]; entry i of both is the same round, so what
    disturbed that round disturbed both. None stands for a round in which one
    was not run; without a common round there is no ratio.

    Raises:
        ValueError: different numbers of rounds.
    """
    if len(above) != len(below):
        raise ValueError(f"{len(above)} rounds against {len(below)}")
    ratios = [
        a / b for a, b in zip(above, below) if a is not None and b is not None and b
    ]
    return spread(ratios) if ratios else None
