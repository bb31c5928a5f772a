# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What second_kernel_dtb() and Crash accept, refuse and warn about."""

import array
import pickle
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import Parsed, assemble, u32, u64

import pyfdtx.pure
from pyfdtx import FdtBadContent, FdtBadParameter, FdtWarning
from pyfdtx.kexec import Crash, MemRange, second_kernel_dtb
from pyfdtx.kexec.dtb import native

CELLS = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
BLOB = assemble(("", CELLS, [("chosen", [("kaslr-seed", bytes(8))], [])]))
MAIN, LOW = MemRange(0x6AC00000, 0x10000000), MemRange(0x40000000, 0x100000)
HEADER = MemRange(0x7ABFF000, 0x1000)
CRASH = Crash(elfcorehdr=HEADER, usable=[MAIN])
# On 32-bit arm the header lies behind the usable range
ARM_CRASH = Crash(elfcorehdr=HEADER, usable=[(MAIN.start, HEADER.start - MAIN.start)])
FIXED = {"kaslr_seed": 1, "rng_seed": b"seed"}
U64_MAX = (1 << 64) - 1


def make(blob=BLOB, **job):
    return Parsed(second_kernel_dtb(blob, **job))


# --- Crash


def test_crash_is_an_immutable_tuple_of_header_and_usable():
    crash = Crash(elfcorehdr=tuple(HEADER), usable=iter([list(MAIN), LOW]))
    assert crash == (HEADER, (MAIN, LOW))
    assert (crash.elfcorehdr, crash.usable) == (HEADER, (MAIN, LOW))
    assert type(crash.elfcorehdr) is type(crash.usable[0]) is MemRange
    assert hash(crash) == hash(Crash(elfcorehdr=HEADER, usable=[MAIN, LOW]))
    assert eval(repr(crash)) == crash
    assert pickle.loads(pickle.dumps(crash)) == crash
    with pytest.raises(AttributeError):
        crash.usable = ()
    with pytest.raises(TypeError):
        Crash(HEADER, [MAIN])


@pytest.mark.parametrize(
    ("header", "usable", "names"),
    [
        ((1, 0), [MAIN], "elfcorehdr"),
        ((-1, 5), [MAIN], "elfcorehdr"),
        ((U64_MAX, 2), [MAIN], "elfcorehdr"),
        (HEADER, [], "usable"),
        (HEADER, [MAIN, (4, 0)], r"usable\[1\]"),
        (HEADER, [(1 << 64, 1)], r"usable\[0\]"),
    ],
)
def test_crash_refuses_ranges_that_cannot_be(header, usable, names):
    with pytest.raises(FdtBadParameter, match=names):
        Crash(elfcorehdr=header, usable=usable)


@pytest.mark.parametrize(
    ("header", "usable", "names"),
    [
        (5, [MAIN], "elfcorehdr"),
        ("ab", [MAIN], "elfcorehdr"),
        ((1, 2, 3), [MAIN], "elfcorehdr"),
        ((1.0, 2), [MAIN], "elfcorehdr"),
        (HEADER, MAIN, r"usable\[0\]"),  # a range where a list of them belongs
        (HEADER, 7, "usable"),
    ],
)
def test_crash_wants_ranges(header, usable, names):
    with pytest.raises(TypeError, match=names):
        Crash(elfcorehdr=header, usable=usable)


# --- ranges


@pytest.mark.parametrize("argument", ["initrd", "old_dtb"])
@pytest.mark.parametrize("bad", [(0x1000, 0), (U64_MAX, 2), (-1, 4), (0, 1 << 65)])
def test_a_range_that_cannot_be_is_refused_by_name(argument, bad):
    with pytest.raises(FdtBadParameter) as e:
        make(**{argument: bad})
    assert e.value.where == argument
    assert f"{bad[0]:#x}" in str(e.value)


@pytest.mark.parametrize("argument", ["initrd", "old_dtb"])
@pytest.mark.parametrize("bad", [5, "12", (1,), (1, 2, 3), (b"1", 2)])
def test_what_is_no_range_is_a_type_error(argument, bad):
    with pytest.raises(TypeError, match=argument):
        make(**{argument: bad})


