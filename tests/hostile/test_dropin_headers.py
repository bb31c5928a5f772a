# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The drop-in under sanitizers, on headers that lie: a part of what
`make test-dropin-sanitized` does in full."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import pyfdtx._core as module

ROOT = Path(__file__).resolve().parents[2]
DROPIN = ROOT / "tests" / "dropin"
FUNCTIONS = {
    name
    for name, function in vars(module).items()
    if inspect.isbuiltin(function) and name.startswith(("fdt", "_sw"))
}
STEP = 80


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """Environment in which the sweep finds a drop-in with ASan and UBSan in it."""
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    if not (ROOT / "libfdt" / "src" / "fdt.c").exists():
        pytest.skip("libfdt/src is missing: python libfdt/vendor.py fetches it")
    libraries = []
    for library in ("libasan.so", "libubsan.so"):
        found = subprocess.run(
            [compiler, f"-print-file-name={library}"], capture_output=True, text=True
        ).stdout.strip()
        if not Path(found).is_absolute():
            pytest.skip(f"{compiler} has no {library} that can be loaded before others")
        libraries.append(found)
    directory = tmp_path_factory.mktemp("dropin")
    sources = [
        DROPIN / "dropin_alone.c",
        *(ROOT / "csrc/python/dropin").glob("*.c"),
        *(ROOT / "csrc").glob("*.c"),
        ROOT / "csrc/edit/overlay.c",
        *(ROOT / "libfdt/src").glob("*.c"),
    ]
    includes = [ROOT / "csrc", ROOT / "libfdt/src", sysconfig.get_path("include")]
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-g", "-fwrapv", "-fno-strict-aliasing",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
         *(f"-I{path}" for path in includes), *sources,
         "-o", directory / "dropin_alone.abi3.so"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # malloc's blocks have edges, Python's own have not
    return {
        **os.environ,
        "PYTHONPATH": str(directory),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
        "LD_PRELOAD": " ".join(libraries),
    }


def test_no_function_reads_behind_a_header_that_lies(sanitized, tmp_path):
    done = subprocess.run(
        [sys.executable, DROPIN / "header_sweep.py", "0", str(STEP)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=sanitized,
    )
    assert done.returncode == 0, done.stderr[:3000]
    said = re.fullmatch(
        r"done: (\d+) blobs, (\d+) calls of (\d+) functions\n", done.stdout
    )
    assert said, done.stdout
    assert int(said[1]) > 5000
    assert int(said[2]) > 100 * int(said[1])
    # All but a few, which take no tree
    trees = [
        name
        for name in FUNCTIONS
        if next(iter(inspect.signature(getattr(module, name)).parameters))
        in ("fdt", "buf", "property", "p")
    ]
    assert int(said[3]) == len(trees) > 120


def test_every_function_of_the_drop_in_has_its_row_in_the_table():
    """The table of the guard says what each function reads of a header."""
    text = (ROOT / "csrc/python/dropin/guard.h").read_text()
    table = text[text.index("0, 1    2") : text.index("Results: 0 or more")]
    names = re.findall(r"\b(?:fdt\w+|_sw_grow)\*?(?=[,;\n ])", table)
    patterns = [name for name in names if not name.startswith("fdtd_")]
    assert len(patterns) > 50
    for name in FUNCTIONS:
        assert any(fnmatchcase(name, p) for p in patterns), f"{name} has no row"
    for pattern in patterns:
        assert any(fnmatchcase(name, pattern) for name in FUNCTIONS), (
            f"{pattern} is no function"
        )
