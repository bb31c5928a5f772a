# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Fdt, FdtView and to_dict() on every mutation of one byte of every sample, every
truncation, and the odd blobs that are accepted; for a pyfdtx._core that is
made with sanitizers: see test_view_sweep.py."""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile_cases as cases
from hostile_blobs import SAMPLES

from pyfdtx import (
    Fdt,
    FdtBadBlob,
    FdtBadContent,
    FdtView,
    FdtWarning,
    pure,
    to_dict,
)

# Fdt drops the name of a root that has one, and says so; the others refuse it
warnings.simplefilter("error", FdtWarning)

tried = accepted = 0


def read(blob):
    global tried, accepted
    tried += 1
    try:
        view = FdtView(blob)
    except FdtBadBlob:
        for other in (to_dict, Fdt):
            try:
                other(blob)
            except (FdtBadBlob, FdtWarning):
                continue
            raise AssertionError(f"only {other} takes it") from None
        return
    accepted += 1
    assert Fdt(blob).to_bytes() == pure.canonicalise(blob)
    try:
        tree = to_dict(blob)
        assert {node.path: dict(node) for node in view} == tree
    except FdtBadContent:
        tree = {}  # too much to spell
    view._index.phandles()
    for path, props in tree.items():
        node = view[path]
        assert node.path == path
        assert (node.parent is None) == (path == "/")
        assert [child.parent for child in node.children()].count(node) == len(
            list(node.children())
        )
        node.phandle  # noqa: B018
        for name, value in props.items():
            assert view.getprop(path, name) == node[name] == value


def sweep(name, blob):
    for at, old in enumerate(blob):
        read(blob[:at])
        for new in {0, 0xFF, *(old ^ 1 << bit for bit in range(8))} - {old}:
            print(f"{name}: byte {at} = {new:#04x}", flush=True)
            read(blob[:at] + bytes([new]) + blob[at + 1 :])


for name, blob in SAMPLES.items():
    sweep(name, blob)
for case in cases.ACCEPTED:
    print(case.name, flush=True)
    read(case.blob)
print(f"{tried} blobs, {accepted} accepted")
