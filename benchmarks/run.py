# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Run the benchmarks: compare, measure, store, show.

make bench                       every job, results in benchmarks/results
make bench JOBS="j1 j6"          some jobs
make bench-quick                 a glance, under a minute, stores nothing
make bench CORPUS=DIR            your own .dtb files, stores nothing
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import cases
import jobs
import machine
import timing
from frame import Case, Disagreement, Missing, Setup, agree
from results import SCHEMA, Results, case, load

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
QUICK_ROUNDS = 5


def progress(message: str) -> None:
    """One line that is rewritten, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message[:100]}", end="", file=sys.stderr, flush=True)


def compact(results: Results) -> str:
    """JSON with one line per list of rounds."""
    text = json.dumps(results, indent=1)
    lists = re.compile(r"\[\s+((?:\d+|null)(?:,\s+(?:\d+|null))*)\s+\]")
    return lists.sub(lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


def base(one: Case) -> str:
    """What ratios are over: the case's base, or the first row if it is not
    there."""
    keys = [r.key for r in one.rows]
    return one.base if one.base in keys else keys[0]


def run(name: str, setup: Setup, rounds: int | None) -> Results:
    """One job: prepare, compare, measure; the results as they are stored.

    Raises:
        Disagreement: two implementations differ.
        ValueError: the trees cannot serve this job.
    """
    job = jobs.load(name)
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "job": job.KEY,
        "title": job.TITLE,
        "groups": {key: group._asdict() for key, group in job.GROUPS.items()},
    }
    if hasattr(job, "sizes"):
        results["machine"] = machine.facts(None)
        results["memory"] = job.sizes(setup)
        results["missing"] = results["memory"].pop("missing")
        return results
    setup.progress(f"{name}: preparing")
    with timing.pinned() as cpu:
        prepared = job.prepare(setup)
        if prepared.agree:
            prepared.agree(setup.progress)
        else:
            agree(prepared.cases, setup.progress)
        times = timing.measure(
            prepared.cases,
            rounds or (min(QUICK_ROUNDS, job.ROUNDS) if setup.few else job.ROUNDS),
            job.CLOCK,
            setup.progress,
        )
        facts = machine.facts(cpu)
    return {
        **results,
        "machine": facts,
        "clock": getattr(job, "CLOCK_NAME", timing.CLOCKS[job.CLOCK]),
        "missing": prepared.missing,
        "facts": prepared.facts,
        "cases": [
            {
                "key": c.key,
                "title": c.title,
                "group": c.group,
                "units": c.units,
                "base": base(c),
                "x": c.x,
                "part_of": c.part_of,
                "rows": [
                    {"key": r.key, "title": r.title, "note": r.note} for r in c.rows
                ],
                "rounds": times[c.key],
                "instructions": {},
            }
            for c in prepared.cases
        ],
    }


def keep_counts(results: Results, place: Path) -> None:
    """Take over the instructions of the results that are about to be replaced:
    counting is another run (count.py), and says itself which commit it saw."""
    if not place.exists() or "cases" not in results:
        return
    try:
        old = load(place)
    except ValueError:
        return
    if "counted" in old:
        results["counted"] = old["counted"]
    for one in results["cases"]:
        before = case(old, one["key"])
        for what in ("instructions", "profile"):
            if before and what in before:
                one[what] = before[what]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("jobs", nargs="*", metavar="JOB",
                        help=f"default: all: {' '.join(jobs.NAMES)}")  # fmt: skip
    parser.add_argument("--corpus", type=Path, default=cases.DEBIAN, metavar="DIR",
                        help="folder with .dtb files, default %(default)s")  # fmt: skip
    parser.add_argument("--rounds", type=int, help="default: the job's own")
    parser.add_argument("--quick", action="store_true",
                        help="few trees and rounds, nothing stored")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="DIR",
                        help="folder for the results (default: benchmarks/results; "
                        "none with --quick or --corpus)")  # fmt: skip
    args = parser.parse_args()
    for name in args.jobs:
        if name not in jobs.NAMES:
            parser.error(f"no job {name!r}; there are {', '.join(jobs.NAMES)}")
    return args


def main() -> int:
    import report

    args = arguments()
    corpus = args.corpus
    if args.quick and corpus == cases.DEBIAN:
        corpus = cases.stand_in(corpus, ROOT / "build" / "bench" / "trees")
        if corpus != cases.DEBIAN:
            print(
                "bench: the trees of Debian's kernel are not here (no network?): "
                "measured on those of the captured machines in examples/",
                file=sys.stderr,
            )
    setup = Setup(corpus, args.quick, args.quick, progress)
    output = args.output
    if output is None and not args.quick and args.corpus == cases.DEBIAN:
        output = RESULTS
    failed = 0
    for name in args.jobs or jobs.NAMES:
        try:
            results = run(name, setup, args.rounds)
        except (Disagreement, Missing, RuntimeError, ValueError, OSError) as e:
            progress("")
            print(f"bench: {name}: {e}", file=sys.stderr)
            failed = 1
            continue
        progress("")
        print(report.screen(results), end="\n\n", flush=True)
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            place = output / f"{name}.json"
            keep_counts(results, place)
            place.write_text(compact(results))
            print(f"bench: {place} written", flush=True)
    if output is None:
        print("bench: nothing stored")
    return failed


if __name__ == "__main__":
    sys.exit(main())
