# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The file that will be the ELF core header (--elfcorehdr FILE@ADDR)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from ....codec.reg import U64_END
from ...elfcore import ranges_of_32_bits
from ...facts.ranges import Ranges
from .. import names
from ..elf import PN_XNUM, PT_LOAD, PT_NOTE, Segment
from ..facts import Facts, shown
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

VMCORE = "fs/proc/vmcore.c parse_crash_elf64_headers(), parse_crash_elf32_headers()"


def _text(s: Segment) -> str:
    return f"program header {s.number}, PT_LOAD {s.start:#x}, {s.size:#x} bytes"


@rule(
    "core-not-sane",
    ERROR,
    about="the core header's file is no ELF core",
    effect='prints "Core image elf header not found" or "is not sane": no /proc/vmcore',
    way_out="make it with pyfdtx.kexec.elf_core_header()",
    source=VMCORE,
)
def core_not_sane(f: Facts) -> Iterator[Found]:
    for fault in f.core.faults if f.core else ():
        yield Found(fault, value="core header")


@rule(
    "core-machine",
    ERROR,
    about="the core header is of another architecture",
    effect='prints "Core image elf header is not sane": no /proc/vmcore',
    way_out="make it for the architecture of the crash kernel",
    source=f"{VMCORE}; arch/*/include/asm/elf.h elf_check_arch()",
)
def core_machine(f: Facts) -> Iterator[Found]:
    want = f.own.elf_machine
    if f.core and not f.core.faults and f.core.machine != want:
        yield Found(f"{f.arch} is {want}", value=f"e_machine {f.core.machine}")


@rule(
    "core-byteorder",
    ERROR,
    about="the core header is big-endian",
    effect="reads every number backwards: no /proc/vmcore",
    way_out="make it little-endian, unless the crash kernel is a big-endian one",
    source=f"{VMCORE} (EI_DATA is not looked at)",
)
def core_byteorder(f: Facts) -> Iterator[Found]:
    if f.core and f.core.big_endian and not getattr(f.image, "big_endian", False):
        yield Found(f"{f.arch} kernels are little-endian", value="ELFDATA2MSB")


@rule(
    "core-phoff",
    ERROR,
    about="the program headers do not follow the ELF header",
    effect="does not look at e_phoff and reads what follows as program headers",
    way_out="put them right behind the ELF header",
    source=VMCORE,
)
def core_phoff(f: Facts) -> Iterator[Found]:
    core = f.core
    if core and not core.faults and core.phoff != (64 if core.bits == 64 else 52):
        yield Found("not the end of the ELF header", value=f"e_phoff {core.phoff}")


@rule(
    "core-phnum",
    ERROR,
    about="e_phnum is 65535 (PN_XNUM): the count is said elsewhere",
    effect="takes it for the count",
    way_out="leave small ranges out, or join ranges that touch",
    source=f"{VMCORE}; elf(5)",
)
def core_phnum(f: Facts) -> Iterator[Found]:
    if f.core and not f.core.faults and f.core.count == PN_XNUM:
        yield Found("at most 65534 can be counted", value=f"e_phnum {f.core.count}")


@rule(
    "core-truncated",
    ERROR,
    about="the file, or linux,elfcorehdr, is shorter than the program headers",
    effect="reads what lies behind as program headers",
    way_out="write the whole file, and its size into linux,elfcorehdr",
    source=f"{VMCORE}; drivers/of/fdt.c fdt_reserve_elfcorehdr()",
)
def core_truncated(f: Facts) -> Iterator[Found]:
    core = f.core
    if not core or core.faults:
        return
    if core.length > len(core.data):
        yield Found(
            f"{core.count} program headers need {core.length} bytes",
            value=f"file of {len(core.data)} bytes",
        )
    elif f.header and 0 < f.header.size < core.length:
        yield Found(
            f"{core.count} program headers need {core.length} bytes",
            f.chosen,
            names.HEADER,
            shown(f.header),
        )


@rule(
    "core-size",
    NOTE,
    about="linux,elfcorehdr has not the size of the file",
    effect="reserves what the property says",
    way_out="write the size of the file",
    source="drivers/of/fdt.c fdt_reserve_elfcorehdr()",
)
def core_size(f: Facts) -> Iterator[Found]:
    if not f.core or f.core.faults or names.HEADER not in f.in_chosen:
        return
    if not f.header or f.core.length > min(len(f.core.data), f.header.size):
        return
    if f.header.size != len(f.core.data):
        yield Found(
            f"the file has {len(f.core.data)} bytes",
            f.chosen,
            names.HEADER,
            shown(f.header),
        )


@rule(
    "core-address",
    ERROR,
    about="the core header is loaded to another address than the tree says",
    effect="finds no ELF header there: no /proc/vmcore",
    way_out="load it where linux,elfcorehdr says",
    source="fs/proc/vmcore.c vmcore_init()",
)
def core_address(f: Facts) -> Iterator[Found]:
    if f.core and f.header and f.header.start != f.core.address:
        yield Found(
            f"loaded to {f.core.address:#x}",
            f.chosen,
            names.HEADER if names.HEADER in f.in_chosen else names.BOOTARGS,
            shown(f.header),
        )


