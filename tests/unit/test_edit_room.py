# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Each function that edits a blob in place, in every room from too little to more
than enough: it says FDT_ERR_NOSPACE and leaves the tree as it was, to the byte (but
for the slack behind it), or does all of it inside its room; and writes nothing behind.

What must come out is said as a plain tree, and read by pyfdtx.pure.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree_blobs import blob

from pyfdtx import pure
from pyfdtx._native import ffi, lib

GUARD = b"\xa5" * 64
CELLS = [("#address-cells", b"\0\0\0\2"), ("#size-cells", b"\0\0\0\1")]
REGS = [(0x1_0000_0000, 0x1000), (5, 6)]
ENCODED = bytes.fromhex("0000000100000000 00001000 0000000000000005 00000006")


def tree(props, children=()):
    """The root has cells; its child n has the properties and children."""
    return [("", CELLS, [("n", list(props), list(children)), ("z", [("q", b"1")], [])])]


def regs():
    return ffi.new("struct fdt_reg[]", REGS)


# (what is called with blob and offset of n, the tree before, the tree after)
PROPS = [("p", b"one"), ("reg", bytes(12))]
CHILD = ("c", [("r", b"")], [])
CASES = {
    "setprop": (
        lambda p, n: lib.fdtx_setprop(p, n, b"p", b"value of 21 bytes....", 21),
        (PROPS, [CHILD]),
        ([("p", b"value of 21 bytes...."), PROPS[1]], [CHILD]),
    ),
    "setprop, shorter": (
        lambda p, n: lib.fdtx_setprop(p, n, b"reg", b"12", 2),
        (PROPS, [CHILD]),
        ([PROPS[0], ("reg", b"12")], [CHILD]),
    ),
    "setprop, a new name": (
        lambda p, n: lib.fdtx_setprop(p, n, b"quite-new", b"12345", 5),
        (PROPS, [CHILD]),
        ([("quite-new", b"12345"), *PROPS], [CHILD]),
    ),
    "setprop, a known name": (
        lambda p, n: lib.fdtx_setprop(p, n, b"q", b"12345", 5),
        (PROPS, [CHILD]),
        ([("q", b"12345"), *PROPS], [CHILD]),
    ),
    "appendprop": (
        lambda p, n: lib.fdtx_appendprop(p, n, b"p", b" more", 5),
        (PROPS, [CHILD]),
        ([("p", b"one more"), PROPS[1]], [CHILD]),
    ),
    "appendprop, a new name": (
        lambda p, n: lib.fdtx_appendprop(p, n, b"quite-new", b"12345", 5),
        (PROPS, [CHILD]),
        ([("quite-new", b"12345"), *PROPS], [CHILD]),
    ),
    "add_subnode": (
        lambda p, n: min(0, lib.fdtx_add_subnode(p, n, b"added", 5, 0, 0)),
        (PROPS, [CHILD]),
        (PROPS, [("added", [], []), CHILD]),
    ),
    "add_subnode, last": (
        lambda p, n: min(0, lib.fdtx_add_subnode(p, n, b"added!!", 7, 1, 1)),
        (PROPS, [CHILD]),
        (PROPS, [CHILD, ("added!!", [], [])]),
    ),
    "write_regs": (
        lambda p, n: lib.fdtx_write_regs(p, 0, n, b"reg", regs(), 2, 0),
        (PROPS, [CHILD]),
        ([PROPS[0], ("reg", ENCODED)], [CHILD]),
    ),
    "write_regs, appended": (
        lambda p, n: lib.fdtx_write_regs(p, 0, n, b"reg", regs(), 2, 1),
        (PROPS, [CHILD]),
        ([PROPS[0], ("reg", bytes(12) + ENCODED)], [CHILD]),
    ),
    "write_regs, a new name": (
        lambda p, n: lib.fdtx_write_regs(p, 0, n, b"ranges", regs(), 2, 0),
        (PROPS, [CHILD]),
        ([("ranges", ENCODED), *PROPS], [CHILD]),
    ),
    "delprop": (
        lambda p, n: lib.fdtx_delprop(p, n, b"p"),
        ([*PROPS, ("p", b"twice")], [CHILD]),
        ([PROPS[1]], [CHILD]),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_fits_or_nothing_is_changed(case):
    call, before, after = CASES[case]
    old = blob(*tree(*before)[0][1:])
    want = ("", *tree(*after)[0][1:])
    fits = []
    for more in range(72):
        room = len(old) + more
        buf = bytearray(old.ljust(room, b"\x5a") + GUARD)
        buf[4:8] = room.to_bytes(4, "big")
        held = bytes(buf[: len(old)])
        with ffi.from_buffer("char[]", buf, require_writable=True) as p:
            n = lib.fdtx_path_offset(p, b"/n", 2)
            code = call(p, n)
        assert buf[room:] == GUARD, more
        if code:
            assert code == -lib.FDT_ERR_NOSPACE, more
            assert buf[: len(old)] == held, more
        else:
            assert plain(pure.unflatten(bytes(buf[:room]))) == plain(want), more
        fits.append(not code)
    # once there is room, there is with more; and some rooms are too small
    assert fits == sorted(fits)
    assert fits[-1]
    grows = len(blob(*want[1:])) > len(old)
    assert fits[0] != grows
    # no room that is large enough is refused
    assert fits.count(False) <= max(0, len(blob(*want[1:])) - len(old))


def unchanged(act):
    """What act says of a tree with room, and that it leaves it alone."""
    data = blob(*tree(PROPS, [CHILD])[0][1:])
    buf = bytearray(data + bytes(100) + GUARD)
    buf[4:8] = (len(buf) - len(GUARD)).to_bytes(4, "big")
    held = bytes(buf)
    with ffi.from_buffer("char[]", buf, require_writable=True) as p:
        code = act(p, lib.fdtx_path_offset(p, b"/n", 2))
    assert bytes(buf) == held
    return code


@pytest.mark.parametrize("off", [-1, -4, 1, 2, 4, 8, 1 << 20, (1 << 31) - 4])
@pytest.mark.parametrize("case", CASES)
def test_what_is_no_offset_of_a_node_is_refused(case, off):
    """libfdt.h: FDT_ERR_BADOFFSET; n's own first word is its FDT_BEGIN_NODE."""
    call = CASES[case][0]
    code = unchanged(lambda p, n: call(p, n + off if 0 < off < 100 else off))
    assert code == -lib.FDT_ERR_BADOFFSET


@pytest.mark.parametrize("last", [0, 1])
def test_what_is_there_is_not_added_and_what_is_not_is_not_deleted(last):
    code = unchanged(lambda p, n: lib.fdtx_add_subnode(p, n, b"c", 1, 0, last))
    assert code == -lib.FDT_ERR_EXISTS
    # the root's first child, too
    code = unchanged(lambda p, n: lib.fdtx_add_subnode(p, 0, b"n", 1, 0, last))
    assert code == -lib.FDT_ERR_EXISTS
    code = unchanged(lambda p, n: lib.fdtx_delprop(p, n, b"q"))
    assert code == -lib.FDT_ERR_NOTFOUND


@pytest.mark.parametrize("length", [1000, 1 << 20, (1 << 31) - 9, (1 << 31) - 1])
def test_a_name_longer_than_its_tree_is_refused_before_it_is_read(length):
    """Nor may its length overflow what it is added to."""
    for add in (
        lambda p, n: lib.fdtx_add_subnode(p, n, b"x", length, 1, 0),
        lambda p, n: lib.fdtx_add_subnode(p, n, b"x", length, 1, 1),
    ):
        assert unchanged(add) == -lib.FDT_ERR_NOSPACE
    if length <= 1 << 20:
        code = unchanged(lambda p, n: lib.fdtx_set_name(p, n, 0, b"x" * length))
        assert code == -lib.FDT_ERR_NOSPACE


def test_a_name_is_changed_to_no_siblings_and_may_stay():
    assert unchanged(lambda p, n: lib.fdtx_set_name(p, n, 0, b"n")) == 0
    code = unchanged(lambda p, n: lib.fdtx_set_name(p, n, 0, b"z"))
    assert code == -lib.FDT_ERR_EXISTS
    code = unchanged(lambda p, n: lib.fdtx_set_name(p, n + 4, 0, b"y"))
    assert code == -lib.FDT_ERR_BADOFFSET


@pytest.mark.parametrize("name", [b"x", b"xyz", b"a-longer-name", b"n" * 40])
def test_renaming_fits_or_nothing_is_changed(name):
    old = blob(*tree(PROPS, [CHILD])[0][1:])
    fits = []
    for more in range(64):
        room = len(old) + more
        buf = bytearray(old.ljust(room, b"\x5a") + GUARD)
        buf[4:8] = room.to_bytes(4, "big")
        held = bytes(buf[: len(old)])
        with ffi.from_buffer("char[]", buf, require_writable=True) as p:
            code = lib.fdtx_set_name(p, lib.fdtx_path_offset(p, b"/n", 2), 0, name)
        assert buf[room:] == GUARD
        if code:
            assert (code, buf[: len(old)]) == (-lib.FDT_ERR_NOSPACE, held)
        else:
            found = pure.unflatten(bytes(buf[:room]))[2][0]
            assert found[0] == name.decode()
            assert plain(found)[1:] == plain(("", PROPS, [CHILD]))[1:]
        fits.append(not code)
    assert fits == sorted(fits)
    # names are padded to 4 bytes; "n" has taken 4
    need = (len(name) + 4 & ~3) - 4
    assert fits.count(False) == need


def plain(node):
    name, props, children = node
    return name, [(n, bytes(v)) for n, v in props], [plain(c) for c in children]
