# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""second_kernel_dtbs(): what second_kernel_dtb() makes of each blob, which is
held against the references in the tests of its own."""

import sys
import threading
import warnings
from itertools import chain
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tree_blobs as blobs

from pyfdtx import Fdt, FdtBadBlob, FdtBadContent, FdtBadParameter, FdtWarning
from pyfdtx.kexec import Crash, second_kernel_dtb, second_kernel_dtbs

CELLS = [("#address-cells", blobs.cells(2)), ("#size-cells", blobs.cells(2))]
CRASH = Crash(elfcorehdr=(0x7000_0000, 0x400), usable=[(0x6000_0000, 0x2000_0000)])
ARM_CRASH = Crash(elfcorehdr=(0x5000, 1), usable=[(0, 0x4000)])
FIXED = {"kaslr_seed": 0x0123456789ABCDEF, "rng_seed": bytes(range(128))}


def board(i, props=CELLS):
    """Trees of many sizes: with or without /chosen, with NOPs, old values."""
    chosen = [("bootargs", b"old%d\0" % i), ("linux,initrd-start", bytes(8))]
    children = [("chosen", chosen, [])] if i % 3 else []
    more = [(f"n@{k:x}", [("p", b"x" * (k % 50))], []) for k in range(7 * i % 113)]
    return blobs.blob(
        [*props, *(["nop"] * (i % 2))], [*more, *children], rsv=[(i + 1, 5)]
    )


BOARDS = [board(i) for i in range(100)]
OPTIONS = {
    "crash": {"cmdline": "maxcpus=1", "initrd": (0x1000, 0x2000), "crash": CRASH},
    "append": {"append": "irqpoll", "crash": CRASH},
    "plain kexec": {"initrd": (0x1000, 0x2000)},
    "no seeds": {"kaslr_seed": None, "rng_seed": None},
    "old tree": {"old_dtb": (1, 5)},
    "arm": {"arch": "arm", "crash": ARM_CRASH},
    "riscv": {"arch": "riscv", "crash": CRASH},
    "cells": {"root_cells": "2/2", "crash": CRASH},
    "load address": {"load_address": 0x8000},
    "not plain": {"cmdline": "x", "rng_seed": bytearray(b"seed")},
}  # fmt: skip


@pytest.mark.parametrize("threads", [None, 1, 2, 3, 64])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_each_tree_is_what_second_kernel_dtb_makes(options, threads):
    options = {**FIXED, **options}
    expected = [second_kernel_dtb(blob, **options) for blob in BOARDS]
    assert second_kernel_dtbs(BOARDS, threads=threads, **options) == expected


@pytest.mark.parametrize("n", [*range(20), 31, 32, 33, 63, 64, 65])
def test_any_number_of_blobs(n):
    expected = [second_kernel_dtb(blob, **FIXED) for blob in BOARDS[:n]]
    for threads in (1, 2, 5):
        assert second_kernel_dtbs(BOARDS[:n], threads=threads, **FIXED) == expected


def test_any_iterable_of_any_buffers():
    expected = [second_kernel_dtb(blob, **FIXED) for blob in BOARDS]
    assert second_kernel_dtbs(iter(BOARDS), **FIXED) == expected
    assert second_kernel_dtbs(tuple(map(bytearray, BOARDS)), **FIXED) == expected
    assert second_kernel_dtbs(map(memoryview, BOARDS), **FIXED) == expected
    assert second_kernel_dtbs([], **FIXED) == []


def seeds(tree):
    chosen = Fdt(tree)["/chosen"]
    return [chosen.get("kaslr-seed"), chosen.get("rng-seed")]


@pytest.mark.parametrize("threads", [1, 3])
def test_random_seeds_differ_from_tree_to_tree(threads):
    found = list(map(seeds, second_kernel_dtbs(BOARDS, threads=threads)))
    assert {(len(k), len(r)) for k, r in found} == {(8, 128)}
    assert len({k for k, _ in found}) == len({r for _, r in found}) == len(BOARDS)
    # No seed is a piece of another's
    pieces = [r[at : at + 8] for _, r in found for at in range(0, 128, 8)]
    assert len({*pieces, *chain(k for k, _ in found)}) == 17 * len(BOARDS)
    one = second_kernel_dtbs(BOARDS[:20], kaslr_seed="random", rng_seed=b"same")
    assert {r for _, r in map(seeds, one)} == {b"same"}
    assert len({k for k, _ in map(seeds, one)}) == 20
    other = second_kernel_dtbs(BOARDS[:20], kaslr_seed=7, rng_seed="random")
    assert {k for k, _ in map(seeds, other)} == {(7).to_bytes(8, "big")}


@pytest.mark.parametrize("at", [0, 1, 15, 16, 50, 99])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_bad_blob_is_named_by_its_place(at, threads):
    some = list(BOARDS)
    some[at] = some[at][:-1]
    some[at + 1 :] = [b"also bad"] * (len(some) - at - 1)
    with pytest.raises(FdtBadBlob, match=rf"blobs\[{at}\]") as e:
        second_kernel_dtbs(some, threads=threads)
    with pytest.raises(FdtBadBlob) as alone:
        second_kernel_dtb(some[at])
    assert (e.value.code, e.value.cause) == (alone.value.code, alone.value.cause)


def test_a_tree_that_does_not_allow_it_is_named_by_its_place():
    some = [*BOARDS[:30], board(1, [])]
    with pytest.raises(FdtBadContent, match=r"blobs\[30\] /:#address-cells: root has"):
        second_kernel_dtbs(some, crash=CRASH)


def test_what_is_no_blob_is_named_by_its_place():
    with pytest.raises(
        TypeError, match=r"blobs\[2\]: a device tree must be bytes-like"
    ):
        second_kernel_dtbs([*BOARDS[:2], "text"])
    for one in (BOARDS[0], bytearray(BOARDS[0]), "text"):
        with pytest.raises(TypeError, match="blobs must be several"):
            second_kernel_dtbs(one)


@pytest.mark.parametrize(
    "options",
    [
        {"cmdline": "a", "append": "b"},
        {"cmdline": "elfcorehdr=1"},
        {"arch": "vax"},
        {"root_cells": "1/1"},
        {"load_address": 4},
        {"initrd": (1, 0)},
        {"rng_seed": b""},
        {"kaslr_seed": -1},
        {"crash": CRASH, "max_usable": 0},
        {"crash": CRASH, "max_usable": (1 << 16) + 1},
        # The crash kernel would write over the memory that is to be saved
        {"crash": ARM_CRASH, "arch": "arm", "cmdline": "quiet mem=1G"},
        {"crash": ARM_CRASH, "arch": "arm", "append": "mem=1G"},
    ],
)
def test_bad_arguments_are_refused_as_for_one(options):
    with pytest.raises(FdtBadParameter) as expected:
        second_kernel_dtb(BOARDS[0], **options)
    with pytest.raises(FdtBadParameter) as e:
        second_kernel_dtbs(BOARDS, **options)
    assert str(e.value) == str(expected.value)


@pytest.mark.parametrize(
    "options",
    [{"arch": []}, {"crash": 1}, {"initrd": 5}, {"cmdline": 5}, {"rng_seed": "5"}],
)
def test_arguments_of_the_wrong_type_are_refused_as_for_one(options):
    kinds = (TypeError, FdtBadParameter)
    with pytest.raises(kinds) as expected:
        second_kernel_dtb(BOARDS[0], **options)
    with pytest.raises(kinds) as e:
        second_kernel_dtbs(BOARDS, **options)
    assert (type(e.value), str(e.value)) == (type(expected.value), str(expected.value))


def test_the_number_of_threads_is_checked():
    for bad in (0, -1):
        with pytest.raises(FdtBadParameter, match=f"threads: {bad} is below 1"):
            second_kernel_dtbs(BOARDS, threads=bad)
    for bad in (1.0, "2", True):
        with pytest.raises(TypeError, match="threads must be int"):
            second_kernel_dtbs(BOARDS, threads=bad)


def test_every_tree_is_warned_about():
    outside = Crash(elfcorehdr=(0, 0x400), usable=[(0x6000_0000, 0x1000)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = sys._getframe().f_lineno + 1
        trees = second_kernel_dtbs(BOARDS[:20], crash=outside, **FIXED)
    assert len(trees) == 20
    assert [w.category for w in caught] == [FdtWarning] * 20
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, line)}


@pytest.mark.parametrize("arch", ["arm64", "riscv"])
@pytest.mark.parametrize("argument", ["cmdline", "append"])
def test_a_word_that_takes_memory_from_the_crash_kernel_is_warned_about(arch, argument):
    # usable is 512 MiB, the header at its 256th: 64 MiB leave it out
    options = {argument: "mem=64M", "crash": CRASH, "arch": arch, **FIXED}
    with pytest.warns(FdtWarning, match="mem= on the command line") as expected:
        one = second_kernel_dtb(BOARDS[0], **options)
    with pytest.warns(FdtWarning, match="mem= on the command line") as caught:
        assert second_kernel_dtbs(BOARDS[:1], **options) == [one]
    told = [str(w.message) for w in expected]
    assert [str(w.message) for w in caught] == told


def test_a_tree_too_large_for_arm64_is_named_by_its_place():
    large = blobs.blob(CELLS, [("x", [("p", bytes(2 << 20))], [])])
    with pytest.raises(FdtBadContent, match=r"blobs\[9\]: the tree has 0x2"):
        second_kernel_dtbs([*BOARDS[:9], large])
    assert len(second_kernel_dtbs([*BOARDS[:9], large], arch="riscv")) == 10


def test_batches_in_several_threads_do_not_disturb_each_other():
    expected = [second_kernel_dtb(blob, **FIXED) for blob in BOARDS]
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(second_kernel_dtbs(BOARDS, threads=2, **FIXED))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_the_extension_refuses_places_and_seeds_that_are_not_there():
    from pyfdtx._oneshot import second_kernels

    rest = [BOARDS[:3], 0, 2048, True, 0, None, None, None, None, None, None]
    rest += [2, False, None, tuple, tuple]
    for first, last in [(-1, 2), (0, 4), (2, 1)]:
        with pytest.raises(IndexError):
            second_kernels([None] * 3, first, last, None, None, *rest)
    with pytest.raises(IndexError):
        second_kernels([None] * 2, 0, 2, None, None, *rest)
    for kaslr, rng in [(bytes(23), None), (None, bytes(2)), (b"", b"")]:
        with pytest.raises(ValueError, match="too few seeds"):
            second_kernels([None] * 3, 0, 3, kaslr, rng, *rest)
    with pytest.raises(TypeError):
        second_kernels([None] * 3, 0, 3, None, None)
    with pytest.raises(TypeError):
        second_kernels((None,) * 3, 0, 3, None, None, *rest)
