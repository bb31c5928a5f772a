# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The charts of a job: bars of ratios, or lines where a size grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chart
import lines
from results import Found, Results, per_unit, ratio, rows, shown


def file_name(results: Results, group: str) -> str:
    """A job with one group has the job's name for its chart."""
    single = len(results["groups"]) == 1
    return f"{results['job']}.svg" if single else f"{results['job']}-{group}.svg"


def drawable(results: Results, group: str) -> bool:
    return bool(results.get("cases")) and bool(shown(results, group))


def _subtitle(results: Results, what: str) -> str:
    m = results["machine"]
    return f"{what}; {m['cpu']}, {m['date']}"


def _bars(results: Results, group: str, cases: list[Found]) -> str:
    drawn = []
    for key, (title, note) in rows(results, group).items():
        spreads = [ratio(results, c, key, c["base"]) for c in cases]
        if any(spreads):
            drawn.append(chart.Bars(title, note, spreads))
    base = rows(results, group).get(cases[0]["base"], (cases[0]["base"], ""))[0]
    return chart.svg(
        results["groups"][group]["title"],
        _subtitle(
            results,
            f"{results['clock']}, {base} = 1, log scale; median, whiskers: quartiles",
        ),
        base,
        [c["title"] for c in cases],
        drawn,
    )


def _lines(results: Results, group: str, cases: list[Found]) -> str:
    drawn = []
    for key, (title, _) in rows(results, group).items():
        points = [(c["x"], per_unit(results, c, key)) for c in cases]
        measured = [(x, s.scaled(1e-9)) for x, s in points if s]
        if measured:
            drawn.append(lines.Line(title, measured))
    unit = results["groups"][group]["unit"]
    return lines.svg(
        results["groups"][group]["title"],
        _subtitle(results, f"{results['clock']} per {unit}, log scales"),
        f"{unit}s",
        drawn,
    )


def draw(results: Results, group: str) -> str:
    cases = shown(results, group)
    growing = len(cases) > 1 and all(c["x"] is not None for c in cases)
    return (_lines if growing else _bars)(results, group, cases)


def write_all(everything: dict[str, Results], folder: Path) -> Iterator[Path]:
    """Draw every group of every job; the files written."""
    for results in everything.values():
        for group in results["groups"]:
            if drawable(results, group):
                place = folder / file_name(results, group)
                place.write_text(draw(results, group))
                yield place
