# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory: the most that is allocated for J1, and for opening a large tree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import memory
from frame import Group, Missing, Setup

KEY = "memory"
TITLE = "Peak extra memory"
GROUPS = {
    "j1": Group("Peak extra memory of a crash tree, over the output", "byte",
                "The output counts, the input does not."),
    "open": Group("Peak extra memory of opening for reading, over the blob", "byte",
                  "Opened and one node looked up; the blob itself does not count."),
}  # fmt: skip

IMPLEMENTATIONS = {
    "j1": (
        ("native", "pyfdtx"),
        ("percall", "one cffi call per libfdt call"),
        ("pylibfdt", "pylibfdt (SWIG)"),
        ("pure", "pyfdtx.pure (Python only)"),
    ),
    "open": (
        ("open:view", "pyfdtx.FdtView"),
        ("open:fdt", "pyfdtx.Fdt"),
        ("open:pylibfdt", "pylibfdt: Fdt()"),
    ),
}


def sizes(setup: Setup) -> dict[str, Any]:
    """Bytes by group and implementation: {"title", "of", "peak", "rss"}."""
    blob = memory.synthetic(memory.NODES)
    rows: dict[str, Any] = {}
    missing = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "large.dtb"
        place.write_bytes(blob)
        for group, table in IMPLEMENTATIONS.items():
            rows[group] = {}
            for key, title in table:
                setup.progress(f"peak memory: {title}")
                try:
                    found = memory.measure(key, place)
                except Missing as e:
                    missing[key] = str(e)
                    continue
                rows[group][key] = {"title": title, **found}
    return {"input": len(blob), "rows": rows, "missing": missing}
