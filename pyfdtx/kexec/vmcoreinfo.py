# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""VMCOREINFO: what the running kernel tells the readers of its dump."""

from __future__ import annotations

import os
import struct

from ..errors import FdtMachineError
from ..reg import U64_END

__all__ = ["Vmcoreinfo", "in_kcore"]

OP = "Machine"
# The kernel's note is one page of text; nobody needs more than this of kcore
MAX_NOTES = 1 << 20
PT_NOTE = 4
NOTE_NAME = b"VMCOREINFO"


class Vmcoreinfo:
    """The text of the note, by key.

    text: as the kernel wrote it: lines KEY=value.
    where: the file it came from.
    """

    __slots__ = ("_values", "text", "where")

    def __init__(self, text: str, where: str):
        self.text = text
        self.where = where
        self._values = dict(
            line.split("=", 1) for line in text.splitlines() if "=" in line
        )

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> str:
        """The value of a key as text.

        Raises:
            FdtMachineError: there is no such key.
        """
        try:
            return self._values[key]
        except KeyError:
            raise FdtMachineError(
                OP, self.where, f"has no {key}; is this kernel's architecture known?"
            ) from None

    def _int(self, key: str, base: int) -> int:
        value = self[key]
        try:
            return int(value, base) % U64_END
        except ValueError:
            raise FdtMachineError(
                OP, self.where, f"{key}={value} is not a number"
            ) from None

    def number(self, name: str) -> int:
        """NUMBER(name) modulo 2**64; decimal or 0x, as the kernel chose."""
        return self._int(f"NUMBER({name})", 0)

    def symbol(self, name: str) -> int:
        """SYMBOL(name): a virtual address."""
        return self._int(f"SYMBOL({name})", 16)

    def has_number(self, name: str) -> bool:
        return f"NUMBER({name})" in self._values

    @property
    def kernel_offset(self) -> int:
        """KERNELOFFSET: how far KASLR moved the kernel image, bytes."""
        return self._int("KERNELOFFSET", 16)


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


def in_kcore(path: str) -> str:
    """The text of the VMCOREINFO note of /proc/kcore.

    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core, or has no such note.
    Source: Linux fs/proc/kcore.c; elf(5).
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        return _in_core(fd, path)
    finally:
        os.close(fd)


class _Layout:
    """Where elf(5) has the fields: of the ELF header e_phoff and e_phentsize,
    of a program header p_offset and p_filesz; form is what an offset is."""

    __slots__ = ("entsize", "form", "head", "offset", "phentsize", "phoff", "size")

    def __init__(self, form: str, *places: int):
        self.form = form
        self.head, self.phoff, self.phentsize = places[:3]
        self.entsize, self.offset, self.size = places[3:]


LAYOUTS = {
    1: _Layout("I", 52, 28, 42, 32, 4, 16),
    2: _Layout("Q", 64, 32, 54, 56, 8, 32),
}


def _read(fd: int, size: int, offset: int) -> bytes:
    """What is there; nothing where no file can be."""
    return os.pread(fd, size, offset) if offset < U64_END // 2 else b""


def _in_core(fd: int, path: str) -> str:
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
    for at in range(0, len(table) - entsize + 1, entsize):
        if number("I", table, at) != PT_NOTE:
            continue
        size = min(number(layout.form, table, at + layout.size), MAX_NOTES)
        offset = number(layout.form, table, at + layout.offset)
        notes = _notes(_read(fd, size, offset), order)
        if NOTE_NAME in notes:
            return notes[NOTE_NAME].rstrip(b"\0").decode("ascii", "replace")
    raise FdtMachineError(
        OP, path, "has no VMCOREINFO note (kernel before 4.19, or without CRASH_DUMP)"
    )
