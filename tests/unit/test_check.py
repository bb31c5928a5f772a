# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is refused, with which error, cause and place; what is accepted.

The blobs and the reasons stand in tests/hostile/hostile_cases.py, made by the
assembler beside it.
"""

import mmap
import sys
import time
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx._native import ffi, lib, validate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import hostile_blobs as blobs
import hostile_cases as cases

INT32_MAX = (1 << 31) - 1


def check(blob: bytes) -> tuple[int, str, int]:
    fault = ffi.new("struct fdtx_fault *")
    code = lib.fdtx_check(ffi.from_buffer(blob), len(blob), fault)
    return code, ffi.string(fault.cause).decode() if code else "", fault.offset


@pytest.mark.parametrize("case", cases.REFUSED, ids=lambda c: c.name)
def test_a_bad_blob_gives_a_typed_error_with_cause_and_place(case):
    with pytest.raises(pyfdtx.FdtBadBlob) as caught:
        validate(bytearray(case.blob), "Fdt", "boot.dtb")
    e = caught.value
    assert e.code == -getattr(lib, f"FDT_ERR_{case.error}")
    assert str(e) == (
        f"Fdt boot.dtb: {case.cause}, at byte {case.offset} (FDT_ERR_{case.error})"
    )


@pytest.mark.parametrize("case", cases.ACCEPTED, ids=lambda c: c.name)
def test_an_odd_but_sound_blob_is_accepted(case):
    validate(bytearray(case.blob))


def test_the_case_table_knows_the_real_depth_limit():
    assert lib.FDTX_MAX_DEPTH == cases.MAX_DEPTH


def test_names_in_the_table_are_unique():
    names = [c.name for c in (*cases.REFUSED, *cases.ACCEPTED)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("place", range(1, 8))
def test_a_blob_that_is_not_8_byte_aligned_is_refused(place):
    blob = blobs.minimal()
    buf = ffi.new("char[]", len(blob) + 16)
    start = int(ffi.cast("uintptr_t", buf))
    skip = -start % 8 + place
    ffi.memmove(buf + skip, blob, len(blob))
    fault = ffi.new("struct fdtx_fault *")
    code = lib.fdtx_check(buf + skip, len(blob), fault)
    assert code == -lib.FDT_ERR_ALIGNMENT
    assert "not 8-byte aligned in memory" in ffi.string(fault.cause).decode()


def test_the_largest_totalsize_is_where_libfdts_int_sums_end():
    # fdt_open_into() adds a 40-byte header to the blocks of a version 16 blob,
    # whose header has 36, in an int; fdt_ro_probe_() wants less than INT32_MAX
    largest = INT32_MAX - 64
    buf = mmap.mmap(-1, largest + 1)  # untouched pages cost nothing
    for size, code in ((largest, 0), (largest + 1, -lib.FDT_ERR_TRUNCATED)):
        blob = blobs.minimal(totalsize=size)
        buf[: len(blob)] = blob
        with ffi.from_buffer(buf) as p:
            got = lib.fdtx_check(p, len(buf), ffi.new("struct fdtx_fault *"))
        assert got == code


def test_every_truncation_is_refused():
    for name, blob in blobs.SAMPLES.items():
        assert check(blob)[0] == 0, name
        for size in range(len(blob)):
            code, cause, offset = check(blob[:size])
            assert code == -lib.FDT_ERR_TRUNCATED, f"{name} cut to {size}: {cause}"
            assert offset <= size, f"{name} cut to {size}"


def test_deep_nesting_is_refused_before_it_is_walked():
    # 100,000 levels are 800 kB; the limit is met after 8 kB
    blob = next(c.blob for c in cases.REFUSED if c.name == "100000 levels")
    assert len(blob) > 1_000_000
    began = time.perf_counter()
    for _ in range(100):
        assert check(blob)[0] == -lib.FDT_ERR_BADSTRUCTURE
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(blobs.node(b"n"), id="nodes"),
        pytest.param(blobs.node(b"n" * 10_000), id="long names"),
        pytest.param(blobs.NOP, id="NOPs"),
        pytest.param(blobs.PROP + blobs.u32(0, 0), id="properties"),
    ],
)
def test_time_grows_with_the_size_not_its_square(one):
    # 16 times the size takes 16 times as long, a quadratic walk 256 times;
    # the best of several runs, and a wide margin for a busy machine
    def best(size: int) -> float:
        blob = blobs.assemble(blobs.root(one * (size // len(one))), b"p\0")
        times = []
        for _ in range(7):
            began = time.perf_counter()
            assert check(blob)[0] == 0
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(4 << 20) < 100 * best(1 << 18)


def test_the_first_of_two_nodes_and_properties_of_one_name_is_found():
    # as fdt_subnode_offset() and fdt_getprop() do, and Linux's flat reader
    s = blobs.Strings()
    tree = blobs.root(
        blobs.node(b"a", s.prop(b"p", b"1"), s.prop(b"p", b"2")),
        blobs.node(b"a", s.prop(b"p", b"3")),
    )
    blob = ffi.from_buffer(blobs.assemble(tree, s.data))
    node = lib.fdtx_path_offset(blob, b"/a", 2)
    assert node == 8
    assert node == lib.fdt_path_offset_namelen(blob, b"/a", 2)
    length = ffi.new("int *")
    value = lib.fdt_getprop_namelen(blob, node, b"p", 1, length)
    assert ffi.buffer(value, length[0])[:] == b"1"
