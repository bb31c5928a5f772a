# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The engine against libfdt's way: the same bytes, or it is left to that.

Expected bytes come from fdtx_second_kernel(), which works through libfdt and
is held against the specification and against plain Python by tests of its own.
"""

import struct
import sys
import tracemalloc
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import assemble, u32

from pyfdtx import FdtError
from pyfdtx._native import ffi, lib
from pyfdtx.kexec import Crash, second_kernel_dtb
from pyfdtx.kexec.dtb import native, second_kernel

pytestmark = pytest.mark.filterwarnings("ignore::pyfdtx.FdtWarning")

CELLS = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
CRASH = Crash(elfcorehdr=(0x7000, 0x400), usable=[(0x1000, 0x10000), (1, 2)])
JOB = {
    "crash": CRASH,
    "initrd": (0x9000, 5),
    "append": "more",
    "kaslr_seed": 1,
    "rng_seed": b"seed5",
}
CHOSEN = (
    "chosen",
    [("bootargs", b"quiet elfcorehdr=1 x\0"), ("other", b"abc"), ("rng-seed", b"12")],
    [("child", [], [])],
)
TREE = ("", [*CELLS, ("model", b"m\0")], [("memory", [("reg", b"12345")], []), CHOSEN])
RESERVED = [(0x5000, 0x1000), (0x9000, 5)]
BLOB = assemble(TREE, RESERVED, boot_cpu=7)


class Left(Exception):
    """The engine left the tree to libfdt's way."""


@pytest.fixture
def ways(monkeypatch):
    """(by the engine alone, by libfdt alone): second_kernel_dtb, both."""

    def refuse(*_args):
        raise Left

    def by(way):
        def made(blob, **told):
            with monkeypatch.context() as patch:
                patch.setattr(second_kernel, "_plain", lambda *_args: None)
                patch.setattr(native, "_way", way)
                if way is native.run_engine:
                    patch.setattr(native, "run_libfdt", refuse)
                return second_kernel_dtb(blob, **told)

        return made

    return by(native.run_engine), by(native.run_libfdt)


def patched(blob, at, data):
    return blob[:at] + data + blob[at + len(data) :]


def dirty(blob):
    """Every byte of padding set that the format leaves free."""
    out = bytearray(blob)
    at = struct.unpack_from(">I", blob, 8)[0]
    while True:
        (tag,) = struct.unpack_from(">I", blob, at)
        at += 4
        if tag == 9:
            return bytes(out)
        end = at
        if tag == 1:
            end = blob.index(b"\0", at) + 1
        elif tag == 3:
            end = at + 8 + struct.unpack_from(">I", blob, at)[0]
        at = (end + 3) & ~3
        out[end:at] = b"\xee" * (at - end)


def behind_end(blob):
    """Bytes behind FDT_END, inside the structure block."""
    start, strings = struct.unpack_from(">2I", blob, 8)
    size, total = struct.unpack_from(">I", blob, 36)[0], len(blob)
    out = bytearray(blob[: start + size] + b"behind!!" + blob[start + size :])
    struct.pack_into(">I", out, 4, total + 8)
    struct.pack_into(">I", out, 12, strings + 8)
    struct.pack_into(">I", out, 36, size + 8)
    return bytes(out)


