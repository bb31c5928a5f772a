# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The series commit by commit, one on top of the other, as a maintainer would
take them: `make proposal-check`, or

    python walk.py --dtc PATH [--checkpatch FILE] [--every] [REF...]

Every commit is built by gcc and clang with dtc's own flags and is seen by
checkpatch.pl of Linux, if one is given. Every series, and with --every each of
its commits, passes dtc's whole suite under make and under meson (with the
Python module where swig is there); every series is seen by abidiff. One line
per commit, with libfdt.a's bytes of text at -Os, without and with
FDT_ASSUME_MASK=0xff. Exit 0 if nothing failed.

checkpatch runs with --strict over the patch. What it says of a kind that it
says of dtc's own files, too, is counted, not failed (see THEIRS).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pyfdtx.proposal import export

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from dtc import IDENTITY, MAKE, trees  # noqa: E402

TOPICS = ("fixes", "search", "reg", "reg-read")
ERRORS = re.compile(r"^(ERROR|WARNING|CHECK):([A-Z_]+): ", re.M)
# dtc has no MAINTAINERS file of Linux's kind, no sign-off stands in a file of
# ours on purpose
NOT_FOR_US = (
    "FILE_PATH_CHANGES,MISSING_SIGN_OFF,FROM_SIGN_OFF_MISMATCH,NO_AUTHOR_SIGN_OFF"
)
COMPILERS = ("gcc", "clang")
MASKS = ("0", "0xff")
TOOLS = {
    "clang": "every commit",
    "meson": "dtc's suite",
    "swig": "the tests of its Python module",
    "abidiff": "the ABI",
}


class Failed(Exception):
    """A command that had to succeed; with what it said."""


def run(*command: object, cwd: Path, ok: bool = True, **env: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False, env={**os.environ, "QUIET_TEST": "1", **env},
    )  # fmt: skip
    if ok and done.returncode:
        raise Failed(f"{' '.join(words)} in {cwd}:\n{done.stdout[-4000:]}")
    return done.stdout


def git(tree: Path, *words: object) -> str:
    return run("git", *IDENTITY, *words, cwd=tree)


