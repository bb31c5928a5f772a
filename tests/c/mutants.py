# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Break fdt_reg.c as mutants.txt says; each time a program must notice.

`make mutants` runs all, `python3 mutants.py NAME...` some.  A mutant that no
program notices is a missing test, and the exit code is 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent.parent / "csrc"


def mutants(text: str) -> dict[str, tuple[str, str]]:
    """Name to (old text, new text)."""
    found = {}
    for block in re.split(r"^= ", text, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        old, new = (
            "\n".join(line[1:] for line in lines if line.startswith(sign))
            for sign in "-+"
        )
        found[name] = old, new
    return found


def noticed(source: str, folder: Path) -> list[str]:
    """The programs that fail with this fdt_reg.c; plain, then asan."""
    (folder / "fdt_reg.c").write_text(source)
    (folder / "fdt_reg.h").write_text((CSRC / "fdt_reg.h").read_text())
    for variant in ("plain", "asan"):
        done = subprocess.run(
            [
                "make", "-s", "-C", str(HERE), f"CSRC={folder}",
                f"BUILD={folder}/build", "CFLAGS=-w", variant,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "passed" not in done.stdout:
            raise SystemExit(f"the mutant does not compile:\n{done.stderr}")
        failed = re.findall(r"^FAIL\t(\S+)", done.stdout, re.MULTILINE)
        if failed:
            return failed
    return []


def main(names: list[str]) -> int:
    source = (CSRC / "fdt_reg.c").read_text()
    known = mutants((HERE / "mutants.txt").read_text())
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        if noticed(source, Path(folder)):
            raise SystemExit("the unbroken fdt_reg.c fails: run make check first")
        for name in names or known:
            old, new = known[name]
            if source.count(old) != 1:
                raise SystemExit(
                    f"mutants.txt, {name}: its text occurs {source.count(old)} "
                    "times in fdt_reg.c, must be once; adapt it to the code"
                )
            by = noticed(source.replace(old, new), Path(folder))
            survivors += not by
            print(f"{name:40} {' '.join(by) or 'SURVIVED'}", flush=True)
    print(f"{len(names or known) - survivors} noticed, {survivors} survived")
    return survivors != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
