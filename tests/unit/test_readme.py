# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The README's examples run, and its commands parse."""

import doctest
import re
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pyfdtx import Fdt, pure

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_python_examples_give_what_they_show(monkeypatch):
    monkeypatch.chdir(ROOT)
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted >= 10
    assert results.failed == 0


def commands():
    text = README.replace("\\\n", " ")
    return re.findall(r"^    (pyfdtx [^#\n]+)", text, re.M)


def kernel_and_initrd(folder):
    """A kernel of the size of Debian's 6.1 (image_size of its header: Linux
    Documentation/arch/arm64/booting.rst), an initrd of 16 MiB."""
    head = struct.pack("<8x6Q4s4x", 0, 0x1AB0000, 0b1010, 0, 0, 0, b"ARM\x64")
    (folder / "vmlinuz").write_bytes(head)
    (folder / "initrd.img").write_bytes(bytes(16 << 20))


@pytest.fixture
def place(tmp_path):
    boot = (ROOT / "examples/arm64-dt/sys/firmware/fdt").read_bytes()
    (tmp_path / "boot.dtb").write_bytes(boot)
    # The captured machine has no /soc; an overlay for the display needs i2c's node
    board = Fdt(boot)
    board.add_node("/soc/uart@1000", parents=True)
    (tmp_path / "board.dtb").write_bytes(board.to_bytes())
    for name, target in (("i2c", b"/soc\0"), ("display", b"/soc/i2c\0")):
        content = ("__overlay__", [], [(name, [], [])])
        top = ("fragment@0", [("target-path", target)], [content])
        (tmp_path / f"{name}.dtbo").write_bytes(pure.flatten(("", [], [top])))
    kernel_and_initrd(tmp_path)
    tool = Path(sys.executable).with_name("pyfdtx")
    fdt = shlex.quote(str(tmp_path / "boot.dtb"))

    def run(line):
        line = line.replace("/sys/firmware/fdt", fdt)
        line = line.replace("examples/", f"{ROOT}/examples/")
        words = [str(tool), *shlex.split(line)[1:]]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_the_commands_run_in_the_order_shown(place):
    assert len(commands()) >= 12
    for line in commands():
        done = place(line)
        good = (0, 1) if " diff " in line else (0,)
        assert done.returncode in good, f"{line}\n{done.stderr}"
        assert done.stderr == "", line


def test_the_drawing_is_what_the_command_prints(tmp_path):
    line, shown = re.search(
        r"^```\n\$ (pyfdtx plan .*)\n((?:.+\n)+)```$", README, re.M
    ).groups()
    kernel_and_initrd(tmp_path)
    tool = Path(sys.executable).with_name("pyfdtx")
    words = shlex.split(line.replace("examples/", f"{ROOT}/examples/"))[1:]
    done = subprocess.run([tool, *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == shown
