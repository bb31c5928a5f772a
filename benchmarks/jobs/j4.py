# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J4: a crash tree in a fresh process: start, import, read, job, write, exit."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import cases
from compare import byte_difference, tree_difference
from crash_job import CRASH
from frame import Case, Disagreement, Group, Prepared, Progress, Row, Setup

KEY = "j4"
TITLE = "A crash tree in a fresh process"
ROUNDS = 25
CLOCK = "own"
GROUPS = {
    "process": Group(
        TITLE,
        "process",
        "User and system time of the whole process, from its start to its exit: "
        "a boot tree is read from a file, the crash tree is written to one.",
    ),
}

START = Path(__file__).resolve().parent.parent / "start"
JOB = CRASH
# What every program gets after the two files
COMMAND_LINE = [
    "-o", "{out}",
    "--cmdline", JOB.cmdline,
    "--initrd", "{:#x},{:#x}".format(*JOB.initrd),
    "--elfcorehdr", "{:#x},{:#x}".format(*JOB.elfcorehdr),
    *(a for r in JOB.usable for a in ("--usable", "{:#x},{:#x}".format(*r))),
]  # fmt: skip


def cpu_of(command: list[str]) -> int:
    """Run it; user and system time of the finished process, ns.

    Raises:
        RuntimeError: it failed.
    """
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)[:200]}: status {status:#x}")
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


# (key, title, note, command; {in} and {out} are files, promise)
IMPLEMENTATIONS = (
    ("pass", "python -c pass", "nothing", _python("-c", "pass"), ""),
    ("import", "import pyfdtx", "nothing else",
     _python(str(START / "import_only.py")), ""),
    ("native", "pyfdtx", "checks: fdtx_check",
     _python(str(START / "native.py"), "{in}", "{out}"), "bytes"),
    ("cli", "pyfdtx crash-dtb, the command", "checks: fdtx_check",
     _python(str(Path(sys.executable).parent / "pyfdtx"), "crash-dtb", "{in}",
             *COMMAND_LINE), "runs"),
    ("pure", "pyfdtx.pure (Python only)", "checks: own",
     _python(str(START / "pure.py"), "{in}", "{out}"), "bytes"),
    ("pylibfdt", "pylibfdt (SWIG)", "no checks",
     _python(str(START / "pylibfdt.py"), "{in}", "{out}"), "tree"),
    ("fdt", "fdt (PyPI, Python only)", "no checks",
     _python(str(START / "fdt_package.py"), "{in}", "{out}"), "tree"),
)  # fmt: skip
CASE = "tree"
NEEDS = {"pylibfdt": "libfdt", "fdt": "fdt"}


def _filled(command: list[str], source: Path, out: Path) -> list[str]:
    names = {"{in}": str(source), "{out}": str(out)}
    return [names.get(part, part) for part in command]


class _Scene(NamedTuple):
    """A folder with the middle one of the trees, and the commands for it."""

    folder: tempfile.TemporaryDirectory[str]
    tree: str
    blob: bytes
    commands: dict[str, list[str]]
    missing: dict[str, str]

    def out(self, key: str) -> Path:
        return Path(self.folder.name) / f"{key}.dtb"


def _scene(setup: Setup) -> _Scene:
    names, blobs, _ = cases.read(setup.directory)
    order = sorted(range(len(blobs)), key=lambda i: (len(blobs[i]), names[i]))
    if not order:
        raise ValueError(f"no usable .dtb file below {setup.directory}")
    middle = order[len(order) // 2]
    scene = _Scene(
        tempfile.TemporaryDirectory(prefix="bench-"), names[middle], blobs[middle],
        {}, {},
    )  # fmt: skip
    source = Path(scene.folder.name) / "in.dtb"
    source.write_bytes(scene.blob)
    for key, _, _, command, _ in IMPLEMENTATIONS:
        package = NEEDS.get(key)
        if package and importlib.util.find_spec(package) is None:
            scene.missing[key] = f"No module named {package!r}"
        else:
            scene.commands[key] = _filled(command, source, scene.out(key))
    return scene


_scenes: list[_Scene] = []  # keeps the folders until the end


def commands(setup: Setup) -> dict[str, tuple[str, list[str]]]:
    """The case and the command of each row, for counting."""
    scene = _scene(setup)
    _scenes.append(scene)
    return {key: (CASE, command) for key, command in scene.commands.items()}


def prepare(setup: Setup) -> Prepared:
    scene = _scene(setup)
    _scenes.append(scene)
    rows, outputs = [], {}
    for key, title, note, _, promise in IMPLEMENTATIONS:
        if key in scene.commands:
            run = partial(cpu_of, scene.commands[key])
            rows.append(Row(key, title, note, run))
            if promise:
                outputs[key] = (run, scene.out(key), promise)
    size = len(scene.blob)
    return Prepared(
        [Case(CASE, f"a tree of {size} bytes", "process", 1, "native", rows)],
        scene.missing,
        {"tree": scene.tree, "bytes": size},
        partial(compare_outputs, outputs),
    )


def compare_outputs(
    outputs: dict[str, tuple[Callable[[], int], Path, str]], progress: Progress
) -> None:
    """Run each once and compare the files: "bytes" and "tree" as in J1; "runs"
    has random seeds, so only what else is in the tree is compared.

    Raises:
        Disagreement: naming the program and the difference.
    """
    for key, (run, _, _) in outputs.items():
        progress(f"comparing {key}")
        try:
            run()
        except RuntimeError as e:
            raise Disagreement(str(e)) from None
    want = outputs["native"][1].read_bytes()
    for key, (_, out, promise) in outputs.items():
        got = out.read_bytes()
        if promise == "bytes":
            lines = byte_difference(want, got)
        elif promise == "tree":
            lines = tree_difference(want, got)
        else:
            lines = [
                line for line in tree_difference(want, got) if "-seed (" not in line
            ]
        if lines:
            raise Disagreement("\n  ".join([f"{key} differs from native:", *lines]))
