# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""How the cost of a call grows with its input: a ratio, not a time."""

from __future__ import annotations

import gc
import time
from typing import Any, Callable

# Four times the input costs four times as much if the cost is linear, and up to
# seven times where the small one fits into the cache; sixteen times if the cost is
# quadratic, 12.8 for the least of those that were found
LIMIT = 10
ROUNDS = 4


def cost(act: Callable[[Any], object], made: Callable[[], Any]) -> float:
    """CPU seconds of one call; what it works on is made before."""
    subject = made()
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        act(subject)
        return time.process_time() - start
    finally:
        gc.enable()


def ratio(
    act: Callable[[Any], object], make: Callable[[int], Callable[[], Any]], n: int
) -> float:
    """Cost at 4 n over cost at n, each the least of some rounds.

    A busy machine makes single rounds slower, never faster: more rounds follow
    only while the ratio is too high.
    """
    small, large = make(n), make(4 * n)
    least_small = least_large = float("inf")
    for _ in range(ROUNDS):
        least_small = min(least_small, cost(act, small), cost(act, small))
        least_large = min(least_large, cost(act, large))
        if least_large < LIMIT * least_small:
            break
    return least_large / least_small