def test_crash_must_be_a_crash():
    with pytest.raises(TypeError, match=r"crash must be a Crash.*not tuple"):
        make(crash=(HEADER, [MAIN]))


@pytest.mark.parametrize("n", range(1, 9))
def test_more_usable_ranges_than_the_kernel_reads_are_refused(n):
    ranges = [MAIN, *[(0x1000 * i, 0x1000) for i in range(1, n)]]
    crash = Crash(elfcorehdr=HEADER, usable=ranges)
    # drivers/of/fdt.c MAX_USABLE_RANGES is 2 up to Linux 7.2
    if n > 2:
        with pytest.raises(FdtBadParameter, match=rf"{n} ranges.*max_usable=2"):
            make(crash=crash)
    out = make(crash=crash, max_usable=n)
    want = b"".join(u64(*r) for r in ranges)
    assert out.prop("linux,usable-memory-range") == want
    if n > 1:
        with pytest.raises(FdtBadParameter, match="max_usable"):
            make(crash=crash, max_usable=n - 1)


def test_no_kernel_reads_more_usable_ranges_than_65536():
    make(crash=Crash(elfcorehdr=HEADER, usable=[MAIN]), max_usable=1 << 16)
    with pytest.raises(FdtBadParameter, match="max_usable"):
        make(crash=Crash(elfcorehdr=HEADER, usable=[MAIN]), max_usable=(1 << 16) + 1)


# --- words


@pytest.mark.parametrize(
    ("argument", "bad"),
    [("arch", "x86"), ("arch", ""), ("arch", None), ("root_cells", "1/1"),
     ("root_cells", None), ("max_usable", 0), ("max_usable", -1)],
)  # fmt: skip
def test_an_unknown_choice_is_refused_by_name(argument, bad):
    with pytest.raises(FdtBadParameter) as e:
        make(**{"crash": CRASH, argument: bad})
    assert e.value.where == argument


@pytest.mark.parametrize(
    ("argument", "bad"),
    [("cmdline", b"bytes"), ("append", 5), ("max_usable", "2"), ("max_usable", True),
     ("load_address", "0x8"), ("load_address", 8.0), ("kaslr_seed", b"12345678"),
     ("kaslr_seed", "x"), ("kaslr_seed", True), ("rng_seed", 128), ("rng_seed", "x")],
)  # fmt: skip
def test_a_wrong_type_is_a_type_error_that_names_the_argument(argument, bad):
    with pytest.raises(TypeError, match=argument):
        make(**{"crash": CRASH, argument: bad})


@pytest.mark.parametrize("address", range(33))
def test_the_load_address_is_8_byte_aligned(address):
    if address % 8 == 0:
        assert make(load_address=address)
    else:
        with pytest.raises(FdtBadParameter, match=f"load_address: {address:#x}"):
            make(load_address=address)


@pytest.mark.parametrize("address", [-8, 1 << 64])
def test_the_load_address_is_a_u64(address):
    with pytest.raises(FdtBadParameter, match="load_address"):
        make(load_address=address)


def test_an_initrd_may_end_at_the_last_number():
    """linux,initrd-end is behind the last byte: 2**64 does not fit."""
    out = make(initrd=MemRange(U64_MAX - 0x1000, 0x1000), load_address=None)
    assert int.from_bytes(out.prop("linux,initrd-end"), "big") == U64_MAX
    with pytest.raises(FdtBadParameter, match=r"ends at 2\*\*64"):
        make(initrd=MemRange(U64_MAX - 0xFFF, 0x1000))


# --- seeds


def test_random_seeds_have_their_lengths_and_differ():
    # kaslr-seed is a u64, RNG_SEED_SIZE is 128 (Linux drivers/of/kexec.c)
    first, second = make(), make()
    for name, length in (("kaslr-seed", 8), ("rng-seed", 128)):
        assert len(first.prop(name)) == len(second.prop(name)) == length
        assert first.prop(name) != second.prop(name)


def test_a_random_kaslr_seed_uses_all_of_its_bytes():
    """Each byte of 16 seeds is 0 by chance once in 2**128."""
    seeds = [make().prop("kaslr-seed") for _ in range(16)]
    assert all(any(bytes_at) for bytes_at in zip(*seeds))


