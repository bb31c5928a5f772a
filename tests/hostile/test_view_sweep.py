# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Runs view_sweep.py with a pyfdtx._core that is made with sanitizers."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import pyfdtx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


@pytest.fixture(scope="module")
def compiler():
    name = os.environ.get("CC", "cc")
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    if not (ROOT / "libfdt" / "src" / "libfdt.h").exists():
        pytest.skip("libfdt/src is missing: python libfdt/vendor.py fetches it")
    return name


def runtime(compiler, library):
    """The sanitizer's library: Python itself is not linked with it."""
    ask = [compiler, f"-print-file-name={library}"]
    path = subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(path):
        pytest.skip(f"{compiler} has no {library}")
    return path


def test_no_blob_makes_the_view_touch_what_is_not_its_own(compiler, tmp_path):
    preload = " ".join(runtime(compiler, f"lib{n}.so") for n in ("asan", "ubsan"))
    package = tmp_path / "pyfdtx"
    shutil.copytree(Path(pyfdtx.__file__).parent, package)
    for old in package.glob("_core.*.so"):
        old.unlink()
    build = runpy.run_path(str(ROOT / "csrc" / "build.py"), run_name="facts")
    sources = build["extension"]().sources
    sources.remove(build["GENERATED"])
    build["generate"](str(tmp_path / "_ext.c"))

    def cc(*arguments):
        built = subprocess.run(
            [compiler, "-fPIC", "-O1", "-g", "-fwrapv", *SANITIZE,
             "-isystem", sysconfig.get_path("include"),
             "-I", ROOT / "csrc", "-isystem", ROOT / "libfdt" / "src", *arguments],
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert built.returncode == 0, built.stderr

    # The Makefile beside this warns about the others; not all of them are ours
    others, objects = [tmp_path / "_ext.c"], []
    for number, source in enumerate(sources):
        if not source.startswith("csrc/python/"):
            others.append(ROOT / source)
            continue
        objects.append(tmp_path / f"{number}.o")
        cc("-Wall", "-Wextra", "-Werror", "-c", ROOT / source, "-o", objects[-1])
    cc("-w", "-shared", *others, *objects, "-o", package / "_core.abi3.so")
    done = subprocess.run(
        [sys.executable, HERE / "view_sweep.py"],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            # malloc's blocks have edges, Python's own have not
            "PYTHONMALLOC": "malloc",
            "ASAN_OPTIONS": "detect_leaks=0",
            "LD_PRELOAD": preload,
        },
        capture_output=True,
        text=True,
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"at {last}: {done.stderr[-3000:]}"
    found = re.fullmatch(r"(\d+) blobs, (\d+) accepted", "".join(last))
    assert found, last
    assert 0 < int(found[2]) < int(found[1])
