# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Nobody sees FDT_ERR_NOSPACE: the tree grows by what is needed."""

import mmap

import pytest

from pyfdtx import Fdt, FdtBadParameter
from pyfdtx.tree.blob import MAX_SIZE


def packed(slack):
    """A tree with exactly so many bytes free."""
    fdt = Fdt.empty()
    fdt.root["a"] = b"1"
    fdt.root.add("n")["b"] = b"22"
    fdt.pack()
    fdt._blob.resize(fdt.totalsize + slack)
    return fdt


@pytest.mark.parametrize("slack", range(0, 64))
def test_values_of_every_length_fit_at_every_slack(slack):
    for length in range(0, 301, 1 if slack < 8 else 7):
        fdt = packed(slack)
        value = bytes([length % 251]) * length
        fdt["/n"]["b"] = value
        assert fdt["/n"]["b"] == value, (slack, length)
        assert fdt.root["a"] == b"1"
        fdt["/n"]["a-new-name"] = value
        assert Fdt(fdt.to_bytes())["/n"]["a-new-name"] == value, (slack, length)


@pytest.mark.parametrize("slack", range(0, 64))
def test_everything_else_fits_at_every_slack(slack):
    for act, seen in (
        (lambda f: f.root.add("node@1"), lambda f: "/node@1" in f),
        (lambda f: f["/n"].rename("a-long-name@12345"), lambda f: "/a-long-name" in f),
        (lambda f: f["/n"].append("b", b"333"), lambda f: f["/n"]["b"] == b"22333"),
        (lambda f: f.memreserve.append(1, 2), lambda f: list(f.memreserve) == [(1, 2)]),
        (lambda f: f.root.set_cells("c", [1] * 9), lambda f: f.root.get_cells("c")),
        (lambda f: f.root.ensure_phandle(), lambda f: f.root.phandle == 1),
    ):
        fdt = packed(slack)
        act(fdt)
        assert seen(fdt)
        assert seen(Fdt(fdt.to_bytes()))


@pytest.mark.parametrize("slack", range(0, 64))
def test_reg_fits_at_every_slack(slack):
    for n in range(0, 9):
        fdt = Fdt.empty()
        fdt.root.set_u32("#address-cells", 2)
        fdt.root.set_u32("#size-cells", 2)
        fdt.pack()
        fdt._blob.resize(fdt.totalsize + slack)
        entries = [(i, i + 1) for i in range(n)]
        fdt.root.set_reg("reg", entries)
        fdt.root.append_reg("reg", entries)
        assert Fdt(fdt.to_bytes()).root.reg() == entries * 2


def test_growth_is_geometric():
    """Appending 5 MB in 4 KiB pieces takes few resizes, not one each."""
    fdt = Fdt.empty()
    sizes = set()
    piece = bytes(range(256)) * 16
    for _ in range(1280):
        fdt.root.append("big", piece)
        sizes.add(len(fdt._blob.buf))
    assert fdt.root["big"] == piece * 1280
    # factor 1.5 from 4 KiB to 5 MiB: log(1280) / log(1.5) = 17.6
    assert len(sizes) < 25
    assert fdt.totalsize < 5_243_000


def test_more_than_a_device_tree_can_hold_is_refused_before_it_is_copied():
    # pages of an untouched mapping take no memory
    huge = mmap.mmap(-1, MAX_SIZE)
    fdt = Fdt.empty()
    before = fdt.to_bytes()
    for act in (fdt.root.__setitem__, fdt.root.append):
        with pytest.raises(FdtBadParameter, match=r"/:x: .* more than a device tree"):
            act("x", huge)
    assert fdt.to_bytes() == before


def test_a_tree_ends_below_two_gibibytes():
    fdt = Fdt.empty()
    with pytest.raises(FdtBadParameter, match=f"a device tree ends at {MAX_SIZE}"):
        fdt._blob.room(MAX_SIZE, "setprop", "/:x")