@pytest.mark.parametrize("seed", [0, 1, 0x0102030405060708, U64_MAX])
def test_a_fixed_kaslr_seed_is_a_big_endian_u64(seed):
    assert make(kaslr_seed=seed).prop("kaslr-seed") == seed.to_bytes(8, "big")


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 31, 32, 128, 4096])
def test_a_fixed_rng_seed_is_written_as_it_is(length):
    seed = bytes(i % 251 for i in range(length))
    for given in (seed, bytearray(seed), memoryview(seed)):
        assert make(rng_seed=given).prop("rng-seed") == seed


def test_seeds_can_be_left_out():
    out = make(kaslr_seed=None, rng_seed=None)
    assert out.chosen == [("linux,booted-from-kexec", b"")]


@pytest.mark.parametrize("seed", [-1, 1 << 64, 0xDEADBEEF << 64])
def test_a_bad_kaslr_seed_is_refused_without_showing_it(seed):
    with pytest.raises(FdtBadParameter) as e:
        make(kaslr_seed=seed)
    assert e.value.where == "kaslr_seed"
    assert "deadbeef" not in str(e.value)
    assert str(seed) not in str(e.value)


def test_an_empty_rng_seed_is_refused():
    with pytest.raises(FdtBadParameter, match=r"rng_seed.*None"):
        make(rng_seed=b"")


# --- the input


@pytest.mark.parametrize("offset", range(9))
def test_any_bytes_like_input_at_any_address(offset):
    want = second_kernel_dtb(BLOB, kaslr_seed=1, rng_seed=b"1")
    padded = bytes(offset) + BLOB
    # bytes behind totalsize are accepted
    words = array.array("I", BLOB + bytes(-len(BLOB) % 4))
    for blob in (
        bytearray(BLOB),
        memoryview(padded)[offset:],
        memoryview(bytearray(padded))[offset:],
        words,
        memoryview(words),
        memoryview(BLOB[::-1])[::-1],
        type("B", (bytes,), {})(BLOB),
    ):
        assert second_kernel_dtb(blob, kaslr_seed=1, rng_seed=b"1") == want


def test_the_input_stays_as_it_is():
    for blob in (bytearray(BLOB), bytes(bytearray(BLOB))):
        second_kernel_dtb(blob, crash=CRASH, initrd=(1, 2), cmdline="x" * 100)
        assert blob == BLOB


@pytest.mark.parametrize("bad", ["text", 5, None, [1, 2], object()])
def test_what_is_not_bytes_like_is_a_type_error(bad):
    with pytest.raises(TypeError, match="bytes-like"):
        second_kernel_dtb(bad)


# --- the result's limits


@pytest.mark.parametrize(
    ("arch", "most"), [("arm64", 0x200000), ("riscv", 0x200000), ("arm", 0x100000)]
)
def test_a_kernel_takes_so_much_tree_and_not_a_byte_more(arch, most):
    """Linux arch/arm64/include/asm/boot.h and arch/riscv/mm/init.c MAX_FDT_SIZE: 2 MiB
    are mapped; arch/arm/kernel/head.S: two sections of 1 MiB from the one on that the
    tree starts in, so 1 MiB is sure."""
    tree = ("", [], [("chosen", [], [])])
    job = {"kaslr_seed": None, "rng_seed": None}
    empty = len(second_kernel_dtb(assemble(tree), **job))
    for length in (most - 1, most, most + 1):
        # unused strings make any length
        blob = assemble(tree, strings=b"x" * (length - empty - 1) + b"\0")
        if length <= most:
            assert len(second_kernel_dtb(blob, arch=arch, **job)) == length
        else:
            said = rf"{most + 1:#x} bytes, {arch} kernels take at most {most:#x} and"
            with pytest.raises(FdtBadContent, match=said):
                second_kernel_dtb(blob, arch=arch, **job)


def near(crash_range):
    """Headers around a range: (header, wholly inside, touching)."""
    start, size = crash_range
    end = start + size
    return [
        ((start, 1), True, True),
        ((end - 1, 1), True, True),
        (crash_range, True, True),
        ((end, 1), False, False),
        ((start - 1, 1), False, False),
        ((start - 1, 2), False, True),
        ((end - 1, 2), False, True),
        ((start - 1, size + 2), False, True),
    ]


