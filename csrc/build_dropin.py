# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The build of pyfdtx._libfdt: csrc/python/dropin and upstream's libfdt, for
CPython's own interface (csrc/python/dropin/module.c says why not cffi).

Obeys PYFDTX_LIBFDT, PYFDTX_CFLAGS and PYFDTX_LDFLAGS, as build_ffi.py does.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension

CSRC = Path(__file__).resolve().parent
HERE = CSRC / "python" / "dropin"
sys.path.insert(0, str(CSRC.parent / "libfdt"))
import vendor  # noqa: E402

# Users choose every number that libfdt adds up here: wrapping is defined.
FLAGS = ["-O2", "-fvisibility=hidden", "-fno-strict-aliasing", "-fwrapv"]


def extension() -> Extension:
    sources = [f"csrc/{p.relative_to(CSRC)}" for p in sorted(HERE.glob("*.c"))]
    sources.append("csrc/edit/overlay.c")
    cflags = [*FLAGS, *os.environ.get("PYFDTX_CFLAGS", "").split()]
    libs = os.environ.get("PYFDTX_LDFLAGS", "").split()
    include = ["csrc"]
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        from build_ffi import system_libfdt

        more = system_libfdt()
        cflags += more[0]
        libs += more[1]
    else:
        sources += [f"libfdt/src/{name}" for name in vendor.sources()]
        include += ["libfdt/src"]
    return Extension(
        "pyfdtx._libfdt",
        sources,
        include_dirs=include,
        depends=[f"csrc/{p.relative_to(CSRC)}" for p in sorted(HERE.glob("*.h"))],
        extra_compile_args=cflags,
        extra_link_args=libs,
        py_limited_api=not sysconfig.get_config_var("Py_GIL_DISABLED"),
    )
