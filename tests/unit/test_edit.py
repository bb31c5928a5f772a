# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Editing with zero padding, exact look-ups and the canonical form.

Expected bytes are assembled by tests/hostile/hostile_blobs.py from the rules in
docs/trees.md, "The canonical form".
"""

import sys
from itertools import permutations
from pathlib import Path

import pytest

from pyfdtx._native import ffi, lib

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import hostile_blobs as blobs
from hostile_blobs import END, END_NODE, NOP, Strings, assemble, begin, node, root, u32

INT_MAX = (1 << 31) - 1
ORDERS = list(permutations(blobs.IN_ORDER))
DIRT = 0xEE


class Opened:
    """A blob in a dirty buffer with `slack` bytes behind it."""

    def __init__(self, blob: bytes, slack: int = 0) -> None:
        room = 4 if blobs.u32(16) == blob[20:24] else 0  # for version 17's header
        self.buf = bytearray([DIRT]) * (len(blob) + room + slack)
        source = ffi.new("uint64_t[]", (len(blob) + 7) // 8)  # 8-byte aligned
        ffi.memmove(source, blob, len(blob))
        with self.pointer() as p:
            assert lib.fdtx_open_into(source, p, len(self.buf)) == 0

    def pointer(self):
        return ffi.from_buffer("char[]", self.buf, require_writable=True)

    def call(self, function, *args):
        with self.pointer() as p:
            return function(p, *args)

    def path(self, path: bytes) -> int:
        return self.call(lib.fdtx_path_offset, path, len(path))

    def set(self, path: bytes, name: bytes, value: bytes) -> int:
        return self.call(lib.fdtx_setprop, self.path(path), name, value, len(value))

    def append(self, path: bytes, name: bytes, value: bytes) -> int:
        return self.call(lib.fdtx_appendprop, self.path(path), name, value, len(value))

    def live(self) -> bytes:
        """Header to end of strings: what a failed edit must leave alone."""
        end = self.call(lib.fdt_off_dt_strings) + self.call(lib.fdt_size_dt_strings)
        return bytes(self.buf[:end])

    def structure(self) -> bytes:
        start = self.call(lib.fdt_off_dt_struct)
        return bytes(self.buf[start : start + self.call(lib.fdt_size_dt_struct)])

    def canonical(self, squeeze: bool) -> bytes:
        copy = bytearray(self.buf)
        with ffi.from_buffer("char[]", copy, require_writable=True) as p:
            size = lib.fdtx_canonicalise(p, squeeze)
        assert size > 0, size
        return bytes(copy[:size])


# --- opening ---


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("nops", range(4))
def test_the_root_is_at_offset_0_even_behind_nops(version, nops):
    # libfdt answers BADOFFSET for everything when a NOP stands there
    blob = blobs.rich(version, before=NOP * nops)
    fdt = Opened(blob)
    assert fdt.structure().startswith(begin())
    assert fdt.call(lib.fdt_path_offset_namelen, b"/chosen", 7) > 0
    assert fdt.canonical(False) == Opened(blobs.rich(version)).canonical(False)


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("order", ORDERS)
def test_opening_needs_no_more_room_than_the_header_of_version_17(version, order):
    blob = blobs.rich(version, order, gap=3)
    source = ffi.new("uint64_t[]", (len(blob) + 7) // 8)
    ffi.memmove(source, blob, len(blob))
    worked = None
    for size in range(len(blob) + 4 + 1):
        buf = ffi.new("uint64_t[]", size // 8 + 1)
        code = lib.fdtx_open_into(source, buf, size)
        assert code in (0, -lib.FDT_ERR_NOSPACE), size
        if code == 0 and worked is None:
            worked = size
        assert (code == 0) == (worked is not None), f"works at {worked}, not {size}"
    assert worked is not None
    assert worked <= len(blob) + (4 if version == 16 else 0)


# --- zero padding ---


@pytest.mark.parametrize("old", range(10))
@pytest.mark.parametrize("new", range(10))
def test_setprop_leaves_zero_padding(old, new):
    s = Strings(b"p", b"q")
    rest = s.prop(b"q", b"\xff" * 4)
    before = s.prop(b"p", b"\xaa" * old, b"\xdd")
    fdt = Opened(assemble(root(before, rest), s.data), slack=64)
    assert fdt.set(b"/", b"p", b"\xbb" * new) == 0
    assert fdt.structure() == root(s.prop(b"p", b"\xbb" * new), rest)


@pytest.mark.parametrize("old", range(10))
@pytest.mark.parametrize("more", range(10))
def test_appendprop_leaves_zero_padding(old, more):
    s = Strings(b"p", b"q")
    rest = s.prop(b"q", b"\xff" * 4)
    before = s.prop(b"p", b"\xaa" * old, b"\xdd")
    fdt = Opened(assemble(root(before, rest), s.data), slack=64)
    assert fdt.append(b"/", b"p", b"\xbb" * more) == 0
    value = b"\xaa" * old + b"\xbb" * more
    assert fdt.structure() == root(s.prop(b"p", value), rest)


@pytest.mark.parametrize("function", ["set", "append"])
@pytest.mark.parametrize("length", range(10))
def test_a_new_property_has_zero_padding_and_comes_first(function, length):
    s = Strings(b"q")
    rest = s.prop(b"q", b"\xff" * 4)
    fdt = Opened(assemble(root(rest), s.data), slack=64)
    assert getattr(fdt, function)(b"/", b"new", b"\xbb" * length) == 0
    assert fdt.structure() == root(s.prop(b"new", b"\xbb" * length), rest)


def test_nothing_can_be_appended_without_a_pointer():
    fdt = Opened(blobs.rich(), slack=64)
    for function in (lib.fdtx_appendprop, lib.fdtx_setprop):
        assert fdt.call(function, 0, b"none", ffi.NULL, 0) == 0


# --- what does not fit ---


@pytest.mark.parametrize("function", ["set", "append"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(b"/", b"not,known", id="new name"),
        pytest.param(b"/soc", b"start", id="known name, new property"),
        pytest.param(b"/soc/u@1", b"reg", id="longer property"),
    ],
)
def test_every_buffer_size_works_or_leaves_the_tree_alone(function, path, name):
    blob = Opened(blobs.rich()).canonical(False)
    worked = None
    for slack in range(80):
        fdt = Opened(blob, slack)
        before = fdt.live()
        code = getattr(fdt, function)(path, name, b"x" * 33)
        if code == 0 and worked is None:
            worked = slack
        assert (code == 0) == (worked is not None), f"works at {worked}, not {slack}"
        if code:
            assert code == -lib.FDT_ERR_NOSPACE, slack
            assert fdt.live() == before, slack
    # 12 bytes of header, 36 of padded value, the name and its NUL; or 36 - 16
    # bytes more for a set reg of 16 bytes, 52 - 16 for an appended one
    grown = {b"not,known": 12 + 36 + 10, b"start": 12 + 36}
    assert worked == grown.get(name, 20 if function == "set" else 36)


@pytest.mark.parametrize("length", [-1, -4, -INT_MAX - 1])
def test_a_negative_length_is_refused(length):
    # fdt_setprop_placeholder(-3) succeeds and leaves a broken tree
    fdt = Opened(blobs.rich(), slack=64)
    before = fdt.live()
    for function in (lib.fdtx_setprop, lib.fdtx_appendprop):
        for name in (b"compatible", b"new"):
            code = fdt.call(function, 0, name, b"", length)
            assert code == -lib.FDT_ERR_BADVALUE
    assert fdt.live() == before


@pytest.mark.parametrize(
    "length", [1 << 20, 1 << 30, INT_MAX - 16, INT_MAX - 3, INT_MAX - 2, INT_MAX]
)
def test_a_huge_length_is_refused_before_the_value_is_read(length):
    fdt = Opened(blobs.rich(), slack=64)
    before = fdt.live()
    for function in (lib.fdtx_setprop, lib.fdtx_appendprop):
        for name in (b"compatible", b"new"):
            code = fdt.call(function, 0, name, b"", length)
            # compatible is there: appending INT_MAX bytes is more than INT_MAX
            assert code in (-lib.FDT_ERR_NOSPACE, -lib.FDT_ERR_BADVALUE)
    assert fdt.live() == before


# --- exact look-ups ---


def look_up_tree() -> Opened:
    tree = root(
        node(b"memory@0"),
        node(b"memory"),
        node(b"memory@0", node(b"late")),
        node(b"a", NOP, node(b"b@1"), node(b"b", node(b"b@1"))),
    )
    return Opened(assemble(tree))


def test_look_ups_are_exact_and_find_the_first():
    fdt = look_up_tree()
    # every node takes its tag, its padded name and its END_NODE
    first = 8
    second = first + 4 + 12 + 4
    third = second + 4 + 8 + 4
    a = third + 4 + 12 + (4 + 8 + 4) + 4
    assert fdt.path(b"/") == 0
    assert fdt.path(b"/memory@0") == first
    assert fdt.path(b"/memory") == second
    # the loose look-up finds the unit address when none is asked for
    assert fdt.call(lib.fdt_path_offset_namelen, b"/memory", 7) == first
    assert fdt.path(b"/a") == a
    b1 = a + 8 + len(NOP)
    assert fdt.path(b"/a/b@1") == b1
    assert fdt.path(b"/a/b") == b1 + 4 + 4 + 4
    assert fdt.path(b"/a/b/b@1") == fdt.path(b"/a/b") + 8


@pytest.mark.parametrize("path", [b"//a", b"/a/", b"///a//", b"/a//"])
def test_repeated_slashes_count_as_one(path):
    fdt = look_up_tree()
    assert fdt.path(path) == fdt.path(b"/a") > 0


@pytest.mark.parametrize(
    "path", [b"/memory@0/late", b"/b", b"/a/b@", b"/A", b"/a/b/b@1/b", b"/ a", b"/mem"]
)
def test_what_is_not_there_is_not_found(path):
    # late is in the second memory@0, which the first hides
    assert look_up_tree().path(path) == -lib.FDT_ERR_NOTFOUND


@pytest.mark.parametrize("path", [b"", b"a", b"memory", b" /a"])
def test_a_path_starts_with_a_slash(path):
    assert look_up_tree().path(path) == -lib.FDT_ERR_BADPATH


def test_a_path_of_negative_length_is_refused():
    fdt = look_up_tree()
    assert fdt.call(lib.fdtx_path_offset, b"/", -1) == -lib.FDT_ERR_BADPATH


# --- the canonical form ---


@pytest.mark.parametrize("version", [16, 17, 18])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("gap", [0, 1, 8])
def test_every_layout_has_the_same_canonical_form(version, order, gap):
    s = Strings(b"p", b"q")

    def tree(nop: bytes, behind: bytes, fill: bytes) -> bytes:
        return (
            nop * 2
            + begin()
            + s.prop(b"p", b"12345", fill)
            + nop
            + begin(b"name", fill)
            + nop
            + s.prop(b"q")
            + END_NODE
            + END_NODE
            + nop
            + END
            + behind
        )

    pairs = ((1, 2), (3, 0x100000000))
    dirty = assemble(
        tree(NOP, b"\xaa" * 6, b"\xdd"),
        s.data + b"unused\0",
        blobs.reservations(*pairs, end=(7, 0)),
        version=version,
        order=order,
        gap=gap,
        boot_cpuid_phys=5,
        last_comp_version=16,
    )
    clean = assemble(
        tree(b"", b"", b"\0"),
        s.data + b"unused\0",
        blobs.reservations(*pairs),
        boot_cpuid_phys=5,
    )
    fdt = Opened(dirty, slack=32)
    assert fdt.canonical(True) == clean
    assert Opened(clean).canonical(True) == clean
    kept = assemble(
        tree(NOP, b"", b"\0")[len(NOP) * 2 :],
        s.data + b"unused\0",
        blobs.reservations(*pairs),
        boot_cpuid_phys=5,
    )
    assert fdt.canonical(False) == kept
    assert Opened(kept).canonical(False) == kept
    assert Opened(kept).canonical(True) == clean


def test_old_seeds_do_not_survive_in_the_padding_or_the_slack():
    s = Strings(b"seed", b"p")
    secret = b"SECRETSECRETSECRET"
    tree = root(s.prop(b"seed", secret), s.prop(b"p", b"value"))
    fdt = Opened(assemble(tree, s.data), slack=32)
    assert fdt.set(b"/", b"seed", b"x") == 0
    assert b"SECRET" not in fdt.canonical(False)


@pytest.mark.parametrize(
    ("blob", "error"),
    [
        (blobs.rich(16), "BADVERSION"),
        (blobs.rich(16, ("struct", "rsv", "strings")), "BADVERSION"),
        (blobs.rich(17, ("strings", "struct", "rsv")), "BADLAYOUT"),
        (blobs.rich(17, ("rsv", "strings", "struct")), "BADLAYOUT"),
        (blobs.rich(17, ("struct", "rsv", "strings")), "BADLAYOUT"),
        (blobs.minimal(off_dt_strings=56), "BADLAYOUT"),
    ],
)
def test_a_tree_that_was_not_opened_is_left_alone(blob, error):
    buf = bytearray(blob)
    with ffi.from_buffer("char[]", buf, require_writable=True) as p:
        assert lib.fdtx_canonicalise(p, True) == -getattr(lib, f"FDT_ERR_{error}")
    assert buf == blob


def test_deleting_the_last_property_leaves_a_canonical_tree():
    s = Strings(b"p")
    fdt = Opened(assemble(root(s.prop(b"p", u32(1))), s.data), slack=8)
    assert fdt.call(lib.fdt_nop_property, 0, b"p") == 0
    assert fdt.canonical(True) == assemble(root(), s.data)
    assert fdt.canonical(False) == assemble(root(NOP * 4), s.data)
