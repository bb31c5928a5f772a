# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Rules of check_tree() for ppc64le."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ....errors import FdtError
from ....tree.fdt import Fdt
from ...check import names
from ...check.elf import PT_LOAD
from ...check.facts import hexed, overlap, shown
from ...check.rule import ERROR, WARNING, adopt, rule
from ...check.rules import Found  # and with it the rules that ours stand among
from ...facts.ranges import Ranges
from .firmware import kept, pages
from .trampoline import BACKUP
from .tree import DRCONF, DRCONF_USABLE, USABLE, lmb_sets, looked_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...check.facts import Facts

PROM = "arch/powerpc/kernel/prom.c"
FILE_LOAD = "arch/powerpc/kexec/file_load_64.c"
OURS = ("ppc64le",)
PAGE = 0x1_0000

# Rules of all that hold here. Not so those about linux,elfcorehdr,
# linux,usable-memory-range and kaslr-seed, which are not read
adopt(
    "ppc64le",
    *("dtb-misaligned", "dtb-slack", "nop-growth", "node-too-deep"),
    *("duplicate-property", "duplicate-node", "memreserve-cut"),
    *("chosen-missing", "chosen-twice"),
    *("cmdline-too-long", "cmdline-no-nul", "cmdline-cut", "cmdline-quote"),
    "crashkernel-in-crash",
    *("initrd-half", "initrd-length", "initrd-backwards", "initrd-not-in-memory"),
    "segment-not-in-memory",
    *("root-cells-missing", "root-cells-unsound", "root-cells-wide"),
    *("memory-missing", "memory-no-device-type", "memory-reg"),
    *("reserved-memory-ignored", "reserved-memory-reg"),
    *("segment-on-reservation", "no-map-on-memreserve", "reserved-memory-overlap"),
    "reserved-memory-several",
    *("memreserve-wraps", "memreserve-duplicate", "memreserve-stale"),
    *("core-not-sane", "core-machine", "core-byteorder", "core-phoff", "core-phnum"),
    *("core-truncated", "core-address", "core-load-wraps", "core-load-none"),
    *("core-load-missing", "core-note-missing"),
    *("segments-overlap", "segment-outside-main", "crash-not-reserved"),
    *("image-arch", "rng-seed-short"),
)


def _reserved(f: Facts) -> Ranges:
    return Ranges.union([r for r in f.memreserve if r[1] and sum(r) <= U64_END])


@lru_cache(maxsize=4)
def _firmware(blob: bytes) -> tuple[MemRange, ...]:
    """What firmware keeps, as the tree tells; what makes no sense is left out."""
    try:
        return tuple(kept(Fdt(blob)))
    except FdtError:
        return ()


def _limited(f: Facts) -> list[int]:
    """Memory nodes that say which of them may be used."""
    return [i for i in f.memory_nodes if USABLE in f.props(i)]


def _crash(f: Facts) -> bool:
    return bool(f.word or _limited(f))


@rule(
    "ppc64-elfcorehdr-missing",
    ERROR,
    about="usable memory is limited, but no elfcorehdr= stands on the command line",
    effect="does not read linux,elfcorehdr, for it scans /chosen before it knows the "
    "root's cells: boots in the crash kernel's memory and has no /proc/vmcore",
    way_out="put elfcorehdr=ADDR on the command line, as pyfdtx load does",
    source=f"{PROM} early_init_devtree(); kernel/crash_dump.c setup_elfcorehdr()",
    arches=OURS,
)
def elfcorehdr_missing(f: Facts) -> Iterator[Found]:
    if _limited(f) and not f.word:
        yield Found("it is missing", f.chosen, names.BOOTARGS)


@rule(
    "ppc64-usable-missing",
    ERROR,
    about=f"a memory node of a crash kernel's tree has no {USABLE}",
    effect="takes all memory of the node and overwrites the dump",
    way_out="say which part may be used; (0, 0) if none",
    source="drivers/of/fdt.c early_init_dt_scan_memory(); "
    f"{FILE_LOAD} add_usable_mem_property()",
    arches=OURS,
)
def usable_missing(f: Facts) -> Iterator[Found]:
    for i in f.memory_nodes if _crash(f) else ():
        if USABLE not in f.props(i) and f.ranges(f.props(i).get("reg")):
            yield Found("it is missing", i, USABLE)


