# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Aliases that name aliases. libfdt before 1.7.1 (Debian 12 has 1.6.1) looks
them up in endless recursion; built against such a one, too, nothing crashes."""

import sys
from pathlib import Path

import pytest

from pyfdtx import Fdt, FdtError
from pyfdtx._native import ffi, lib

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile_blobs as blobs
import hostile_overlays as overlays
from test_overlay_fixups import apply, opened


def base():
    """Aliases: two loops, and one that is sound; labels for each."""
    s = blobs.Strings()
    loops = {b"a": b"a", b"b": b"c/x", b"c": b"b", b"good": b"/soc"}
    names = [s.prop(name, value + b"\0") for name, value in loops.items()]
    labels = [s.prop(b"l" + name, name + b"\0") for name in loops]
    tree = blobs.root(
        blobs.node(b"aliases", *names),
        blobs.node(b"__symbols__", *labels),
        blobs.node(b"soc", s.prop(b"phandle", blobs.u32(1))),
    )
    return blobs.assemble(tree, s.data)


def by_path(path):
    s = blobs.Strings()
    change = blobs.node(b"__overlay__", s.prop(b"v", bytes(4)))
    fragment = blobs.node(b"f@0", s.prop(b"target-path", path + b"\0"), change)
    return blobs.assemble(blobs.root(fragment), s.data)


def by_label(label):
    s = blobs.Strings()
    change = blobs.node(b"__overlay__", s.prop(b"v", bytes(4)))
    fragment = blobs.node(b"f@0", s.prop(b"target", b"\xff" * 4), change)
    fixups = blobs.node(overlays.FIXUPS, s.prop(label, b"/f@0:target:0\0"))
    return blobs.assemble(blobs.root(fragment, fixups), s.data)


LOOPS = [(by_path(path), "target-path by") for path in (b"a", b"a/x", b"b", b"c/x")]
LOOPS += [(by_label(label), "label for") for label in (b"la", b"lb", b"lc")]


@pytest.mark.parametrize(("overlay", "what"), LOOPS)
def test_an_alias_of_an_alias_is_refused_before_libfdt_follows_it(overlay, what):
    trees = opened(base(), 512), opened(overlay, 0)
    before = tuple(map(bytes, trees))
    code, cause, offset = apply(*trees)
    assert code == -lib.FDT_ERR_BADOVERLAY
    assert cause == f"{what} an alias that is no path"
    assert overlay[offset : offset + 4] in (blobs.PROP, blobs.BEGIN_NODE)
    assert tuple(map(bytes, trees)) == before


@pytest.mark.parametrize("overlay", [by_path(b"good"), by_label(b"lgood")])
def test_an_alias_of_a_path_is_followed(overlay):
    trees = opened(base(), 512), opened(overlay, 0)
    assert apply(*trees) == (0, "", 0)
    found = ffi.from_buffer(trees[0])
    soc = lib.fdtx_path_offset(found, b"/soc", 4)
    assert lib.fdt_getprop_namelen(found, soc, b"v", 1, ffi.NULL) != ffi.NULL


@pytest.mark.parametrize("path", ["a", "b", "c", "a/x", "c/x", "&la", "&lb/x"])
def test_an_fdt_says_that_such_an_alias_is_no_path(path):
    with pytest.raises(FdtError, match="is not a full path"):
        Fdt(base())[path]
