# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Tests of the Python package on a big-endian machine: a Debian s390x Python and
the extension, cross-compiled, under qemu-user.

Debian's packages are downloaded with apt, below build/s390x, with a state of
their own: the machine's apt is not touched, and nothing is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "s390x"
SYSTEM = BUILD / "root"
CC, QEMU = "s390x-linux-gnu-gcc", "qemu-s390x-static"
TOOLS = ("apt-get", "dpkg-deb", CC, QEMU)
# Debian 12's Python and what it loads
PYTHON = "python3.11"
PACKAGES = (
    "libc6", "libgcc-s1", "libcrypt1", "zlib1g", "libexpat1", "libffi8",
    f"{PYTHON}-minimal", f"lib{PYTHON}-minimal", f"lib{PYTHON}-stdlib",
    f"lib{PYTHON}-dev", "python3-cffi-backend",
)  # fmt: skip
# Pure Python, taken from where this runs
BORROWED = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")
TESTS = (
    "tests/unit/test_tree_reg.py",
    "tests/unit/test_tree_props.py",
    "tests/unit/test_second_kernel_tree.py",
    "tests/unit/test_second_kernel_review_2018.py",
)


def run(*words: object, **keywords: object) -> None:
    subprocess.run([str(word) for word in words], check=True, **keywords)


def system() -> None:
    """Debian's s390x packages, unpacked into SYSTEM."""
    if (SYSTEM / "usr/bin" / PYTHON).exists():
        return
    state, debs = BUILD / "state", BUILD / "debs"
    for folder in (state / "lists/partial", BUILD / "cache/archives/partial", debs):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    options = [
        "-qq", "-o", "APT::Architecture=s390x", "-o", "APT::Architectures::=s390x",
        "-o", f"Dir::State={state}", "-o", f"Dir::State::status={state / 'status'}",
        "-o", f"Dir::Cache={BUILD / 'cache'}", "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    run("apt-get", *options, "update")
    run("apt-get", *options, "download", *PACKAGES, cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg-deb", "-x", deb, SYSTEM)


def package() -> Path:
    """The package and what runs its tests, in a folder for PYTHONPATH."""
    site = BUILD / "site"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(ROOT / "pyfdtx", site / "pyfdtx")
    here = Path(sysconfig.get_path("purelib"))
    for name in BORROWED:
        shutil.copytree(here / name, site / name)
    shutil.copy(here / "py.py", site)
    source = BUILD / "_ext.c"
    run(sys.executable, ROOT / "csrc/build.py", source, cwd=ROOT)
    include = SYSTEM / "usr/include"
    run(
        CC, "-shared", "-fPIC", "-O2", "-fno-strict-aliasing", "-fwrapv",
        f"-I{include / PYTHON}", f"-I{include}",
        f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'libfdt/src'}", source,
        *sorted((ROOT / "csrc").rglob("*.c")),
        *sorted((ROOT / "libfdt/src").glob("*.c")),
        "-o", site / "pyfdtx" / "_core.abi3.so",
    )  # fmt: skip
    return site


def main() -> int:
    lacks = [tool for tool in TOOLS if not shutil.which(tool)]
    if lacks:
        print(f"SKIP  Python on s390x: this machine lacks {lacks[0]}")
        return os.environ.get("PYFDTX_REQUIRE_ALL") == "1"
    try:
        system()
    except subprocess.CalledProcessError as e:
        print(f"SKIP  Python on s390x: {' '.join(e.cmd[:1])} could not fetch it")
        return os.environ.get("PYFDTX_REQUIRE_ALL") == "1"
    site = package()
    python = [QEMU, "-L", str(SYSTEM), str(SYSTEM / "usr/bin" / PYTHON)]
    around = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1",
              "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # fmt: skip
    run(*python, "-c", "import sys; assert sys.byteorder == 'big'", env=around)
    done = subprocess.run(
        [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest",
         "-c", os.devnull, "--rootdir", str(ROOT), "--import-mode=importlib",
         *(str(ROOT / test) for test in TESTS)],
        cwd="/", env=around, check=False,
    )  # fmt: skip
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