@rule(
    "ppc64-usable-not-from-0",
    ERROR,
    about="a crash kernel may not use the memory at address 0",
    effect="does not come up: its interrupt vectors are there",
    way_out="start the usable memory at 0, and reserve what is the dead kernel's",
    source=f"{FILE_LOAD} get_usable_memory_ranges(); arch/powerpc/kernel/head_64.S",
    arches=OURS,
)
def usable_not_from_0(f: Facts) -> Iterator[Found]:
    limited = _limited(f)
    if limited and not f.memory.covers((0, PAGE)):
        i = limited[0]
        yield Found("it starts higher", i, USABLE, hexed(f.props(i)[USABLE]))


@rule(
    "ppc64-dead-kernel-unreserved",
    ERROR,
    about="memory of the dead kernel is usable and not reserved",
    effect="overwrites the dump",
    way_out="reserve what lies between the first 64 KiB and the crash region",
    source=f"{FILE_LOAD} setup_new_fdt_ppc64()",
    arches=OURS,
)
def dead_kernel_unreserved(f: Facts) -> Iterator[Found]:
    if not _limited(f):
        return
    # Without the machine only this much is sure: something is there
    dead = f.memory.clip(BACKUP, BACKUP + PAGE)
    if f.machine:
        own = [(0, BACKUP), *f.machine.crash_ranges]
        dead = f.memory.exclude(Ranges.union(own))
    for r in dead.exclude(pages(list(_firmware(f.blob)), PAGE)).exclude(_reserved(f)):
        yield Found(f"{r.size} bytes", value=shown(r))


@rule(
    "ppc64-byteorder",
    ERROR,
    about="/chosen has a number that Linux writes big-endian and reads in its own "
    "order",
    effect="reads it backwards: reserves memory far away, or has no memory",
    way_out="remove it: it was true for the last boot alone",
    source=f"{PROM} early_init_dt_scan_chosen_ppc()",
    arches=OURS,
)
def byteorder(f: Facts) -> Iterator[Found]:
    for name in ("crashkernel-base", "crashkernel-size", "memory-limit"):
        value = f.in_chosen.get(f"linux,{name}", b"")
        if value.strip(b"\0"):
            yield Found(
                "left by the last boot", f.chosen, f"linux,{name}", hexed(value)
            )


@rule(
    "ppc64-elfcorehdr-unreserved",
    ERROR,
    about="the core header is not reserved",
    effect="may use its memory before it is read: elfcorehdr= tells no size",
    way_out="reserve it (/memreserve/)",
    source="drivers/of/kexec.c of_kexec_alloc_and_setup_fdt(); kernel/crash_dump.c",
    arches=OURS,
)
def elfcorehdr_unreserved(f: Facts) -> Iterator[Found]:
    if not f.word:
        return
    size = max(len(f.core.data) if f.core else 0, f.word.size, 1)
    header = MemRange(f.word.start, min(size, U64_END - f.word.start))
    if not _reserved(f).covers(header):
        yield Found(shown(header), f.chosen, names.BOOTARGS, f.word.text[:60])


@rule(
    "ppc64-firmware-unreserved",
    ERROR,
    about="memory that RTAS, OPAL or a TCE table lies in is not reserved",
    effect="overwrites it; the next call of the firmware, or the next transfer of a "
    "device, goes astray",
    way_out="reserve it (/memreserve/)",
    source=f"{FILE_LOAD} get_reserved_memory_ranges()",
    arches=OURS,
)
def firmware_unreserved(f: Facts) -> Iterator[Found]:
    reserved = _reserved(f)
    for r in _firmware(f.blob):
        if not reserved.covers(r):
            yield Found("it is in no reservation", value=shown(r))


@rule(
    "ppc64-drconf-usable",
    ERROR,
    about=f"{DRCONF_USABLE} has not one count for each block of memory that is read",
    effect="takes counts for addresses: has too little memory, or the dead kernel's",
    way_out="write one count for each block that is assigned and not reserved",
    source=f"{PROM} early_init_drmem_lmb(); arch/powerpc/mm/drmem.c",
    arches=OURS,
)
def drconf_usable(f: Facts) -> Iterator[Found]:
    nodes = [i for i in f.top if f.nodes[i].name == DRCONF[1:]]
    if not nodes or not _crash(f):
        return
    value = f.props(nodes[0]).get(DRCONF_USABLE, b"")
    words = [
        int.from_bytes(value[at : at + 8], "big") for at in range(0, len(value), 8)
    ]
    try:
        sets = [s for s in lmb_sets(Fdt(f.blob)) if looked_at(s.flags)]
    except FdtError as e:
        yield Found(e.cause, nodes[0])
        return
    blocks = left = sum(s.blocks for s in sets)
    at = 0
    while left and at < len(words):
        at += 1 + 2 * words[at]
        left -= 1
    at += left  # each wants a count that is not there
    if at != len(words) or len(value) % 8:
        yield Found(
            f"{blocks} blocks are read, which end at word {at} of {len(words)}",
            nodes[0],
            DRCONF_USABLE,
        )


