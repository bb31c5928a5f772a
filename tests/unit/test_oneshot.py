# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The short way for plain arguments gives what the long way gives, or nothing.

Expected results, refusals and warnings come from the long way, which works
without csrc/python/second_kernel.c and is held against the specification, libfdt
and plain Python by tests of its own.
"""

import itertools
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import assemble, u32, u64

from pyfdtx._core import second_kernel
from pyfdtx.kexec import Crash, MemRange, second_kernel_dtb
from pyfdtx.kexec.dtb import full
from pyfdtx.kexec.dtb import second_kernel as policy

CELLS = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
NARROW = [("#address-cells", u32(1)), ("#size-cells", u32(1))]
CHOSEN = ("chosen", [("bootargs", b"quiet elfcorehdr=1 x\0")], [])
BLOB = assemble(("", CELLS, [CHOSEN]), [(0x5000, 0x1000)])
U64_END = 1 << 64


class Pair(tuple):
    """A pair that says something else when it is taken apart."""

    __slots__ = ()

    def __iter__(self):
        return iter((0x1000, 0x100))


class Number(int):
    pass


class Text(str):
    pass


def crash(header=(0x7000, 0x400), usable=((0x1000, 0x10000), (0x400000, 0x1000))):
    return Crash(elfcorehdr=header, usable=usable)


# What a caller may give, the plain and the odd; the first is the default here
VALUES = {
    "blob": [
        BLOB,
        bytearray(BLOB),
        memoryview(b"xxx" + BLOB)[3:],
        b"",
        BLOB[:-1],
        assemble(("", NARROW, [CHOSEN])),
        assemble(("", [], [])),
        assemble(("", CELLS, [("chosen", [("bootargs", b"a mem=8K\0")], [])])),
        "text",
        None,
    ],
    "arch": ["arm64", "arm", "riscv", Text("arm"), "x86", None, b"arm"],
    "cmdline": [
        None,
        "",
        "a b",
        "\u00e9\udcff",
        "\ud800",
        "nul\0",
        "elfcorehdr=1",
        "xelfcorehdr=1",
        "e" * 1022,
        "e" * 1023,
        "e" * 2047,
        "e" * 2048,
        Text("x"),
        b"x",
        5,
    ],
    "append": [None, "", "more", 'x "elfcorehdr=2"', 7],
    "initrd": [
        None,
        (0x9000, 5),
        MemRange(0x9000, 5),
        [0x9000, 5],
        Pair((1, 2)),
        (0, 0),
        (U64_END - 5, 5),
        (U64_END - 5, 4),
        (U64_END - 5, 6),
        (-1, 5),
        (True, 5),
        (Number(4), 5),
        (1, 2, 3),
        (1.0, 2),
        "ab",
        5,
    ],
    "crash": [
        None,
        crash(),
        crash(usable=[(0x1000, 0x6400)]),
        crash(usable=[(0x1000, 0x63FF)]),
        crash(usable=[(0x7400, 0x1000)]),
        crash(header=(U64_END - 5, 5), usable=[(0x1000, U64_END - 0x1000)]),
        crash(header=(0x13FF, 1)),
        crash(header=(0x1400, 1)),
        crash(usable=[(i << 20, 1) for i in range(3)]),
        crash(usable=[(i << 20, 1) for i in range(9)]),
        crash(header=(1 << 32, 1), usable=[(1 << 32, 1)]),
        tuple.__new__(Crash, (MemRange(1, 1), ())),
        tuple.__new__(Crash, (MemRange(0, 0), (MemRange(1, 1),))),
        tuple(crash()),
        5,
    ],
    "kaslr_seed": [1, None, 0, U64_END - 1, U64_END, -1, True, Number(5), "no", 1.5],
    "rng_seed": [
        b"seed5",
        None,
        b"",
        bytearray(b"array"),
        bytes(40000),
        "no",
        5,
    ],
    "max_usable": [2, 3, 1, 0, 9, 1 << 16, (1 << 16) + 1, 1 << 70, True, None],
    "root_cells": ["keep", "2/2", "1/1", None, Text("2/2")],
    "old_dtb": [None, (0x5000, 0x1000), [0x5000, 0x1000], (5, 0), "x"],
    "load_address": [None, 0, 8, 4, -8, "8"],
}
DEFAULTS = {name: values[0] for name, values in VALUES.items()}


def outcome(told):
    """Bytes or refusal, and the warnings, of second_kernel_dtb()."""
    told = dict(told)
    blob = told.pop("blob")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            got = second_kernel_dtb(blob, **told)
        except Exception as e:
            got = type(e), str(e)
    return got, [(w.category, str(w.message), w.filename) for w in seen]


def both(told, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(policy, "_plain", lambda *_args: None)
        expected = outcome(told)
    assert outcome(told) == expected, told
    return expected


@pytest.mark.parametrize(
    ("one", "other"),
    list(itertools.combinations(VALUES, 2)),
    ids=lambda name: name,
)
def test_every_pair_of_arguments_has_one_outcome(one, other, monkeypatch):
    base = {**DEFAULTS, "crash": crash()} if "crash" not in (one, other) else DEFAULTS
    for a, b in itertools.product(VALUES[one], VALUES[other]):
        both({**base, one: a, other: b}, monkeypatch)


PLAIN = [
    {},
    {"crash": crash(), "initrd": (0x9000, 5), "cmdline": "a b"},
    {"crash": crash(), "root_cells": "2/2", "append": "more", "rng_seed": None},
    {"kaslr_seed": None, "rng_seed": "random", "arch": "riscv"},
    {"kaslr_seed": "random", "old_dtb": MemRange(0x5000, 0x1000), "arch": "arm"},
]


@pytest.mark.parametrize("told", PLAIN, ids=lambda told: ",".join(told))
def test_plain_arguments_take_the_short_way(told, monkeypatch):
    def long_way(*_args):
        raise AssertionError("the long way was taken")

    monkeypatch.setattr(full, "make", long_way)
    assert second_kernel_dtb(BLOB, **told)[:4] == b"\xd0\x0d\xfe\xed"


POOL = [("compatible", b"shared-dma-pool\0"), ("reusable", b"")]
SIZE, PLACE = ("size", u64(0x1000)), ("reg", u64(0x90000, 0x1000))
HOME = [*CELLS, ("ranges", b"")]


@pytest.mark.parametrize(
    ("children", "short"),
    [
        ([("reserved-memory", HOME, [("cma", [*POOL, SIZE], [])])], True),
        ([("reserved-memory", HOME, [("fw@90000", [PLACE], [])])], True),
        ([("elsewhere", HOME, [("cma@90000", [*POOL, PLACE], [])])], True),
        ([("reserved-memory-2", HOME, [("cma@90000", [*POOL, PLACE], [])])], True),
        ([("reserved-memory", HOME, [("cma@90000", [*POOL, PLACE], [])])], False),
        ([("reserved-memory@0", HOME, [("cma@90000", [PLACE, *POOL], [])])], False),
    ],
    ids=["anywhere", "firmware", "elsewhere", "other name", "fixed", "with unit"],
)
def test_a_pool_without_a_place_takes_the_short_way(children, short, monkeypatch):
    """One in six of Debian's trees of arm64 has a pool, few at a fixed place."""
    blob = assemble(("", CELLS, [*children, ("chosen", [], [])]))
    long = []
    make = full.make
    monkeypatch.setattr(full, "make", lambda *a: long.append(1) or make(*a))
    out = second_kernel_dtb(blob, crash=crash())
    assert bool(long) == (not short)
    assert (b"disabled" in out) == (not short)
    long.clear()
    second_kernel_dtb(blob)
    assert not long


