# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""docs/devicetree.md: its Python and its commands run as they stand there."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "devicetree.md"
DTC = shutil.which("dtc")

BOARD = """/dts-v1/;
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	memory@40000000 { reg = <0x40000000 0x10000000>; };
	soc {
		#address-cells = <1>;
		#size-cells = <1>;
		uart0: uart@1000 { compatible = "ns16550"; reg = <0x1000 0x100>; dmas; };
		i2c1: i2c@2000 { };
	};
};
"""
OVERLAY = '/dts-v1/; /plugin/; &i2c1 { status = "okay"; };'


def test_its_python_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 15


def commands():
    """The lines of its shell examples, in order."""
    return re.findall(r"^    ((?:pyfdtx|dtc|echo) .*)$", PAGE.read_text(), re.M)


@pytest.mark.skipif(DTC is None, reason="needs dtc (Debian: device-tree-compiler)")
def test_its_commands_run_in_their_order(tmp_path):
    for name, text in (("board.dtb", BOARD), ("i2c.dtbo", OVERLAY)):
        subprocess.run(
            [DTC, "-@", "-q", "-O", "dtb", "-o", tmp_path / name, "-"],
            input=text.encode(), check=True, timeout=60,
        )  # fmt: skip
    lines = commands()
    assert len(lines) >= 12
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env={**os.environ, "PATH": path},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        good = (0, 1) if " diff " in line else (0,)
        assert done.returncode in good, f"{line}\n{done.stderr}"
        assert done.stderr == "" or line.startswith("dtc"), f"{line}\n{done.stderr}"
    from pyfdtx import Fdt

    new = Fdt((tmp_path / "new.dtb").read_bytes())
    assert new["&uart0"].get_string("status") == "okay"
