# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Running under callgrind and reading what it counted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Dump(NamedTuple):
    """Attributes:
    name: what was counted.
    total: instructions.
    functions: instructions by function, without those of what it calls.
    """

    name: str
    total: int
    functions: Counter[str]


class NoValgrind(Exception):
    """valgrind is missing, or cannot count here."""


def run(
    command: list[str], folder: Path, at_start: bool = True, may_fail: bool = False
) -> list[Dump]:
    """Run the command and read all its dumps, in their order.

    at_start: whether the whole process is counted, not what lies between
    bench_count_start() and bench_count_stop() of c/callgrind.c.
    may_fail: its exit status is an answer of its own.

    Raises:
        NoValgrind: there is none.
        RuntimeError: the command failed.
    """
    if not shutil.which("valgrind"):
        raise NoValgrind("valgrind is missing (Debian: apt-get install valgrind)")
    out = folder / "callgrind.out"
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
         "--compress-strings=no", "--compress-pos=no",
         f"--instr-atstart={'yes' if at_start else 'no'}", *command],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and not may_fail:
        raise RuntimeError(
            f"{' '.join(command)[:200]} under valgrind: {done.stderr[-800:]}"
        )
    numbered = sorted(
        folder.glob("callgrind.out.*"), key=lambda p: int(p.suffix.lstrip("."))
    )
    dumps = [read(p.read_text().splitlines()) for p in (*numbered, out) if p.exists()]
    for place in (*numbered, out):
        place.unlink(missing_ok=True)
    return dumps


def read(lines: Iterable[str]) -> Dump:
    """One dump, as written with uncompressed names.

    Source: valgrind's manual, "Callgrind Format Specification".
    """
    name, total, function = "", 0, ""
    functions: Counter[str] = Counter()
    called = False
    for line in lines:
        if not line:
            continue
        if line[0].isdigit() or line[0] in "+-*":
            # Behind calls= stands the cost of what was called
            if not called:
                functions[function] += int(line.split()[-1])
            called = False
        elif line.startswith("fn="):
            # 'N: the N-th level of a recursion
            function = re.sub(r"'\d+$", "", line[3:])
        elif line.startswith("calls="):
            called = True
        elif line.startswith(("totals:", "summary:")):
            total = int(line.split()[1])
        elif found := re.match(r"desc: Trigger: Client Request: (.*)", line):
            name = found[1]
    return Dump(name, total, functions)
