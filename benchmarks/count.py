# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Instructions per tree, by callgrind: repeatable where times are not.

    make bench-count

Each implementation runs twice under valgrind in a process of its own, over
one tree and over every 12th of corpus A; the difference is what the trees
cost, without start-up. Needs valgrind (Debian: apt-get install valgrind).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cases
import impls
import report
import timing

COUNTED = ("native", "c_engine", "c_plain_fdtx", "c_plain", "percall", "pylibfdt")


def child(key: str, directory: Path, trees: int) -> None:
    """Warm up on the first tree, then do the first `trees` ones."""
    blobs = [p.read_bytes() for p in sorted(directory.iterdir())]
    corpus = cases.Corpus("A", "", [], blobs)
    (variant,) = (v for v in impls.available(cases.CRASH)[0] if v.key == key)
    variant.loop(corpus._replace(blobs=blobs[:1]))()
    variant.loop(corpus._replace(blobs=blobs[:trees]))()


def instructions(key: str, directory: Path, trees: int) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         sys.executable, __file__, "--child", key, str(trees),
         "--corpus", str(directory)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise RuntimeError(f"{key} under valgrind: {done.stderr[-800:]}")
    return int(found[1])


def count(directory: Path, names: list[str], blobs: list[bytes]) -> report.Cells:
    """The table; the trees are put into directory for the processes."""
    for i, blob in enumerate(blobs):
        (directory / f"{i:04}.dtb").write_bytes(blob)
    cells = [["implementation", "checks", "instructions per tree"]]
    for v in impls.available(cases.CRASH)[0]:
        if v.key in COUNTED:
            extra = instructions(v.key, directory, len(names))
            extra -= instructions(v.key, directory, 1)
            each = extra // (len(names) - 1)
            cells.append([v.title, v.checks or "nothing", f"{each:,}"])
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=cases.DEBIAN, metavar="DIR")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], args.corpus, int(args.child[1]))
        return 0
    if not shutil.which("valgrind"):
        print("bench: valgrind is missing (Debian: apt-get install valgrind)",
              file=sys.stderr)  # fmt: skip
        return 1
    names, blobs, _ = cases.read(args.corpus)
    names, blobs = names[:: timing.PART], blobs[:: timing.PART]
    if len(names) < 2:
        print(f"bench: needs more than {timing.PART} trees", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        print(report.as_text(count(Path(folder), names, blobs)))
    print(f"corpus A, {len(names)} trees: every {timing.PART}th")
    return 0


if __name__ == "__main__":
    sys.exit(main())
