# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ELF kernels (vmlinux): what their PT_LOADs hold, as it lies in memory.

Source: elf(5).
"""

from __future__ import annotations

import struct

from ...errors import FdtImageError
from .compression import LIMIT

__all__ = ["MAGIC", "Elf", "machine_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NoReturn

    # p_paddr, p_filesz, p_memsz, p_offset, p_vaddr
    Load = tuple[int, int, int, int, int]

OP = "image"
# Bytes of zeros between PT_LOADs, together: Linux has one gap below 16 MiB (arch/
# powerpc/Kconfig DATA_SHIFT); an ELF file of two pages can ask for any number
MAX_GAPS = 64 << 20
# PT_LOADs and others: Linux has 3 or 4
MAX_HEADERS = 256
MAGIC = b"\x7fELF"
CLASS_64, BIG = 2, 2
TYPES = {1: "ET_REL", 4: "ET_CORE"}
EXECUTABLE, SHARED, PT_LOAD = 2, 3, 1
# From e_type on: e_type, e_machine, e_entry, e_phoff, e_phentsize, e_phnum
IDENT = 16
HEADER = "2H4xQQ8x6x2H"
# p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz
PROGRAM = "I4x5Q8x"


def machine_of(data: bytes) -> int:
    """e_machine of an ELF file; 0 if it is none, or too short."""
    if not data.startswith(MAGIC) or len(data) < IDENT + 4:
        return 0
    return int.from_bytes(data[IDENT + 2 : IDENT + 4], _order(data))


def _order(data: bytes) -> Literal["big", "little"]:
    return "big" if data[5] == BIG else "little"


class Elf:
    """A kernel from a 64-bit ELF file.

    data: what its PT_LOADs hold, from the lowest physical address on, gaps filled
        with zeros; without the zeros at the end (BSS).
    big_endian: its byte order.
    start: the physical address it was linked for. size: bytes, BSS included.
    entry: where it is entered, bytes from start.
    Raises:
        FdtImageError: damaged, cut off, or no kernel.
    """

    def __init__(self, data: bytes, where: str):
        self.where = where
        self.big_endian = _order(data) == "big"
        loads = self._loads(data)
        self.start = loads[0][0]
        self.size = max(at + memory for at, _, memory, _, _ in loads) - self.start
        if self.size > LIMIT:
            self._refuse(
                f"its PT_LOADs span {self.size:#x} bytes, more than a kernel has"
            )
        self.entry = self._offset(self._entry, loads)
        self.data = self._laid_out(data, loads)

    def _refuse(self, cause: str) -> NoReturn:
        raise FdtImageError(OP, self.where, cause)

    def _loads(self, data: bytes) -> list[Load]:
        if data[4:5] != bytes((CLASS_64,)):
            self._refuse("is an ELF file (vmlinux?) that is not of 64 bits")
        order = ">" if self.big_endian else "<"
        head, row = struct.Struct(order + HEADER), struct.Struct(order + PROGRAM)
        if len(data) < IDENT + head.size:
            self._refuse("is an ELF file (vmlinux?), cut off in its header")
        kind, _, self._entry, at, size, count = head.unpack_from(data, IDENT)
        if kind not in (EXECUTABLE, SHARED):
            self._refuse(f"is an ELF file, but {TYPES.get(kind, kind)}: no kernel")
        if count > MAX_HEADERS or size != row.size:
            self._refuse(
                f"has {count} program headers of {size} bytes, a kernel at most "
                f"{MAX_HEADERS} of {row.size}"
            )
        if at + count * size > len(data):
            self._refuse("is an ELF file (vmlinux?), cut off in its program headers")
        loads = []
        for number in range(count):
            kind, offset, virtual, physical, filesz, memsz = row.unpack_from(
                data, at + number * size
            )
            if kind == PT_LOAD and memsz:
                loads.append((physical, filesz, memsz, offset, virtual))
        if not loads:
            self._refuse("is an ELF file without PT_LOAD")
        return sorted(loads)

    def _offset(self, entry: int, loads: list[Load]) -> int:
        for at, _, memory, _, virtual in loads:
            if virtual <= entry < virtual + memory:
                return entry - virtual + at - self.start
        raise FdtImageError(OP, self.where, f"its entry {entry:#x} is in no PT_LOAD")

    def _laid_out(self, data: bytes, loads: list[Load]) -> bytes:
        """The PT_LOADs' content, one behind the other, with zeros between."""
        out: list[bytes] = []
        end, gaps = self.start, 0
        for at, size, memory, offset, _ in loads:
            gap = at - end
            if gap < 0:
                self._refuse("its PT_LOADs overlap")
            if size > memory:
                self._refuse(f"a PT_LOAD puts {size} bytes into {memory}")
            found = data[offset : offset + size]
            if len(found) != size:
                self._refuse(
                    f"cut off: a PT_LOAD has {size} bytes, the file {len(found)}"
                )
            if not size:
                continue
            gaps += gap
            if gaps > MAX_GAPS:
                self._refuse(
                    f"has {gaps} bytes of nothing between its PT_LOADs, more than a "
                    "kernel has"
                )
            out += [bytes(gap), found]
            end = at + size
        return b"".join(out)
