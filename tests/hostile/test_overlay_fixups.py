# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""fdtx_overlay_apply(): what libfdt would follow out of bounds is refused
before either tree is touched; what is sound is applied."""

import sys
import time
from pathlib import Path

import pytest

from pyfdtx import Fdt, FdtBadContent, FdtError
from pyfdtx._native import ffi, lib

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile_blobs as blobs
import hostile_overlays as overlays


def opened(blob: bytes, slack: int) -> bytearray:
    buf = bytearray(len(blob) + slack)
    with ffi.from_buffer(buf) as p, ffi.from_buffer(bytearray(blob)) as source:
        assert lib.fdtx_check(source, len(blob), ffi.new("struct fdtx_fault *")) == 0
        assert lib.fdtx_open_into(source, p, len(buf)) == 0
    return buf


def apply(base: bytearray, overlay: bytearray) -> tuple[int, str, int]:
    fault = ffi.new("struct fdtx_fault *")
    with ffi.from_buffer(base) as p, ffi.from_buffer(overlay) as q:
        code = lib.fdtx_overlay_apply(p, q, fault)
    cause = ffi.string(fault.cause).decode() if fault.cause else ""
    return code, cause, fault.offset


@pytest.mark.parametrize("attack", overlays.ATTACKS, ids=lambda a: a.name)
def test_a_fixup_out_of_bounds_is_refused_and_nothing_is_changed(attack):
    base = opened(blobs.rich(), 512)
    overlay = opened(attack.blob, 0)
    before = bytes(base), bytes(overlay)
    code, cause, offset = apply(base, overlay)
    assert code == -lib.FDT_ERR_BADOVERLAY
    assert attack.cause in cause
    # the place is a property or a node of one of the two fixup nodes
    start = min(
        at
        for name in (overlays.FIXUPS, overlays.LOCAL)
        if (at := attack.blob.find(blobs.BEGIN_NODE + name + b"\0")) >= 0
    )
    assert start <= offset < len(attack.blob)
    assert attack.blob[offset : offset + 4] in (blobs.PROP, blobs.BEGIN_NODE)
    assert (bytes(base), bytes(overlay)) == before


def value(blob: bytearray, path: bytes, name: bytes) -> bytes:
    length = ffi.new("int *")
    with ffi.from_buffer(blob) as p:
        node = lib.fdtx_path_offset(p, path, len(path))
        assert node >= 0, path
        found = lib.fdt_getprop_namelen(p, node, name, len(name), length)
        assert found != ffi.NULL, name
        return bytes(ffi.buffer(found, length[0]))


def base_keeps_its_phandle() -> bool:
    """What libfdt 1.7.1 brought: /soc keeps phandle 1 although an overlay has
    another for it, here with nothing that refers to it."""
    s = blobs.Strings()
    fragment = blobs.node(
        b"f@0",
        s.prop(b"target-path", b"/soc\0"),
        blobs.node(b"__overlay__", s.prop(b"phandle", blobs.u32(2))),
    )
    base = opened(blobs.rich(), 512)
    overlay = opened(blobs.assemble(blobs.root(fragment), s.data), 0)
    assert apply(base, overlay)[0] == 0
    return value(base, b"/soc", b"phandle") == blobs.u32(1)


def test_a_sound_overlay_is_applied():
    if not base_keeps_its_phandle():
        pytest.skip("libfdt 1.7.1 or later (this one overwrites the base's phandles)")
    # The base's highest phandle is 7, so the overlay's 1 becomes 8; its 2
    # belongs to /soc, which has 1 already and keeps it, and so the reference
    # to 2 becomes 1. The fixup finds /soc by its label.
    base = opened(blobs.rich(), 512)
    assert apply(base, opened(blobs.overlay(), 0)) == (0, "", 0)
    assert value(base, b"/soc/new", b"phandle") == blobs.u32(8)
    assert value(base, b"/soc/new", b"reg") == blobs.u32(9)
    assert value(base, b"/soc", b"phandle") == blobs.u32(1)
    assert value(base, b"/soc", b"link") == blobs.u32(1, 8)
    assert value(base, b"/__symbols__", b"lab") == b"/soc/new\0"


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_the_last_four_bytes_of_a_property_may_be_fixed_up(offset):
    # v has 6 bytes, zero; 7, the base's highest phandle, is added
    base = opened(blobs.rich(), 512)
    assert apply(base, opened(overlays.local(blobs.u32(offset)), 0))[0] == 0
    want = bytes(offset) + blobs.u32(7) + bytes(2 - offset)
    assert value(base, b"/soc", b"v") == want
    base = opened(blobs.rich(), 512)
    text = overlays.PATH + b":v:%d\0" % offset
    assert apply(base, opened(overlays.fixup(text), 0))[0] == 0
    want = bytes(offset) + blobs.u32(1) + bytes(2 - offset)
    assert value(base, b"/soc", b"v") == want


def test_a_property_of_the_overlays_root_may_be_fixed_up():
    """Nobody reads it afterwards, but it is sound: /soc has 1."""
    s = blobs.Strings()
    tree = blobs.root(
        s.prop(b"v", blobs.u32(0)),
        blobs.node(overlays.FIXUPS, s.prop(b"bus", b"/:v:0\0")),
        blobs.node(b"f", s.prop(b"target-path", b"/soc\0"), blobs.node(b"__overlay__")),
    )
    base, overlay = opened(blobs.rich(), 512), opened(blobs.assemble(tree, s.data), 0)
    assert apply(base, overlay) == (0, "", 0)


WRAPS = [2**31 - 1, 2**31, *(2**32 - n for n in (*range(1, 10), 64))]


@pytest.mark.parametrize("size", range(10))
@pytest.mark.parametrize("kind", ["fixup", "local"])
def test_a_fixup_is_applied_if_its_four_bytes_are_in_the_property(kind, size):
    """Properties shorter than what is patched, and each offset around the end."""
    for offset in (*range(12), *WRAPS):
        if kind == "local":
            made = overlays.local(blobs.u32(offset), size=size)
        else:
            made = overlays.fixup(overlays.PATH + b":v:%d\0" % offset, size=size)
        base, overlay = opened(blobs.rich(), 512), opened(made, 0)
        before = bytes(base), bytes(overlay)
        code, cause, _ = apply(base, overlay)
        if offset + 4 <= size:
            assert (code, cause) == (0, "")
            # 7 is the base's highest phandle, 1 that of /soc
            number = blobs.u32(7 if kind == "local" else 1)
            want = bytes(offset) + number + bytes(size - offset - 4)
            assert value(base, b"/soc", b"v") == want
        else:
            assert (code, cause) == (-lib.FDT_ERR_BADOVERLAY, overlays.OUTSIDE)
            assert (bytes(base), bytes(overlay)) == before
            with pytest.raises(FdtBadContent, match=overlays.OUTSIDE):
                Fdt(blobs.rich()).apply_overlay(made)


def test_libfdts_own_errors_come_without_a_cause():
    s = blobs.Strings()
    tree = blobs.root(blobs.node(b"f", blobs.node(b"__overlay__")))
    overlay = opened(blobs.assemble(tree, s.data), 0)
    code, cause, _ = apply(opened(blobs.rich(), 512), overlay)
    assert (code, cause) == (-lib.FDT_ERR_BADOVERLAY, "")


def test_the_cubic_work_of_local_fixups_is_bounded():
    # 20,000 nodes with a phandle, each with a fixup: libfdt might take days
    overlay = opened(overlays.slow(20_000), 0)
    base = opened(blobs.rich(), 512)
    before = bytes(base), bytes(overlay)
    began = time.perf_counter()
    code, cause, _ = apply(base, overlay)
    assert time.perf_counter() - began < 10
    assert code == -lib.FDT_ERR_BADOVERLAY
    assert cause == "local fixups take too long to resolve"
    assert (bytes(base), bytes(overlay)) == before


def test_a_few_hundred_local_fixups_are_no_work():
    base = opened(blobs.rich(), 1 << 20)
    assert apply(base, opened(overlays.slow(300), 0)) == (0, "", 0)


@pytest.mark.parametrize("highest", [7, 0x1000_0000, 0xFFFF_FFFE])
@pytest.mark.parametrize("attack", overlays.ATTACKS, ids=lambda a: a.name)
def test_an_fdt_refuses_every_attack_by_name_and_stays(attack, highest):
    # libfdt adds the base's highest phandle wherever the fixups say
    base = Fdt(blobs.rich())
    base.root.add("high").set_u32("phandle", highest)
    before = base.to_bytes()
    with pytest.raises(FdtBadContent) as e:
        base.apply_overlay(attack.blob)
    assert str(e.value).startswith("apply_overlay /__")
    # strtoul(), which libfdt calls, takes more for a number than dtc writes
    strict = attack.name in ("fixup b'+3'", "fixup b' 3'")
    cause = "fixup does not end with a number" if strict else attack.cause
    assert cause in str(e.value)
    assert "BADOVERLAY" in str(e.value)
    assert base.to_bytes() == before


def test_an_fdt_takes_or_refuses_every_mutation_of_an_overlay():
    """Every word replaced by those that turn offsets, lengths and tags around."""
    good = blobs.overlay()
    tree = Fdt(blobs.rich())
    before = tree.to_bytes()
    applied = refused = 0
    for at in range(0, len(good) - 3, 4):
        for word in (0, 1, 4, 0x7FFF_FFFF, 0xFFFF_FFFC, 0xFFFF_FFFF):
            bad = good[:at] + blobs.u32(word) + good[at + 4 :]
            fdt = tree.duplicate()
            try:
                fdt.apply_overlay(bad)
            except FdtError:
                assert fdt.to_bytes() == before, (at, word)
                refused += 1
            else:
                assert Fdt(fdt.to_bytes()).to_bytes() == fdt.to_bytes(), (at, word)
                applied += 1
    assert applied
    assert refused