SOUND = {
    "as dtc lays it out": BLOB,
    "NOPs behind every tag": assemble(TREE, RESERVED, nops=True),
    "version 16": assemble(TREE, RESERVED, version=16),
    "blocks in another order": assemble(TREE, RESERVED, misordered=True),
    "dirty padding": dirty(BLOB),
    "dirty padding and NOPs": dirty(assemble(TREE, RESERVED, nops=True)),
    "bytes behind FDT_END": behind_end(BLOB),
    "bytes behind totalsize": BLOB + b"not ours",
    "a version to come": patched(BLOB, 20, u32(18)),
    "no /chosen": assemble(("", CELLS, TREE[2][:1]), RESERVED),
    "no /chosen, no child": assemble(("", CELLS, []), []),
    "no /chosen, NOPs": assemble(("", CELLS, [("a", [], [])]), [], nops=True),
    "/chosen with a unit address": assemble(
        ("", CELLS, [("chosenx", [], []), ("chosen@0", *CHOSEN[1:]), CHOSEN])
    ),
    "/chosen deeper down": assemble(
        ("", CELLS, [("a", [], [("chosen", [("bootargs", b"no")], [])])])
    ),
    "nothing in /chosen": assemble(("", CELLS, [("chosen", [], [])])),
    "properties twice": assemble(
        ("", [*CELLS, ("#size-cells", u32(1))], [("chosen", CHOSEN[1] * 3, [])])
    ),
    "all names there": assemble(
        TREE,
        strings=b"linux,booted-from-kexec\0rng-seed\0kaslr-seed\0bootargs\0"
        b"linux,usable-memory-range\0linux,elfcorehdr\0linux,initrd-end\0"
        b"linux,initrd-start\0",
    ),
    "names as tails": assemble(TREE, strings=b"my-bootargs\0x,kaslr-seed\0"),
    "terminator with an address": assemble(TREE, [*RESERVED, (5, 0)]),
}


@pytest.mark.parametrize("name", SOUND)
def test_the_engine_makes_the_same_bytes(name, ways):
    engine, libfdt = ways
    for told in (JOB, {**JOB, "crash": None}, {**JOB, "cmdline": "", "append": None}):
        for arch in ("arm64", "arm", "riscv"):
            expected = libfdt(SOUND[name], **told, arch=arch)
            assert engine(SOUND[name], **told, arch=arch) == expected, (told, arch)


