# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""MemReserve: the list of memory reservations in front of the tree."""

from __future__ import annotations

from _operator import index as to_int

from .._native import ffi, lib, writing
from ..codec.reg import MemRange
from ..errors import FdtBadContent, FdtBadParameter, error

__all__ = ["MemReserve"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import overload

    from .blob import Blob

WHERE = "memreserve"
ENTRY_SIZE = 16


class MemReserve:
    """Memory reservations of an `Fdt`, in the order of the blob: a list.

    Items are `MemRange`, physical bytes. It is a view: it always shows and
    changes the tree it came from. It has no room for a reservation of size 0,
    which ends the list (Devicetree Specification v0.4, 5.3).

    >>> from pyfdtx import Fdt
    >>> fdt = Fdt.empty()
    >>> fdt.memreserve.append(0x48000000, 0x1000)
    >>> fdt.memreserve.append((0x4a000000, 0x200000))
    >>> list(fdt.memreserve)
    [MemRange(0x48000000, 0x1000), MemRange(0x4a000000, 0x200000)]
    >>> del fdt.memreserve[0]
    >>> fdt.memreserve.remove((0x4a000000, 0x200000))
    >>> len(fdt.memreserve)
    0
    """

    __slots__ = ("_blob",)

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def __repr__(self) -> str:
        pairs = ", ".join(f"({start:#x}, {size:#x})" for start, size in self._pairs())
        return f"<MemReserve [{pairs}]>"

    def _pairs(self) -> list[tuple[int, int]]:
        with self._blob.lock:
            items, n = self._blob.table("fdt_reg", lib.fdtx_mem_rsvs)
        return [(items[i].address, items[i].size) for i in range(n)]

    def _range(self, pair: tuple[int, int]) -> MemRange:
        try:
            return MemRange(*pair)
        except FdtBadParameter:
            start, size = pair
            raise FdtBadContent(
                WHERE, f"({start:#x}, {size:#x})", "the reservation wraps past 2**64"
            ) from None

    def __len__(self) -> int:
        with self._blob.lock:
            n: int = self._blob.read(lib.fdtx_mem_rsvs, ffi.NULL, 0)
        return n

    def __iter__(self) -> Iterator[MemRange]:
        """The reservations of this moment.

        Raises:
            FdtBadContent: one wraps past 2**64.
        """
        return iter([self._range(pair) for pair in self._pairs()])

    def __contains__(self, entry: object) -> bool:
        return entry in self._pairs()

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> MemRange: ...
        @overload
        def __getitem__(self, index: slice) -> list[MemRange]: ...

    def __getitem__(self, index: int | slice) -> MemRange | list[MemRange]:
        pairs = self._pairs()
        if isinstance(index, slice):
            return [self._range(pair) for pair in pairs[index]]
        return self._range(pairs[self._index(index, len(pairs))])

    def _index(self, index: int, n: int) -> int:
        if not isinstance(index, int):
            raise TypeError(f"{WHERE}: want int or slice, not {type(index).__name__}")
        if not -n <= index < n:
            raise IndexError(f"{WHERE}[{index}]: there are {n} reservations")
        return index % n

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            # What an object makes of itself may change the reservations
            parts = (index.start, index.stop, index.step)
            index = slice(*(part if part is None else to_int(part) for part in parts))
        with self._blob.lock:
            self._delete(index)

    def _delete(self, index: int | slice) -> None:
        n = len(self)
        gone = bytearray(n)
        if isinstance(index, slice):
            for place in range(n)[index]:
                gone[place] = 1
        else:
            gone[self._index(index, n)] = 1
        with writing(self._blob.buf) as p, ffi.from_buffer("uint8_t[]", gone) as g:
            code = lib.fdtx_del_mem_rsvs(p, g, n)
        if code < 0:
            raise error(code, "fdtx_del_mem_rsvs", WHERE)

    def append(self, start: int | Iterable[int], size: int | None = None) -> None:
        """Add a reservation at the end.

        Args:
            start, size: physical bytes; or one MemRange or (start, size) pair.
        Raises:
            TypeError: not numbers.
            FdtBadParameter: the size is 0, which would end the list for every
                reader; negative; or the range wraps past 2**64.
        """
        if isinstance(start, int):
            if size is None:
                raise TypeError(f"{WHERE}: want start and size, or a MemRange")
            entry = MemRange(start, size)
        elif size is not None:
            raise TypeError(f"{WHERE}: start must be int, not {type(start).__name__}")
        else:
            entry = MemRange.of(start)
        where = f"({entry.start:#x}, {entry.size:#x})"
        if not entry.size:
            raise FdtBadParameter(
                f"{WHERE}.append", where, "a reservation of size 0 would end the list"
            )
        blob = self._blob
        with blob.lock:
            blob.room(ENTRY_SIZE, f"{WHERE}.append", where)
            with writing(blob.buf) as p:
                code = lib.fdt_add_mem_rsv(p, entry.start, entry.size)
        if code < 0:
            raise error(code, f"{WHERE}.append", where)

    def remove(self, entry: Iterable[int]) -> None:
        """Delete the first reservation equal to entry, a MemRange or a pair.

        Raises:
            TypeError: no range and no pair.
            ValueError: there is none.
        """
        wanted = MemRange.of(entry)
        with self._blob.lock:
            try:
                index = self._pairs().index(wanted)
            except ValueError:
                raise ValueError(f"{WHERE}: there is no {wanted!r}") from None
            del self[index]

    def clear(self) -> None:
        """Delete all reservations."""
        del self[:]
