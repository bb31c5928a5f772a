# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every program of tests/c under every compiler, optimisation, sanitizer and
machine that is here: `make proposal-check`, or python matrix.py [NAME...].

One line per combination: how many programs passed, or what this machine lacks
for it. Exit 0 if nothing failed; with PYFDTX_REQUIRE_ALL=1 nothing may lack.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "proposal"
PROGRAMS = ROOT / "tests" / "c"
SANITIZE = "-fno-sanitize-recover=all -fno-omit-frame-pointer -fsanitize="
# Run-time libraries of another machine are not on this one's path
STATIC = {"LDFLAGS": "-static"}


class Row:
    """One combination: what make is told, and which programs it needs."""

    def __init__(
        self, name: str, variant: str, needs: tuple[str, ...], **variables: str
    ):
        self.name = name
        self.variant = variant
        self.needs = needs
        self.variables = variables


def machine(name: str, cc: str, emulator: str, expected: str) -> list[Row]:
    run = {"RUN": emulator} if emulator else {}
    needs = (cc, emulator) if emulator else (cc,)
    return [
        Row(f"{name} ({expected}) {level}", "plain", needs, CC=cc, CFLAGS=level,
            EXPECTED=expected, **STATIC, **run)
        for level in ("-O0", "-O2")
    ]  # fmt: skip


def rows() -> list[Row]:
    found = []
    for cc in ("gcc", "clang"):
        found += [
            Row(f"{cc} {level}", "plain", (cc,), CC=cc, CFLAGS=level)
            for level in ("-O0", "-O1", "-O2", "-O3", "-Os")
        ]
        for kind in ("address", "undefined"):
            found += [
                Row(f"{cc} {kind} {level}", "plain", (cc,), CC=cc,
                    CFLAGS=f"{level} {SANITIZE}{kind}",
                    LDFLAGS=f"{SANITIZE}{kind}")
                for level in ("-O0", "-O2")
            ]  # fmt: skip
        # Valgrind 3.19 cannot read the DWARF 5 that clang writes
        found.append(
            Row(f"{cc} valgrind", "valgrind", (cc, "valgrind"), CC=cc,
                CFLAGS="-gdwarf-4")
        )  # fmt: skip
    found += machine("i386, -m32", "i686-linux-gnu-gcc", "", "32-bit, little-endian")
    found += machine(
        "arm", "arm-linux-gnueabihf-gcc", "qemu-arm-static", "32-bit, little-endian"
    )
    found += machine(
        "aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64-static",
        "64-bit, little-endian",
    )  # fmt: skip
    found += machine(
        "s390x", "s390x-linux-gnu-gcc", "qemu-s390x-static", "64-bit, big-endian"
    )
    return found


def lacking(row: Row, scratch: Path) -> str:
    """What this machine lacks for a row, or nothing."""
    for tool in ("make", *row.needs):
        if not shutil.which(tool):
            return f"this machine lacks {tool}"
    if not (ROOT / "libfdt" / "src" / "fdt.c").is_file():
        return "libfdt/src is missing; `python libfdt/vendor.py` fetches it"
    # Headers, run-time library, sanitizer, emulator: all or nothing
    flags = f"{row.variables.get('CFLAGS', '')} {row.variables.get('LDFLAGS', '')}"
    built = subprocess.run(
        [row.needs[0], *flags.split(), str(HERE / "endian.c"), "-o", "endian"],
        cwd=scratch, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode:
        return f"{row.needs[0]} cannot make a program: {built.stderr.splitlines()[0]}"
    prefix = row.variables.get("RUN", "").split()
    done = subprocess.run(
        [*prefix, "./endian"], cwd=scratch, capture_output=True, text=True, check=False
    )
    said = done.stdout.strip()
    if done.returncode:
        return "its programs do not run here"
    expected = row.variables.get("EXPECTED", said)
    if said != expected:
        raise SystemExit(f"{row.name}: the machine is {said}")
    return ""


def check(row: Row, build: Path) -> tuple[bool, str]:
    variables = {k: v for k, v in row.variables.items() if k != "EXPECTED"}
    done = subprocess.run(
        ["make", "-s", "-j2", "-C", str(PROGRAMS), f"BUILD={build}", row.variant,
         *(f"{k}={v}" for k, v in variables.items())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    total = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M)
    if not total:
        return False, f"does not build\n{done.stdout}"
    known = len(list(PROGRAMS.glob("*.c"))) - 1  # all but testutils.c
    good = done.returncode == 0 and total.groups() == (str(known), "0")
    return good, total[0] if good else f"{total[0]}\n{done.stdout}"


def main(names: list[str]) -> int:
    strict = os.environ.get("PYFDTX_REQUIRE_ALL") == "1"
    bad = ran = 0
    for row in rows():
        if names and not any(name in row.name for name in names):
            continue
        with tempfile.TemporaryDirectory(prefix="pyfdtx-matrix-") as scratch:
            why = lacking(row, Path(scratch))
            if why:
                bad += strict
                print(f"SKIP  {row.name:42} {why}", flush=True)
                continue
            good, said = check(row, Path(scratch) / "build")
        ran += 1
        bad += not good
        print(f"{'PASS' if good else 'FAIL'}  {row.name:42} {said}", flush=True)
    print(f"{ran} combinations, {bad} failed")
    return bad != 0 or not ran


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