@rule(
    "ppc64-boot-cpu",
    ERROR,
    about="boot_cpuid_phys in the header is no CPU of the tree",
    effect='prints "Failed to identify boot CPU" and stops',
    way_out="write the number of the CPU that boots: Fdt.boot_cpuid_phys; what pyfdtx "
    "load starts writes it anew",
    source=f"{PROM} early_init_dt_scan_cpus()",
    arches=OURS,
)
def boot_cpu(f: Facts) -> Iterator[Found]:
    number = int.from_bytes(f.blob[28:32], "big")
    threads: set[int] = set()
    for i in f.top:
        for cpu in f.children(i) if f.is_called(i, "cpus") else ():
            props = f.props(cpu)
            if props.get("device_type") == b"cpu\0":
                value = props.get("ibm,ppc-interrupt-server#s", props.get("reg", b""))
                threads.update(
                    int.from_bytes(value[at : at + 4], "big")
                    for at in range(0, len(value), 4)
                )
    if threads and number not in threads:
        yield Found(
            f"there are {', '.join(map(str, sorted(threads)[:8]))}",
            value=f"boot_cpuid_phys {number}",
        )


@rule(
    "ppc64-backup-missing",
    ERROR,
    about="the core header reads the first 64 KiB from where they were",
    effect="shows its own interrupt vectors instead of the dead kernel's memory",
    way_out="give elf_core_header() a backup, and copy it before the kernel starts",
    source=f"{FILE_LOAD} update_backup_region_phdr()",
    arches=OURS,
)
def backup_missing(f: Facts) -> Iterator[Found]:
    for s in f.core.segments(PT_LOAD) if f.core else ():
        if s.start < BACKUP and s.size and s.offset == s.start:
            yield Found("p_offset is p_paddr", value=f"program header {s.number}")


@rule(
    "ppc64-backup-unreserved",
    ERROR,
    about="the copy of the first 64 KiB is not reserved",
    effect="may use its memory before it is read",
    way_out="reserve it (/memreserve/)",
    source=f"{FILE_LOAD} setup_new_fdt_ppc64()",
    arches=OURS,
)
def backup_unreserved(f: Facts) -> Iterator[Found]:
    reserved = _reserved(f).joined()
    for s in f.core.segments(PT_LOAD) if f.core else ():
        if s.start < BACKUP and s.size and s.offset != s.start:
            copy = MemRange(s.offset, min(s.size, U64_END - s.offset))
            if not reserved.covers(copy):
                yield Found("it is in no reservation", value=shown(copy))


@rule(
    "ppc64-core-in-crash",
    ERROR,
    about="a PT_LOAD overlaps the crash region, and is not firmware's",
    effect="dumps itself; reading it races with its own work and can crash it",
    way_out="leave the crash region out: core_header_of(machine)",
    source=f"{FILE_LOAD} get_crash_memory_ranges(); fs/proc/vmcore.c",
    arches=OURS,
)
def core_in_crash(f: Facts) -> Iterator[Found]:
    if not f.machine or not f.core:
        return
    firmware = pages(list(_firmware(f.blob)), PAGE)
    for s in f.core.segments(PT_LOAD):
        if not s.size or s.offset != s.start or s.start + s.size > U64_END:
            continue
        where = MemRange(s.start, s.size)
        if firmware.covers(where):
            continue
        for region in f.machine.crash_ranges:
            if overlap(where, region):
                yield Found(
                    f"crash kernel's: {shown(region)}",
                    value=f"program header {s.number} {shown(where)}",
                )


@rule(
    "ppc64-early-reach",
    WARNING,
    about="the tree is loaded behind the first piece of memory",
    effect="cannot read it before the MMU is on, on a partition with a hash table: "
    "stops before it prints a word",
    way_out="load it lower",
    source=f"{PROM} early_init_dt_add_memory_arch(); arch/powerpc/kexec/elf_64.c",
    arches=OURS,
)
def early_reach(f: Facts) -> Iterator[Found]:
    pieces = [r for i in f.memory_nodes for r in f.ranges(f.props(i).get("reg"))]
    first = min(pieces, default=None)
    if f.address is None or first is None:
        return
    if f.address + len(f.blob) > first.stop:
        yield Found(
            f"first piece: {shown(first)}", value=f"load address {f.address:#x}"
        )
