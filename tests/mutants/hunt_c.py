# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Mutants of what stands between hostile bytes and memory, and of the system calls,
in C. The extensions are built once, with sanitizers; for a mutant its own objects
alone are compiled again, and linked. Tests that run through the function are asked
first, those that run through little else before all others; then the C programs.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import elftools.elf.elffile  # noqa: F401
import tests_of
from mutant import Mutant
from rules_c import mutants
from tests_of import Copy, Only, file_of

__all__ = ["Judge", "mutants", "prepared", "targets"]

HERE = Path(__file__).resolve().parent
# Below csrc/: walk, check, names, index; lists of edits, overlays; the guard
TARGETS = (
    "blob/*.h",
    "blob/*.c",
    "edit/*.h",
    "edit/*.c",
    "python/dropin/guard.c",
    "kexec/syscalls.c",
)
NEAR = 25
FAR = 400
SECONDS = 200
# The tests of the tree, of lists of edits and of overlays, of blobs good and bad
TESTS = (
    "unit/test_tree_*.py",
    "unit/test_edit.py",
    "unit/test_batch_edit.py",
    "unit/test_overlay_*.py",
    "unit/test_check.py",
    "unit/test_unaligned_ends.py",
    "unit/test_engine*.py",
    "unit/test_view.py",
    "unit/test_pure_blob.py",
    "unit/test_second_kernel_tree.py",
    "unit/test_second_kernel_hostile.py",
    "hostile/test_overlay_*.py",
    "dropin/test_beyond_upstream.py",
    "unit/test_dropin_*.py",
)
LEFT_OUT = ("test_tree_docs", "test_tree_fork", "test_tree_growth", "test_tree_threads")
# What runs in processes of its own
ALSO = {
    "hash.h": ["tests/unit/test_hash.py"],
    "syscalls.c": ["tests/unit/test_kexec_calls.py"],
}
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"
CFLAGS = f"-O0 -g0 -w -finstrument-functions {SANITIZE}"
ASAN = "detect_leaks=0:allocator_may_return_null=1:handle_abort=0"
SEED = "20261130"


def targets(root: Path) -> list[Path]:
    found = {p for name in TARGETS for p in (root / "csrc").glob(name)}
    return sorted(found)


def test_files(tree: Path) -> list[str]:
    found = [p for name in TESTS for p in tree.glob(f"tests/{name}")]
    names = sorted(str(p.relative_to(tree)) for p in found)
    return [n for n in names if not any(word in n for word in LEFT_OUT)]


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC", "cc"))


def under_sanitizers(cache: Path) -> None:
    """Start again with them in front, and with what notes calls: all must be there
    from the start."""
    if "ASAN_OPTIONS" in os.environ:
        return
    libraries = [
        subprocess.run(
            [*compiler(), f"-print-file-name={name}"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]  # fmt: skip
    calls = cache / "calls.so"
    command = [*compiler(), "-shared", "-fPIC", "-O2", "-o", str(calls)]
    subprocess.run([*command, str(HERE / "calls.c")], check=True)
    os.environ.update(
        LD_PRELOAD=" ".join([*libraries, str(calls)]),
        ASAN_OPTIONS=ASAN,
        PYTHONMALLOC="malloc",
    )
    os.execv(sys.executable, [sys.executable, *sys.argv])


def built(tree: Path, site: Path, cflags: str, ldflags: str, log: Path) -> None:
    """The package, from a tree; log: every command of the compiler."""
    env = {
        **{k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},
        "CC": f"{sys.executable} {HERE / 'cc.py'}",
        "CC_REAL": shlex.join(compiler()),
        "CC_LOG": str(log),
        "PYFDTX_CFLAGS": cflags,
        "PYFDTX_LDFLAGS": ldflags,
    }
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"),
        *("install", "--no-deps", "--no-compile", "--no-build-isolation"),
        *("--target", str(site), "."),
    ]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the build fails:\n{done.stdout}{done.stderr}")


class CallsOfC:
    """Notes the functions of the extensions that each test calls."""

    def __init__(self) -> None:
        self.calls = ctypes.CDLL(None)
        self.symbols: dict[str, dict[int, str]] = {}

    def start(self) -> None:
        self.taken()

    def taken(self) -> list[int]:
        room = (ctypes.c_void_p * 8192)()
        return [room[i] or 0 for i in range(self.calls.calls_taken(room))]

    def stop(self) -> set[tuple[str, str]]:
        bases = {}
        for line in Path("/proc/self/maps").read_text().splitlines():
            words = line.split()
            if words[-1].endswith(".so") and "/pyfdtx/" in words[-1]:
                start = int(words[0].partition("-")[0], 16)
                bases.setdefault(words[-1], start)
        found = set()
        for place in self.taken():
            path, base = max(
                ((p, b) for p, b in bases.items() if b <= place), key=lambda pb: pb[1]
            )
            name = self.names_of(path).get(place - base)
            if name is not None:
                found.add(("c", name))
        return found

    def names_of(self, path: str) -> dict[int, str]:
        if path not in self.symbols:
            listed = subprocess.run(
                ["nm", path], capture_output=True, text=True, check=True
            )
            rows = [line.split() for line in listed.stdout.splitlines()]
            self.symbols[path] = {
                int(row[0], 16): row[2] for row in rows if len(row) == 3
            }
        return self.symbols[path]


def prepared(base: Path, args) -> dict[str, list[object]]:  # type: ignore[no-untyped-def]
    """Builds everything once; what each test runs through is kept from run to run
    for files of tests that are as they were."""
    tree = base / "tree"
    print("c: the build with sanitizers", flush=True)
    built(tree, base / "site", CFLAGS, SANITIZE, base / "commands")
    for room in ("hostile", "walk"):
        command = ["make", "-s", "-C", f"tests/{room}", "-j2", *make_words(tree, room)]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"make -C tests/{room} fails:\n{done.stderr}")
    command = [sys.executable, "tests/hostile/hostile_blobs.py", "build/hostile"]
    subprocess.run(command, cwd=tree, check=True, env=plain())
    source = hashlib.sha256()
    for path in targets(tree):
        source.update(path.read_bytes())
    key = "" if args.keep_calls else source.hexdigest()
    return tests_of.calls(
        copy_in(base), test_files(tree), CallsOfC(), base, args.cache, key
    )


