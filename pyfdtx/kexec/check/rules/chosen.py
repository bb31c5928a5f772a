# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""/chosen itself, the command line, the initrd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....codec.reg import U64_END
from ...cmdline import lost, memparse, words
from ...facts.ranges import Ranges
from .. import names
from ..facts import Facts, hexed, inside, shown, shown_place
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096


@rule(
    "chosen-missing",
    WARNING,
    about="there is no /chosen",
    effect="has no command line but its built-in one, no initrd, no seeds",
    way_out="make the tree with crash-dtb or kexec-dtb, which add it",
    source="drivers/of/fdt.c early_init_dt_scan_chosen()",
)
def chosen_missing(f: Facts) -> Iterator[Found]:
    if not f.chosens:
        yield Found("the root has no child of that name", 0)


@rule(
    "chosen-twice",
    WARNING,
    about="/chosen and /chosen@... are both there",
    effect="reads the first one alone",
    way_out="put everything into one",
    source="drivers/of/fdt.c early_init_dt_scan_chosen(); libfdt fdt_path_offset()",
)
def chosen_twice(f: Facts) -> Iterator[Found]:
    for i in f.chosens[1:]:
        if f.nodes[i].name != f.nodes[f.chosen].name:
            yield Found(f"/{f.nodes[f.chosen].name} stands in front of it", i)


@rule(
    "chosen-cells",
    WARNING,
    about="/chosen has cells of its own that are not the root's",
    effect="ignores them: its ranges are read with the root's cells; kexec-tools on "
    "riscv writes them with /chosen's",
    way_out="remove them from /chosen, or make them equal",
    source="drivers/of/fdt.c early_init_dt_check_for_elfcorehdr(); kexec-tools "
    "kexec/dt-ops.c dtb_add_range_property()",
)
def chosen_cells(f: Facts) -> Iterator[Found]:
    if not f.crash or not f.tuple_size:
        return
    for name, cells in ((names.AC, f.address_cells), (names.SC, f.size_cells)):
        value = f.in_chosen.get(name)
        if value is not None and value != cells.to_bytes(4, "big"):
            yield Found(f"the root's is {cells}", f.chosen, name, hexed(value))


# The command line


def _bootargs(f: Facts) -> str:
    text = f.cmdline[:60].decode("utf-8", "backslashreplace")
    return f'"{text}"' if len(f.cmdline) <= 60 else f'"{text}" ...'


@rule(
    "cmdline-too-long",
    ERROR,
    about="the command line is longer than the kernel's buffer",
    effect="drops the rest without a word",
    way_out="shorten it",
    source="arch/*/include/uapi/asm/setup.h COMMAND_LINE_SIZE; drivers/of/fdt.c "
    "early_init_dt_scan_chosen()",
)
def cmdline_too_long(f: Facts) -> Iterator[Found]:
    room = f.command_line_size
    if len(f.cmdline) >= room:
        yield Found(
            f"{len(f.cmdline)} bytes, {f.arch} reads {room - 1}; lost: "
            f"{lost(f.cmdline, room)}",
            f.chosen,
            names.BOOTARGS,
            _bootargs(f),
        )


@rule(
    "cmdline-no-nul",
    ERROR,
    about="the command line does not end with a NUL",
    effect="drops its last character",
    way_out="add the NUL",
    source="drivers/of/fdt.c early_init_dt_scan_chosen()",
)
def cmdline_no_nul(f: Facts) -> Iterator[Found]:
    raw = f.in_chosen.get(names.BOOTARGS)
    if raw and b"\0" not in raw:
        last = raw[-1:].decode("ascii", "backslashreplace")
        yield Found(f"{last!r} is lost", f.chosen, names.BOOTARGS, _bootargs(f))


@rule(
    "cmdline-cut",
    WARNING,
    about="text stands behind the first NUL of the command line",
    effect="does not read it",
    way_out="make it one string; kexec-tools leaves up to 3 stray bytes there",
    source="drivers/of/fdt.c early_init_dt_scan_chosen()",
)
def cmdline_cut(f: Facts) -> Iterator[Found]:
    raw = f.in_chosen.get(names.BOOTARGS, b"")
    rest = raw[len(f.cmdline) :].strip(b"\0")
    if rest:
        yield Found(
            f"{len(rest)} bytes behind the first NUL",
            f.chosen,
            names.BOOTARGS,
            _bootargs(f),
        )


@rule(
    "cmdline-quote",
    WARNING,
    about="a quote of the command line is not closed",
    effect="takes all that stands behind it for one word",
    way_out="close it",
    source="lib/cmdline.c next_arg()",
)
def cmdline_quote(f: Facts) -> Iterator[Found]:
    for word in words(f.cmdline):
        if not word.closed:
            text = word.text[:60]
            yield Found(text, f.chosen, names.BOOTARGS, _bootargs(f))


@rule(
    "crashkernel-in-crash",
    NOTE,
    about="a crash kernel's command line has crashkernel=",
    effect="tries to set memory aside once more, out of the little it has",
    way_out="give the crash kernel a command line of its own (--cmdline)",
    source="kernel/crash_reserve.c (older: crash_core.c) parse_crashkernel(); "
    "arch/*/mm/init.c reserve_crashkernel()",
)
def crashkernel_in_crash(f: Facts) -> Iterator[Found]:
    for word in f.words if f.crash else ():
        if word.startswith("crashkernel="):
            yield Found(word, f.chosen, names.BOOTARGS, _bootargs(f))


