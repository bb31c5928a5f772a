# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What was promised, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from results import Results, between, case, ratio
from stats import Spread

AT_LEAST, AT_MOST = "at least", "at most"

# Gives (where, what came out or None) of one job's results
Measured = Iterator["tuple[str, Spread | None]"]


class Promise(NamedTuple):
    """Attributes:
    job: key of the job whose results decide.
    text: what is compared; reads on from "at least 8 x: ".
    way, limit: AT_LEAST or AT_MOST, and the number.
    measured: gives what came out.
    headline: whether the summary shows it.
    """

    job: str
    text: str
    way: str
    limit: float
    measured: Callable[[Results], Measured]
    headline: bool = False


class Verdict(NamedTuple):
    """Attributes:
    promise: what was promised.
    key, where: of the case, or whatever names what was measured; for people.
    found: what came out; None: not measured.
    """

    promise: Promise
    key: str
    where: str
    found: Spread | None

    @property
    def word(self) -> str:
        if self.found is None:
            return "not measured"
        low, median, high = self.found
        limit = self.promise.limit
        if low < limit < high:
            return "undecided"
        met = median >= limit if self.promise.way == AT_LEAST else median <= limit
        return "met" if met else "missed"


def over(above: str, below: str, *cases: str) -> Callable[[Results], Measured]:
    """above's time over below's in these cases."""

    def measured(results: Results) -> Measured:
        for key in cases:
            one = case(results, key)
            yield key, ratio(results, one, above, below) if one else None

    return measured


def growing(key: str, group: str, least: float) -> Callable[[Results], Measured]:
    """A row's cost per unit at the largest size over that at the smallest that
    is not below `least`."""

    def measured(results: Results) -> Measured:
        found = {
            c["x"]: c
            for c in results.get("cases", ())
            if c["group"] == group and key in c["rounds"] and c["x"] >= least
        }
        if len(found) < 2:
            yield key, None
        else:
            small, large = min(found), max(found)
            got = between(found[large], found[small], key)
            yield f"{key}, {large:,.0f} over {small:,.0f}", got

    return measured


def memory_over(group: str, key: str) -> Callable[[Results], Measured]:
    """Peak extra memory over the result's size: the larger of both methods."""

    def measured(results: Results) -> Measured:
        row: dict[str, Any] | None = results["memory"]["rows"].get(group, {}).get(key)
        sizes = [row[how] for how in ("peak", "rss") if row[how] is not None] if row \
            else []  # fmt: skip
        if not row or not sizes:
            yield "large tree", None
        else:
            value = max(sizes) / row["of"]
            yield "large tree", Spread(value, value, value)

    return measured


# What "flat" and "linear" mean here: the cost of one may grow by a quarter
FLAT = 1.25