@rule(
    "core-not-said",
    ERROR,
    about="there is a core header, but the tree does not tell of it",
    effect="is no crash kernel: no /proc/vmcore",
    way_out="make the tree with crash-dtb",
    source="include/linux/crash_dump.h is_kdump_kernel()",
)
def core_not_said(f: Facts) -> Iterator[Found]:
    if f.core and not f.crash:
        yield Found("it is missing", max(f.chosen, 0), names.HEADER)


@rule(
    "core-load-wraps",
    ERROR,
    about="a PT_LOAD reaches beyond the last address",
    effect="offers a dump of a size that is not there",
    way_out="correct the range",
    source="fs/proc/vmcore.c process_ptload_program_headers_elf64()",
)
def core_load_wraps(f: Facts) -> Iterator[Found]:
    for s in f.core.segments(PT_LOAD) if f.core else ():
        if max(s.start, s.offset) + s.size > U64_END:
            yield Found("it wraps", value=_text(s))


@rule(
    "core-load-none",
    WARNING,
    about="the core header has no PT_LOAD",
    effect="shows a dump without memory",
    way_out="describe the memory of the dead kernel",
    source="fs/proc/vmcore.c process_ptload_program_headers_elf64()",
)
def core_load_none(f: Facts) -> Iterator[Found]:
    if not f.core or f.core.faults or f.core.length > len(f.core.data):
        return
    if not any(True for _ in f.core.segments(PT_LOAD)):
        yield Found(f"{f.core.count} other program headers", value="core header")


@rule(
    "core-load-in-crash",
    ERROR,
    about="a PT_LOAD overlaps the crash kernel's memory",
    effect="dumps itself; reading it races with its own work and can crash it",
    way_out="leave the crash regions out: Ranges(...).exclude(...), or "
    "core_header_of(machine)",
    source="kernel/crash_core.c (older: kexec_file.c) crash_exclude_mem_range(); "
    "fs/proc/vmcore.c",
)
def core_load_in_crash(f: Facts) -> Iterator[Found]:
    if not f.core:
        return
    ours = [r for r in f.usable if r.size < U64_END]
    if f.machine:
        ours += f.machine.crash_ranges
    taken = Ranges.union(ours)
    starts = list(taken.words[::2])
    for s in f.core.segments(PT_LOAD):
        if s.start + s.size > U64_END:
            continue
        # p_offset says where the bytes are read: a copy may lie in our memory
        at = bisect_right(starts, s.start + s.size - 1) - 1
        if s.size and at >= 0 and taken[at].stop > s.start == s.offset:
            yield Found(f"crash kernel's: {shown(taken[at])}", value=_text(s))


@rule(
    "core-load-missing",
    WARNING,
    about="memory of the machine is in no PT_LOAD",
    effect="shows a dump in which that memory is missing",
    way_out="describe all of System RAM but the crash regions: core_header_of(machine)",
    source="/proc/iomem; kernel/crash_core.c crash_prepare_elf64_headers()",
)
def core_load_missing(f: Facts) -> Iterator[Found]:
    if not f.machine or not f.core or f.core.faults:
        return
    want = f.machine.ram.exclude(f.machine.crash_ranges)
    # The others are the dead kernel's
    told = Ranges.union([r for r in f.usable if r.size < U64_END])
    want = want.exclude(f.machine.cma_ranges.intersect(told))
    if f.core.bits == 32:
        want = ranges_of_32_bits(want)
    have = Ranges.union(
        [
            (s.start, s.size)
            for s in f.core.segments(PT_LOAD)
            if s.start + s.size <= U64_END
        ]
    )
    missing = want.exclude(have)
    if missing:
        yield Found(
            f"{missing.total} bytes in {len(missing)} ranges are missing",
            value=shown(missing[0]),
        )


@rule(
    "core-note-missing",
    WARNING,
    about="the notes of a CPU, or VMCOREINFO, have no PT_NOTE",
    effect="shows a dump without the registers of that CPU, or one that crash and "
    "makedumpfile cannot read",
    way_out="add a PT_NOTE per possible CPU and one for VMCOREINFO: "
    "core_header_of(machine)",
    source="kernel/crash_core.c crash_prepare_elf64_headers(); "
    "/sys/devices/system/cpu/cpu*/crash_notes, /sys/kernel/vmcoreinfo",
)
def core_note_missing(f: Facts) -> Iterator[Found]:
    if not f.machine or not f.core or f.core.faults:
        return
    there = {s.offset for s in f.core.segments(PT_NOTE)}
    wanted = [(f"CPU {n}", r) for n, r in f.machine.crash_notes.items()]
    for what, r in [*wanted, ("VMCOREINFO", f.machine.vmcoreinfo_note)]:
        if r.start not in there:
            yield Found(f"{what} is missing", value=shown(r))
