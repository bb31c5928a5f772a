# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What stands in a results file, and the ratios that follow from it.

Only rounds and counts are stored; every number that is shown is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs import NAMES as JOBS
from stats import Spread, paired, spread

SCHEMA = 2

Results = dict[str, Any]
Found = dict[str, Any]  # one case of the results


def load(place: Path) -> Results:
    """Raises:
    ValueError: not a results file of this schema.
    """
    try:
        results: Results = json.loads(place.read_text())
    except json.JSONDecodeError as e:
        raise ValueError(f"{place}: {e}") from None
    if results.get("schema") != SCHEMA:
        raise ValueError(f"{place}: not of schema {SCHEMA}: run `make bench` again")
    return results


def load_all(folder: Path) -> dict[str, Results]:
    """All results files of a folder, by job, in the order of the jobs."""
    found = {r["job"]: r for r in map(load, sorted(folder.glob("*.json")))}
    order = sorted(found, key=lambda job: (*JOBS, job).index(job))
    return {job: found[job] for job in order}


def case(results: Results, key: str) -> Found | None:
    return next((c for c in results.get("cases", ()) if c["key"] == key), None)


def shown(results: Results, group: str) -> list[Found]:
    """The cases that are columns of a group's table."""
    return [c for c in results["cases"] if c["group"] == group and not c.get("part_of")]


def with_parts(results: Results, one: Found) -> Iterator[Found]:
    """The case, and the smaller ones that stand in for rows it lacks."""
    yield one
    for other in results["cases"]:
        if other.get("part_of") == one["key"]:
            yield other


def ratio(results: Results, one: Found, above: str, below: str) -> Spread | None:
    """above's time over below's, paired by round; None if not measured."""
    for c in with_parts(results, one):
        if above in c["rounds"] and below in c["rounds"]:
            return paired(c["rounds"][above], c["rounds"][below])
    return None


def per_unit(results: Results, one: Found, key: str) -> Spread | None:
    """Nanoseconds for one unit; None if not measured."""
    for c in with_parts(results, one):
        rounds = [ns for ns in c["rounds"].get(key, ()) if ns is not None]
        if rounds:
            return spread(rounds).scaled(1 / c["units"])
    return None


def between(large: Found, small: Found, key: str) -> Spread | None:
    """The time per unit in one case over that in another, by round."""
    if key not in large["rounds"] or key not in small["rounds"]:
        return None
    found = paired(large["rounds"][key], small["rounds"][key])
    return found and found.scaled(small["units"] / large["units"])


def instructions(results: Results, one: Found, key: str) -> float | None:
    """Instructions for one unit; None if not counted."""
    for c in with_parts(results, one):
        counted = c.get("instructions", {}).get(key)
        if counted is not None:
            return float(counted["instructions"]) / float(counted["units"])
    return None


def rows(results: Results, group: str) -> dict[str, tuple[str, str]]:
    """Title and note of every row of a group's cases, by key, in order."""
    found: dict[str, tuple[str, str]] = {}
    for c in results["cases"]:
        if c["group"] == group:
            for r in c["rows"]:
                found.setdefault(r["key"], (r["title"], r["note"]))
    return found
