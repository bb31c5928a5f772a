# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What /proc/vmcore of a crash kernel must contain, computed from outside.

The crash kernel reads the core header it was given, merges all notes into one
segment, and widens each piece of memory to whole pages; behaviour of Linux
fs/proc/vmcore.c. Little-endian; expected() of ELF64 alone, loads() of both.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
EHDR32 = struct.Struct("<16sHHIIIIIHHHHHH")
# type, offset, vaddr, paddr, filesz, memsz, flags, align
PHDR32 = struct.Struct("<8I")
ELFCLASS32 = 1
PT_LOAD, PT_NOTE = 1, 4
PAGE = 4096

Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Load:
    offset: int
    vaddr: int
    paddr: int
    size: int


def _phdrs(core: bytes) -> list[tuple[int, ...]]:
    """Fields in ELF64's order."""
    if core[4] == ELFCLASS32:
        head = EHDR32.unpack_from(core)
        places = [head[5] + i * PHDR32.size for i in range(head[10])]
        rows = [PHDR32.unpack_from(core, place) for place in places]
        return [(r[0], r[6], *r[1:6], r[7]) for r in rows]
    head = EHDR.unpack_from(core)
    return [PHDR.unpack_from(core, head[5] + i * PHDR.size) for i in range(head[10])]


def loads(core: bytes) -> list[Load]:
    """The pieces of memory in a core, or in a core header."""
    return [
        Load(offset, vaddr, paddr, size)
        for kind, _, offset, vaddr, paddr, size, _, _ in _phdrs(core)
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


def expected(header: bytes, read: Read, note_align: int = 0) -> bytes:
    """The whole file.

    Args:
        header: the core header that the crash kernel was given.
        read: (physical start, size) to the dead kernel's bytes there.
        note_align: p_align of the merged notes.
    """
    head = list(EHDR.unpack_from(header))
    phdrs = _phdrs(header)
    notes = b"".join(_notes(read, p[2], p[5]) for p in phdrs if p[0] == PT_NOTE)
    rest = [p for p in phdrs if p[0] == PT_LOAD]
    head[10] = 1 + len(rest)
    first = _up(EHDR.size + head[10] * PHDR.size)
    table = [(PT_NOTE, 0, first, 0, 0, len(notes), len(notes), note_align)]
    memory = bytearray()
    at = first + _up(len(notes))
    for kind, flags, offset, vaddr, paddr, filesz, memsz, align in rest:
        start = offset // PAGE * PAGE
        size = _up(offset + memsz) - start
        place = at + len(memory) + offset - start
        table.append((kind, flags, place, vaddr, paddr, filesz, memsz, align))
        memory += read(start, size)
    out = EHDR.pack(*head) + b"".join(PHDR.pack(*p) for p in table)
    out += bytes(first - len(out)) + notes
    return out + bytes(at - len(out)) + bytes(memory)
