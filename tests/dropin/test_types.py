# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The types that users see are those of the module."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("stubtest-allowed.txt")
SHIM = Path(__file__).resolve().parents[2] / "libfdt" / "dropin"


@pytest.mark.parametrize("module", ["pyfdtx._core", "pyfdtx.libfdt", "libfdt"])
def test_the_types_are_what_the_module_has(module, tmp_path):
    """Names, arguments, defaults and kinds, by mypy's own tool; the last is
    the top-level module of the distribution pyfdtx-libfdt."""
    pytest.importorskip("mypy", reason="no mypy here: make types puts it there")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--ignore-unused-allowlist",
         "--allowlist", str(ALLOWED), module],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(SHIM), "PYTHONPATH": str(SHIM)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


USE = """
import pyfdtx.libfdt as libfdt
from pyfdtx.libfdt import *

fdt = Fdt(b"")
reveal_type(fdt.path_offset("/"))
reveal_type(fdt.get_name(0))
reveal_type(fdt.getprop(0, "reg"))
reveal_type(fdt._fdt)
reveal_type(libfdt.fdt_totalsize(fdt._fdt))
reveal_type(libfdt.FDT_ERR_NOTFOUND)
reveal_type(struct.calcsize("I"))
reveal_type(FdtSw().as_fdt())
fdt.path_offset(b"/")
libfdt.fdt_totalsize(b"")
libfdt.nothing
"""
REVEALED = """int
str
Union[pyfdtx.libfdt._classes.Property, int]
bytearray
int
int
int
pyfdtx.libfdt._classes.Fdt""".splitlines()
WRONG = ["arg-type", "arg-type", "attr-defined"]


def test_a_checker_knows_results_and_finds_wrong_arguments(tmp_path):
    pytest.importorskip("mypy", reason="no mypy here: make types puts it there")
    (tmp_path / "use.py").write_text(USE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.9", "use.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    lines = done.stdout.replace("builtins.", "").splitlines()
    revealed = [line.split('"')[1] for line in lines if "Revealed" in line]
    wrong = [line.split("[")[-1].rstrip("]") for line in lines if "error:" in line]
    assert revealed == REVEALED, done.stdout
    assert wrong == WRONG, done.stdout
