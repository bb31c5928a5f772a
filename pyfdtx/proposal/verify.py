# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a dtc tree has of the helpers and the fixes, found by running it.

The tree's libfdt is compiled in a scratch folder. A helper that libfdt.h
declares runs beside ours, under another name, on the same trees. A fix is
there when its test program passes.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import fixes
from .checkout import Checkout
from .errors import ProposalError
from .helpers import HELPERS
from .ours import csrc
from .stage import data

__all__ = ["Finding", "verify"]

OP = "proposal verify"
# Seconds for one program; a hang is a finding too
TIMEOUT = 120
SANITIZE = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]


class Finding:
    """One line of the result.

    Attributes:
        kind: "helper" or "fix".
        name: of the function; of the fix.
        state: "missing", "agrees" or "differs" for a helper; "fixed",
            "defect", "unknown" or "not affected" for a fix.
        detail: the first difference; what is wrong; why it is unknown.
    """

    def __init__(self, kind: str, name: str, state: str, detail: str = ""):
        self.kind = kind
        self.name = name
        self.state = state
        self.detail = detail


def verify(dtc: str | os.PathLike[str]) -> list[Finding]:
    """Compare a dtc tree's libfdt with the helpers and fixes of this package.

    Args:
        dtc: top folder of a dtc tree, v1.6.1 or later; only read. Its state
            counts as it is, committed or not.
    Returns: one Finding for each helper, then one for each fix.
    Raises:
        ProposalError: not a dtc tree; no C compiler; its libfdt does not
            compile.
    """
    checkout = Checkout(dtc, OP)
    with tempfile.TemporaryDirectory(prefix="pyfdtx-proposal-") as scratch:
        build = _Build(checkout, Path(scratch))
        found = [_helper(checkout, build, name) for name in HELPERS]
        found += [_fix(checkout, build, fix) for fix in fixes.FIXES]
        found.append(_search(checkout))
    return found


class _Build:
    """The tree's libfdt, and programs against it."""

    def __init__(self, checkout: Checkout, scratch: Path):
        self.scratch = scratch
        self.cc = shlex.split(os.environ.get("CC", "cc"))
        if not self.cc or not shutil.which(self.cc[0]):
            raise ProposalError(
                OP, cause="no C compiler; install one (Debian: gcc), or set CC"
            )
        self.libfdt = checkout.path.resolve() / "libfdt"
        self.sources = sorted(self.libfdt.glob("fdt*.c"))
        (scratch / "ours_reg.h").write_text(_renamed(csrc("fdt_reg.h")))
        (scratch / "ours_reg.c").write_text(_renamed(csrc("fdt_reg.c")))
        for name in ("probe.c", "tests.h"):
            (scratch / name).write_text(data("programs", name))
        self.objects: dict[str, list[str]] = {}
        error = self._libfdt([])
        if error:
            raise ProposalError(OP, str(self.libfdt), f"does not compile: {error}")

    def _cc(self, folder: Path, words: list[str]) -> str:
        """The compiler's first error, or nothing."""
        done = subprocess.run(
            [
                *self.cc, "-O1", "-g", "-w", "-DNO_VALGRIND",
                f"-I{self.scratch}", f"-I{self.libfdt}", *words,
            ],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        said = done.stderr.decode(errors="replace").strip().splitlines()
        errors = [line for line in said if "error" in line] or said[-1:] or ["?"]
        return errors[0] if done.returncode else ""

    def _libfdt(self, flags: list[str]) -> str:
        """Compile the tree's libfdt with flags, unless that is done."""
        key = " ".join(flags)
        if key in self.objects:
            return ""
        folder = self.scratch / f"libfdt{len(self.objects)}"
        folder.mkdir(exist_ok=True)
        error = self._cc(folder, [*flags, "-c", *map(str, self.sources)])
        if not error:
            self.objects[key] = [str(path) for path in sorted(folder.glob("*.o"))]
        return error

    def compile(self, program: str, flags: list[str], sources: list[Path]) -> str:
        """Build a program with the tree's libfdt; the first error, or nothing."""
        return self._libfdt(flags) or self._cc(
            self.scratch,
            [*flags, *map(str, sources), *self.objects[" ".join(flags)],
             "-o", program],
        )  # fmt: skip

    def run(self, program: str) -> tuple[int, str]:
        """Exit status, or minus the signal, and the last line that was said."""
        try:
            done = subprocess.run(
                [str(self.scratch / program)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
                env={**os.environ, "QUIET_TEST": "1"},
            )
        except subprocess.TimeoutExpired:
            return -1, f"no end within {TIMEOUT} seconds"
        said = done.stdout.decode(errors="replace").strip().splitlines()
        if done.returncode < 0:
            return done.returncode, f"killed by signal {-done.returncode}"
        return done.returncode, said[-1] if said else ""


def _renamed(text: str) -> str:
    names = "|".join([*HELPERS, "fdt_reg(?=[ *]|\\b(?!_|\\.))"])
    text = re.sub(rf"\b({names})\b", r"ours_\1", text)
    return text.replace('"fdt_reg.h"', '"ours_reg.h"').replace(
        "FDT_REG_H", "OURS_REG_H"
    )


def _helper(checkout: Checkout, build: _Build, name: str) -> Finding:
    if not checkout.declares(name):
        return Finding("helper", name, "missing")
    (build.scratch / "probed.c").write_text(
        f'#define PROBE_{name}\n#include "probe.c"\n'
    )
    error = build.compile(
        name, [], [build.scratch / "probed.c", build.scratch / "ours_reg.c"]
    )
    if error:
        return Finding("helper", name, "differs", f"not the same prototype: {error}")
    status, said = build.run(name)
    if status == 0:
        return Finding("helper", name, "agrees", said)
    return Finding("helper", name, "differs", said)


def _fix(checkout: Checkout, build: _Build, fix: fixes.Fix) -> Finding:
    if fix.needs and not checkout.declares(fix.needs):
        return Finding("fix", fix.key, "not affected", f"it has no {fix.needs}()")
    source = build.scratch / f"{fix.program}.c"
    source.write_text(fix.source())
    flags = SANITIZE if fix.sanitizer else []
    error = build.compile(fix.program, flags, [source])
    if error:
        return Finding("fix", fix.key, "unknown", f"its test does not compile: {error}")
    status, said = build.run(fix.program)
    if status == 0:
        return Finding("fix", fix.key, "fixed")
    return Finding("fix", fix.key, "defect", f"{fix.title}; {_short(said)}")


def _short(said: str) -> str:
    return said.replace("\t", " ")


def _search(checkout: Checkout) -> Finding:
    slow = fixes.searches_slowly(checkout.read(fixes.FDT))
    state, detail = ("defect", "it compares at every byte") if slow else ("fixed", "")
    return Finding("fix", "find-string", state, detail)
