# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ELF cores of kernels, /proc/kcore and /proc/vmcore: headers and the kernel's note."""

from __future__ import annotations

import os
import struct

from ...codec.reg import U64_END
from ...errors import FdtMachineError

__all__ = ["PT_LOAD", "PT_NOTE", "CoreFile", "Row", "read_at"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The kernel's note is one page of text; nobody needs more than this of the notes
MAX_NOTES = 1 << 20
PT_LOAD, PT_NOTE = 1, 4
NOTE_NAME = b"VMCOREINFO"


def read_at(fd: int, size: int, offset: int) -> bytes:
    """What is there; nothing where no file can be."""
    if offset + size >= U64_END // 2:
        return b""
    os.lseek(fd, offset, os.SEEK_SET)  # Windows has no pread()
    return os.read(fd, size)


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


class Row:
    """A program header; unknown: the p_paddr that says so."""

    __slots__ = ("kind", "offset", "physical", "size", "unknown", "virtual")

    def __init__(self, kind: int, numbers: list[int], unknown: int):
        self.kind = kind
        self.offset, self.virtual, self.physical, self.size = numbers
        self.unknown = unknown


class CoreFile:
    """An ELF core that fd reads; ELF32 or ELF64.

    order: of the bytes in a word, for struct. bits: 32 or 64. rows: the program
        headers, as many as the file has.

    Args:
        path: of the file, op: what it is read for; for errors.
    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core.
    """

    def __init__(self, fd: int, path: str, op: str):
        self.fd = fd
        head = read_at(fd, 64, 0)
        layout = LAYOUTS.get(head[4]) if len(head) > 5 else None
        if layout is None or len(head) < layout.head or head[:4] != b"\x7fELF":
            raise FdtMachineError(op, path, "is not an ELF core")
        self.bits = 32 * head[4]
        self.order = ">" if head[5] == 2 else "<"
        entsize = self._number("H", head, layout.phentsize)
        if entsize != layout.entsize:
            raise FdtMachineError(op, path, f"has program headers of {entsize} bytes")
        count = self._number("H", head, layout.phentsize + 2)
        start = self._number(layout.form, head, layout.phoff)
        self.rows = list(self._rows(layout, read_at(fd, entsize * count, start)))

    def _number(self, form: str, data: bytes, at: int) -> int:
        return int(struct.unpack_from(self.order + form, data, at)[0])

    def _rows(self, layout: _Layout, table: bytes) -> Iterator[Row]:
        unknown = (1 << self.bits) - 1
        for at in range(0, len(table) - layout.entsize + 1, layout.entsize):
            numbers = [
                self._number(layout.form, table, at + place) for place in layout.places
            ]
            yield Row(self._number("I", table, at), numbers, unknown)

    def vmcoreinfo(self) -> str | None:
        """The text of the VMCOREINFO note, or None.

        Source: Linux kernel/vmcore_info.c; elf(5).
        """
        left = MAX_NOTES
        for row in self.rows:
            if row.kind == PT_NOTE:
                # Rows may overlap: what is read of all of them together is bounded
                data = read_at(self.fd, min(row.size, left), row.offset)
                left -= len(data)
                found = self._notes(data).get(NOTE_NAME)
                if found is not None:
                    return found.rstrip(b"\0").decode("utf-8", "surrogateescape")
        return None

    def _notes(self, data: bytes) -> dict[bytes, bytes]:
        found = {}
        at = 0
        while at + 12 <= len(data):
            namesz, descsz, _ = struct.unpack_from(self.order + "3I", data, at)
            name = at + 12
            desc = name + (namesz + 3 & ~3)
            end = desc + (descsz + 3 & ~3)
            if end > len(data):
                break
            found[data[name : name + namesz].rstrip(b"\0")] = data[desc : desc + descsz]
            at = end
        return found
