# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J6: the ELF core header of a crash kernel, from many ranges of memory."""

from __future__ import annotations

import struct
from array import array
from itertools import chain
from typing import Any, Callable

import impls
from frame import Case, Group, Prepared, Row, Setup, collect

KEY = "j6"
TITLE = "The ELF core header from N ranges of memory"
ROUNDS = 25
CLOCK = "thread"
GROUPS = {
    "headers": Group(
        TITLE,
        "range",
        "128 CPUs' notes, VMCOREINFO and N ranges; arm64.",
    ),
}

COUNTS = (32, 1000, 10_000, 65_000)  # e_phnum ends at 65534
CPUS = 128
NOTES = [(0x40001000 + 0x200 * i, 0x1A8) for i in range(CPUS)]
VMCOREINFO = (0x40100000, 0x1000)
VIRTUAL_OFFSET = 0xFFFF_8000_0000_0000 - 0x4000_0000
ROUNDING = 4096
AT_LEAST = 500

Pairs = list[tuple[int, int]]
Job = Callable[[], bytes]

# Elf64_Ehdr and Elf64_Phdr as the ELF specification lays them out
EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
ET_CORE, EM_AARCH64, PT_LOAD, PT_NOTE, RWX = 4, 183, 1, 4, 7
MASK = (1 << 64) - 1


def ranges(count: int) -> Pairs:
    return [(0x8000_0000 + 0x20_0000 * i, 0x10_0000) for i in range(count)]


def _size(count: int) -> int:
    """As Linux allocates: one more program header than is used, in pages."""
    room = EHDR.size + (CPUS + 1 + count + 1) * PHDR.size
    return (room + ROUNDING - 1) // ROUNDING * ROUNDING


def _packed(pairs: Pairs) -> array[int]:
    return array("Q", chain.from_iterable(pairs))


def ours(notes: Any, ram: Any) -> Job:
    from pyfdtx.kexec import elf_core_header

    def run() -> bytes:
        return elf_core_header(
            "arm64", notes=notes, ram=ram, virtual_offset=VIRTUAL_OFFSET,
            vmcoreinfo=VMCOREINFO,
        )  # fmt: skip

    return run


def ours_packed(pairs: Pairs) -> Job:
    return ours(_packed(NOTES), _packed(pairs))


def ours_ranges(pairs: Pairs) -> Job:
    from pyfdtx.kexec import Ranges

    return ours(_packed(NOTES), Ranges(pairs))


def ours_tuples(pairs: Pairs) -> Job:
    return ours(NOTES, pairs)


def python_loop(pairs: Pairs) -> Job:
    """struct.Struct.pack_into() per segment, from a list of tuples."""
    size = _size(len(pairs))
    segments = CPUS + 1 + len(pairs)

    def run() -> bytes:
        out = bytearray(size)
        EHDR.pack_into(
            out, 0, IDENT, ET_CORE, EM_AARCH64, 1, 0, EHDR.size, 0, 0,
            EHDR.size, PHDR.size, segments, 0, 0, 0,
        )  # fmt: skip
        pack, at, step = PHDR.pack_into, EHDR.size, PHDR.size
        for start, length in (*NOTES, VMCOREINFO):
            pack(out, at, PT_NOTE, 0, start, 0, start, length, length, 0)
            at += step
        for start, length in pairs:
            virtual = start + VIRTUAL_OFFSET & MASK
            pack(out, at, PT_LOAD, RWX, start, virtual, start, length, length, 0)
            at += step
        return bytes(out)

    return run


def python_each(pairs: Pairs) -> Job:
    """The same with struct.pack_into(), the format as text each time."""
    size = _size(len(pairs))
    segments = CPUS + 1 + len(pairs)

    def run() -> bytes:
        out = bytearray(size)
        pack, form = struct.pack_into, PHDR.format
        EHDR.pack_into(
            out, 0, IDENT, ET_CORE, EM_AARCH64, 1, 0, EHDR.size, 0, 0,
            EHDR.size, PHDR.size, segments, 0, 0, 0,
        )  # fmt: skip
        at, step = EHDR.size, PHDR.size
        for start, length in (*NOTES, VMCOREINFO):
            pack(form, out, at, PT_NOTE, 0, start, 0, start, length, length, 0)
            at += step
        for start, length in pairs:
            virtual = start + VIRTUAL_OFFSET & MASK
            pack(form, out, at, PT_LOAD, RWX, start, virtual, start, length, length, 0)
            at += step
        return bytes(out)

    return run


def in_c(pairs: Pairs) -> Job:
    c = impls.c_module()
    notes, loads = _packed([*NOTES, VMCOREINFO]), _packed(pairs)
    size = _size(len(pairs))
    out = c.ffi.new("char[]", size)
    from_buffer = c.ffi.from_buffer
    pins = from_buffer("uint64_t[]", notes), from_buffer("uint64_t[]", loads)

    def run() -> Any:
        code = c.lib.bench_elfcore(
            pins[0], CPUS + 1, pins[1], len(pairs), VIRTUAL_OFFSET, out, size
        )
        if code:
            raise RuntimeError(f"bench_elfcore: {code}")
        return c.ffi.buffer(out, size)

    return run


IMPLEMENTATIONS: tuple[tuple[str, str, str, Any], ...] = (
    ("packed", "pyfdtx, packed numbers", "array('Q')", ours_packed),
    ("ranges", "pyfdtx, Ranges", "made before", ours_ranges),
    ("tuples", "pyfdtx, list of tuples", "", ours_tuples),
    ("c", "C: the same function, no Python", "no checks of the ranges", in_c),
    ("loop", "Python: Struct.pack_into() each", "no checks", python_loop),
    ("loop_format", "Python: struct.pack_into() each", "no checks", python_each),
)


def prepare(setup: Setup) -> Prepared:
    found: list[Case] = []
    missing: dict[str, str] = {}
    for count in COUNTS:
        pairs = ranges(count)
        times = max(1, AT_LEAST // count)

        def make(
            key: str, title: str, note: str, maker: Any,
            pairs: Pairs = pairs, times: int = times,
        ) -> Row:  # fmt: skip
            job = maker(pairs)

            def run() -> None:
                for _ in range(times):
                    job()

            return Row(
                key, title, note, run, lambda: bytes(job()), counted=len(pairs) < 50_000
            )

        rows = collect(
            [(i[0], lambda i=i, make=make: make(*i)) for i in IMPLEMENTATIONS], missing
        )
        found.append(
            Case(f"{count}", f"{count:,} ranges", "headers", count * times, "packed",
                 rows, x=count)
        )  # fmt: skip
    return Prepared(found, missing, {"cpus": CPUS})
