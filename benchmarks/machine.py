# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the numbers were measured on and with."""

from __future__ import annotations

import os
import platform
import subprocess
import sysconfig
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cbuild

PACKAGES = ("pyfdtx", "cffi", "pylibfdt", "fdt")


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=cbuild.ROOT
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def cpu() -> str:
    """The processor's name, or the architecture's where none is shown."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def facts(pinned: int | None) -> dict[str, object]:
    """JSON-ready; pinned is the CPU that the process is kept on."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": _said("git", "rev-parse", "--short=12", "HEAD"),
        "modified": bool(_said("git", "status", "--porcelain", "-uno")),
        "cpu": cpu(),
        "cpus": os.cpu_count(),
        "pinned": pinned is not None,
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": next(iter(_said(compiler, "--version").splitlines()), compiler),
        "flags": cbuild.flags(),
        "valgrind": _said("valgrind", "--version"),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