PROMISES = (
    Promise("j1", "pylibfdt's time over pyfdtx's", AT_LEAST, 8,
            over("pylibfdt", "native", "A"), True),
    Promise("j1", "fdtx_check() over a bare walk of the same trees", AT_MOST, 1.1,
            over("walk", "bare", "A", "B")),
    Promise("j1", "the time of the package fdt over pyfdtx's", AT_LEAST, 1000,
            over("fdt", "native", "A", "B"), True),
    Promise("j1", "the time of pyfdtx.pure over pyfdtx's", AT_LEAST, 20,
            over("pure", "native", "A", "B"), True),
    Promise("j1", "the job in C over a memcpy of the tree", AT_MOST, 5,
            over("c_engine", "memcpy", "A", "B"), True),
    Promise("j1", "pyfdtx over C with libfdt, unchecked", AT_MOST, 1.15,
            over("native", "c_plain", "A", "B")),
    Promise("j1", "pyfdtx over the same job in C", AT_MOST, 1.15,
            over("native", "c_engine", "A", "B")),
    Promise("j2", "packed: cost per range", AT_MOST, FLAT,
            growing("packed", "ranges", 100)),
    Promise("j2", "tuples: cost per range", AT_MOST, FLAT,
            growing("tuples", "ranges", 100)),
    Promise("j2", "one by one: cost per range", AT_MOST, FLAT,
            growing("each", "ranges", 100)),
    Promise("j2", "pylibfdt with packed numbers over pyfdtx", AT_LEAST, 1,
            over("pylibfdt_packed", "packed", "1000", "10000", "100000")),
    Promise("j2", "pylibfdt range by range over pyfdtx, packed", AT_LEAST, 100,
            over("pylibfdt_append", "packed", "10000", "alone-10000"), True),
    Promise("j2", "pylibfdt in one call over pyfdtx, list of tuples", AT_LEAST, 3,
            over("pylibfdt_oneshot", "tuples", "10000", "alone-10000")),
    Promise("j3", "pylibfdt's full walk over opening with an index", AT_LEAST, 100,
            over("pylibfdt", "view", "open"), True),
    Promise("j3", "pylibfdt's walk over to_dict()", AT_LEAST, 12,
            over("pylibfdt", "dict", "walk"), True),
    Promise("j3", "one property by path: pyfdtx over pylibfdt", AT_MOST, 1,
            over("view", "pylibfdt", "path")),
    Promise("j3", "one property by node: pyfdtx over pylibfdt", AT_MOST, 1,
            over("view", "pylibfdt", "handle")),
    Promise("j4", "import and crash tree over python -c pass", AT_MOST, 1.35,
            over("native", "pass", "tree"), True),
    Promise("j6", "a Struct.pack_into() loop over pyfdtx, packed", AT_LEAST, 40,
            over("loop", "packed", "10000"), True),
    Promise("j7", "get as bytes, pyfdtx over pylibfdt", AT_MOST, 0.5,
            over("native", "pylibfdt", "get")),
    Promise("j7", "get as a number, pyfdtx over pylibfdt", AT_MOST, 0.7,
            over("native", "pylibfdt", "get_u32")),
    Promise("j7", "edits of a node, pyfdtx over pylibfdt", AT_MOST, 1,
            over("native", "pylibfdt", "set_u32", "set_string", "add_delete",
                 "append_reg"), True),
    Promise("j7", "edit() with one change over the change by node", AT_MOST, 2,
            over("edit", "native", "set_u32")),
    Promise("j7", "open, set, bytes: pyfdtx over pylibfdt, median tree", AT_MOST, 1,
            over("native", "pylibfdt", "median")),
    Promise("j7", "open, set, bytes: pyfdtx over pylibfdt", AT_MOST, 1.5,
            over("native", "pylibfdt", "small", "large")),
    Promise("growth", "nodes: cost of one", AT_MOST, FLAT,
            growing("native", "nodes", 0)),
    Promise("growth", "nodes added last: cost of one", AT_MOST, FLAT,
            growing("last", "nodes", 0)),
    Promise("growth", "nodes in an edit: cost of one", AT_MOST, FLAT,
            growing("edit", "nodes", 0)),
    Promise("growth", "appended KiB: cost of one", AT_MOST, FLAT,
            growing("native", "bytes", 0)),
    Promise("growth", "pylibfdt's FdtSw over pyfdtx: 40,000 nodes", AT_LEAST, 1,
            over("writer", "native", "nodes-40000")),
    Promise("growth", "pylibfdt's FdtSw over pyfdtx: 5 MiB appended", AT_LEAST, 1,
            over("writer", "native", "bytes-5120")),
    Promise("memory", "peak extra memory of J1 over its output", AT_MOST, 1.2,
            memory_over("j1", "native"), True),
    Promise("memory", "peak extra memory of the index over the blob", AT_MOST, 0.5,
            memory_over("open", "open:view"), True),
)  # fmt: skip


def place(results: Results, key: str) -> str:
    """How a case is called in a table: by its key if that is a letter."""
    one = case(results, key)
    return one["title"] if one and len(key) > 1 else key


def judge(results: Results) -> list[Verdict]:
    """The verdicts on one job's promises."""
    return [
        Verdict(promise, key, place(results, key), found)
        for promise in PROMISES
        if promise.job == results["job"]
        for key, found in promise.measured(results)
    ]
