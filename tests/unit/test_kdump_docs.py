# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""docs/kdump.md and docs/kexec.md: what they show runs, on a captured machine.

What loads, panics and saves runs in tests/system/test_kdump_page.py.
"""

import ast
import configparser
import doctest
import re
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import pyfdtx.kexec

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from kdump_page import KDUMP, commands, files  # noqa: E402
from test_x86_64 import machine_with  # noqa: E402

TOOL = Path(sys.executable).with_name("pyfdtx")
MACHINE = ROOT / "examples/arm64-dt"


@pytest.fixture
def image(tmp_path):
    """The bare header of a kernel of 16 MiB: Linux
    Documentation/arch/arm64/booting.rst."""
    head = struct.pack("<8x6Q4s4x", 0, 16 << 20, 0b1010, 0, 0, 0, b"ARM\x64")
    (tmp_path / "vmlinuz").write_bytes(head)
    (tmp_path / "initrd").write_bytes(bytes(1 << 20))
    return tmp_path / "vmlinuz"


def here(line, tmp_path):
    """A command of the page, for the captured machine."""
    line = re.sub(r"/boot/vmlinuz-\$\(uname -r\)", str(tmp_path / "vmlinuz"), line)
    line = re.sub(
        r"/boot/(initrd|kdump)\.img-\$\(uname -r\)", str(tmp_path / "initrd"), line
    )
    words = shlex.split(line)[1:]
    if "--root" in words:
        words[words.index("--root") + 1] = str(MACHINE)
    else:
        words += ["--root", str(MACHINE)]
    if words[0] == "load" and "--dry-run" not in words:
        words.append("--dry-run")
    return [TOOL, *words]


def test_the_commands_of_the_page_run_in_their_order(image, tmp_path):
    lines = [line for line in commands() if line.startswith("pyfdtx ")]
    kinds = [line.split()[1] for line in lines]
    assert [k for i, k in enumerate(kinds) if k not in kinds[:i]] == [
        *("status", "capture", "plan", "load", "check")
    ]
    for line in lines:
        done = subprocess.run(
            here(line, tmp_path), cwd=tmp_path, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, ""), line
        if line == "pyfdtx status":
            (shown,) = re.findall(r"(?m)^    crash memory: .*$", KDUMP)
            assert shown.strip() in done.stdout
    assert (tmp_path / "machine/proc/iomem").read_bytes() == (
        MACHINE / "proc/iomem"
    ).read_bytes()
    assert (tmp_path / "made/plan.json").exists()


def test_the_page_works_on_x86_64_too(tmp_path):
    """But for looking at what was made, which only the kernel itself could show."""
    machine = machine_with(tmp_path / "root").root
    (tmp_path / "vmlinuz").write_bytes(b"x")
    (tmp_path / "initrd").write_bytes(b"070701")
    lines = [line for line in commands() if line.startswith("pyfdtx ")]
    left_out = [line for line in lines if "--output-dir" in line or " check " in line]
    assert len(left_out) == 2
    page = " ".join(KDUMP.split())
    assert "(Not on x86_64: it has no tree, and its kernel makes all of this" in page
    for line in lines:
        if line in left_out:
            continue
        words = [str(w).replace(str(MACHINE), machine) for w in here(line, tmp_path)]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), line


def test_the_unit_runs_what_the_page_runs_by_hand():
    """systemd.service(5), systemd.unit(5): %v is `uname -r`."""
    unit = configparser.RawConfigParser()
    unit.optionxform = str
    unit.read_string(files()["/etc/systemd/system/pyfdtx-kdump.service"])
    assert dict(unit["Install"]) == {"WantedBy": "multi-user.target"}
    assert unit["Unit"]["ConditionKernelCommandLine"] == "crashkernel"
    service = dict(unit["Service"])
    assert (service["Type"], service["RemainAfterExit"]) == ("oneshot", "yes")
    by_hand = next(
        c for c in commands() if "load --crash" in c and "--dry-run" not in c
    )
    started = shlex.split(service["ExecStart"].replace("%v", "VERSION"))
    assert started[0] == "/opt/pyfdtx/bin/pyfdtx"
    assert started[1:] == shlex.split(
        by_hand.removeprefix("pyfdtx ")
        .replace("--crash", "--crash --replace")
        .replace("$(uname -r)", "VERSION")
    )
    assert shlex.split(service["ExecStop"])[1:] == ["unload", "--crash"]


def test_the_scripts_are_sound_shell():
    scripts = {n: t for n, t in files().items() if t.startswith("#!/bin/sh\n")}
    assert len(scripts) == 3
    for name, text in scripts.items():
        done = subprocess.run(
            ("sh", "-n"), input=text, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), name
    hook = scripts["/etc/kdump-initramfs/hooks/vmcore"]
    saver = scripts["/etc/kdump-initramfs/scripts/local-bottom/vmcore"]
    for text in (hook, saver):  # initramfs-tools(7): asked so for its order
        done = subprocess.run(("sh", "-c", text, "sh", "prereqs"), capture_output=True)
        assert (done.returncode, done.stdout) == (0, b"")


def said():
    """Every text in the package, pieces that Python joins in one."""
    for path in Path(pyfdtx.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_that_the_page_explains_are_what_is_said():
    table = KDUMP.partition("## What can go wrong")[2].partition("\n\npyfdtx puts")[0]
    quoted = [
        text
        for row in re.findall(r"(?m)^\| (.*?) \|", table)
        for text in re.findall(r"`([^`]+)`", row)
        if not text.startswith("/proc")
    ]
    assert len(quoted) >= 9
    everything = "\0".join(said())
    for text in quoted:
        text = text.removeprefix("kexec_load: ")
        assert text in everything, f"nothing says {text!r}"


def test_the_library_page_gives_what_it_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    results = doctest.testfile(str(ROOT / "docs/kexec.md"), module_relative=False)
    assert results.attempted >= 18
    assert results.failed == 0


def test_what_the_library_page_names_is_there():
    page = (ROOT / "docs/kexec.md").read_text()
    table = page[page.index("| in `pyfdtx.kexec`") : page.index("`python3 -c")]
    named = set(re.findall(r"`(\w+)`", table))
    assert named == set(pyfdtx.kexec.__all__)


def test_the_example_plans_for_the_captured_machine(image):
    """Lowest places, in the order kernel, tree, trampoline; the header at the
    end: docs/placement.md."""
    example = ROOT / "examples/kdump_library.py"
    done = subprocess.run(
        (sys.executable, example, image), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows == [
        ["0x6ac00000", "0x1000000", "kernel"],
        ["0x6bc00000", "0x2000", "dtb"],
        ["0x6bc02000", "0x1000", "trampoline"],
        ["0x7abff000", "0x1000", "elfcorehdr"],
    ]


def test_the_example_says_what_is_wrong_in_one_line(tmp_path):
    example = ROOT / "examples/kdump_library.py"
    (tmp_path / "text").write_text("no kernel")
    done = subprocess.run(
        (sys.executable, example, tmp_path / "text"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("kdump_library.py: ")
    assert done.stderr.count("\n") == 1
