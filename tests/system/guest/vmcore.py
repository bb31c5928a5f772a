# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What /proc/vmcore of a crash kernel must contain, computed from outside.

The crash kernel reads the core header it was given, merges all notes into one
segment, and widens each piece of memory to whole pages; behaviour of Linux
fs/proc/vmcore.c. Little-endian; ELF32 and ELF64.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

PT_LOAD, PT_NOTE = 1, 4
PAGE = 4096


class Layout:
    """elf(5). order: where ELF64's fields of a program header are in this one."""

    def __init__(self, ehdr: str, phdr: str, order: tuple[int, ...]) -> None:
        self.ehdr = struct.Struct(ehdr)
        self.phdr = struct.Struct(phdr)
        self.order = order

    def row(self, data: bytes, at: int) -> tuple[int, ...]:
        fields = self.phdr.unpack_from(data, at)
        return tuple(fields[i] for i in self.order)

    def pack(self, row: tuple[int, ...]) -> bytes:
        return self.phdr.pack(*(row[self.order.index(i)] for i in range(8)))


# by EI_CLASS
LAYOUTS = {
    1: Layout("<16sHHIIIIIHHHHHH", "<8I", (0, 6, 1, 2, 3, 4, 5, 7)),
    2: Layout("<16sHHIQQQIHHHHHH", "<IIQQQQQQ", (0, 1, 2, 3, 4, 5, 6, 7)),
}

Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Load:
    offset: int
    vaddr: int
    paddr: int
    size: int


def program_headers(core: bytes) -> list[tuple[int, ...]]:
    """Fields in ELF64's order: type, flags, offset, vaddr, paddr, filesz, memsz,
    align."""
    layout = LAYOUTS[core[4]]
    head = layout.ehdr.unpack_from(core)
    return [layout.row(core, head[5] + i * layout.phdr.size) for i in range(head[10])]


def loads(core: bytes) -> list[Load]:
    """The pieces of memory in a core, or in a core header."""
    return [
        Load(offset, vaddr, paddr, size)
        for kind, _, offset, vaddr, paddr, size, _, _ in program_headers(core)
        if kind == PT_LOAD
    ]


def _up(value: int) -> int:
    return -(-value // PAGE) * PAGE


def _notes(read: Read, start: int, size: int) -> bytes:
    """The notes at start, up to the first with an empty name."""
    data, at = read(start, size), 0
    while at + 12 <= size:
        namesz, descsz, _ = struct.unpack_from("<3I", data, at)
        if not namesz:
            break
        at += 12 + (namesz + 3 & ~3) + (descsz + 3 & ~3)
    return data[:at]


def front(header: bytes, read: Read, note_align: int = 0) -> bytes:
    """The file up to the first piece of memory; as expected()."""
    layout = LAYOUTS[header[4]]
    head = list(layout.ehdr.unpack_from(header))
    phdrs = program_headers(header)
    notes = b"".join(_notes(read, p[2], p[5]) for p in phdrs if p[0] == PT_NOTE)
    rest = [p for p in phdrs if p[0] == PT_LOAD]
    head[10] = 1 + len(rest)
    first = _up(layout.ehdr.size + head[10] * layout.phdr.size)
    table = [(PT_NOTE, 0, first, 0, 0, len(notes), len(notes), note_align)]
    at = first + _up(len(notes))
    for kind, flags, offset, vaddr, paddr, filesz, memsz, align in rest:
        start, size = _pages(offset, memsz)
        place = at + offset - start
        table.append((kind, flags, place, vaddr, paddr, filesz, memsz, align))
        at += size
    out = layout.ehdr.pack(*head) + b"".join(map(layout.pack, table))
    out += bytes(first - len(out)) + notes
    return out + bytes(_up(len(out)) - len(out))


def expected(header: bytes, read: Read, note_align: int = 0) -> bytes:
    """The whole file.

    Args:
        header: the core header that the crash kernel was given.
        read: (physical start, size) to the dead kernel's bytes there.
        note_align: p_align of the merged notes.
    """
    out = bytearray(front(header, read, note_align))
    for kind, _, offset, _, _, _, memsz, _ in program_headers(header):
        if kind == PT_LOAD:
            out += read(*_pages(offset, memsz))
    return bytes(out)


def _pages(start: int, size: int) -> tuple[int, int]:
    """Start and size of the whole pages around a range."""
    first = start // PAGE * PAGE
    return first, _up(start + size) - first
