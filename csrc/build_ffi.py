# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The cffi builder: every csrc/cdef/*.h is what Python sees; fdt_reg.c, the .c
files of blob/, edit/ and kexec/ and upstream's libfdt are what is compiled.  A
new area adds its own NAME.c and NAME.h to a room, and cdef/NAME.h.

PYFDTX_LIBFDT=system links against the libfdt that pkg-config knows.
PYFDTX_CFLAGS adds compiler flags (sanitizers, -O0, ...).
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from cffi import FFI

CSRC = Path(__file__).resolve().parent if "__file__" in globals() else Path("csrc")
ROOT = CSRC.parent
sys.path.insert(0, str(ROOT / "libfdt"))
import vendor  # noqa: E402

# No warnings here: the generated wrapper has its own. tests/hostile/Makefile
# compiles all of our files with the whole list.
FLAGS = ["-O2", "-fvisibility=hidden", "-fno-strict-aliasing"]
# Below csrc/: what knows nothing of Python
ROOMS = (".", "blob", "edit", "kexec")


def below(ending: str) -> list[str]:
    """Files with that ending in the rooms, relative to csrc/."""
    found = [p for room in ROOMS for p in sorted((CSRC / room).glob(f"*.{ending}"))]
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


def arguments() -> dict[str, Any]:
    """Keyword arguments of set_source(); paths relative to the root."""
    args: dict[str, Any] = {
        "sources": [f"csrc/{name}" for name in below("c")],
        "include_dirs": ["csrc"],
        "depends": [f"csrc/{name}" for name in below("h")],
        "extra_compile_args": [*FLAGS, *os.environ.get("PYFDTX_CFLAGS", "").split()],
        "extra_link_args": os.environ.get("PYFDTX_LDFLAGS", "").split(),
        "py_limited_api": not sysconfig.get_config_var("Py_GIL_DISABLED"),
    }
    if os.environ.get("PYFDTX_LIBFDT") == "system":
        cflags, libs = system_libfdt()
        args["extra_compile_args"] += cflags
        args["extra_link_args"] += libs
    else:
        args["sources"] += [f"libfdt/src/{name}" for name in vendor.sources()]
        args["include_dirs"] += ["libfdt/src"]
    return args


def build() -> FFI:
    ffi = FFI()
    for cdef in sorted(CSRC.glob("cdef/*.h")):
        ffi.cdef(cdef.read_text())
    preamble = "".join(f'#include "{h}"\n' for h in ["libfdt.h", *below("h")])
    ffi.set_source("pyfdtx._ext", preamble, **arguments())
    return ffi


ffibuilder = build()

if __name__ == "__main__":
    ffibuilder.emit_c_code(sys.argv[1])