def plain() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}


def make_words(tree: Path, room: str) -> list[str]:
    return [f"BUILD={tree}/build/{room}", "CFLAGS=-O1 -g0", "WARN=-w"]


def copy_in(place: Path) -> Copy:
    site = place / "site"
    env = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return Copy(place / "tree", site, env)


class Judge:
    """Says of mutants, one after the other, whether the tests notice."""

    def __init__(self, place: Path, tests: dict[str, list[object]]):
        self.copy = copy_in(place)
        self.tests = tests
        self.log = place / "log"
        self.scratch = place / "scratch"
        rows = [json.loads(line) for line in (place / "commands").open()]
        self.compiles = [r["words"] for r in rows if "-c" in r["words"]]
        self.links = [r["words"] for r in rows if "-shared" in r["words"]]
        # how tree and site were called when they were built
        self.was = rows[0]["cwd"]

    def __call__(self, mutant: Mutant) -> str:
        path = self.copy.tree / mutant.path
        text = path.read_text()
        kept = path.with_suffix(".kept")
        shutil.copy2(path, kept)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        path.write_text(mutant.apply(text))
        modules: list[Path] = []
        try:
            objects = self.objects(mutant.path)
            if objects is None:
                return "invalid"
            if self.unchanged(objects):
                # Other compilers read what this one left out
                answer = self.programs(mutant)
                return "equivalent" if answer == tests_of.PASSED else answer
            modules = self.linked(objects)
            answer = self.noticed(mutant)
            if answer == "SURVIVED" and self.same_code(mutant.path, text):
                return "equivalent"
            return answer
        finally:
            kept.replace(path)
            for module in modules:
                module.with_suffix(".kept").replace(module)

    def run(self, words: list[str]) -> bool:
        words = [w.replace(self.was, str(self.copy.tree)) for w in words]
        done = subprocess.run(
            [*compiler(), *words], cwd=self.copy.tree, env=plain(), capture_output=True
        )
        return not done.returncode

    def readers(self, path: str) -> Iterator[list[str]]:
        """The commands that compile what includes a file; but not cffi's own, which
        is large and calls no inline function."""
        for words in self.compiles:
            out = words[words.index("-o") + 1]
            source = words[words.index("-c") + 1]
            needs = (self.copy.tree / f"{out}.d").read_text().split()
            named = [
                os.path.normpath(os.path.relpath(n, self.was))
                if n[0] == "/"
                else os.path.normpath(n)
                for n in needs
            ]
            if path in named and not source.endswith("_ext.c"):
                yield words

    def objects(self, path: str) -> dict[str, str] | None:
        """Compiled again: old name to new name; None if it does not compile."""
        found = {}
        for i, words in enumerate(self.readers(path)):
            at = words.index("-o") + 1
            new = str(self.scratch / f"{i}.o")
            if not self.run([*words[:at], new, *words[at + 1 :]]):
                return None
            found[words[at]] = new
        return found

    def unchanged(self, objects: dict[str, str]) -> bool:
        tree = self.copy.tree
        return all(
            (tree / old).read_bytes() == Path(new).read_bytes()
            for old, new in objects.items()
        )

    def linked(self, objects: dict[str, str]) -> list[Path]:
        """The modules in which they are, linked again."""
        changed = []
        for words in self.links:
            if not any(w in objects for w in words):
                continue
            at = words.index("-o") + 1
            name = Path(words[at]).name
            module = self.copy.site / "pyfdtx" / name
            shutil.copy2(module, module.with_suffix(".kept"))
            changed.append(module)
            new = [objects.get(w, w) for w in words]
            new[at] = str(module)
            module.unlink()
            if not self.run(new):
                raise RuntimeError(f"{name} cannot be linked")
        return changed

    def same_code(self, path: str, text: str) -> bool:
        """Whether an optimising compiler makes the same of both."""
        file = self.copy.tree / path
        new = file.read_text()
        codes = []
        for content in (new, text):
            file.write_text(content)
            hashes = []
            for words in self.readers(path):
                flags = [w for w in words if not w.startswith(("-fsan", "-fno-san"))]
                out = self.scratch / "same.o"
                at = flags.index("-o") + 1
                flags[at] = str(out)
                if not self.run([*flags, "-O2", "-g0"]):
                    return False
                hashes.append(hashlib.sha256(out.read_bytes()).digest())
            codes.append(hashes)
        return codes[0] == codes[1]

    def noticed(self, mutant: Mutant) -> str:
        near = self.through(mutant)
        also = ALSO.get(mutant.path.rpartition("/")[2], [])
        stages = [(near[:NEAR], []), ([], also), (near[NEAR : NEAR + FAR], [])]
        for i, (only, files) in enumerate(stages):
            if i == 2:
                answer = self.programs(mutant)
                if answer != tests_of.PASSED:
                    return answer
            if not only and not files:
                continue
            names = files or list(dict.fromkeys(map(file_of, only)))
            answer = tests_of.run(
                self.copy,
                ["-x", *names],
                [Only(only)] if only else [],
                seconds=SECONDS,
                log=self.log,
            )
            if answer != tests_of.PASSED:
                return answer
        return "SURVIVED"

    def through(self, mutant: Mutant) -> list[str]:
        """Tests that run through the function, those of little else first; if none
        is known to, through its file."""
        text = (self.copy.tree / mutant.path).read_text()
        of_file = {m.where for m in mutants(mutant.path, text)}
        return self.of({mutant.where}) or self.of(of_file) or self.of(set())

    def of(self, names: set[str]) -> list[str]:
        found = []
        for test, (seconds, _, seen) in self.tests.items():
            mine = seen.get("c", [])  # type: ignore[attr-defined]
            if not names or names & set(mine):
                found.append((len(mine) + 10 * seconds, test))  # type: ignore[operator]
        return [test for _, test in sorted(found)]

    def programs(self, mutant: Mutant) -> str:
        """The C programs over hostile blobs, with their objects of the mutant."""
        tree, path = self.copy.tree, mutant.path
        if "/dropin/" in path:
            for name in ("argument_sweep.py", "hostile_sweep.py 0 40"):
                program = [sys.executable, *f"tests/dropin/{name}".split()]
                answer = self.program(program, os.environ)
                if answer != tests_of.PASSED:
                    return answer
            return tests_of.PASSED
        if re.search(r"/(blob|edit)/", path) is None:
            return tests_of.PASSED
        sweep = "./sweep rich.dtb overlay.dtb v16.dtb && ./no_memory rich.dtb"
        rooms = {"hostile": ["sh", "-c", sweep]}
        if "/blob/" in path and path.endswith(".h"):
            rooms = {"walk": ["./twins", SEED, "0", "100000"], **rooms}
        for room, command in rooms.items():
            build = self.scratch / room
            shutil.copytree(tree / "build" / room, build)
            make = ["make", "-s", "-C", f"tests/{room}", *make_words(tree, room)]
            make = [w.replace(f"{tree}/build/{room}", str(build)) for w in make]
            done = subprocess.run(make, cwd=tree, env=plain(), capture_output=True)
            if done.returncode:
                return tests_of.PASSED
            answer = self.program(command, plain(), build)
            if answer != tests_of.PASSED:
                return answer
        return tests_of.PASSED

    def program(self, command: list[str], env, cwd: Path | None = None) -> str:  # type: ignore[no-untyped-def]
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                tests_of.limited(SECONDS)
                os.chdir(cwd or self.copy.tree)
                out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                os.dup2(out, 1)
                os.dup2(out, 2)
                os.execvpe(command[0], command, {**env, **self.copy.env})
            finally:
                os._exit(70)
        return tests_of.waited(pid)
