# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An ELF core header as fs/proc/vmcore.c of the crash kernel reads it.

Only what that reads. Every length is checked. Nothing is refused: rules report it.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

__all__ = ["PN_XNUM", "PT_LOAD", "PT_NOTE", "Core", "Segment"]

if TYPE_CHECKING:
    from collections.abc import Iterator

# elf(5)
MAGIC = b"\x7fELF"
ET_CORE, EV_CURRENT = 4, 1
PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xFFFF
IDENT = 16
# what: form of the ELF header behind e_ident, form of a program header, and
# where that has p_type, p_offset, p_paddr, p_memsz
FORMS = {
    1: ("HHIIIIIHHHHHH", "8I", (0, 1, 3, 5)),
    2: ("HHIQQQIHHHHHH", "2I6Q", (0, 2, 4, 6)),
}


class Segment(NamedTuple):
    """A program header: its number, where the bytes are, what they were."""

    number: int
    type: int
    offset: int
    start: int
    size: int


class Core:
    """A core header that lies at address.

    data: the file. faults: why it is not sane to the kernel; if there are any,
    the rest is not to be trusted and segments() is empty. count: e_phnum.
    length: bytes of ELF header and program headers.
    """

    def __init__(self, address: int, data: bytes):
        self.address = address
        self.data = data
        self.faults: list[str] = []
        self.bits = self.machine = self.count = self.phoff = self.length = 0
        self.big_endian = False
        self._parse()

    def _parse(self) -> None:
        data = self.data
        if data[:4] != MAGIC:
            self.faults.append(f"starts with {data[:4].hex() or 'nothing'}, not ELF")
            return
        form = FORMS.get(data[4]) if len(data) > IDENT else None
        if form is None:
            self.faults.append("no class of 32 or 64 bits")
            return
        self.bits = 32 * data[4]
        self.big_endian = data[5] == 2
        order = ">" if self.big_endian else "<"
        head, self._entry = Struct(order + form[0]), Struct(order + form[1])
        self._places = form[2]
        self._start = IDENT + head.size
        if len(data) < self._start:
            self.faults.append(f"{len(data)} bytes are no ELF header")
            return
        fields = head.unpack_from(data, IDENT)
        kind, self.machine, version, _, self.phoff = fields[:5]
        ehsize, phentsize, self.count = fields[7:10]
        for what, got, want in (
            ("e_type", kind, ET_CORE),
            ("EI_VERSION", data[6], EV_CURRENT),
            ("e_version", version, EV_CURRENT),
            ("e_ehsize", ehsize, self._start),
            ("e_phentsize", phentsize, self._entry.size),
        ):
            if got != want:
                self.faults.append(f"{what} is {got}, not {want}")
        if not self.count:
            self.faults.append("e_phnum is 0")
        self.length = self._start + self.count * self._entry.size

    def segments(self, kind: int) -> Iterator[Segment]:
        """The program headers of a type, where the kernel reads them: right
        behind the ELF header; as many as the file has."""
        if self.faults:
            return
        room = (len(self.data) - self._start) // self._entry.size
        for i in range(min(self.count, room)):
            fields = self._entry.unpack_from(
                self.data, self._start + i * self._entry.size
            )
            type_, offset, start, size = (fields[at] for at in self._places)
            if type_ == kind:
                yield Segment(i, type_, offset, start, size)