@pytest.mark.parametrize("arch", ["arm64", "riscv"])
@pytest.mark.parametrize("where", [MAIN, LOW])
@pytest.mark.parametrize("case", range(8))
def test_a_header_outside_usable_memory_is_warned_about(arch, where, case):
    header, inside, _ = near(where)[case]
    crash = Crash(elfcorehdr=header, usable=[MAIN, LOW])
    if inside:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make(crash=crash, arch=arch)
    else:
        with pytest.warns(FdtWarning, match=r"crash\.elfcorehdr.*not inside") as seen:
            make(crash=crash, arch=arch)
        # points at the caller of second_kernel_dtb()
        assert Path(seen[0].filename).name == Path(__file__).name


@pytest.mark.parametrize("case", range(8))
def test_arm_warns_about_a_header_that_touches_usable_memory(case):
    header, _, touching = near(MAIN)[case]
    # the first usable range gives the distance for mem= and is far below
    crash = Crash(elfcorehdr=header, usable=[(0x1000, 0x1000), MAIN])
    if touching:
        with pytest.warns(FdtWarning, match=r"crash\.elfcorehdr.*overlaps"):
            make(crash=crash, arch="arm")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make(crash=crash, arch="arm")


def test_a_header_across_two_adjacent_ranges_is_outside_each():
    crash = Crash(elfcorehdr=(0x1FFF, 2), usable=[(0x1000, 0x1000), (0x2000, 0x1000)])
    with pytest.warns(FdtWarning, match="not inside a usable range"):
        make(crash=crash)


def test_the_names_are_exported():
    assert issubclass(pyfdtx.FdtWarning, UserWarning)
    assert pyfdtx.kexec.second_kernel_dtb is second_kernel_dtb


# --- mem=


@pytest.mark.parametrize("argument", ["cmdline", "append"])
@pytest.mark.parametrize("text", ["mem=64M", "quiet\tmem=1G@0x40000000", '"mem=1M"'])
def test_on_arm_a_mem_word_beside_ours_would_add_memory_of_the_dead_kernel(
    argument, text
):
    """arch/arm/kernel/setup.c early_mem(): each mem= adds a range."""
    job = {"crash": CRASH, "arch": "arm", argument: text}
    raised = []
    for make_it in (second_kernel_dtb, pyfdtx.pure.second_kernel_dtb):
        with pytest.raises(FdtBadParameter, match="mem=") as e:
            make_it(BLOB, **job)
        raised.append(e.value.where)
    assert raised == [argument, argument]
    make(arch="arm", **{argument: text})  # a kernel that is no crash kernel


