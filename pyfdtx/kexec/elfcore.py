# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The ELF core header: where the crash kernel finds the dead kernel's memory.

Segments, in the order of Linux and kexec-tools: a PT_NOTE per possible CPU, a
PT_NOTE for VMCOREINFO, a PT_LOAD for the kernel's own mapping, a PT_LOAD per
range of memory. Filled by one call of the extension, from packed numbers.
"""

from __future__ import annotations

from array import array

from .._core import blank
from .._native import check, ffi, lib
from ..codec.reg import U64_MAX, MemRange, check_packed
from ..errors import FdtBadParameter, warn
from .architecture import arch_of, arches
from .facts.ranges import Ranges, quick_pack

__all__ = ["core_header_of", "elf_core_header", "ranges_of_32_bits"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, Union

    from .architecture import Arch
    from .facts.machine import Machine
    from .facts.ranges import Pair, Source

    Notes = Union["array[int]", memoryview, Iterable[Pair]]

OP = "elf_core_header"


_CLASSES = {32: lib.FDTX_ELFCLASS32, 64: lib.FDTX_ELFCLASS64}
_DATA = {"little": lib.FDTX_ELFDATA2LSB, "big": lib.FDTX_ELFDATA2MSB}

# The size is rounded up to this, in bytes. Linux: ELF_CORE_HEADER_ALIGN;
# kexec-tools: the align argument of its crash_create_elf*_headers().
_ROUNDING = {"kernel": 4096, "kexec-tools": 1024}

_END_32 = 1 << 32
_PAGE_32 = 4096

_WORDS = ffi.typeof("uint64_t[]")
_CORE = ffi.typeof("struct fdtx_elfcore *")
_SIZE = ffi.typeof("size_t *")
_NONE = array("Q")


def _note_words(notes: Notes) -> array[int]:
    """Packed pairs in the order given; CPUs are not sorted by address."""
    quick = quick_pack(notes)
    if quick is not None:
        with ffi.from_buffer(_WORDS, quick) as p:
            if lib.fdtx_ranges_sound(p, len(quick) // 2) * 2 == len(quick):
                return quick
    # An iterable of another kind, or one to complain about
    if isinstance(notes, (array, memoryview)):
        view = memoryview(notes)
        check_packed(view, "packed notes")
        numbers = view.tolist()
        if len(numbers) % 2:
            raise FdtBadParameter(
                OP,
                f"notes: {len(numbers)} packed numbers",
                "not a whole number of pairs (start, size)",
            )
        notes = zip(numbers[::2], numbers[1::2])
    words = array("Q")
    for i, pair in enumerate(notes):
        words.extend(_small(MemRange.of(pair), f"notes[{i}]"))
    return words


def _small(got: MemRange, argument: str) -> MemRange:
    if not 0 < got.size <= U64_MAX:
        raise FdtBadParameter(
            OP, f"{argument} {got!r}", "must have 1 to 2**64 - 1 bytes"
        )
    return got


def _choice(value: object, argument: str, known: Iterable[object]) -> None:
    names = list(known)
    if value not in names:
        raise FdtBadParameter(
            OP,
            f"{argument} {value!r}",
            f"unknown; there are {', '.join(map(str, names))}",
        )


def _arch(name: str) -> Arch:
    """The record of a Machine.arch."""
    found = arch_of(name) if isinstance(name, str) else None
    if found is None or name not in found.machines:
        _choice(name, "arch", sorted(m for a in arches() for m in a.machines))
    assert found is not None
    return found


def _with_backups(
    ram: Ranges, backup: Iterable[tuple[Pair, int]]
) -> tuple[Ranges, array[int]]:
    """Memory split at the borders of what is backed up, and the triples."""
    sources = []
    for i, (pair, copy) in enumerate(backup):
        source = _small(MemRange.of(pair), f"backup[{i}]")
        place = MemRange(copy, source.size)
        if not ram.covers(source):
            raise FdtBadParameter(
                OP, f"backup[{i}] {source!r}", f"is not all in ram {ram!r}"
            )
        sources.append((source.start, source.size, place.start))
    if not sources:
        return ram, array("Q")
    sources.sort()
    inside = Ranges([s[:2] for s in sources])
    split = Ranges([*ram.exclude(inside), *ram.intersect(inside)])
    return split, array("Q", [n for s in sources for n in s])


def elf_core_header(
    arch: str,
    *,
    notes: Notes,
    ram: Source,
    virtual_offset: int,
    vmcoreinfo: Pair | None = None,
    text: tuple[Pair, int] | None = None,
    virtual_last: int = U64_MAX,
    backup: Iterable[tuple[Pair, int]] = (),
    spare: int = 0,
    style: Literal["kernel", "kexec-tools"] = "kernel",
    bits: Literal[32, 64] | None = None,
    byteorder: Literal["little", "big"] | None = None,
) -> bytes:
    """The ELF core header for a crash kernel, as bytes to be placed in memory.

    Args:
        arch: "arm", "arm64", "i386", "loongarch64", "ppc64", "ppc64le",
            "riscv32", "riscv64", "s390x", "x86_64".
        notes: physical (start, size) of each CPU's crash notes, in this order:
            pairs, or packed unsigned 64-bit numbers.
        ram: the memory to dump: physical ranges, the crash kernel's own left
            out. See Ranges for what it can be; an array is not copied if its
            ranges are in order, and must not change meanwhile.
        virtual_offset: what to add to a physical address to get the dead
            kernel's virtual one, modulo 2**64 (2**32 with 32 bits).
        vmcoreinfo: physical (start, size) of the VMCOREINFO note.
        text: physical (start, size) of the kernel image and its virtual start.
        virtual_last: last physical byte with a virtual address (32-bit
            machines: the end of low memory); the virtual address of ranges
            that end beyond is written as -1.
        backup: pairs of a physical (start, size) in ram that the crash kernel
            overwrites, and the physical start of the copy made before. Each
            becomes a segment of its own, read from the copy.
        spare: how many more segments the size must have room for (CPU and
            memory hotplug).
        style: how the size is rounded up: "kernel" to 4096 bytes with room
            for text even without it, "kexec-tools" to 1024 bytes.
        bits: 32 or 64, if not the architecture's own.
        byteorder: "little" or "big", if not the architecture's own.
    Returns: ELF header, program headers, zeros up to the rounded size. e_phnum
        counts the segments that are there, not the spare ones.
    Raises:
        TypeError: an argument of the wrong type.
        FdtBadParameter: an unknown name; an empty note; ram empty or
            overlapping; a backup outside ram; with 32 bits memory that starts
            at 4 GiB or above or is as large, or anything else that ends above
            (ranges_of_32_bits() finds what can be said); 65535 segments or
            more, spare ones included.
    Source: Linux kernel/crash_core.c crash_prepare_elf64_headers(); kexec-tools
        kexec/crashdump-elf.c; read by Linux fs/proc/vmcore.c.
    """
    record = _arch(arch)
    _choice(style, "style", _ROUNDING)
    own_bits, own_order = record.machines[arch]
    bits_, order = bits or own_bits, byteorder or own_order
    _choice(bits_, "bits", _CLASSES)
    _choice(order, "byteorder", _DATA)
    if not 0 <= spare < lib.FDTX_PN_XNUM:
        raise FdtBadParameter(
            OP,
            f"spare {spare}",
            f"must be 0 to {lib.FDTX_PN_XNUM - 1}: e_phnum ends there",
        )
    if not 0 <= virtual_last <= U64_MAX:
        raise FdtBadParameter(OP, f"virtual_last {virtual_last:#x}", "not 64 bits")

    note_words = _note_words(notes)
    if vmcoreinfo is not None:
        note_words.extend(_small(MemRange.of(vmcoreinfo), "vmcoreinfo"))
    text_words = array("Q")
    if text is not None:
        where = _small(MemRange.of(text[0]), "text")
        text_words.extend((*where, text[1] & U64_MAX))

    core = ffi.new(_CORE)
    core.elf_class = _CLASSES[bits_]
    core.elf_data = _DATA[order]
    core.machine = record.elf_machine
    core.virt_offset = virtual_offset & U64_MAX
    core.virt_last = virtual_last
    if type(ram) is array and _plain(ram) and backup == ():
        try:
            return _filled(core, note_words, text_words, ram, _NONE, spare, style)
        except FdtBadParameter:
            pass  # not in order, or something to complain about
    loads, backups = _with_backups(Ranges(ram), backup)
    return _filled(core, note_words, text_words, loads.words, backups, spare, style)


def _plain(words: array[int]) -> bool:
    """Whether these may be ranges that need no copy: C sees whether they are."""
    return words.typecode == "Q" and not len(words) % 2


def _filled(
    core: Any,
    notes: array[int],
    text: array[int],
    loads: array[int] | memoryview,
    backups: array[int],
    spare: int,
    style: str,
) -> bytes:
    """The header of a core that knows all but its segments."""
    # These hold the numbers where they are until the call is over; only then
    # are they counted, as another thread may have them too
    pins = [ffi.from_buffer(_WORDS, w) for w in (notes, text, loads, backups)]
    core.notes, core.nr_notes = pins[0], len(pins[0]) // 2
    core.text = pins[1] if len(pins[1]) else ffi.NULL
    core.loads, core.nr_loads = pins[2], len(pins[2]) // 2
    core.backups, core.nr_backups = pins[3], len(pins[3]) // 3
    if not core.nr_loads:
        raise FdtBadParameter(OP, "ram", "no memory: the dump would be empty")
    count = core.nr_notes + bool(core.text) + core.nr_loads
    room = count + spare + (style == "kernel" and not core.text)
    length = lib.fdtx_elfcore_length(core.elf_class, room)
    if not length:
        raise FdtBadParameter(
            OP,
            f"{room} segments",
            f"e_phnum counts at most {lib.FDTX_PN_XNUM - 1} ({core.nr_notes} "
            f"notes, {core.nr_loads} ranges of memory, {spare} spare); leave small "
            "ranges out, or join ranges that touch with Ranges.joined()",
        )
    rounding = _ROUNDING[style]
    # Filled before anybody else can see it: no second copy of the header
    out = blank((length + rounding - 1) // rounding * rounding)
    bad = ffi.new(_SIZE)
    code = lib.fdtx_elfcore_fill(core, out, len(out), bad)
    if code == -lib.FDT_ERR_BADLAYOUT:
        raise FdtBadParameter(OP, "ram", "not in ascending order", code)
    if code == -lib.FDT_ERR_BADVALUE:
        i = 2 * bad[0]
        words = [*notes, *text[:2], *loads]
        raise FdtBadParameter(
            OP,
            repr(MemRange(*words[i : i + 2])),
            "does not fit a 32-bit ELF header; ranges_of_32_bits(ram) is the memory "
            "that does",
        )
    check(code, OP)
    return out


def core_header_of(
    machine: Machine,
    *,
    style: Literal["kernel", "kexec-tools"] = "kernel",
    exclude: Source = (),
    keep: Source = (),
    cma: Source | None = None,
    backup: Iterable[tuple[Pair, int]] = (),
    spare: int = 0,
) -> bytes:
    """The ELF core header for a machine's crash kernel.

    Args:
        machine: the facts of the running, or of a captured, system.
        exclude: memory to leave out of the dump, beside the crash kernel's
            regions.
        keep: memory to dump though it lies in such a region (firmware's).
        cma: those ranges of crashkernel=,cma that the crash kernel is told to use;
            None: all. Others hold memory of the dead kernel, and are dumped.
        style, backup, spare: as elf_core_header().
    Returns: as elf_core_header().
    Raises:
        FdtMachineError: a fact that is needed is missing, unreadable or
            contradicts another.
        FdtBadParameter: as elf_core_header().
    """
    arch = _arch(machine.arch)
    mapping = machine.mapping
    theirs = Ranges(machine.crash_ranges).exclude(keep)
    told = machine.cma_ranges if cma is None else cma
    ram = machine.ram.exclude(theirs).exclude(told)
    ram = ram.exclude(arch.not_dumped).exclude(exclude)
    if arch.machines[machine.arch][0] == 32:
        whole, ram = ram, ranges_of_32_bits(ram)
        if whole.total > ram.total:
            lost = whole.exclude(ram)
            warn(
                f"{OP}: {lost.total >> 20} MiB from {lost[0].start:#x} on will be "
                "missing from the dump: the crash kernel of a 32-bit machine reads "
                "32-bit headers only, which cannot say where that lies"
            )
    return elf_core_header(
        machine.arch,
        notes=machine.crash_notes.values(),
        vmcoreinfo=machine.vmcoreinfo_note,
        text=mapping.text,
        ram=ram,
        virtual_offset=mapping.offset,
        virtual_last=mapping.last,
        backup=backup,
        spare=spare,
        style=style,
    )


def ranges_of_32_bits(ram: Ranges) -> Ranges:
    """The memory that an ELF32 core header can tell of.

    Start and size of a piece are 32 bits each, and its reader adds them in 64:
    a piece that starts in the last page below 4 GiB reaches up to 8 GiB less two
    pages. Memory that runs on across 4 GiB is cut in front of that page, so that
    the piece with all that lies below is as it has always been.

    Args:
        ram: physical ranges. Pages have 4096 bytes, on arm, i386 and riscv32.
    Returns: without what lies above 4 GiB, but for what follows on the last page
        below without a gap.
    Source: Linux fs/proc/vmcore.c process_ptload_program_headers_elf32(), since
        3.11; arch/arm/include/asm/elf.h vmcore_elf64_check_arch(): arm takes no
        ELF64.
    """
    edge = _END_32 - _PAGE_32
    below = ram.clip(0, _END_32)
    if not ram.covers((edge, _PAGE_32 + 1)):
        return below
    across = ram.joined().clip(edge, edge + edge)[0]
    return Ranges([*below.clip(0, edge), across])
