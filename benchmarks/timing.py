# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Agreement first, then interleaved rounds of thread CPU time."""

from __future__ import annotations

import gc
import os
import random
import time
import warnings
from typing import Callable

from cases import Corpus
from compare import byte_difference, tree_difference
from impls import BYTES, INPUT, TREE, Variant

SEED = 20180611  # of the order within the rounds
PART = 12  # slow variants: every 12th tree ...
SELDOM = 4  # ... in every 4th round

Progress = Callable[[str], None]
Rounds = dict[str, list[int]]  # ns of each round, by key of the variant


class Disagreement(Exception):
    """Two implementations give different trees: nothing may be timed."""


def _do(variant: Variant, blob: bytes, where: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return variant.one(blob)
    except Exception as e:
        raise Disagreement(
            f"{where}: {variant.key} fails: {type(e).__name__}: {e}"
        ) from e


def agree(corpus: Corpus, variants: list[Variant], progress: Progress) -> str:
    """Do the job with every variant on every tree and compare the outputs.

    The reference is the first variant that promises bytes, else the first
    that promises a tree. Warnings count as failures. Slow variants are
    compared on the trees that they are timed on.

    Returns: the key of the reference.
    Raises:
        Disagreement: with the tree, both variants and the difference.
    """
    order = [v for p in (BYTES, TREE) for v in variants if v.promise == p]
    reference = order[0]
    part = set(corpus.names[::PART])
    for i, (name, blob) in enumerate(zip(corpus.names, corpus.blobs)):
        if not i % 20:
            progress(f"corpus {corpus.key}: comparing, tree {i} of {len(corpus.names)}")
        where = f"corpus {corpus.key}, {name}"
        want = _do(reference, blob, where)
        for v in variants:
            if v is reference or (v.slow and name not in part):
                continue
            got = _do(v, blob, where)
            if v.promise == TREE:
                lines = tree_difference(want, got)
            else:
                lines = byte_difference(blob if v.promise == INPUT else want, got)
            if lines:
                other = "the input" if v.promise == INPUT else reference.key
                raise Disagreement(
                    "\n  ".join([f"{where}: {v.key} differs from {other}:", *lines])
                )
    return reference.key


def pin() -> int | None:
    """Keep this process on one CPU, the last it may use; None if it cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    return cpu


def _round(loops: list[tuple[str, Callable[[], object]]], into: Rounds) -> None:
    for key, run in loops:
        gc.collect()
        start = time.thread_time_ns()
        run()
        into[key].append(time.thread_time_ns() - start)


def measure(
    corpus: Corpus, variants: list[Variant], rounds: int, progress: Progress
) -> tuple[Rounds, Rounds]:
    """Run every variant once per round, in an order that changes.

    Returns: the times over the whole corpus of all but the slow variants, and
        the times over every PART-th tree of all variants, which has a round
        for every SELDOM-th of the others.
    """
    rng = random.Random(SEED)
    part = corpus.every(PART)
    whole_loops = [(v.key, v.loop(corpus)) for v in variants if not v.slow]
    part_loops = [(v.key, v.loop(part)) for v in variants]
    whole: Rounds = {key: [] for key, _ in whole_loops}
    some: Rounds = {key: [] for key, _ in part_loops}
    for _, run in part_loops:
        run()  # caches of the interpreter, imports, first allocations
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for i in range(rounds):
            progress(f"corpus {corpus.key}: round {i + 1} of {rounds}")
            rng.shuffle(whole_loops)
            _round(whole_loops, whole)
            if any(v.slow for v in variants) and i % SELDOM == 0:
                rng.shuffle(part_loops)
                _round(part_loops, some)
    finally:
        gc.enable()
        gc.unfreeze()
    return whole, some