class Walk:
    """A clone of dtc at one commit, and a copy of it per compiler and mask."""

    def __init__(
        self,
        dtc: Path,
        ref: str,
        scratch: Path,
        checkpatch: Path | None,
        every: bool,
    ):
        self.tree = scratch / "dtc"
        self.scratch = scratch
        self.checkpatch = checkpatch
        run("git", "clone", "-q", "--no-checkout", dtc, self.tree, cwd=scratch)
        git(self.tree, "fetch", "-q", dtc, "+refs/*:refs/theirs/*")
        commit = run("git", "rev-parse", f"{ref}^0", cwd=dtc).strip()
        git(self.tree, "checkout", "-q", "--detach", commit)
        self.every = every
        self.meson = shutil.which("meson") and shutil.which("ninja")
        self.bad = 0
        self.theirs: Counter[str] = Counter()

    def copy(self, name: str) -> Path:
        """A work tree of the same commit, where objects of before may lie."""
        folder = self.scratch / name
        if not folder.exists():
            run("git", "clone", "-q", self.tree, folder, cwd=self.scratch)
        head = git(self.tree, "rev-parse", "HEAD").strip()
        git(folder, "fetch", "-q", self.tree, "HEAD")
        git(folder, "checkout", "-q", "--detach", head)
        return folder

    def compiles(self) -> str:
        """libfdt, the tools and all tests, with -Werror; which compilers did."""
        there = [cc for cc in COMPILERS if shutil.which(cc)]
        for cc in there:
            run(*MAKE, f"CC={cc}", "all", cwd=self.copy(cc))
        return "+".join(there)

    def text(self) -> list[int]:
        sizes = []
        for mask in MASKS:
            folder = self.copy(f"mask{mask}")
            run(*MAKE, "CC=gcc", f"ASSUME_MASK={mask}", "libfdt/libfdt.a", cwd=folder)
            said = run("size", "-t", "libfdt/libfdt.a", cwd=folder)
            sizes.append(int(said.splitlines()[-1].split()[0]))
        return sizes

    def make_check(self) -> str:
        said = run(*MAKE, "CC=gcc", "check", cwd=self.copy("gcc"), ok=False)
        total = {
            m[1].strip(): int(m[2])
            for m in re.finditer(r"^\*\s*([A-Za-z ]+):\s*(\d+)", said, re.M)
        }
        if not total or total["PASS"] != total["Total testcases"]:
            failed = [line for line in said.splitlines() if "FAIL" in line]
            raise Failed(f"make check: {total}\n" + "\n".join(failed[:20]))
        return str(total["PASS"])

    def meson_test(self) -> str:
        if not self.meson:
            return "-"
        folder = self.copy("meson")
        swig = "enabled" if shutil.which("swig") else "disabled"
        if not (folder / "build").exists():
            # dtc's trees.S has no note on the stack, and its build takes ld's
            # warning about that for an error
            run("meson", "setup", "build", f"-Dpython={swig}", "-Dyaml=disabled",
                "-Dc_link_args=-Wl,-z,noexecstack", cwd=folder)  # fmt: skip
        # The header is no dependency of the module there
        (folder / "pylibfdt" / "libfdt.i").touch()
        run("meson", "test", "-C", "build", cwd=folder)
        log = (folder / "build/meson-logs/testlog.txt").read_text(errors="replace")
        counts = re.findall(r"^\*\s*PASS:\s*(\d+)", log, re.M)
        python = re.findall(r"^Ran (\d+) tests", log, re.M)
        return f"{sum(map(int, counts))}" + (f" ({python[0]} py)" if python else "")

    def style(self) -> str:
        patch = self.scratch / "one.patch"
        patch.write_text(git(self.tree, "format-patch", "-1", "--stdout"))
        said = run("perl", self.checkpatch, "--no-tree", "--strict", "--show-types",
                   "--no-summary", "--ignore", NOT_FOR_US, patch,
                   cwd=self.tree, ok=False)  # fmt: skip
        kinds = Counter(f"{m[1]}:{m[2]}" for m in ERRORS.finditer(said))
        new = [kind for kind in kinds if not self.known(kind)]
        if new:
            raise Failed(f"checkpatch, kinds that dtc's files have not: {new}\n{said}")
        return f"{sum(kinds.values())}" if kinds else "0"

    def known(self, kind: str) -> bool:
        """Whether checkpatch says the same of what stands in dtc already."""
        if not self.theirs:
            files = [
                path
                for folder, names in (
                    ("libfdt", "*.[ch]"), ("tests", "*.[ch]"), (".", "fdt*.c"),
                )
                for path in (self.base / folder).glob(names)
            ]  # fmt: skip
            for path in files:
                said = run("perl", self.checkpatch, "--no-tree", "--strict", "-f",
                           "--show-types", "--no-summary", path,
                           cwd=self.tree, ok=False)  # fmt: skip
                self.theirs.update(f"{m[1]}:{m[2]}" for m in ERRORS.finditer(said))
        return not kind.startswith("ERROR") and kind in self.theirs

    def library(self, name: str) -> Path:
        """The shared library, kept under a name."""
        folder = self.copy("gcc")
        run(*MAKE, "CC=gcc", "libfdt", cwd=folder)
        found = [
            p for p in (folder / "libfdt").glob("libfdt*.so*") if not p.is_symlink()
        ]
        shutil.copy(found[0], self.scratch / name)
        return self.scratch / name

    def abi(self, old: Path, new: Path) -> str:
        if not shutil.which("abidiff"):
            return "-"
        said = run("abidiff", old, new, cwd=self.scratch, ok=False)
        found = re.search(
            r"Functions changes summary: (\d+) Removed, (\d+) Changed.*?(\d+) Added",
            said,
        )
        if not found:
            return "same" if not said.strip() else said
        if found[1] != "0" or found[2] != "0":
            raise Failed(f"abidiff:\n{said}")
        return f"+{found[3]}"

    def row(self, name: str, last: list[int], suites: bool) -> list[int]:
        """Everything about the commit that is checked out; its sizes."""
        try:
            built = self.compiles()
            sizes = self.text()
            grown = [f"{now:6} {now - old:+5}" for now, old in zip(sizes, last)]
            said = f"{name:46.46} {built:9} {' '.join(grown)}"
            if self.checkpatch:
                said += f"  checkpatch {self.style()}"
            if suites:
                said += f"  make {self.make_check()}  meson {self.meson_test()}"
            print(said, flush=True)
            return sizes
        except Failed as e:
            self.bad += 1
            print(f"FAIL  {name}\n{e}", flush=True)
            return last

    def go(self, out: Path) -> None:
        self.base = self.copy("base")
        checkpatch, self.checkpatch = self.checkpatch, None
        sizes = self.row("as it is", self.text(), True)
        self.checkpatch = checkpatch
        for topic in TOPICS:
            (series,) = export(self.tree, out / topic, [topic])
            old, start = self.library("old.so"), sizes
            for file in series.files[1:]:
                git(self.tree, "am", "-q", file)
                subject = git(self.tree, "log", "-1", "--format=%s").strip()
                sizes = self.row(subject, sizes, self.every or file == series.files[-1])
            grown = " and ".join(f"{b - a:+}" for a, b in zip(start, sizes))
            try:
                abi = self.abi(old, self.library("new.so"))
            except Failed as e:
                self.bad += 1
                abi = str(e)
            print(f"  {topic}: {len(series.subjects)} commits, text {grown}, ABI {abi}",
                  flush=True)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtc", default=os.environ.get("PYFDTX_DTC"), metavar="PATH")
    parser.add_argument(
        "--checkpatch", type=Path, metavar="FILE",
        default=os.environ.get("PYFDTX_CHECKPATCH"),
    )  # fmt: skip
    parser.add_argument(
        "--every", action="store_true", help="the suites at each commit"
    )
    parser.add_argument("refs", nargs="*", metavar="REF", help="default: the newest")
    args = parser.parse_args()
    if not args.dtc:
        print("SKIP  walk: PYFDTX_DTC names no git repository of dtc, with its tags")
        return os.environ.get("PYFDTX_REQUIRE_ALL") == "1"
    for tool, why in TOOLS.items():
        if not shutil.which(tool):
            print(f"SKIP  walk: this machine lacks {tool}, for {why}")
    if not args.checkpatch:
        print("SKIP  walk: PYFDTX_CHECKPATCH names no checkpatch.pl of Linux")
    bad = 0
    for ref in args.refs or trees()[-1:]:
        with tempfile.TemporaryDirectory(prefix="pyfdtx-walk-") as folder:
            scratch = Path(folder)
            walk = Walk(Path(args.dtc), ref, scratch, args.checkpatch, args.every)
            print(f"{ref}: text at -Os without and with "
                  "FDT_ASSUME_MASK=0xff, and growth")  # fmt: skip
            walk.go(scratch / "out")
            bad += walk.bad
    print(f"{bad} failed")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
