# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""/proc/kcore: the running kernel's memory as an ELF core. Its headers only."""

from __future__ import annotations

import os
import struct

from ...codec.reg import U64_END
from ...errors import FdtMachineError

__all__ = ["Load", "loads_in_kcore", "note_in_kcore"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OP = "Machine"
# The kernel's note is one page of text; nobody needs more than this of kcore
MAX_NOTES = 1 << 20
PT_LOAD, PT_NOTE = 1, 4
NOTE_NAME = b"VMCOREINFO"


def _notes(data: bytes, order: str) -> dict[bytes, bytes]:
    found = {}
    at = 0
    while at + 12 <= len(data):
        namesz, descsz, _ = struct.unpack_from(order + "3I", data, at)
        name = at + 12
        desc = name + (namesz + 3 & ~3)
        end = desc + (descsz + 3 & ~3)
        if end > len(data):
            break
        found[data[name : name + namesz].rstrip(b"\0")] = data[desc : desc + descsz]
        at = end
    return found


class Load(tuple[int, int, int]):
    """(virtual start, physical start, size in bytes) of mapped memory."""

    __slots__ = ()

    @property
    def virtual(self) -> int:
        return self[0]

    @property
    def physical(self) -> int:
        return self[1]

    @property
    def size(self) -> int:
        return self[2]


def note_in_kcore(fd: int, path: str) -> str:
    """The text of the VMCOREINFO note of /proc/kcore, which path is for errors.

    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core, or has no such note.
    Source: Linux fs/proc/kcore.c; elf(5).
    """
    order = ">" if _read(fd, 6, 0)[5:] == b"\2" else "<"
    left = MAX_NOTES
    for row in _rows(fd, path):
        if row.kind == PT_NOTE:
            # Rows may overlap: what is read of all of them together is bounded
            data = _read(fd, min(row.size, left), row.offset)
            left -= len(data)
            notes = _notes(data, order)
            if NOTE_NAME in notes:
                return notes[NOTE_NAME].rstrip(b"\0").decode("utf-8", "surrogateescape")
    raise FdtMachineError(
        OP, path, "has no VMCOREINFO note (kernel before 4.19, or without CRASH_DUMP)"
    )


def loads_in_kcore(fd: int, path: str) -> list[Load]:
    """What /proc/kcore says of memory whose physical place it knows: the mapping
    of all memory in pieces, and the kernel's own.

    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core.
    Source: Linux fs/proc/kcore.c get_kcore_size(), read_kcore_iter(): p_paddr is
        -1 where the virtual range is not one physical one.
    """
    return [
        Load((row.virtual, row.physical, row.size))
        for row in _rows(fd, path)
        if row.kind == PT_LOAD and row.physical != row.unknown
    ]


class _Layout:
    """Where elf(5) has the fields: of the ELF header e_phoff and e_phentsize, of
    a program header p_offset, p_vaddr, p_paddr and p_filesz; form is what these
    are."""

    __slots__ = ("entsize", "form", "head", "phentsize", "phoff", "places")

    def __init__(self, form: str, head: int, phoff: int, phentsize: int, *rest: int):
        self.form = form
        self.head, self.phoff, self.phentsize = head, phoff, phentsize
        self.entsize, *self.places = rest


LAYOUTS = {
    1: _Layout("I", 52, 28, 42, 32, 4, 8, 12, 16),
    2: _Layout("Q", 64, 32, 54, 56, 8, 16, 24, 32),
}


class _Row:
    """A program header; unknown: the p_paddr that says so."""

    __slots__ = ("kind", "offset", "physical", "size", "unknown", "virtual")

    def __init__(self, kind: int, numbers: list[int], unknown: int):
        self.kind = kind
        self.offset, self.virtual, self.physical, self.size = numbers
        self.unknown = unknown


def _read(fd: int, size: int, offset: int) -> bytes:
    """What is there; nothing where no file can be."""
    if offset + size >= U64_END // 2:
        return b""
    os.lseek(fd, offset, os.SEEK_SET)  # Windows has no pread()
    return os.read(fd, size)


def _rows(fd: int, path: str) -> Iterator[_Row]:
    head = _read(fd, 64, 0)
    layout = LAYOUTS.get(head[4]) if len(head) > 5 else None
    if layout is None or len(head) < layout.head or head[:4] != b"\x7fELF":
        raise FdtMachineError(OP, path, "is not an ELF core")
    order = ">" if head[5] == 2 else "<"

    def number(form: str, data: bytes, at: int) -> int:
        return int(struct.unpack_from(order + form, data, at)[0])

    entsize = number("H", head, layout.phentsize)
    if entsize != layout.entsize:
        raise FdtMachineError(OP, path, f"has program headers of {entsize} bytes")
    count = number("H", head, layout.phentsize + 2)
    table = _read(fd, entsize * count, number(layout.form, head, layout.phoff))
    unknown = (1 << 8 * struct.calcsize("<" + layout.form)) - 1
    for at in range(0, len(table) - entsize + 1, entsize):
        numbers = [number(layout.form, table, at + place) for place in layout.places]
        yield _Row(number("I", table, at), numbers, unknown)
