# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Instructions by callgrind, into the results: repeatable where times are not.

    make bench-count

A process per job does every row once to warm up and once counted; what start
and preparation cost is not counted. Few trees are used, of the same sizes.
Whole processes (J4) are counted from their start. Needs valgrind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import callgrind
import cases
import jobs
import machine
import run as runner
from frame import Case, Missing, Row, Setup
from results import Results, case, load

SHOWN = 8  # functions of a profile
APART = "|"  # between case and row in the name of a dump


def counted(prepared_cases: list[Case]) -> list[tuple[Case, Row]]:
    return [
        (c, r) for c in prepared_cases if not c.part_of for r in c.rows if r.counted
    ]


def child(name: str, directory: Path) -> None:
    """Run every row of a job that is to be counted, in valgrind."""
    import impls

    c = impls.c_module()
    if not c.lib.bench_count_possible():
        raise SystemExit("compiled without valgrind's headers (Debian: valgrind)")
    setup = Setup(directory, few=True, small=False, progress=lambda message: None)
    for one, row in counted(jobs.load(name).prepare(setup).cases):
        for starting in (False, True):
            if row.before:
                row.before()
            if starting:
                c.lib.bench_count_start()
            (row.work or row.run)()
        c.lib.bench_count_stop(f"{one.key}{APART}{one.units}{APART}{row.key}".encode())


def profile(dump: callgrind.Dump, units: int) -> list[tuple[str, float, float]]:
    """(function, share, instructions per unit) of the most expensive ones."""
    return [
        (name, round(cost / dump.total, 4), round(cost / units, 1))
        for name, cost in dump.functions.most_common(SHOWN)
        if cost * 50 >= dump.total
    ]


def count(name: str, directory: Path, results: Results) -> None:
    """Write the counts of a job into its results.

    Raises:
        callgrind.NoValgrind, RuntimeError.
    """
    job = jobs.load(name)
    facts = machine.facts(None)
    results["counted"] = {
        key: facts[key] for key in ("commit", "modified", "date", "valgrind")
    }
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if hasattr(job, "commands"):
            _count_commands(job, directory, place, results)
            return
        dumps = callgrind.run(
            [sys.executable, __file__, "--child", name, "--corpus", str(directory)],
            place, at_start=False,
        )  # fmt: skip
    for dump in dumps:
        if APART not in dump.name:
            continue  # the rest, at the end of the process
        key, units, row = dump.name.split(APART)
        found = case(results, key)
        if found:
            _store(found, row, dump, int(units))


def _count_commands(job: Any, directory: Path, folder: Path, results: Results) -> None:
    setup = Setup(directory, few=True, small=False, progress=runner.progress)
    for key, (case_key, command) in job.commands(setup).items():
        runner.progress(f"counting {job.KEY}: {key}")
        dump = callgrind.run(command, folder)[-1]
        found = case(results, case_key)
        if found:
            _store(found, key, dump, 1)


def _store(found: Any, row: str, dump: callgrind.Dump, units: int) -> None:
    found.setdefault("instructions", {})[row] = {
        "instructions": dump.total,
        "units": units,
    }
    if row == found["base"]:
        found["profile"] = profile(dump, units)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("jobs", nargs="*", metavar="JOB")
    parser.add_argument("--corpus", type=Path, default=cases.DEBIAN, metavar="DIR")
    parser.add_argument("--results", type=Path, default=runner.RESULTS, metavar="DIR")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.corpus)
        return 0
    for name in args.jobs or [n for n in jobs.NAMES if n != "memory"]:
        place = args.results / f"{name}.json"
        try:
            results = load(place)
            runner.progress(f"counting {name}")
            count(name, args.corpus, results)
        except (callgrind.NoValgrind, RuntimeError, Missing, ValueError, OSError) as e:
            runner.progress("")
            print(f"bench: {name}: {e}", file=sys.stderr)
            return 1
        runner.progress("")
        place.write_text(runner.compact(results))
        print(f"bench: instructions of {name} counted, {place} written", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