@rule(
    "cmdline-mem",
    ERROR,
    about="mem= on a crash kernel's command line is less than its usable memory",
    effect="drops what lies above that many bytes, counted from the start of its "
    "memory: as a rule the core header too, and arm64 oopses when it reads that",
    way_out="remove the word",
    source="arch/arm64/mm/init.c early_mem(), arm64_memblock_init(); "
    "arch/riscv/mm/init.c early_mem(), setup_bootmem()",
    holds=lambda arch: arch.mem_limit is not None,
)
def cmdline_mem(f: Facts) -> Iterator[Found]:
    total = Ranges.union([r for r in f.usable if r.size < U64_END]).total
    said = [w for w in f.words if w.startswith("mem=")] if f.usable else []
    limits = [memparse(w[len("mem=") :])[0] & -PAGE for w in said]
    if not limits or f.own.mem_limit is None:
        return
    limit = f.own.mem_limit(limits)
    if 0 < limit < total:
        yield Found(
            f"{total - limit} bytes of usable memory are lost",
            f.chosen,
            names.BOOTARGS,
            said[limits.index(limit)][:60],
        )


# The initrd


@rule(
    "initrd-half",
    ERROR,
    about="only one of linux,initrd-start and linux,initrd-end is there",
    effect="ignores the initrd; its own kexec_file_load refuses such a tree",
    way_out="write both or remove both",
    source="drivers/of/fdt.c early_init_dt_check_for_initrd(); drivers/of/kexec.c",
)
def initrd_half(f: Facts) -> Iterator[Found]:
    there = [n for n in (names.INITRD_START, names.INITRD_END) if n in f.in_chosen]
    if len(there) == 1:
        yield Found(
            "the other one is missing", f.chosen, there[0], hexed(f.in_chosen[there[0]])
        )


@rule(
    "initrd-length",
    ERROR,
    about="linux,initrd-start or -end has neither 4 nor 8 bytes",
    effect="reads as many whole cells as there are and keeps the low 64 bits",
    way_out="write 8 bytes",
    source="drivers/of/fdt.c early_init_dt_check_for_initrd()",
)
def initrd_length(f: Facts) -> Iterator[Found]:
    for name in (names.INITRD_START, names.INITRD_END):
        value = f.in_chosen.get(name)
        if value is not None and len(value) not in (4, 8):
            yield Found(f"{len(value)} bytes", f.chosen, name, hexed(value))


@rule(
    "initrd-backwards",
    ERROR,
    about="the initrd ends where it starts, or before",
    effect="ignores it: there is no initrd",
    way_out="the end is the first address behind the initrd",
    source="drivers/of/fdt.c early_init_dt_check_for_initrd()",
)
def initrd_backwards(f: Facts) -> Iterator[Found]:
    pair = [f.in_chosen.get(n) for n in (names.INITRD_START, names.INITRD_END)]
    numbers = [int.from_bytes(v, "big") for v in pair if v and len(v) in (4, 8)]
    if len(numbers) == 2 and numbers[1] <= numbers[0]:
        yield Found(
            f"it starts at {numbers[0]:#x}",
            f.chosen,
            names.INITRD_END,
            f"{numbers[1]:#x}",
        )


@rule(
    "initrd-outside-usable",
    ERROR,
    about="a crash kernel's initrd lies outside its usable memory",
    effect="riscv and arm drop it; arm64 drops it if it lies below its memory, else "
    "takes memory of the dead kernel for it",
    way_out="place it inside the main range",
    source="init/initramfs.c reserve_initrd_mem(); arch/arm64/mm/init.c "
    "arm64_memblock_init()",
)
def initrd_outside_usable(f: Facts) -> Iterator[Found]:
    if f.initrd and f.usable and not inside(f.initrd, f.usable):
        yield Found(
            "usable: " + ", ".join(map(shown, f.usable)),
            f.chosen,
            names.INITRD_START,
            shown(f.initrd),
        )


@rule(
    "segment-not-in-memory",
    ERROR,
    about="the image (BSS included) or the tree lies outside the memory nodes",
    effect="runs in memory that it does not know of, gives addresses in it away or "
    "cannot map it: hangs or oopses before it prints a word",
    way_out="place it in memory; is the tree of this machine?",
    source="arch/arm64/mm/init.c arm64_memblock_init(); arch/riscv/mm/init.c "
    "setup_bootmem(); arch/arm/mm/mmu.c adjust_lowmem_bounds()",
)
def segment_not_in_memory(f: Facts) -> Iterator[Found]:
    if not f.memory or f.efi or f.usable:
        return
    memory = f.memory.joined()
    for what, _, prop, where in f.segments():
        if not prop and not memory.covers(where):
            yield Found(
                "memory: " + ", ".join(shown(r) for r in memory[:4]),
                value=shown_place(what, where),
            )


@rule(
    "initrd-not-in-memory",
    ERROR,
    about="the initrd lies outside the memory nodes",
    effect="riscv and arm drop it; arm64 drops it, or takes what is no memory for it",
    way_out="place it in memory; is the tree of this machine?",
    source="init/initramfs.c reserve_initrd_mem(); arch/arm64/mm/init.c "
    "arm64_memblock_init()",
)
def initrd_not_in_memory(f: Facts) -> Iterator[Found]:
    if not f.initrd or not f.memory or f.efi or f.usable:
        return
    if not f.memory.covers(f.initrd):
        yield Found(
            "memory: " + ", ".join(shown(r) for r in f.memory[:4]),
            f.chosen,
            names.INITRD_START,
            shown(f.initrd),
        )
