# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The examples in docstrings run, and importing stays cheap."""

import doctest
import subprocess
import sys

import pytest

import pyfdtx.codec.reg
import pyfdtx.tree.edit
import pyfdtx.tree.fdt
import pyfdtx.tree.memreserve

# docs/architecture.md: each costs more than the whole package
DEAR = [
    "typing", "dataclasses", "enum", "re", "pathlib", "contextlib", "json", "argparse",
    "collections", "functools", "weakref", "importlib.metadata", "inspect", "logging",
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "least"),
    [
        (pyfdtx.tree.fdt, 2),
        (pyfdtx.tree.memreserve, 1),
        (pyfdtx.tree.edit, 1),
    ],
    ids=lambda v: getattr(v, "__name__", str(v)),
)
def test_examples_in_docstrings_run(module, least):
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted >= least


@pytest.mark.parametrize("module", ["pyfdtx", "pyfdtx.kexec"])
def test_importing_loads_nothing_dear(module):
    # -S: without site, whose .pth files may load anything
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; before = set(sys.modules); "
        f"import {module}, pyfdtx; pyfdtx.Fdt; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = done.stdout.split()
    assert "pyfdtx.tree.fdt" in loaded
    assert sorted(set(loaded) & set(DEAR)) == []
