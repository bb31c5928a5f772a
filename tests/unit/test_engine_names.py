# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Names found in one scan stand where libfdt would find or put them.

Expected: libfdt's fdt_setprop() takes the first place in the strings block
where the name and a NUL stand, else appends (fdt_rw.c, fdt_find_add_string_).
That is bytes.find(), one name after the other.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyfdtx._native import ffi, lib


def expected(strings, names):
    block, places = bytearray(strings), []
    for name in names:
        at = block.find(name + b"\0")
        if at < 0:
            at = len(block)
            block += name + b"\0"
        places.append(at)
    return places, len(block) - len(strings)


def found(strings, names):
    # A copy of exactly its size: reading beyond is for the sanitizers to see
    block = ffi.new("char[]", len(strings) or 1)
    ffi.memmove(block, strings, len(strings))
    texts = [ffi.new("char[]", name) for name in names]
    table = ffi.new("struct fdtx_name[]", [(t, len(t) - 1, 0) for t in texts])
    added = lib.fdtx_find_names(block, len(strings), table, len(names))
    return [entry.off for entry in table], added


def found_many(strings, names, seed):
    block = ffi.new("char[]", len(strings) or 1)
    ffi.memmove(block, strings, len(strings))
    texts = [ffi.new("char[]", name) for name in names]
    table = ffi.new("struct fdtx_name[]", [(t, len(t) - 1, 0) for t in texts])
    added = ffi.new("uint32_t *")
    n = len(names)
    key = ffi.new("struct fdtx_key *", {"k": [seed, seed * seed % 2**64]})
    assert lib.fdtx_find_many_names(block, len(strings), table, n, key, added) == 0
    return [entry.off for entry in table], added[0]


# Few letters, so that names are tails of each other and of old strings
short = st.text("ab", min_size=1, max_size=4).map(str.encode)
lengthy = st.text("ab", min_size=1, max_size=70).map(str.encode)
blocks = st.lists(
    st.one_of(short, lengthy, st.just(b"")), max_size=40
).map(lambda strings: b"".join(s + b"\0" for s in strings))  # fmt: skip
wanted = st.lists(st.one_of(short, lengthy), max_size=lib.FDTX_MAX_NAMES)


@settings(max_examples=max(500, settings.default.max_examples))
@given(blocks, wanted)
def test_every_name_stands_where_one_search_after_the_other_finds_it(strings, names):
    assert found(strings, names) == expected(strings, names)


@pytest.mark.parametrize("name", [b"n", b"nm", b"name", b"linux,a-longer-name"])
def test_a_name_is_found_at_every_place_around_words_and_blocks(name):
    # The scan reads 8 and 64 bytes at once
    for before in range(140):
        for behind in (b"", b"\0", b"x\0", b"y" * 70 + b"\0"):
            for tail in (b"", b"tail-of-"):
                strings = b"p" * before + b"\0" + tail + name + b"\0" + behind
                got = found(strings, [name])
                assert got == ([before + 1 + len(tail)], 0), (before, behind, tail)


def test_the_first_of_several_places_counts():
    # as the tail of a longer name, in front of the name itself
    assert found(b"my-name\0name\0", [b"name"]) == ([3], 0)
    assert found(b"names\0name\0name\0", [b"name"]) == ([6], 0)


def test_a_name_may_be_the_tail_of_one_that_is_appended():
    assert found(b"x\0", [b"my-name", b"name", b"e", b"x"]) == ([2, 5, 8, 0], 8)
    # not of one that comes later: libfdt has not written that yet
    assert found(b"x\0", [b"name", b"my-name"]) == ([2, 7], 13)
    assert found(b"", [b"twice", b"twice"]) == ([0, 0], 6)


def test_bytes_above_0x7f_end_no_string():
    # what a zero test by words may get wrong: 0x80 and 0x01 beside a NUL
    for byte in (b"\x80", b"\x01", b"\xff"):
        strings = (byte * 5 + b"\0") * 20 + byte + b"name\0"
        assert found(strings, [b"name", byte]) == ([121, 4], 0)


@settings(max_examples=500, deadline=None)
@given(
    blocks,
    st.lists(st.one_of(short, lengthy), max_size=100, unique=True),
    st.integers(0, (1 << 64) - 1),
)
def test_any_number_of_names_stand_where_one_search_finds_them(strings, names, seed):
    assert found_many(strings, names, seed) == expected(strings, names)


def test_thousands_of_names_and_tails():
    strings = b"".join(b"old-%d\0" % i for i in range(1000))
    names = [b"%d" % i for i in range(1500)] + [b"new-%d" % i for i in range(1500)]
    assert found_many(strings, names, 7) == expected(strings, names)


def place(at, size, names):
    """fdtx_find_names() of names that lie where they are told to."""
    table = ffi.new("struct fdtx_name[]", names)
    added = lib.fdtx_find_names(at, size, table, len(names))
    return [name.off for name in table], added


@pytest.mark.parametrize("name", [b"a", b"ab", b"abc", b"abcd", b"abcde", b"x" * 70])
def test_a_name_does_not_begin_in_front_of_the_strings(name):
    """What lies there could be its first bytes."""
    for cut in range(1, len(name) + 1):
        memory = ffi.new("char[]", name + b"\0tail\0")
        strings = memory + cut
        size = len(name) - cut + 6
        text = ffi.new("char[]", name)
        want = ([size], len(name) + 1)
        assert place(strings, size, [(text, len(name), 0)]) == want, cut
        # The same in a block so long that it is read in large pieces
        memory = ffi.new("char[]", name + b"\0" + b"long\0" * 60)
        size = len(name) - cut + 1 + 300
        want = ([size], len(name) + 1)
        assert place(memory + cut, size, [(text, len(name), 0)]) == want, cut


def test_a_name_is_no_tail_of_a_shorter_one_that_was_appended():
    """The bytes in front of the shorter one are not its own."""
    text = ffi.new("char[]", b"yyx")
    names = [(text + 2, 1, 0), (text, 3, 0), (text + 1, 2, 0)]
    # "x", then "yyx", and "yx" is the tail of that
    assert place(ffi.new("char[]", b"a\0"), 2, names) == ([2, 4, 5], 6)
