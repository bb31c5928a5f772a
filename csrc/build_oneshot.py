# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The build of pyfdtx._oneshot: the engine without cffi in front of it
(csrc/python/second_kernel.c says why). Of libfdt it takes the header alone.

Obeys PYFDTX_LIBFDT, PYFDTX_CFLAGS and PYFDTX_LDFLAGS, as build_ffi.py does.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from setuptools import Extension

CSRC = Path(__file__).resolve().parent

FLAGS = ["-O2", "-fvisibility=hidden", "-fno-strict-aliasing"]
ENGINE = (
    "blob/names",
    "edit/emit",
    "edit/plan",
    "kexec/chosen",
    "kexec/second_kernel_plan",
)


def extension() -> Extension:
    cflags = [*FLAGS, *os.environ.get("PYFDTX_CFLAGS", "").split()]
    include = ["csrc"]
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        from build_ffi import system_libfdt

        cflags += system_libfdt()[0]
    else:
        include.append("libfdt/src")
    return Extension(
        "pyfdtx._oneshot",
        [
            "csrc/python/second_kernel.c",
            *(f"csrc/{name}.c" for name in ENGINE),
        ],
        include_dirs=include,
        depends=sorted(f"csrc/{p.relative_to(CSRC)}" for p in CSRC.glob("**/*.h")),
        extra_compile_args=cflags,
        extra_link_args=os.environ.get("PYFDTX_LDFLAGS", "").split(),
        py_limited_api=not sysconfig.get_config_var("Py_GIL_DISABLED"),
    )
