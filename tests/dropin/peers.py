# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Upstream's module and ours in one process."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "build" / "dropin" / "pylibfdt"

sys.path.insert(0, str(ROOT / "tests" / "hostile"))


def upstream():
    """Upstream's module, from the venv of its own; skips without it."""
    places = [str(p) for p in VENV.glob("lib/python*/site-packages")]
    if not any(Path(p, "libfdt.py").exists() for p in places):
        pytest.skip(f"no pylibfdt in {VENV}: make test-dropin puts it there")
    sys.path[:0] = places
    before = {name: sys.modules.pop(name, None) for name in ("libfdt", "_libfdt")}
    try:
        return importlib.import_module("libfdt")
    finally:
        del sys.path[: len(places)]
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module:
                sys.modules[name] = module


def ours():
    return importlib.import_module("pyfdtx.libfdt")


def real_trees():
    """Device trees of real machines: the corpus if it is there (make
    test-corpus), and always the captured ones."""
    yield from sorted(ROOT.glob("examples/*/sys/firmware/fdt"))
    yield from sorted(ROOT.glob(".cache/dtbs/**/*.dtb"))
