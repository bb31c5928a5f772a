# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Segments, and free memory from which they are cut."""

from __future__ import annotations

from ...codec.reg import U64_END, MemRange
from ..image.kernel import first_start

__all__ = ["Full", "Segment", "Space", "up"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ..facts.ranges import Ranges

    Buffer = Union[bytes, bytearray, memoryview]


class Segment:
    """A piece of memory that is filled before the next kernel starts.

    name: "kernel", "initrd", "dtb", "trampoline", "elfcorehdr" or "backup".
    data: its bytes; the memory behind them is zero.
    start: physical address, a multiple of the page size.
    size: bytes of memory, a multiple of the page size, at least len(data).
    """

    __slots__ = ("data", "name", "size", "start")

    def __init__(self, name: str, data: Buffer, start: int, size: int):
        self.name = name
        self.data = data
        self.start = start
        self.size = size

    @property
    def range(self) -> MemRange:
        return MemRange(self.start, self.size)

    def __repr__(self) -> str:
        return (
            f"Segment({self.name!r}, {len(self.data)} bytes, {self.start:#x}, "
            f"{self.size:#x})"
        )


def up(value: int, boundary: int) -> int:
    return -(-value // boundary) * boundary


class Space:
    """Free memory, from which pieces are taken."""

    def __init__(self, free: Ranges, page: int):
        self.free = free
        self.page = page

    def copy(self) -> Space:
        return Space(self.free, self.page)

    def starts(
        self, size: int, boundary: int, offset: int = 0, low: int = 0
    ) -> list[int]:
        """In each free range the lowest start, offset behind a multiple of
        boundary, with room for size bytes."""
        found = []
        for r in self.free:
            start = first_start(max(r.start, low), boundary, offset)
            if start + size <= r.stop:
                found.append(start)
        return found

    def take(self, start: int, size: int) -> int:
        self.free = self.free.exclude([(start, size)])
        return start

    def lowest(
        self, what: str, size: int, low: int, boundary: int = 1, high: int = U64_END
    ) -> int:
        """Take the lowest place from low on that ends at or below high."""
        whole = up(size, self.page)
        starts = self.starts(whole, max(boundary, self.page), low=low)
        if not starts or starts[0] + whole > high:
            raise Full(what, whole, self.largest(low, high))
        return self.take(starts[0], whole)

    def highest(self, what: str, size: int) -> int:
        whole = up(size, self.page)
        for r in reversed(list(self.free)):
            start = (r.stop - whole) // self.page * self.page
            if start >= r.start:
                return self.take(start, whole)
        raise Full(what, whole, self.largest(0, U64_END))

    def largest(self, low: int, high: int) -> int:
        clipped = self.free.clip(min(low, high), high)
        return max((r.size for r in clipped), default=0)


class Full(Exception):
    """No room for: what, of how many bytes; the largest hole, bytes."""

    def __init__(self, what: str, size: int, hole: int):
        super().__init__(what, size, hole)
        self.what = what
        self.size = size
        self.hole = hole