@pytest.mark.parametrize("address", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranges_take_the_cells_of_the_root(address, size, ways):
    engine, libfdt = ways
    cells = [("#address-cells", u32(address)), ("#size-cells", u32(size))]
    blob = assemble(("", cells, [CHOSEN]))
    assert engine(blob, **JOB) == libfdt(blob, **JOB)


# One byte or one more than each number of cells can hold, and its opposite:
# the engine must leave to libfdt exactly what libfdt refuses
EDGES = [
    ((0xFFFFFFFF, 1), (1, 1)),
    ((0xFFFFFFFF, 2), (1, 1)),
    ((0x100000000, 1), (1, 1)),
    ((1, 0xFFFFFFFF), (1, 1)),
    ((0, 0x100000000), (1, 1)),
    ((0, 0x100000000), (1, 2)),
    ((0, 0x100000001), (1, 2)),
    ((0xFFFFFFFFFFFFFFFF, 1), (2, 2)),
    ((0xFFFFFFFF00000000, 0x100000000), (2, 2)),
    ((0x1000, 1), (2, 0)),
]


@pytest.mark.parametrize(("edge", "cells"), EDGES)
@pytest.mark.parametrize("where", ["elfcorehdr", "usable"])
def test_what_does_not_fit_is_left_to_libfdt_to_refuse(edge, cells, where, ways):
    engine, libfdt = ways
    blob = assemble(
        ("", [("#address-cells", u32(cells[0])), ("#size-cells", u32(cells[1]))], [])
    )
    crash = Crash(elfcorehdr=(1, 1), usable=[(1, 1), edge])
    if where == "elfcorehdr":
        crash = Crash(elfcorehdr=edge, usable=[(1, 1)])
    try:
        expected = libfdt(blob, crash=crash, kaslr_seed=1, rng_seed=b"s")
    except FdtError:
        with pytest.raises(Left):
            engine(blob, crash=crash, kaslr_seed=1, rng_seed=b"s")
    else:
        assert engine(blob, crash=crash, kaslr_seed=1, rng_seed=b"s") == expected


LEFT = {
    "not a tree": (b"no tree", {}),
    "an empty one": (b"", {}),
    "cut off": (BLOB[:-1], {}),
    "missing cells": (assemble(("", [], [CHOSEN])), {}),
    "unsound cells": (assemble(("", [("#address-cells", u32(5))], [])), {}),
}


@pytest.mark.parametrize("name", LEFT)
def test_a_refusal_tells_the_whole_story_as_libfdts_way_does(name, ways):
    _, libfdt = ways
    blob, more = LEFT[name]
    with pytest.raises(FdtError) as reference:
        libfdt(blob, **JOB, **more)
    with pytest.raises(FdtError) as told:
        second_kernel_dtb(blob, **JOB, **more)
    assert type(told.value) is type(reference.value)
    assert told.value.args == reference.value.args


def test_root_cells_are_rewritten_by_libfdts_way_and_kept_by_the_engine(ways):
    engine, libfdt = ways
    narrow = assemble(
        ("", [("#address-cells", u32(1)), ("#size-cells", u32(1))], [CHOSEN])
    )
    assert engine(BLOB, **JOB, root_cells="2/2") == libfdt(BLOB, **JOB)
    with pytest.raises(Left):
        engine(narrow, **JOB, root_cells="2/2")
    assert second_kernel_dtb(narrow, **JOB, root_cells="2/2") == libfdt(
        narrow, **JOB, root_cells="2/2"
    )


def test_more_cuts_than_there_is_room_for_are_left_to_libfdt(ways):
    engine, libfdt = ways
    able = []
    for n in range(40, 70):
        props = [("rng-seed", b"x"), ("other", b"")] * n
        blob = assemble(("", CELLS, [("chosen", props, [])]))
        expected = libfdt(blob, **JOB)
        assert second_kernel_dtb(blob, **JOB) == expected, n
        try:
            made = engine(blob, **JOB)
        except Left:
            continue
        assert made == expected, n
        able.append(n)
    # All up to some number, and far more than any real tree has
    assert able == list(range(40, able[-1] + 1))
    assert able[-1] < 69


def test_stale_properties_side_by_side_are_one_cut(ways):
    engine, libfdt = ways
    blob = assemble(("", CELLS, [("chosen", [("rng-seed", b"x")] * 1000, [])]))
    assert engine(blob, **JOB) == libfdt(blob, **JOB)


def test_every_size_of_a_value_gets_zero_padding(ways):
    engine, libfdt = ways
    for n in range(1, 10):
        told = {**JOB, "cmdline": "c" * n, "append": None, "rng_seed": b"\xff" * n}
        assert engine(BLOB, **told) == libfdt(BLOB, **told), n


def test_all_bytes_of_the_result_are_written():
    usable = ffi.new("struct fdt_reg[]", [(0, 0x10000)])
    fields = {"elfcorehdr": (0x100, 1), "usable": usable, "usable_len": 1}
    job = ffi.new("struct fdtx_second_kernel *", fields)
    results = []
    for filler in (b"\0", b"\xff"):
        plan = ffi.new("struct fdtx_second_kernel_plan *")
        size = lib.fdtx_second_kernel_plan(BLOB, len(BLOB), job, plan)
        assert size == plan.size > 0
        buf = ffi.new("char[]", filler * (size + 8))
        lib.fdtx_second_kernel_emit(plan, buf)
        written = bytes(ffi.buffer(buf, size + 8))
        assert written[size:] == filler * 8, "written behind the end"
        results.append(written[:size])
    assert results[0] == results[1]


def test_memory_beside_the_result_is_small():
    # 1.9 MiB of tree; the input is there already, the result is one object
    nodes = [(f"n{i}", [("p", bytes(1000))], []) for i in range(1900)]
    blob = assemble(("", CELLS, nodes))
    tracemalloc.start()
    try:
        out = second_kernel_dtb(blob, **JOB, arch="riscv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(out) > 1_900_000
    assert len(out) <= peak <= 1.2 * len(out)


def test_results_are_objects_of_their_own():
    # A result is filled in place: no other bytes object may change with it
    first = second_kernel_dtb(BLOB, **JOB)
    copy = bytes(bytearray(first))
    second = second_kernel_dtb(BLOB, **{**JOB, "append": "other words"})
    assert first == copy
    assert second != first
    assert hash(first) == hash(copy)
