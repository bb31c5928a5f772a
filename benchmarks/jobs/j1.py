# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J1: a crash kernel's tree out of a boot tree, bytes to bytes, every tree."""

from __future__ import annotations

import warnings
from collections import Counter

import cases
import impls
from compare import byte_difference, tree_difference
from crash_job import CRASH
from frame import Case, Disagreement, Group, Prepared, Progress, Row, Setup
from impls import BYTES, INPUT, NOTHING, TREE, Variant

KEY = "j1"
TITLE = "A crash kernel's tree from a boot tree, bytes to bytes"
ROUNDS = 25
CLOCK = "thread"
GROUPS = {
    "trees": Group(TITLE, "tree", "Full validation in pyfdtx, none in the peers."),
}

PART = 12  # slow packages: every 12th tree ...
SELDOM = 4  # ... in every 4th round


def _do(variant: Variant, blob: bytes, where: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return variant.one(blob)
    except Exception as e:
        raise Disagreement(
            f"{where}: {variant.key} fails: {type(e).__name__}: {e}"
        ) from e


def agree(corpus: cases.Corpus, variants: list[Variant], progress: Progress) -> str:
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
            if v.promise == NOTHING:
                continue
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


def _row(variant: Variant, corpus: cases.Corpus, every: int) -> Row:
    return Row(
        variant.key,
        variant.title,
        f"checks: {variant.checks}" if variant.checks else "no checks",
        variant.loop(corpus),
        every=every,
        counted=not variant.slow,
    )


def _cases(corpus: cases.Corpus, variants: list[Variant]) -> list[Case]:
    base = variants[0].key
    title = f"{corpus.key}: {len(corpus.names)} trees {corpus.title}"
    whole = Case(
        corpus.key, title, "trees", len(corpus.names), base,
        [_row(v, corpus, 1) for v in variants if not v.slow],
    )  # fmt: skip
    if not any(v.slow for v in variants):
        return [whole]
    part = corpus.every(PART)
    some = Case(
        f"{corpus.key}/{PART}", f"{corpus.key}: every {PART}th tree", "trees",
        len(part.names), base, [_row(v, part, SELDOM) for v in variants],
        part_of=corpus.key,
    )  # fmt: skip
    return [whole, some]


def prepare(setup: Setup) -> Prepared:
    names, blobs, left_out = cases.read(setup.directory)
    if setup.few:
        names, blobs = names[::PART], blobs[::PART]
    if not names:
        raise ValueError(f"no usable .dtb file below {setup.directory}")
    variants, missing = impls.available(CRASH)
    corpora = cases.corpora(names, blobs)

    def agree_all(progress: Progress) -> None:
        for corpus in corpora:
            agree(corpus, variants, progress)

    return Prepared(
        [case for corpus in corpora for case in _cases(corpus, variants)],
        missing,
        {
            "bytes": {c.key: sum(map(len, c.blobs)) for c in corpora},
            "left_out": Counter(left_out.values()),
        },
        agree_all,
    )
