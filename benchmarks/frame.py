# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a job hands to the clock: cases, and in each the rows to be timed.

A job is a module of jobs/ with

    KEY, TITLE      short and stable, for files and options; for people
    ROUNDS          how often everything is run
    CLOCK           one of timing.CLOCKS
    GROUPS          {key: Group}: a table and a chart each
    prepare(setup)  -> Prepared

and optionally TARGETS of targets.py's kind, kept there because judging needs
none of what measuring needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable, NamedTuple

Progress = Callable[[str], None]


class Disagreement(Exception):
    """Two implementations give different results: nothing may be timed."""


class Missing(Exception):
    """An implementation is not there; the message says what is missing."""


class Setup(NamedTuple):
    """What a job may ask for.

    Attributes:
        directory: folder with .dtb files.
        few: whether few of the trees will do.
        small: whether smaller sizes will do.
        progress: says what is being done.
    """

    directory: Path
    few: bool
    small: bool
    progress: Progress


class Row(NamedTuple):
    """One implementation in one case.

    Attributes:
        key: short and stable, for the JSON.
        title, note: for tables and charts.
        run: what is timed. With the clock "own" it returns its own time, ns.
        answer: the result, in a form that equals the other rows' answers; None
            if the case compares in another way.
        before: run each time before the clock starts.
        every: run in every n-th round only (slow packages).
        work: what is counted instead of run, if run starts a process.
        counted: whether instructions are counted too (not if that takes long).
    """

    key: str
    title: str
    note: str
    run: Callable[[], object]
    answer: Callable[[], object] | None = None
    before: Callable[[], object] | None = None
    every: int = 1
    work: Callable[[], object] | None = None
    counted: bool = True


class Case(NamedTuple):
    """Rows that do the same work.

    Attributes:
        key, title: for the JSON; for tables.
        group: key of the job's group that shows it.
        units: how many of the group's units one run does.
        base: key of the row that ratios are over.
        rows: what is run.
        x: what a chart of growth shows it at; None: a chart of bars.
        part_of: key of the case whose table shows rows that only this one has
            (a part of the trees, for slow packages); "" if it stands alone.
    """

    key: str
    title: str
    group: str
    units: int
    base: str
    rows: list[Row]
    x: float | None = None
    part_of: str = ""


class Group(NamedTuple):
    """Cases of one table: a title, what one unit is ("tree"), a sentence."""

    title: str
    unit: str
    text: str = ""


class Prepared(NamedTuple):
    """Attributes:
    cases: to be measured.
    missing: implementations that are not, by key, with the reason.
    facts: whatever else the report shows, JSON-ready.
    agree: compares all rows of all cases before anything is timed; None: each
        case's answers are compared with its base's.
    """

    cases: list[Case]
    missing: dict[str, str]
    facts: dict[str, Any]
    agree: Callable[[Progress], None] | None = None


def collect(
    makers: Iterable[tuple[str, Callable[[], Row]]], missing: dict[str, str]
) -> list[Row]:
    """The rows whose maker finds what it needs; the others go to missing."""
    rows = []
    for key, make in makers:
        try:
            rows.append(make())
        except (ImportError, AttributeError, Missing) as e:
            missing[key] = str(e)
    return rows


def agree(cases: list[Case], progress: Progress) -> None:
    """Compare every row's answer with that of its case's base, or of the first
    row when the base is missing.

    Raises:
        Disagreement: naming case, row and what differs.
    """
    for case in cases:
        rows = [r for r in case.rows if r.answer]
        if not rows:
            continue
        reference = next((r for r in rows if r.key == case.base), rows[0])
        want = _answer(case, reference)
        for row in rows:
            if row is reference:
                continue
            progress(f"comparing {case.title}: {row.title}")
            got = _answer(case, row)
            if got != want:
                raise Disagreement(
                    f"{case.title}: {row.key} differs from {reference.key}: "
                    f"{_difference(want, got)}"
                )


def _answer(case: Case, row: Row) -> object:
    assert row.answer
    try:
        return row.answer()
    except Exception as e:
        raise Disagreement(
            f"{case.title}: {row.key} fails: {type(e).__name__}: {e}"
        ) from e


def _difference(want: Any, got: Any) -> str:
    if type(want) is not type(got):
        return f"wanted {type(want).__name__}, got {type(got).__name__}"
    if isinstance(want, (list, tuple)):
        if len(want) != len(got):
            return f"{len(got)} results instead of {len(want)}"
        i = next(i for i, (a, b) in enumerate(zip(want, got)) if a != b)
        return f"result {i}: {_difference(want[i], got[i])}"
    if isinstance(want, dict):
        for key in {**want, **got}:
            if key not in got or key not in want:
                return f"{key!r} is {'lacking' if key not in got else 'too much'}"
            if want[key] != got[key]:
                return f"{key!r}: {_difference(want[key], got[key])}"
        return "order"
    if isinstance(want, bytes):
        at = next(
            (i for i, (a, b) in enumerate(zip(want, got)) if a != b),
            min(len(want), len(got)),
        )
        return (
            f"byte {at}: wanted {want[at : at + 8].hex(' ')}, got "
            f"{got[at : at + 8].hex(' ')}; {len(want)} against {len(got)} bytes"
        )
    return f"wanted {str(want)[:60]}, got {str(got)[:60]}"
