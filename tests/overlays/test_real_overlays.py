# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The overlays of Debian 13's arm64 kernel on the boards they fit, beside libfdt.

An overlay fits a tree of its vendor's folder that has all of its labels. Compared
are nodes, properties and labels; docs/overlays.md lists where the two may differ.
"""

import sys
import warnings
from pathlib import Path

import pytest

from pyfdtx import Fdt, FdtNotFound, FdtView, libfdt

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from guest.debian import Archive  # noqa: E402

# Boards of a vendor with the labels that an overlay wants; more tell nothing new
BOARDS = 4


@pytest.fixture(scope="module")
def package():
    archive = Archive(ROOT / ".cache", "arm64", "trixie")
    return archive.unpack(archive.kernel("linux-image-arm64"))


def labels(blob, table):
    node = FdtView(blob).get(table)
    return set(node) if node is not None else set()


def pairs(package):
    bases = {path: path.read_bytes() for path in sorted(package.rglob("*.dtb"))}
    have = {path: labels(blob, "/__symbols__") for path, blob in bases.items()}
    for path in sorted(package.rglob("*.dtbo")):
        overlay = path.read_bytes()
        wants = labels(overlay, "/__fixups__")
        fits = [b for b in bases if b.parent == path.parent and wants <= have[b]]
        for base in fits[:BOARDS]:
            yield f"{path.name} on {base.name}", bases[base], overlay


def by_libfdt(base, overlay):
    """The tree, or None if the overlay is not for this board."""
    tree, spent = libfdt.Fdt(bytearray(base)), libfdt.Fdt(bytearray(overlay))
    tree.resize(2 * len(base) + 4 * len(overlay))
    if libfdt.fdt_overlay_apply(tree._fdt, spent._fdt):
        return None
    return bytes(tree.as_bytearray())


def meaning(tree):
    return {node.path: dict(node) for node in tree}


def test_real_overlays_come_to_the_same_as_with_libfdt(package):
    count = 0
    for name, base, overlay in pairs(package):
        fdt = Fdt(base)
        wanted = by_libfdt(base, overlay)
        if wanted is None:
            with pytest.raises(FdtNotFound):
                fdt.apply_overlay(overlay)
            continue
        with warnings.catch_warnings():
            # Boards of one family, not the very board
            warnings.simplefilter("ignore")
            fdt.apply_overlay(overlay)
        assert meaning(fdt) == meaning(Fdt(wanted)), name
        count += 1
    print(f"{count} pairs")
    assert count > 100
