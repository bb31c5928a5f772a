# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Mutants of pyfdtx/kexec, fdt.py and edit.py, in a copy of the installed
package. The tests that run through the changed function are asked, by themselves
or in processes that they start; first those that run through little else.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import elftools.elf.elffile  # noqa: F401
import tests_of
from installed import HOME
from mutant import Mutant
from rules_python import mutants, same_code
from tests_of import CallsOfPython, Copy, Only, file_of

__all__ = ["Judge", "mutants", "prepared", "targets"]

# The most specific tests, asked first
NEAR = 20
SECONDS = 120
# They look at other things than the package, or at all of it
LEFT_OUT = (
    *("test_bench_", "test_c_programs", "test_readme", "_docs", "test_arrows"),
    *("test_mutants", "test_pure_", "test_view", "test_oneshot", "test_engine"),
    *("test_lazy_import", "test_dts", "test_diff", "second_kernel_hostile"),
    *("test_changing_arguments", "test_tree_threads", "test_tree_fork", "test_flat"),
    *("test_tree_growth", "test_errors", "test_unaligned_ends", "cli_show_diff"),
)


def targets(root: Path) -> list[Path]:
    home = root / "pyfdtx"
    found = [*home.glob("kexec/**/*.py"), home / "tree/fdt.py", home / "tree/edit.py"]
    return sorted(found)


def test_files(tree: Path) -> list[str]:
    rooms = ("unit", "unit/cli", "property")
    found = [p for room in rooms for p in tree.glob(f"tests/{room}/test_*.py")]
    names = sorted(str(p.relative_to(tree)) for p in found)
    return [n for n in names if not any(word in n for word in LEFT_OUT)]


def copy_in(place: Path) -> Copy:
    """The copy in a folder: the checkout's tree, and the installed package."""
    site = place / "site"
    env = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return Copy(place / "tree", site, env)


def prepared(base: Path, args) -> dict[str, list[object]]:  # type: ignore[no-untyped-def]
    """The tests, and what each of them calls."""
    copy = copy_in(base)
    tree = copy.tree
    shutil.copytree(HOME, copy.site / "pyfdtx")
    names = [str(p.relative_to(tree)) for p in targets(tree)]
    package = hashlib.sha256()
    for name in names:
        text = (tree / name).read_bytes()
        package.update(text)
        if text != (copy.site / name).read_bytes():
            raise SystemExit(f"{name} is not what is installed: make build")
    files = {str(copy.site / name): name for name in names}
    # Of processes that tests start
    shutil.copy2(Path(__file__).with_name("calls.py"), copy.site / "sitecustomize.py")
    notes = base / "notes"
    notes.mkdir()
    key = "" if args.keep_calls else package.hexdigest()
    seen = CallsOfPython(files, notes)
    return tests_of.calls(copy, test_files(tree), seen, base, args.cache, key)


class Judge:
    """Says of mutants, one after the other, whether the tests notice."""

    def __init__(self, place: Path, tests: dict[str, list[object]]):
        self.copy = copy_in(place)
        self.tests = tests
        self.log = place / "log"

    def __call__(self, mutant: Mutant) -> str:
        path = self.copy.site / mutant.path
        text = path.read_text()
        new = mutant.apply(text)
        if same_code(text, new):
            return "equivalent"
        kept = path.with_suffix(".kept")
        shutil.copy2(path, kept)
        path.write_text(new)
        try:
            return self.noticed(mutant)
        finally:
            kept.replace(path)

    def noticed(self, mutant: Mutant) -> str:
        for arguments, only in self.stages(mutant):
            plugins = [Only(only)] if only else []
            answer = tests_of.run(
                self.copy, arguments, plugins, seconds=SECONDS, log=self.log
            )
            if answer != tests_of.PASSED:
                return answer
        return "SURVIVED"

    def stages(self, mutant: Mutant) -> Iterator[tuple[list[str], list[str]]]:
        near = self.through(mutant)
        for part in (near[:NEAR], near[NEAR:]):
            if part:
                files = list(dict.fromkeys(map(file_of, part)))
                yield ["-x", *files], part

    def through(self, mutant: Mutant) -> list[str]:
        """Tests that run through the function, those of little else first. What runs
        at import counts for all that run through the file."""
        names = set() if mutant.at_import else set(mutant.where.split("."))
        return self.of(mutant.path, names) or self.of(mutant.path, set())

    def of(self, path: str, names: set[str]) -> list[str]:
        found = []
        for test, (seconds, _, seen) in self.tests.items():
            mine = seen.get(path, [])  # type: ignore[attr-defined]
            if mine and (not names or names & set(mine)):
                total = sum(map(len, seen.values()))  # type: ignore[attr-defined]
                found.append((total + 10 * seconds, test))  # type: ignore[operator]
        return [test for _, test in sorted(found)]
