# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What an initramfs needs for the commands; tests/packaging puts it into one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx.tools.needed import LEFT_OUT, needed

HOME = Path(pyfdtx.__file__).parent


@pytest.fixture(scope="module")
def files():
    return needed()


def test_each_line_is_a_file(files):
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pyfdtx.tools.needed"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == files
    assert files == sorted(set(files))
    assert all(os.path.isfile(path) for path in files)


def test_the_interpreter_is_there_with_each_link_to_it(files):
    assert {sys.executable, os.path.realpath(sys.executable)} <= set(files)


def test_the_package_is_there_but_for_what_no_initramfs_asks_for(files):
    own = {
        p for p in HOME.rglob("*.py") if p.relative_to(HOME).parts[0] not in LEFT_OUT
    }
    assert {str(path) for path in own} <= set(files)
    assert any(path.endswith("/pyfdtx/_core.abi3.so") for path in files)
    assert not [f for f in files if f.startswith(f"{HOME}/proposal/")]


@pytest.mark.parametrize(
    "name", ["lzma", "json", "subprocess", "struct", "os", "runpy"]
)
def test_so_is_what_it_imports_and_what_that_imports(files, name):
    """Some of them inside of functions."""
    assert __import__(name).__file__ in files


def test_so_is_cffis_module_which_the_extension_imports(files):
    import _cffi_backend

    assert _cffi_backend.__file__ in files


def test_openssl_is_not_for_hashlib_does_without(files):
    assert not [path for path in files if "/_hashlib." in path]


@pytest.mark.parametrize("name", ["test", "unittest", "tkinter", "pip", "pytest"])
def test_what_nobody_imports_is_not_there(files, name):
    assert not [path for path in files if f"/{name}/" in path.removeprefix(str(HOME))]


def test_the_check_imports_all_of_it():
    command = [sys.executable, "-I", "-m", "pyfdtx.tools.needed", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_check_sees_what_is_missing(tmp_path):
    copy = tmp_path / "pyfdtx"
    shutil.copytree(HOME, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / "kexec" / "cmdline.py").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "pyfdtx.tools.needed", "--check"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode
    assert "pyfdtx.kexec.cmdline" in done.stderr
