# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Build of the extension; everything static stands in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "libfdt"), str(HERE / "csrc")]
import about  # noqa: E402
import vendor  # noqa: E402

import build  # noqa: E402

# What an sdist carries beyond the package itself.
CARRIED = (
    "csrc", "libfdt", "tests", "benchmarks", "docs", "examples", "packaging",
    # a link in the repository, the files themselves in the sdist
    "libfdt/dropin/LICENSES",
    "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
)  # fmt: skip
LEFT_OUT = {"__pycache__", "build", ".cache"}

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def need_sources() -> None:
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        return
    try:
        vendor.vendor()
    except vendor.VendorError as e:
        raise SystemExit(f"pyfdtx: {e}") from None


class BuildExt(build_ext):
    def run(self) -> None:
        need_sources()
        generated = HERE / build.GENERATED
        generated.parent.mkdir(exist_ok=True)
        build.generate(str(generated))
        super().run()


class BuildPy(build_py):
    """Carry the C sources that the extension was built from."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        need_sources()
        target = Path(self.build_lib) / "pyfdtx" / "csrc"
        target.mkdir(parents=True, exist_ok=True)
        for name in ("fdt_reg.c", "fdt_reg.h"):
            shutil.copy2(HERE / "csrc" / name, target / name)
        if os.environ.get("PYFDTX_LIBFDT") != "system":
            carried = target / "libfdt"
            carried.mkdir(exist_ok=True)
            for name in vendor.pin()["files"]:
                shutil.copy2(vendor.SRC / name, carried / name)


class Sdist(sdist):
    def run(self) -> None:
        need_sources()
        super().run()

    def make_distribution(self) -> None:
        for place in CARRIED:
            for path in [HERE / place, *sorted((HERE / place).rglob("*"))]:
                relative = path.relative_to(HERE)
                if path.is_file() and not LEFT_OUT & set(relative.parts):
                    self.filelist.append(str(relative))
        super().make_distribution()


setup(
    project_urls=about.urls(),
    ext_modules=[build.extension()],
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy, "sdist": Sdist},
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp39"}},
)
