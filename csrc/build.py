# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The one build description. One shared object holds two modules: pyfdtx._core
(csrc/python, for CPython's own interface) and pyfdtx._ext (written by cffi from
csrc/cdef), and beside them everything that these two call, compiled once:
fdt_reg.c, the rooms blob, edit and kexec, and upstream's libfdt.

    python csrc/build.py FILE.c

writes pyfdtx._ext's source.

PYFDTX_LIBFDT=system links against the libfdt that pkg-config knows.
PYFDTX_CFLAGS and PYFDTX_LDFLAGS add flags (sanitizers, -O0, ...).
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from cffi import FFI
from setuptools import Extension

CSRC = Path(__file__).resolve().parent
ROOT = CSRC.parent
sys.path.insert(0, str(ROOT / "libfdt"))
import vendor  # noqa: E402

# No warnings here: what cffi writes has its own. tests/hostile compiles all of
# our files with the whole list. Users of the drop-in choose every number that
# libfdt adds up: wrapping is defined.
FLAGS = ["-O2", "-fvisibility=hidden", "-fno-strict-aliasing", "-fwrapv"]
# Below csrc/: what knows nothing of Python
ROOMS = (".", "blob", "edit", "kexec")
PYTHON = ("python", "python/dropin")
# What cffi writes, relative to the root
GENERATED = "build/_ext.c"


def below(rooms: tuple[str, ...], ending: str) -> list[str]:
    """Files with that ending in the rooms, relative to csrc/."""
    found = [p for room in rooms for p in sorted((CSRC / room).glob(f"*.{ending}"))]
    return [str(p.relative_to(CSRC)) for p in found]


def quiet(*command: str, stdin: str = "") -> str | None:
    """What the command printed, None if it cannot be run or fails."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def system_libfdt() -> tuple[list[str], list[str]]:
    """Compiler and linker flags; Debian 12's libfdt-dev has no .pc file, so
    what the compiler finds by itself counts too."""
    cflags = quiet("pkg-config", "--cflags", "libfdt")
    libs = quiet("pkg-config", "--libs", "libfdt")
    if cflags is not None and libs is not None:
        return cflags.split(), libs.split()

    cc = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    program = "#include <libfdt.h>\nint main(void) { return !fdt_strerror(0); }\n"
    link = [*cc, "-x", "c", "-", "-o", os.devnull, "-lfdt"]
    if quiet(*link, stdin=program) is not None:
        return [], ["-lfdt"]
    raise SystemExit(
        "pyfdtx: PYFDTX_LIBFDT=system, but neither pkg-config nor the compiler "
        "finds libfdt. Ways out: install its development files (Debian: "
        "libfdt-dev), or unset PYFDTX_LIBFDT to build the pinned sources."
    )


def system_version() -> str:
    """What `pyfdtx --version` says of the system's libfdt."""
    found = (quiet("pkg-config", "--modversion", "libfdt") or "").strip()
    return f"{found} (the system's)" if found else "of the system"


def arguments() -> dict[str, Any]:
    """Keyword arguments of an Extension with all but csrc/python; paths are
    relative to the root."""
    args: dict[str, Any] = {
        "sources": [f"csrc/{name}" for name in below(ROOMS, "c")],
        "include_dirs": ["csrc"],
        "depends": [f"csrc/{name}" for name in below((*ROOMS, *PYTHON), "h")],
        "extra_compile_args": [*FLAGS, *os.environ.get("PYFDTX_CFLAGS", "").split()],
        # dlsym(), in glibc before 2.34
        "libraries": ["dl"] if sys.platform == "linux" else [],
        "extra_link_args": os.environ.get("PYFDTX_LDFLAGS", "").split(),
        "py_limited_api": not sysconfig.get_config_var("Py_GIL_DISABLED"),
    }
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        cflags, libs = system_libfdt()
        args["extra_compile_args"] += cflags
        args["extra_link_args"] += libs
        version = system_version()
    else:
        version = vendor.pin()["upstream"]["version"]
        args["sources"] += [f"libfdt/src/{name}" for name in vendor.sources()]
        args["include_dirs"] += ["libfdt/src"]
    args["define_macros"] = [("FDTX_LIBFDT", f'"{version}"')]
    return args


def extension() -> Extension:
    """The shared object; GENERATED is to be written before it is compiled."""
    args = arguments()
    args["sources"] += [f"csrc/{name}" for name in below(PYTHON, "c")]
    args["sources"].append(GENERATED)
    return Extension("pyfdtx._core", **args)


def generate(path: str) -> None:
    ffi = FFI()
    for cdef in sorted(CSRC.glob("cdef/*.h")):
        ffi.cdef(cdef.read_text())
    headers = ["libfdt.h", *below(ROOMS, "h")]
    ffi.set_source("pyfdtx._ext", "".join(f'#include "{h}"\n' for h in headers))
    ffi.emit_c_code(path)


if __name__ == "__main__":
    generate(sys.argv[1])
