# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Run the benchmark of job J1.

make bench                       everything, results in benchmarks/results
make bench-quick                 a glance, under a minute, stores nothing
make bench CORPUS=DIR            your own .dtb files
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

import cases
import impls
import machine
import memory
import report
import timing

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "j1.json"
ROUNDS = 25
QUICK_STEP = 12  # --quick: every 12th tree ...
QUICK_ROUNDS = 9  # ... in 9 rounds


def progress(message: str) -> None:
    """One line that is rewritten, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)


def compact(results: report.Results) -> str:
    """JSON with one line per list of rounds."""
    text = json.dumps(results, indent=1)
    lists = re.compile(r"\[\s+([\d,\s]+?)\s+\]")
    return lists.sub(lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


def run(directory: Path, rounds: int, quick: bool) -> report.Results:
    """Read, compare, time; the results as they are stored.

    Raises:
        timing.Disagreement: two implementations differ.
        ValueError: no tree in the directory.
    """
    names, blobs, left_out = cases.read(directory)
    if quick:
        names, blobs = names[::QUICK_STEP], blobs[::QUICK_STEP]
    if not names:
        raise ValueError(f"no usable .dtb file below {directory}")
    variants, missing = impls.available(cases.CRASH)
    pinned = timing.pin()
    corpora = []
    for corpus in cases.corpora(names, blobs):
        reference = timing.agree(corpus, variants, progress)
        whole, part = timing.measure(corpus, variants, rounds, progress)
        corpora.append(
            {
                "key": corpus.key,
                "title": corpus.title,
                "trees": len(corpus.names),
                "bytes": sum(map(len, corpus.blobs)),
                "part_trees": len(corpus.names[:: timing.PART]),
                "left_out": Counter(left_out.values()),
                "reference": reference,
                "whole": whole,
                "part": part,
            }
        )
    progress("peak memory")
    measured = memory.measure([v.key for v in variants])
    progress("")
    return {
        "schema": 1,
        "job": "j1",
        "machine": machine.facts(pinned),
        "rounds": rounds,
        "part_step": timing.PART,
        "seldom": timing.SELDOM,
        "variants": [
            {"key": v.key, "title": v.title, "checks": v.checks, "slow": v.slow}
            for v in variants
        ],
        "missing": missing,
        "corpora": corpora,
        "memory": measured,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=cases.DEBIAN, metavar="DIR",
                        help="folder with .dtb files, default %(default)s")  # fmt: skip
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}")
    parser.add_argument("--quick", action="store_true",
                        help=f"every {QUICK_STEP}th tree, {QUICK_ROUNDS} rounds, "
                        "nothing stored")  # fmt: skip
    parser.add_argument("--output", type=Path,
                        help="results file (default: benchmarks/results/j1.json, "
                        "none with --quick or --corpus)")  # fmt: skip
    args = parser.parse_args()
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    try:
        results = run(args.corpus, rounds, args.quick)
    except (timing.Disagreement, ValueError, OSError) as e:
        progress("")
        print(f"bench: {e}", file=sys.stderr)
        return 1
    print(report.screen(results))
    for reason, count in results["corpora"][0]["left_out"].items():
        print(f"bench: {count} trees left out: {reason}")
    output = args.output
    if output is None and not args.quick and args.corpus == cases.DEBIAN:
        output = RESULTS
    if output is None:
        what = "quick look at a part of the trees" if args.quick else "own corpus"
        print(f"\nbench: {what}, nothing stored")
        return 0
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(compact(results))
    report.write_chart(output.with_suffix(".svg"), results)
    print(f"\nbench: {output} and {output.with_suffix('.svg').name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