def test_a_crash_tree_loads_no_cffi():
    # -S: without site, whose .pth files may load anything
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from pyfdtx.kexec import Crash, second_kernel_dtb\n"
        "crash = Crash(elfcorehdr=(0x7000, 0x400), usable=[(0x1000, 0x10000)])\n"
        f"second_kernel_dtb({BLOB!r}, crash=crash)\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "pyfdtx._core" in loaded
    assert not {"_cffi_backend", "pyfdtx._ext", "pyfdtx.tree.fdt", "struct"} & loaded
    # The record of its architecture alone, without any part of it
    arch = {m for m in loaded if m.startswith("pyfdtx.kexec.arch.")}
    assert arch == {"pyfdtx.kexec.arch.arm64"}


def test_random_seeds_are_drawn_anew_for_each_tree():
    assert second_kernel_dtb(BLOB) != second_kernel_dtb(BLOB)
    assert second_kernel_dtb(BLOB, kaslr_seed=1) != second_kernel_dtb(
        BLOB, kaslr_seed=1
    )
    assert second_kernel_dtb(BLOB, rng_seed=b"x") != second_kernel_dtb(
        BLOB, rng_seed=b"x"
    )


def test_a_wrong_number_of_arguments_is_refused():
    for n in (0, 1, 15, 17, 40):
        with pytest.raises(TypeError, match="number of arguments"):
            second_kernel(*[None] * n)


def test_no_reference_is_lost_or_kept():
    text = "some words that nobody else has"
    seed, blob = bytes(b"seed" * 9), bytes(bytearray(BLOB))
    told = {"cmdline": text, "rng_seed": seed, "crash": crash()}
    before = [sys.getrefcount(x) for x in (text, seed, blob, None)]
    for _ in range(1000):
        second_kernel_dtb(blob, **told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            second_kernel_dtb(blob, **{**told, "arch": "arm"})
    after = [sys.getrefcount(x) for x in (text, seed, blob, None)]
    # None has many owners, some of whom come and go
    assert after[:3] == before[:3]
    assert abs(after[3] - before[3]) < 500


def test_threads_do_not_disturb_each_other():
    blobs = [
        assemble(("", CELLS, [("n", [("p", bytes(n))], []), CHOSEN]))
        for n in range(0, 4000, 500)
    ]
    told = {"kaslr_seed": 1, "rng_seed": b"x", "crash": crash()}
    expected = [second_kernel_dtb(blob, **told) for blob in blobs]
    wrong = []

    def work():
        for _ in range(200):
            got = [second_kernel_dtb(blob, **told) for blob in blobs]
            if got != expected:
                wrong.append(got)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
