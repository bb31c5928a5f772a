# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Compile the C side: benchmarks/c, csrc and libfdt in one module, with the
compiler, flags and sources of the extension itself (csrc/build.py).

    python benchmarks/cbuild.py

leaves build/bench/c/_bench_c*.so and alloc_peak.so.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = ROOT / "build" / "bench" / "c"
MODULE = "_bench_c"
# What Python sees of it
NEEDED = (
    "csrc/cdef/fdt_reg.h",
    "csrc/cdef/check.h",
    "csrc/cdef/second_kernel.h",
    "benchmarks/c/bench.cdef.h",
)
SOURCES = ("j1", "j2", "j6", "callgrind")
ALLOC_PEAK = TARGET / "alloc_peak.so"


def extension() -> Any:
    """csrc/build.py as a module."""
    place = ROOT / "csrc" / "build.py"
    spec = importlib.util.spec_from_file_location("build", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_module() -> Path:
    from cffi import FFI

    ffi = FFI()
    for cdef in NEEDED:
        ffi.cdef((ROOT / cdef).read_text())
    args = extension().arguments()
    args["sources"] = [
        *(str(ROOT / s) for s in args["sources"]),
        *(str(p) for p in (HERE / "c" / f"{name}.c" for name in SOURCES)),
    ]
    args["include_dirs"] = [
        str(HERE / "c"),
        *(str(ROOT / d) for d in args["include_dirs"]),
    ]
    args["depends"] = [
        *(str(ROOT / d) for d in args["depends"]),
        *(str(p) for p in (HERE / "c").glob("*.h")),
    ]
    args["py_limited_api"] = False
    ffi.set_source(MODULE, '#include <libfdt.h>\n#include "bench.h"\n', **args)
    return Path(ffi.compile(tmpdir=str(TARGET)))


def compile_alloc_peak() -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    subprocess.run(
        [*compiler, "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror",
         "-o", str(ALLOC_PEAK), str(HERE / "c" / "alloc_peak.c")],
        check=True,
    )  # fmt: skip


def flags() -> str:
    """The compiler and optimisation flags, for the record."""
    build = extension()
    base = sysconfig.get_config_var("CFLAGS") or ""
    kept = [f for f in base.split() if f.startswith(("-O", "-m", "-f"))]
    return " ".join([*kept, *build.arguments()["extra_compile_args"]])


if __name__ == "__main__":
    TARGET.mkdir(parents=True, exist_ok=True)
    try:
        print(f"bench: compiled {compile_module().relative_to(ROOT)}")
        if sys.platform == "linux":
            compile_alloc_peak()
    except subprocess.CalledProcessError as e:
        sys.exit(f"benchmarks/cbuild.py: the compiler failed: {e}")
