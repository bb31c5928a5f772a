# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The dead kernel's memory by the addresses that it used itself."""

from __future__ import annotations

import struct
from bisect import bisect_right

from ..facts.elf import PT_LOAD, read_at

__all__ = ["Array", "Memory"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..facts.elf import CoreFile, Row

# What an Array reads at a time
WINDOW = 1 << 16


class Memory:
    """Reads what the program headers of a core map.

    long: bytes of a pointer and of an unsigned long. file_size: of the core, bytes:
    whatever stands in the dead kernel's memory is no larger than that.
    """

    def __init__(self, core: CoreFile, file_size: int, long: int):
        self._fd = core.fd
        self._order = core.order
        self.file_size = file_size
        self.long = long
        self._form = "Q" if long == 8 else "I"
        self._ends: list[int] = []
        self._offsets: list[int] = []
        self._starts = list(self._apart(r for r in core.rows if r.kind == PT_LOAD))

    def _apart(self, rows: Iterable[Row]) -> Iterable[int]:
        """The start of each piece, in order. A piece that overlaps another one
        loses what both have."""
        reach = 0
        for row in sorted(rows, key=lambda row: row.virtual):
            start, end = max(row.virtual, reach), row.virtual + row.size
            if start < end:
                self._ends.append(end)
                self._offsets.append(row.offset + start - row.virtual)
                reach = end
                yield start

    def read(self, address: int, size: int) -> bytes:
        """What is there, up to the first byte that is not in the core or cannot be
        read."""
        pieces = []
        while size:
            i = bisect_right(self._starts, address) - 1
            if i < 0 or address >= self._ends[i]:
                break
            part = min(size, self._ends[i] - address)
            try:
                data = read_at(
                    self._fd, part, self._offsets[i] + address - self._starts[i]
                )
            except OSError:  # the crash kernel cannot reach that memory
                break
            pieces.append(data)
            if len(data) < part:
                break
            address += part
            size -= part
        return b"".join(pieces)

    def number(self, form: str, data: bytes, at: int) -> int:
        """A number in data; form: H, I or Q, as in struct, or L: unsigned long."""
        form = self._form if form == "L" else form
        return int(struct.unpack_from(self._order + form, data, at)[0])


class Array:
    """size bytes of memory from address on, read in windows; a record of it that
    lies across two is read by itself."""

    def __init__(self, memory: Memory, address: int, size: int):
        self.size = size
        self._memory = memory
        self._address = address
        self._first = -1
        self._window = b""

    def read(self, at: int, size: int) -> bytes:
        """What is there; it may be less, and nothing behind the end."""
        size = min(size, max(0, self.size - at))
        first = at // WINDOW * WINDOW
        if first != self._first:
            self._first = first
            self._window = self._memory.read(
                self._address + first, min(WINDOW, self.size - first)
            )
        data = self._window[at - first : at - first + size]
        if len(data) < size:
            data = self._memory.read(self._address + at, size)
        return data
