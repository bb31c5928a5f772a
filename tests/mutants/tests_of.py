# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Running tests in a process of their own, some or all, and what they run through.

pytest and what tests import are loaded once; each run is a fork, in which pyfdtx
is the copy that it is told to take.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import hypothesis  # noqa: F401
import pytest

PASSED, NOTICED, TIMEOUT = "passed", "noticed", "timeout"
# Of address space; a mutant that asks for more is noticed
MEMORY = 8 << 30
# What hangs without working: far more than any run takes on a busy machine
WALL = 1800


def limited(seconds: int) -> None:
    """A process that computes for longer is ended: an endless loop, not a load."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Copy(NamedTuple):
    """tree: the files of the checkout. site: holds the package pyfdtx.
    env: for all processes."""

    tree: Path
    site: Path
    env: dict[str, str]


class Only:
    """Of what is collected, these tests alone, in this order file by file."""

    def __init__(self, ids: list[str]):
        self.rank = {id: i for i, id in enumerate(ids)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if item.nodeid in self.rank]
        kept.sort(key=lambda item: self.rank[item.nodeid])
        files = list(dict.fromkeys(file_of(item.nodeid) for item in kept))
        kept.sort(key=lambda item: files.index(file_of(item.nodeid)))
        items[:] = kept


class CallsOfPython:
    """Notes the functions of some files that each test calls, and that processes
    call that it starts (calls.py)."""

    def __init__(self, files: dict[str, str], others: Path):
        self.files = files  # by absolute path: the name that is noted
        self.others = others  # folder of notes
        self.names: dict[object, tuple[str, str] | None] = {}
        self.seen: set[tuple[str, str]] = set()

    def start(self) -> None:
        self.seen.clear()
        os.environ["CALLS_INTO"] = str(self.others)
        sys.settrace(self.called)
        threading.settrace(self.called)

    def called(self, frame, event, arg):  # type: ignore[no-untyped-def]
        code = frame.f_code
        try:
            name = self.names[code]
        except KeyError:
            file = self.files.get(code.co_filename)
            name = None if file is None else (file, code.co_name)
            self.names[code] = name
        if name is not None:
            self.seen.add(name)

    def stop(self) -> set[tuple[str, str]]:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        for note in self.others.iterdir():
            for line in note.read_text().splitlines():
                file, _, name = line.partition("\t")
                if file in self.files:
                    self.seen.add((self.files[file], name))
            note.unlink()
        return self.seen


class Tracing:
    """Writes what each test runs through, as JSON: {test: [seconds, whether it
    fails, {file: [names]}]}."""

    def __init__(self, seen, out: Path):  # type: ignore[no-untyped-def]
        self.seen, self.out = seen, out
        self.found: dict[str, list[object]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):  # type: ignore[no-untyped-def]
        start = time.monotonic()
        self.failed = False
        self.seen.start()
        result = yield
        by_file: dict[str, list[str]] = {}
        for file, name in sorted(self.seen.stop()):
            by_file.setdefault(file, []).append(name)
        seconds = round(time.monotonic() - start, 3)
        self.found[item.nodeid] = [seconds, self.failed, by_file]
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    def pytest_sessionfinish(self) -> None:
        self.out.write_text(json.dumps(self.found))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def forked(
    copy: Copy, arguments: list[str], plugins: list[object], seconds: int, log: Path
) -> None:
    """The new process: runs the tests and never comes back."""
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        limited(seconds)
        os.chdir(copy.tree)
        os.environ.update(copy.env)
        if "LD_PRELOAD" not in os.environ:  # sanitizers reserve terabytes
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(copy.site))
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for fd, source in ((0, nothing), (1, out), (2, out)):
            os.dup2(source, fd)
        code = int(
            pytest.main(["-q", "-p", "no:cacheprovider", *arguments], plugins=plugins)
        )
    finally:
        os._exit(code)


def run(
    copy: Copy,
    arguments: Iterable[str],
    plugins: Iterable[object] = (),
    *,
    seconds: int,
    log: Path,
) -> str:
    """PASSED, NOTICED or TIMEOUT; seconds: of computing."""
    pid = os.fork()
    if pid == 0:
        forked(copy, list(arguments), list(plugins), seconds, log)
    return waited(pid)


def waited(pid: int) -> str:
    """What became of a process that leads a session of its own."""
    limit, pause = time.monotonic() + WALL, 0.005
    try:
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                if code in (-signal.SIGXCPU, -signal.SIGKILL):
                    return TIMEOUT
                # 5: no tests were collected
                return PASSED if code in (0, 5) else NOTICED
            if time.monotonic() > limit:
                return TIMEOUT
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
    finally:
        # what it started, too
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def calls(
    copy: Copy, files: list[str], seen: object, folder: Path, cache: Path, key: str
) -> dict[str, list[object]]:
    """What each test of some files calls; kept for the next time, as long as the file
    is the same, and key, which stands for the code, or key is empty."""
    found: dict[str, list[object]] = {}
    for name in files:
        kept = cache / f"calls-{type(seen).__name__}-{name.replace('/', '-')}.json"
        file = hashlib.sha256((copy.tree / name).read_bytes()).hexdigest()
        old = json.loads(kept.read_text()) if kept.exists() else {}
        if old.get("file") != file or (key and old["key"] != key):
            tests = traced(copy, name, seen, folder)
            old = {"file": file, "key": key, "tests": tests}
            kept.write_text(json.dumps(old))
        found.update(old["tests"])
    for test in [test for test, (_, bad, _) in found.items() if bad]:
        print(f"left out, it fails without a mutant: {test}", flush=True)
        del found[test]
    return found


def traced(
    copy: Copy, name: str, seen: object, folder: Path
) -> dict[str, list[object]]:
    print(f"what {name} calls", flush=True)
    out, log = folder / "calls.json", folder / "calls.log"
    out.unlink(missing_ok=True)
    run(copy, [name], [Tracing(seen, out)], seconds=WALL, log=log)
    if not out.exists():
        raise SystemExit(f"{name} does not run:\n{log.read_text()[-3000:]}")
    found: dict[str, list[object]] = json.loads(out.read_text())
    return found
