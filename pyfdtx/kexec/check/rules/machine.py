# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The tree against the machine it is for (--root DIR)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ...facts.ranges import Ranges
from .. import names
from ..facts import Facts, inside, shown, shown_place
from ..rule import ERROR, NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENTS = "kernel/kexec_core.c sanity_check_segment_list()"
PAGES = (1, 4096, 16384, 65536)


def _regions(f: Facts) -> list[MemRange]:
    return list(f.machine.crash_ranges) if f.machine else []


def _all(f: Facts) -> str:
    return "Crash kernel: " + (", ".join(map(shown, _regions(f))) or "none")


@rule(
    "crash-not-reserved",
    ERROR,
    about="a crash kernel's tree, but the machine has set no memory aside",
    effect="the loader refuses it; loaded by other means it destroys the dump",
    way_out="boot the machine with crashkernel=",
    source=f"/proc/iomem; {SEGMENTS}",
)
def crash_not_reserved(f: Facts) -> Iterator[Found]:
    if f.machine and f.crash and not _regions(f):
        yield Found("no 'Crash kernel' in /proc/iomem", 0)


@rule(
    "usable-outside-crash",
    ERROR,
    about="usable memory that the machine has not set aside",
    effect="uses memory of the dead kernel and destroys the dump",
    way_out="take the ranges from this machine's /proc/iomem; is the tree of an "
    "earlier boot?",
    source="/proc/iomem; drivers/of/fdt.c early_init_dt_check_for_usable_mem_range()",
)
def usable_outside_crash(f: Facts) -> Iterator[Found]:
    if not f.machine or not f.usable or not _regions(f):
        return
    ours = Ranges(_regions(f)).merge(f.machine.cma_ranges)
    for r in f.usable:
        if r.size == U64_END or not ours.covers(r):
            yield Found(_all(f), f.chosen, names.USABLE, shown(r))


@rule(
    "usable-order",
    WARNING,
    about="the first usable range is not of the main crash region",
    effect="a kernel that reads one range (before 6.1) has the wrong memory",
    way_out="main first, then low, then further ones",
    source="drivers/of/kexec.c of_kexec_alloc_and_setup_fdt()",
)
def usable_order(f: Facts) -> Iterator[Found]:
    for main in _regions(f)[:1] if f.usable else ():
        if not inside(f.usable[0], _regions(f)[1:]):
            continue
        yield Found(f"main: {shown(main)}", f.chosen, names.USABLE, shown(f.usable[0]))


@rule(
    "usable-incomplete",
    NOTE,
    about="memory that was set aside is not usable",
    effect="has less memory than it could",
    way_out="name all crash regions as usable",
    source="/proc/iomem; drivers/of/kexec.c of_kexec_alloc_and_setup_fdt()",
    # If the header lies outside, the range ends below it
    holds=lambda arch: arch.header_inside,
)
def usable_incomplete(f: Facts) -> Iterator[Found]:
    if not f.usable or not _regions(f):
        return
    have = Ranges.union([r for r in f.usable if r.size < U64_END])
    for r in Ranges(_regions(f)).exclude(have):
        yield Found("not usable", f.chosen, names.USABLE, shown(r))


@rule(
    "segment-outside-main",
    ERROR,
    about="core header, initrd, tree or image of a crash kernel lie outside the main "
    "crash region",
    effect="kexec_load() fails with EADDRNOTAVAIL",
    way_out="place everything inside the main region, never in the low one",
    source=SEGMENTS,
)
def segment_outside_main(f: Facts) -> Iterator[Found]:
    if not f.crash:
        return
    for main in _regions(f)[:1]:
        for what, node, prop, where in f.segments():
            if where.start < main.start or where.stop > main.stop:
                value = shown(where) if prop else shown_place(what, where)
                yield Found(f"{what} is not inside {shown(main)}", node, prop, value)


@rule(
    "uefi-lost",
    ERROR,
    about="the machine was booted with UEFI, the tree does not say so",
    effect="has no memory map of UEFI and no ACPI; without memory nodes it hangs "
    "before it prints a word",
    way_out="take the tree this machine booted with (/sys/firmware/fdt) as the input",
    source="drivers/firmware/efi/fdtparams.c efi_get_fdt_params()",
)
def uefi_lost(f: Facts) -> Iterator[Found]:
    boot = f.boot
    # Some without the others is another rule's
    if boot and boot.efi and not any(n in f.in_chosen for n in names.EFI):
        yield Found("it is missing", max(f.chosen, 0), names.EFI_TABLE)


@rule(
    "uefi-differs",
    ERROR,
    about="linux,uefi-* are not those of the machine",
    effect="reads memory map and system table at addresses of another boot",
    way_out="take the tree this machine booted with (/sys/firmware/fdt) as the input",
    source="drivers/firmware/efi/fdtparams.c efi_get_fdt_params()",
)
def uefi_differs(f: Facts) -> Iterator[Found]:
    for name in names.EFI if f.boot else ():
        here, there = (t.in_chosen.get(name, b"") for t in (f, f.boot) if t)
        numbers = [int.from_bytes(v, "big") for v in (here, there)]
        if there and len(here) in (4, 8) and numbers[0] != numbers[1]:
            yield Found(
                f"the machine's is {numbers[1]:#x}",
                f.chosen,
                name,
                f"{numbers[0]:#x}",
            )


@rule(
    "memreserve-stale",
    WARNING,
    about="a reservation is of the old initrd or core header of the machine's boot",
    effect="never uses that memory, though nothing is there any more",
    way_out="remove it (crash-dtb and kexec-dtb do)",
    source="drivers/of/fdt.c early_init_fdt_scan_reserved_mem(); drivers/of/kexec.c "
    "never removes the core header's",
)
def memreserve_stale(f: Facts) -> Iterator[Found]:
    boot = f.boot
    if not boot:
        return
    ours = {(s[3].start, s[3].size) for s in f.segments()}
    old = {
        (s[3].start, -(-s[3].size // page) * page): s[0]
        for s in boot.segments()
        for page in PAGES
    }
    for entry in f.memreserve:
        if entry in old and entry not in ours:
            yield Found(
                f"{old[entry]} of the last boot",
                value=f"/memreserve/ {entry[0]:#x} {entry[1]:#x}",
            )
