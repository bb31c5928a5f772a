# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The ways to get the drop-in from `import libfdt`, and upstream's module
beside it."""

import shutil
import subprocess
import sys
from pathlib import Path

import peers
import pytest

import pyfdtx

SHIM = peers.ROOT / "libfdt" / "dropin"


def python(code, *paths, cwd, options=()):
    head = "".join(f"import sys; sys.path.insert(0, {str(p)!r});" for p in paths)
    return subprocess.run(
        [sys.executable, *options, "-W", "always", "-c", head + code],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


@pytest.fixture
def with_pylibfdt(tmp_path):
    """A folder as pip leaves it for upstream's module."""
    peers.upstream()
    folder = tmp_path / "site"
    folder.mkdir()
    for path in peers.VENV.glob("lib/python*/site-packages/*libfdt*"):
        if path.is_file():
            shutil.copy(path, folder)
    assert (folder / "libfdt.py").exists()
    return folder


@pytest.fixture
def pyfdtx_alone(tmp_path):
    """A folder with pyfdtx, for a Python without site-packages: `make peers` puts
    a pylibfdt into these."""
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / "pyfdtx").symlink_to(Path(pyfdtx.__file__).parent)
    return folder


@pytest.fixture
def with_shim(tmp_path):
    folder = tmp_path / "shim"
    shutil.copytree(SHIM / "libfdt", folder / "libfdt")
    return folder


def test_install_as_libfdt_gives_the_drop_in_to_everybody(tmp_path):
    done = python(
        "import pyfdtx; pyfdtx.install_as_libfdt(); pyfdtx.install_as_libfdt();"
        "import libfdt; from libfdt import Fdt, QUIET_NOTFOUND;"
        "print(libfdt.__name__, Fdt is pyfdtx.libfdt.Fdt)",
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("pyfdtx.libfdt True\n", "")


def test_install_as_libfdt_wins_over_an_installed_pylibfdt(tmp_path, with_pylibfdt):
    done = python(
        "import pyfdtx; pyfdtx.install_as_libfdt(); import libfdt;"
        "print(libfdt.__name__)",
        with_pylibfdt,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("pyfdtx.libfdt\n", "")


def test_install_as_libfdt_too_late_says_so(tmp_path, with_pylibfdt):
    done = python(
        "import libfdt, pyfdtx; pyfdtx.install_as_libfdt()", with_pylibfdt, cwd=tmp_path
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: install_as_libfdt: another libfdt")
    assert str(with_pylibfdt / "libfdt.py") in last
    assert "before the first `import libfdt`" in last


def test_import_pyfdtx_does_not_import_the_drop_in(tmp_path):
    done = python(
        "import pyfdtx, sys; print('pyfdtx.libfdt' in sys.modules)", cwd=tmp_path
    )
    assert done.stdout == "False\n"


def test_the_shim_is_the_drop_in(tmp_path, with_shim, pyfdtx_alone):
    done = python(
        "import libfdt; from libfdt import *; import libfdt as again;"
        "import pyfdtx.libfdt as p; print(libfdt is p is again, Fdt is p.Fdt,"
        "struct.calcsize('>I'))",
        with_shim,
        pyfdtx_alone,
        cwd=tmp_path,
        options=["-S"],
    )
    assert (done.stdout, done.stderr) == ("True True 4\n", "")


@pytest.mark.parametrize("first", ["shim", "pylibfdt", "same folder"])
def test_the_shim_beside_pylibfdt_says_so(first, tmp_path, with_shim, with_pylibfdt):
    """Whichever is found is found; if it is the shim, it warns."""
    if first == "same folder":
        shutil.copytree(with_shim / "libfdt", with_pylibfdt / "libfdt")
        paths = [with_pylibfdt]
    else:
        paths = [with_pylibfdt, with_shim]
        if first == "pylibfdt":
            paths.reverse()
    done = python("import libfdt; print(libfdt.__name__)", *paths, cwd=tmp_path)
    if first == "pylibfdt":
        assert (done.stdout, done.stderr) == ("libfdt\n", "")
        return
    assert done.stdout == "pyfdtx.libfdt\n"
    assert "RuntimeWarning: libfdt is pyfdtx's, but pylibfdt is installed too" in (
        done.stderr
    )
    assert "pip uninstall pylibfdt" in done.stderr


def test_the_shims_wheel_has_a_name_of_its_own_and_only_its_folder(tmp_path):
    """pip would overwrite a libfdt.py without a word."""
    # A copy: setuptools writes beside it. Its version is said above it
    above = tmp_path / "source"
    above.mkdir()
    copied = ("libfdt", "pyfdtx", "pyproject.toml", "LICENSES", "README.md")
    for name in copied:
        old = peers.ROOT / name
        (shutil.copytree if old.is_dir() else shutil.copy2)(old, above / name)
    source = above / "libfdt" / "dropin"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps",
         "--disable-pip-version-check", "--wheel-dir", str(tmp_path), str(source)],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    import zipfile

    names = [Path(n).parts for n in zipfile.ZipFile(wheel).namelist()]
    assert wheel.name.startswith("pyfdtx_libfdt-")
    assert {parts[0] for parts in names} == {
        "libfdt",
        "-".join(wheel.name.split("-")[:2]) + ".dist-info",
    }


def test_the_migration_page_names_the_versions_that_are_tried():
    import consumers

    page = (peers.ROOT / "docs" / "migration.md").read_text()
    assert consumers.PYLIBFDT.replace("==", " ") in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for name, version in consumers.VERSIONS.items():
        assert any(name in row and version in row for row in rows), name
    pinned = (peers.ROOT / "pyproject.toml").read_text()
    assert f'"{consumers.PYLIBFDT}"' in pinned