@pytest.mark.parametrize(
    ("arch", "text", "cut"),
    [
        # arch/arm64/mm/init.c early_mem(): the last one counts, whole pages
        ("arm64", "mem=255M", True),
        ("arm64", "mem=0xfffffff", True),
        ("arm64", "mem=256M", False),
        ("arm64", "mem=64M mem=1G", False),
        ("arm64", "mem=1G mem=64M", True),
        ("arm64", "mem=0", False),
        ("arm64", "xmem=1M", False),
        # arch/riscv/mm/init.c early_mem(): the smallest one
        ("riscv", "mem=64M mem=1G", True),
        ("riscv", "mem=256M", False),
    ],
)
def test_a_mem_word_that_cuts_usable_memory_is_warned_about(arch, text, cut):
    """It takes away the end of it, where the core header lies."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = second_kernel_dtb(BLOB, crash=CRASH, arch=arch, cmdline=text)
    assert [w.category for w in caught] == [FdtWarning] * cut
    if cut:
        assert "mem=" in str(caught[0].message)
        assert "linux,usable-memory-range" in str(caught[0].message)
    assert text.encode() in Parsed(out).prop("bootargs")


WAYS = {
    "one-shot": {},
    "engine": {"second_kernel._plain": lambda *_args: None},
    "libfdt": {
        "second_kernel._plain": lambda *_args: None,
        "native._way": native.run_libfdt,
    },
}


@pytest.fixture(params=WAYS)
def by_way(request, monkeypatch):
    """second_kernel_dtb() by each of the ways that lead to the same bytes."""
    for place, way in WAYS[request.param].items():
        monkeypatch.setattr(f"pyfdtx.kexec.dtb.{place}", way)
    return second_kernel_dtb


def with_bootargs(text):
    return assemble(("", CELLS, [("chosen", [("bootargs", text)], [])]))


@pytest.mark.parametrize(
    # As above: what counts is the line as it is written. usable is 256 MiB
    ("arch", "old", "append", "cut"),
    [
        ("arm64", b"mem=255M", None, True),
        ("arm64", b"quiet mem=255M\0", None, True),
        ("arm64", b"a\nmem=255M b\0", None, True),
        ("arm64", b'"mem=255M"\0', None, True),
        ("arm64", b"mem=255M\0", "", True),
        ("arm64", b"mem=255M\0", "quiet", True),
        ("arm64", b"mem=255M\0", "mem=256M", False),
        ("arm64", b"mem=256M\0", "mem=255M", True),
        ("arm64", b"mem=256M\0", None, False),
        ("arm64", b"xmem=255M mem\0", None, False),
        ("arm64", b"quiet\0mem=255M", None, False),
        ("riscv", b"mem=255M\0", None, True),
        ("riscv", b"mem=255M\0", "mem=256M", True),
        ("riscv", b"mem=256M\0", "quiet", False),
        # Words of the second kernel before are cut, as kexec-tools wrote them
        ("arm", b"mem=255M quiet mem=1G\0", None, False),
        ("arm", b"mem=255M\0", "quiet", False),
        # also in quotes, and behind other white space
        ("arm", b'"mem=1G"\0', None, False),
        ("arm", b"a\nmem=1G\0", "quiet", False),
    ],
)
def test_a_mem_word_of_the_old_command_line_is_warned_about_if_it_stays(
    arch, old, append, cut, by_way
):
    blob = with_bootargs(old)
    crash = ARM_CRASH if arch == "arm" else CRASH
    told = {"crash": crash, "arch": arch, "append": append, **FIXED}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = by_way(blob, **told)
    assert [w.category for w in caught] == [FdtWarning] * cut
    assert all("mem=" in str(w.message) for w in caught)
    assert all("cmdline" in str(w.message) for w in caught), "no way out"
    assert out == pyfdtx.pure.second_kernel_dtb(blob, **told)


def test_an_old_mem_word_that_goes_is_not_warned_about(by_way):
    blob = with_bootargs(b"mem=1M\0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_way(blob, crash=CRASH, cmdline="quiet")
        by_way(blob)  # no crash kernel: it is what the running one was told


# --- the second opinion

WRONG = [
    *({name: bad} for name in ("initrd", "old_dtb") for bad in (
        (0x1000, 0), (U64_MAX, 2), (-1, 4), (0, 1 << 65),
        5, "12", (1,), (1, 2, 3), (b"1", 2), (1.0, 2),
    )),
    {"crash": 5}, {"crash": "ab"}, {"crash": CRASH, "max_usable": 0},
    {"crash": CRASH, "max_usable": "2"}, {"crash": CRASH, "max_usable": True},
    {"arch": "x86"}, {"arch": None}, {"arch": ["arm64"]}, {"root_cells": "1/1"},
    {"root_cells": None}, {"cmdline": b"bytes"}, {"append": 5}, {"cmdline": "\0"},
    {"cmdline": "elfcorehdr=1"}, {"cmdline": "", "append": ""},
    {"cmdline": "\ud800"}, {"load_address": "0x8"}, {"load_address": 8.0},
    {"load_address": 4}, {"load_address": -8}, {"load_address": 1 << 64},
    {"kaslr_seed": b"12345678"}, {"kaslr_seed": "x"}, {"kaslr_seed": True},
    {"kaslr_seed": -1}, {"kaslr_seed": 1 << 64}, {"rng_seed": 128},
    {"rng_seed": "x"}, {"rng_seed": b""}, {"blob": None}, {"blob": "text"},
    {"blob": 7},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_plain_python_refuses_the_same_with_the_same_kind_of_error(wrong):
    raised = []
    for make_it in (second_kernel_dtb, pyfdtx.pure.second_kernel_dtb):
        with pytest.raises((TypeError, FdtBadParameter)) as e:
            make_it(**{"blob": BLOB, **wrong})
        raised.append((type(e.value), getattr(e.value, "where", "").split("[")[0]))
    assert raised[0] == raised[1]
