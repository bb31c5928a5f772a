# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""x86_64. It has no device tree; the running kernel places and starts the next one
itself, from files (kexec_file_load(2)).

The memory map of a crash kernel is for those who place segments by themselves. It
is told by an E820 table; `memmap=` on the command line says the same.

Source: Linux arch/x86/kernel/crash.c, arch/x86/kernel/kexec-bzimage64.c.
"""

from __future__ import annotations

from ...codec.memrange import MemRange
from ...errors import FdtBadParameter
from ..architecture import Arch
from ..facts.mapping import Mapping
from ..facts.ranges import Ranges
from ..image.kernel import refusal

__all__ = [
    "ARCHES",
    "MapEntry",
    "crash_memory_map",
    "mapping",
    "memmap_words",
    "read_image",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from ..facts.machine import Machine

    Kind = Literal["ram", "reserved", "acpi", "nvs"]

# Real mode, and what firmware leaves there: every kernel reserves it, the crash
# kernel uses it too, so it is never part of a dump (elf_header_exclude_ranges())
LOW = (0, 1 << 20)

# arch/x86/include/asm/page_64_types.h __START_KERNEL_map; the kernel's own
# mapping has 1 GiB at most (KERNEL_IMAGE_SIZE with KASLR)
KERNEL_MAP = 0xFFFF_FFFF_8000_0000
KERNEL_MAP_SIZE = 1 << 30
# Linux Documentation/arch/x86/boot.rst
MAGIC_AT, MAGIC = 0x202, b"HdrS"
OP = "crash_memory_map"
PAGE = 4096
# /proc/iomem's name of each kind but RAM (arch/x86/kernel/e820.c)
NAMES: tuple[tuple[str, Kind], ...] = (
    ("ACPI Tables", "acpi"),
    ("ACPI Non-volatile Storage", "nvs"),
    ("Reserved", "reserved"),
)
# Documentation/admin-guide/kernel-parameters.txt, memmap=nn[KMG]<sign>ss[KMG];
# NVS has no sign of its own: reserved keeps the kernel off it
SIGNS: dict[Kind, str] = {"ram": "@", "acpi": "#", "nvs": "$", "reserved": "$"}

ARCHES = (
    Arch(
        __name__,
        "x86_64",
        machines={"x86_64": (64, "little")},
        elf_machine=62,
        parts={"mapping": "", "read_image": ""},
        # KASLR moves memory too
        kcore_loads=True,
        not_dumped=(LOW,),
        by_file=True,
        file_image=("x86", "bzImage"),
    ),
)


def mapping(machine: Machine) -> Mapping:
    """Where memory and kernel are mapped says /proc/kcore alone: KASLR moves both
    (arch/x86/mm/kaslr.c), VMCOREINFO tells of the kernel only."""
    text, offset = None, None
    ram = machine.ram.joined()
    for load in machine.kcore_loads:
        if KERNEL_MAP <= load.virtual < KERNEL_MAP + KERNEL_MAP_SIZE:
            text = MemRange(load.physical, load.size), load.virtual
        elif offset is None and ram.covers((load.physical, load.size)):
            offset = load.virtual - load.physical
    if text is None or offset is None:
        machine.refuse("proc/kcore", "does not tell where kernel and memory are mapped")
    return Mapping(offset, text)


def read_image(data: bytes, where: str, _layers: tuple[str, ...]) -> None:
    if data[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC:
        raise refusal(where, "an x86 bzImage (kexec_file_load takes it as it is)")


class MapEntry(tuple[MemRange, str]):
    """(range, kind) of a memory map: "ram" for use; "acpi", "nvs", "reserved"."""

    __slots__ = ()

    @property
    def range(self) -> MemRange:
        return self[0]

    @property
    def kind(self) -> str:
        return self[1]


def crash_memory_map(
    machine: Machine, *, elfcorehdr: tuple[int, int] | None = None
) -> list[MapEntry]:
    """The memory map of a crash kernel, as Linux's own loader puts it into the
    E820 table: the RAM of the first MiB, the crash regions, those of
    crashkernel=,cma (Linux 6.17), and what firmware keeps for itself.

    Args:
        machine: the facts of the running, or of a captured, system.
        elfcorehdr: physical (start, size) of the core header, which is no RAM for
            that kernel; size is rounded up to pages.
    Returns: entries by address; those of one kind that touch are one.
    Raises:
        FdtMachineError: no memory is reserved for a crash kernel, or a fact is
            missing or contradicts another.
        FdtBadParameter: elfcorehdr is not in the main crash region.
    Source: Linux arch/x86/kernel/crash.c crash_setup_memmap_entries().
    """
    main = Ranges([machine.crash_main])
    if elfcorehdr is not None:
        start, size = MemRange.of(elfcorehdr)
        header = MemRange(start, -(-size // PAGE) * PAGE)
        if not size or not main.covers(header):
            raise FdtBadParameter(
                OP,
                f"elfcorehdr {MemRange(start, size)!r}",
                f"is not inside the crash region {machine.crash_main!r}",
            )
        main = main.exclude([header])
    ram = machine.ram.intersect([LOW]).merge(machine.crash_ranges[1:])
    ram = ram.merge(Ranges([r for r in main if r.size >= PAGE]))
    ram = ram.merge(machine.cma_ranges)
    found = [MapEntry((r, "ram")) for r in ram.joined()]
    for name, kind in NAMES:
        ranges = Ranges.union(machine.named(name))
        found += [MapEntry((r, kind)) for r in ranges.joined()]
    return sorted(found)


def _size(number: int) -> str:
    return f"{number >> 10}K" if number % 1024 == 0 else f"{number:#x}"


def memmap_words(entries: Iterable[tuple[tuple[int, int], str]]) -> str:
    """A memory map as words of the command line: "memmap=exactmap
    memmap=262144K@720896K ...". In a boot loader's file each $ needs escaping.

    Args:
        entries: ((start, size), kind), as crash_memory_map() gives them.
    Raises:
        FdtBadParameter: an unknown kind.
    Source: Linux Documentation/admin-guide/kernel-parameters.txt, memmap=;
        arch/x86/kernel/e820.c parse_memmap_one().
    """
    words = ["memmap=exactmap"]
    for pair, kind in entries:
        sign = SIGNS.get(kind)  # type: ignore[call-overload]
        if sign is None:
            raise FdtBadParameter(
                "memmap_words",
                f"kind {kind!r}",
                f"unknown; there are {', '.join(SIGNS)}",
            )
        start, size = MemRange.of(pair)
        words.append(f"memmap={_size(size)}{sign}{_size(start)}")
    return " ".join(words)
