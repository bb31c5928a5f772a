# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the drop-in's guards let through: each limit from both sides.

The order of the checks, and the codes, are libfdt's (fdt_ro_probe_(),
fdt_rw_probe_(), fdt_check_header()); where it would wrap around or read on, the
code is the one that it has for the same fault without that.
"""

import inspect
import sys
from pathlib import Path

import pytest

import pyfdtx._core as C
import pyfdtx.libfdt as L

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
from hostile_blobs import OFFSET, Strings, assemble, rich, root, u32
from tree_blobs import blob

MAGIC, WRITTEN = 0xD00DFEED, 0x2FF20112
S = Strings(b"a")
# Header 40, reservations 16, structure 32 at 56, strings 2 at 88, 22 of slack
TREE = assemble(root(S.prop(b"a", b"\0" * 4)), S.data, tail=bytes(22), totalsize=112)
STRUCT, STRINGS, TOTAL = 56, 88, 112

OK, NOTFOUND, NOSPACE, BADOFFSET = 0, -1, -3, -4
BADSTATE, TRUNCATED, BADMAGIC, BADVERSION = -7, -8, -9, -10
BADLAYOUT, INTERNAL, ALIGNMENT = -12, -13, -19


def lying(tree=TREE, **words):
    made = bytearray(tree)
    for name, word in words.items():
        at = OFFSET[name]
        made[at : at + 4] = u32(word % 2**32)
    return made


def test_the_tree_is_laid_out_as_it_says_above():
    assert [len(TREE), L.fdt_off_dt_struct(bytearray(TREE))] == [TOTAL, STRUCT]
    assert L.fdt_off_dt_strings(bytearray(TREE)) == STRINGS
    assert L.fdt_size_dt_struct(bytearray(TREE)) == STRINGS - STRUCT


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({}, NOTFOUND),
        # Reservations end where the structure begins, at most
        ({"off_mem_rsvmap": STRUCT - 16}, NOTFOUND),
        ({"off_mem_rsvmap": STRUCT - 8}, BADLAYOUT),
        ({"off_mem_rsvmap": STRUCT}, BADLAYOUT),
        ({"off_mem_rsvmap": -16}, BADLAYOUT),
        ({"off_mem_rsvmap": -8}, BADLAYOUT),
        # The structure ends where the strings begin, at most
        ({"off_dt_strings": STRINGS - 1}, BADLAYOUT),
        ({"size_dt_struct": STRINGS - STRUCT + 1}, BADLAYOUT),
        ({"size_dt_struct": -STRUCT}, BADLAYOUT),
        ({"size_dt_struct": -4}, BADLAYOUT),
        # The strings end with the tree, at most
        ({"size_dt_strings": TOTAL - STRINGS}, NOTFOUND),
        ({"size_dt_strings": TOTAL - STRINGS + 1}, BADLAYOUT),
        ({"size_dt_strings": -STRINGS}, BADLAYOUT),
        ({"size_dt_strings": -1}, BADLAYOUT),
        ({"off_dt_strings": -2, "size_dt_strings": 2}, BADLAYOUT),
        # The whole header is in the tree, and the tree in the buffer
        ({"totalsize": TOTAL - 1, "size_dt_strings": TOTAL - STRINGS}, BADLAYOUT),
        ({"totalsize": TOTAL + 1}, TRUNCATED),
        ({"totalsize": 2**31 - 1}, TRUNCATED),
        ({"totalsize": -1}, TRUNCATED),
        ({"totalsize": 40}, BADLAYOUT),
        ({"totalsize": 39}, TRUNCATED),
        ({"totalsize": 0}, TRUNCATED),
        ({"off_dt_struct": STRUCT + 2}, ALIGNMENT),
        ({"off_dt_struct": STRUCT + 2, "magic": 0}, BADMAGIC),
        # What libfdt does not let through anyway
        ({"magic": 0}, BADMAGIC),
        ({"version": 1}, BADVERSION),
        ({"version": 16}, BADVERSION),
        ({"last_comp_version": 18}, BADVERSION),
        ({"version": 18}, NOTFOUND),
        ({"magic": WRITTEN}, NOTFOUND),
    ],
)
def test_a_tree_is_changed_if_its_blocks_lie_in_order(words, code):
    tree = lying(**words)
    before = bytes(tree)
    assert L.fdt_delprop(tree, 0, "none") == code
    # A change makes it version 17
    assert tree == (before if code != NOTFOUND else lying(before, version=17))


def test_reservations_that_are_not_aligned_are_not_touched():
    tree = bytearray(
        assemble(root(), b"", gap=4, off_mem_rsvmap=44, off_dt_struct=64)
        + bytes(64)
    )  # fmt: skip
    for call in (
        lambda: L.fdt_pack(tree),
        lambda: L.fdt_add_mem_rsv(tree, 1, 2),
        lambda: L.fdt_del_mem_rsv(tree, 0),
    ):
        assert call() == ALIGNMENT


@pytest.mark.parametrize("size", range(48))
def test_a_short_buffer_has_a_name_for_its_fault(size):
    bad_magic, short = (BADMAGIC, TRUNCATED)
    short = bad_magic if size < 4 else short
    cut = bytearray(TREE[:size])
    assert L.fdt_next_node(cut, -1, 0)[0] == short
    assert L.fdt_check_header(cut) == (short if size < 40 else OK)
    for word, code in (
        ({"magic": 0}, bad_magic),
        ({"version": 1}, BADVERSION if size >= 28 else short),
        ({"last_comp_version": 18}, BADVERSION if size >= 28 else short),
        ({"version": 2, "last_comp_version": 2}, short),
        ({"magic": WRITTEN}, short),
    ):
        cut = bytearray(lying(**word)[:size])
        assert L.fdt_next_node(cut, -1, 0)[0] == code, word
    begun = bytearray(lying(magic=WRITTEN)[:size])
    assert L.fdt_end_node(begun) == short


@pytest.mark.parametrize(
    ("version", "least"), [(1, 28), (2, 36), (3, 36), (16, 36), (17, 40), (18, 40)]
)
def test_a_header_is_checked_when_all_that_is_read_is_there(version, least):
    """Version 2 ends before size_dt_strings, which is looked at all the same."""
    header = lying(totalsize=112, version=version, last_comp_version=min(version, 16))
    for size in range(24, 48):
        code = L.fdt_check_header(header[:size])
        if version == 1 and size >= least:
            assert code == BADVERSION
        else:
            assert code == (OK if size >= least else TRUNCATED)
        # A tree that is not there is never whole
        assert L.fdt_check_full(header[:size], 1000) < 0


def test_a_whole_tree_is_judged_by_the_bytes_that_are_there():
    tree = bytearray(TREE)
    assert L.fdt_check_full(tree, TOTAL) == OK
    assert L.fdt_check_full(tree, 2**40) == OK
    assert L.fdt_check_full(tree, TOTAL - 1) == TRUNCATED
    assert L.fdt_check_full(tree, 39) == TRUNCATED
    assert L.fdt_check_full(lying(off_dt_struct=57), TOTAL) == ALIGNMENT
    assert L.fdt_check_full(lying(off_mem_rsvmap=44), TOTAL) == ALIGNMENT


# Being written: structure at 40, 16 bytes of it, one name of 2 bytes at the end
BEGUN = {"magic": WRITTEN, "totalsize": TOTAL, "off_dt_struct": 40,
         "off_dt_strings": TOTAL, "off_mem_rsvmap": 40, "last_comp_version": 0,
         "size_dt_strings": 2, "size_dt_struct": 16}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({}, OK),
        ({"magic": MAGIC}, BADSTATE),
        ({"magic": 0}, BADMAGIC),
        ({"totalsize": TOTAL + 1, "off_dt_strings": TOTAL + 1}, TRUNCATED),
        ({"totalsize": -1, "off_dt_strings": -1}, TRUNCATED),
        ({"off_dt_struct": 32}, INTERNAL),
        ({"off_dt_struct": 0}, INTERNAL),
        ({"size_dt_struct": TOTAL - 40 - 4}, NOSPACE),
        ({"size_dt_struct": TOTAL - 40}, INTERNAL),
        ({"size_dt_struct": -4}, INTERNAL),
        ({"size_dt_strings": TOTAL - 40 - 16 - 4}, OK),
        ({"size_dt_strings": TOTAL - 40 - 16 + 1}, INTERNAL),
        ({"size_dt_strings": -2}, INTERNAL),
        ({"off_dt_struct": 44}, ALIGNMENT),
        ({"size_dt_struct": 18}, ALIGNMENT),
    ],
)
def test_a_tree_is_written_on_if_what_is_written_fits(words, code):
    tree = lying(**{**BEGUN, **words})
    before = bytes(tree)
    assert L.fdt_end_node(tree) == code
    if code:
        assert tree == before


def test_what_is_opened_in_place_is_read_inside_its_buffer():
    """A tree in its own header, that ends in front of the field size_dt_strings:
    bytes of the heap were taken for it, and for what it stands for."""
    for total in range(28, 40):
        tree = bytearray(u32(MAGIC, total, 28, 28, 16, 17, 0, 0, 0, 0) + bytes(200))
        assert L.fdt_open_into(tree, tree, len(tree)) == TRUNCATED


ARGUMENTS = {
    **dict.fromkeys(("name", "propname", "property"), "compatible"),
    **dict.fromkeys(("str", "string", "compatible"), "x"),
    **{"parent": 0, "addr": 1, "size": 1, "regs": bytes(16), "n": 1, "index": 0},
    **{"len": 3, "namelen": 3, "buflen": 100, "idx": 0, "supernodedepth": 0},
}
NODES = {"nodeoffset", "parentoffset"}


def takes(function):
    """Names of the arguments behind the tree that must be there."""
    found = list(inspect.signature(function).parameters.values())[1:]
    return [p.name for p in found if p.default is p.empty]


OF_A_NODE = sorted(
    name
    for name, function in vars(C).items()
    if name.startswith("fdt_") and NODES & set(takes(function))
)


def argument(name, function):
    if name == "val":
        return 7 if function.endswith(("_u32", "_u64", "_cell")) else b"abc"
    return ARGUMENTS[name]


@pytest.mark.parametrize("function", OF_A_NODE)
@pytest.mark.parametrize("offset", [-1, -4, 3, 1_000_000, 2**31 - 1, -(2**31)])
def test_where_no_node_can_begin_nothing_is_found_and_nothing_changed(function, offset):
    call = getattr(C, function)
    tree = bytearray(rich()) + bytearray(200)
    args = [offset if n in NODES else argument(n, function) for n in takes(call)]
    before = bytes(tree)
    answer = call(tree, *args)
    assert bytes(tree) == before
    if function == "fdt_get_phandle":
        assert answer == 0  # its only way to say that there is none
        return
    numbers = answer if isinstance(answer, list) else [answer]
    assert min(n for n in numbers if isinstance(n, int)) < 0
    assert not any(isinstance(n, str) and n for n in numbers)


def test_all_functions_of_a_node_are_asked():
    assert len(OF_A_NODE) > 50


@pytest.mark.parametrize(
    ("name", "flags", "more"),
    [
        ("abc", 0, 0),
        ("bc", 0, 0),
        ("", 0, 0),
        ("ab", 0, 3),
        ("abcd", 0, 5),
        ("abc", C.FDT_CREATE_FLAG_NO_NAME_DEDUP, 4),
    ],
)
def test_a_tree_that_is_written_grows_by_a_new_name_alone(name, flags, more):
    """fdt_find_add_string_(): a name that is there, or ends one, is not written."""
    grown = []
    for asked in (None, name):
        made = bytearray(200)
        assert C.fdt_create_with_flags(made, len(made), flags) == 0
        assert C.fdt_finish_reservemap(made) == 0
        assert C.fdt_begin_node(made, "") == 0
        assert C.fdt_property_u32(made, "abc", 1) == 0
        assert C._sw_grow(made, asked, 1000, 1) == 0
        grown.append(len(made))
    assert grown[0] > 1000
    assert grown[1] == grown[0] + more


@pytest.mark.parametrize(
    "call",
    [
        C.fdt_pack,
        C.fdt_num_mem_rsv,
        lambda fdt: C.fdt_add_mem_rsv(fdt, 1, 1),
        lambda fdt: C.fdt_open_into(fdt, bytearray(400), 400),
    ],
    ids=["pack", "num", "add", "open_into"],
)
def test_reservations_without_an_end_are_not_counted_on(call):
    made = bytearray(TREE)
    made[40:STRUCT] = b"\xff" * 16
    made[STRINGS + len(S.data) :] = b"\xff" * (TOTAL - STRINGS - len(S.data))
    before = bytes(made)
    assert call(made) == TRUNCATED
    assert made == before


def test_reservations_are_read_one_by_one():
    entries = [(0x1000, 0x2000), (0x1234_5678_9ABC_DEF0, 1), (0, 2**64 - 1)]
    tree = bytearray(blob(rsv=entries))
    assert C.fdt_num_mem_rsv(tree) == 3
    for n, (address, size) in enumerate([*entries, (0, 0)]):
        assert C.fdt_get_mem_rsv(tree, n) == [0, address, size]
    assert C.fdt_get_mem_rsv(tree, -1) == [BADOFFSET, 0, 0]
    assert C.fdt_get_mem_rsv(tree, 1000) == [BADOFFSET, 0, 0]


@pytest.mark.parametrize(
    ("words", "code"),
    [({"magic": 0xD00DFEE0}, BADMAGIC), ({"version": 1}, BADVERSION)],
    ids=["magic", "version"],
)
@pytest.mark.parametrize(
    ("call", "nothing"),
    [
        (lambda fdt: C.fdt_get_path(fdt, 0, 100), [""]),
        (lambda fdt: C.fdt_get_mem_rsv(fdt, 0), [0, 0]),
        (lambda fdt: [C.fdt_path_offset(fdt, "/")], []),
        (lambda fdt: [C.fdt_path_offset(fdt, "soc")], []),
    ],
    ids=["get_path", "get_mem_rsv", "path_offset", "alias"],
)
def test_in_what_is_no_tree_there_is_neither_path_nor_entry(call, nothing, words, code):
    assert call(lying(rich(), **words)) == [code, *nothing]
