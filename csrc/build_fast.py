# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The build of pyfdtx._fast, for CPython's own interface.

It needs libfdt's headers alone.  Obeys PYFDTX_LIBFDT, PYFDTX_CFLAGS and
PYFDTX_LDFLAGS, as build_ffi.py does.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from setuptools import Extension

CSRC = Path(__file__).resolve().parent

FLAGS = ["-O2", "-fvisibility=hidden", "-fno-strict-aliasing"]
FILES = ("blob", "dict", "index", "module", "pairs")
# What it takes from the engine
SHARED = (
    "blob/check",
    "blob/index",
    "blob/names",
    "edit/emit",
    "edit/load",
    "edit/plan",
)


def extension() -> Extension:
    cflags = [*FLAGS, *os.environ.get("PYFDTX_CFLAGS", "").split()]
    include = ["csrc"]
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        from build_ffi import system_libfdt

        cflags += system_libfdt()[0]
    else:
        include += ["libfdt/src"]
    return Extension(
        "pyfdtx._fast",
        [f"csrc/python/{name}.c" for name in FILES]
        + [f"csrc/{name}.c" for name in SHARED],
        include_dirs=include,
        depends=sorted(f"csrc/{p.relative_to(CSRC)}" for p in CSRC.glob("**/*.h")),
        extra_compile_args=cflags,
        extra_link_args=os.environ.get("PYFDTX_LDFLAGS", "").split(),
        py_limited_api=not sysconfig.get_config_var("Py_GIL_DISABLED"),
    )
