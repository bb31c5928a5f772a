# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Interleaved rounds: every row of every case once, in an order that changes."""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from frame import Case, Progress, Row

SEED = 20180611  # of the order within the rounds

# by case: by row: ns of each round, None where the row was not run
Rounds = dict[str, dict[str, list["int | None"]]]

# What a job's CLOCK may be, and what the report calls it
CLOCKS = {
    "thread": "thread CPU time",
    "wall": "wall-clock time",
    "own": "CPU time of the processes",
}


@contextmanager
def pinned() -> Iterator[int | None]:
    """Keep this process on one CPU, the last it may use; None if it cannot."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    cpu = max(before)
    os.sched_setaffinity(0, {cpu})
    try:
        yield cpu
    finally:
        os.sched_setaffinity(0, before)


def _once(row: Row, clock: str) -> int:
    if row.before:
        row.before()
    gc.collect()
    if clock == "own":
        took = row.run()
        assert isinstance(took, int)
        return took
    now: Callable[[], int] = (
        time.thread_time_ns if clock == "thread" else time.perf_counter_ns
    )
    start = now()
    row.run()
    return now() - start


def measure(cases: list[Case], rounds: int, clock: str, progress: Progress) -> Rounds:
    """Run every row in every round that is its turn.

    A row with every=4 has its turn in rounds 0, 4, 8, ..., so whatever is
    paired with it is paired there. Before, each is run once for caches,
    imports and first allocations; the slow ones are not.
    """
    rng = random.Random(SEED)
    todo = [(case, row) for case in cases for row in case.rows]
    found: Rounds = {c.key: {r.key: [] for r in c.rows} for c in cases}
    for i, (case, row) in enumerate(todo):
        progress(f"warming up: {i + 1} of {len(todo)}, {case.title}, {row.title}")
        if row.every == 1:
            _once(row, clock)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number in range(rounds):
            rng.shuffle(todo)
            for i, (case, row) in enumerate(todo):
                turn = number % row.every == 0
                if turn:
                    progress(
                        f"round {number + 1} of {rounds}, {i + 1} of {len(todo)}: "
                        f"{case.title}, {row.title}"
                    )
                took = _once(row, clock) if turn else None
                found[case.key][row.key].append(took)
    finally:
        gc.enable()
        gc.unfreeze()
    return found
