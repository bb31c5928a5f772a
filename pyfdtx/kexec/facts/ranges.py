# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory ranges: exclude, intersect, merge, clip.

A list of ranges is packed: 64-bit numbers, start and size in turn, so that
100,000 ranges cost 1.6 MB and one pass in C, not 100,000 objects. Results have
the room they need; there is no capacity to run out of.
"""

from __future__ import annotations

from array import array

from ..._core import pairs
from ..._native import ffi, lib
from ...codec.reg import U64_END, MemRange, check_packed, is_packed
from ...errors import FdtBadParameter

__all__ = ["Ranges"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union, overload

    Pair = Union[MemRange, tuple[int, int]]
    Packed = Union["array[int]", memoryview]
    Source = Union["Ranges", Packed, MemRange, Iterable[Pair]]

OP = "Ranges"
_WORDS = ffi.typeof("uint64_t[]")
# Only what was written is copied out; clearing would only cost time
_new_words = ffi.new_allocator(should_clear_after_alloc=False)


def _own_copy(packed: Packed) -> array[int]:
    """An array('Q') of what is in another array or memoryview."""
    view = memoryview(packed)
    check_packed(view, "packed ranges")
    if view.nbytes % 16:
        raise FdtBadParameter(
            OP,
            f"{view.nbytes // 8} packed numbers",
            "not a whole number of pairs (start, size)",
        )
    words = array("Q")
    words.frombytes(view.cast("B") if view.c_contiguous else view.tobytes())
    return words


def quick_pack(source: object) -> array[int] | None:
    """The numbers of packed ranges (copied), or of a list or tuple of plain
    pairs, empty ones among them; None if it takes more than a look."""
    if isinstance(source, (array, memoryview)):
        view = memoryview(source)
        good = is_packed(view) and view.nbytes % 16 == 0
        return _own_copy(source) if good else None
    raw = pairs(source) if isinstance(source, (list, tuple)) else None
    if raw is None or isinstance(source, MemRange):
        return None
    words = array("Q")
    words.frombytes(raw)
    return words


def _pack(source: Source) -> array[int]:
    """The numbers of any source, empty ranges left out, in the order given."""
    if isinstance(source, MemRange):
        source = [source]
    if isinstance(source, (array, memoryview)):
        words = _own_copy(source)
        if 0 not in words[1::2]:
            return words
        source = zip(words[::2], words[1::2])
    words = array("Q")
    for pair in source:
        try:
            got = MemRange.of(pair)
        except (TypeError, ValueError) as e:
            if isinstance(e, FdtBadParameter):
                raise FdtBadParameter(OP, e.where, e.cause) from None
            raise TypeError(
                f"ranges must be pairs (start, size) of int, not {pair!r}"
            ) from None
        if got.size == U64_END:
            raise FdtBadParameter(
                OP, repr(got), "its size needs 65 bits; give it as two halves"
            )
        if got.size:
            words.extend(got)
    return words


def _sorted(words: array[int]) -> array[int]:
    pairs = sorted(zip(words[::2], words[1::2]))
    return array("Q", [number for pair in pairs for number in pair])


def _first_bad(words: array[int]) -> int:
    """Number of the first pair that is not behind the one before, or len."""
    with ffi.from_buffer(_WORDS, words) as p:
        return int(lib.fdtx_ranges_check(p, len(p) // 2))


class Ranges:
    """Memory ranges in ascending order, none empty, none overlapping.

    Immutable. Ranges that touch stay apart until merge() or joined().

    Args:
        source: pairs (start, size) of bytes, MemRange or not, in any order; or
            packed numbers, an array or memoryview of unsigned 64-bit numbers,
            start and size in turn (copied). Empty ranges are left out.
    Raises:
        TypeError: not ranges.
        FdtBadParameter: two ranges overlap, one wraps past 2**64, one is 2**64
            bytes long, or packed numbers do not pair up. See union() for
            ranges that may overlap.
    """

    __slots__ = ("_words",)
    _words: array[int]

    def __init__(self, source: Source = ()) -> None:
        if isinstance(source, Ranges):
            self._words = source._words
            return
        words = quick_pack(source)
        if words is not None and _first_bad(words) * 2 == len(words):
            self._words = words
            return
        words = _pack(source)
        if _first_bad(words) * 2 != len(words):
            words = _sorted(words)
            bad = 2 * _first_bad(words)
            if bad != len(words):
                self._refuse(words, bad)
        self._words = words

    @staticmethod
    def _refuse(words: array[int], bad: int) -> None:
        start, size = words[bad : bad + 2]
        if start + size > U64_END:
            raise FdtBadParameter(OP, f"({start:#x}, {size:#x})", "wraps past 2**64")
        one, two = MemRange(*words[bad - 2 : bad]), MemRange(start, size)
        raise FdtBadParameter(
            OP, f"{one!r} and {two!r}", "overlap; Ranges.union() joins such ranges"
        )

    @classmethod
    def _made(cls, words: array[int]) -> Ranges:
        self = cls.__new__(cls)
        self._words = words
        return self

    @classmethod
    def union(cls, source: Source) -> Ranges:
        """Everything that is in any range of source; these may overlap.

        Ranges that overlap or touch become one.

        Raises: as Ranges, but for overlaps.
        """
        if isinstance(source, Ranges):
            return source.joined()
        words = _pack(source)
        joined = array("Q")
        start = stop = 0
        for first, size in sorted(zip(words[::2], words[1::2])):
            if first + size > U64_END:
                cls._refuse(array("Q", (first, size)), 0)
            if first <= stop and stop:
                stop = max(stop, first + size)
                continue
            if stop:
                cls._put(joined, start, stop)
            start, stop = first, first + size
        if stop:
            cls._put(joined, start, stop)
        return cls._made(joined)

    @staticmethod
    def _put(words: array[int], start: int, stop: int) -> None:
        if stop - start == U64_END:
            half = U64_END >> 1
            words.extend((0, half))
            start = half
        words.extend((start, stop - start))

    def _combined(self, call: Any, other: Source) -> Ranges:
        ours = self._words
        theirs = (other if isinstance(other, Ranges) else Ranges.union(other))._words
        with ffi.from_buffer(_WORDS, ours) as a, ffi.from_buffer(_WORDS, theirs) as b:
            out = _new_words(_WORDS, max(len(a) + len(b), 1))
            count = call(a, len(a) // 2, b, len(b) // 2, out)
        words = array("Q")
        words.frombytes(ffi.buffer(out, count * 16))
        return Ranges._made(words)

    def exclude(self, other: Source) -> Ranges:
        """What is in self and not in other, in one pass for all holes.

        A hole may lie inside a range (which is split), cover one or several,
        touch one, or lie outside all. Args, Raises: as union().
        """
        return self._combined(lib.fdtx_ranges_exclude, other)

    def intersect(self, other: Source) -> Ranges:
        """What is both in self and in other. Args, Raises: as union()."""
        return self._combined(lib.fdtx_ranges_intersect, other)

    def merge(self, other: Source) -> Ranges:
        """What is in self or in other; ranges that overlap or touch become one.

        Everything from 0 to 2**64 has no pair: it is given as two halves.
        Args, Raises: as union().
        """
        return self._combined(lib.fdtx_ranges_merge, other)

    def joined(self) -> Ranges:
        """The same bytes, ranges that touch made one."""
        return self._combined(lib.fdtx_ranges_merge, ())

    def clip(self, start: int, stop: int) -> Ranges:
        """What lies from start up to, not including, stop (0 to 2**64).

        Raises:
            FdtBadParameter: start or stop outside 0 to 2**64, or start > stop.
        """
        if not 0 <= start <= stop <= U64_END:
            raise FdtBadParameter(
                "Ranges.clip",
                f"({start:#x}, {stop:#x})",
                "must be 0 <= start <= stop <= 2**64",
            )
        if start == 0 and stop == U64_END:
            return self
        if start == stop:  # no byte, and at 2**64 no MemRange either
            return Ranges()
        return self.intersect([(start, stop - start)])

    def covers(self, pair: Pair) -> bool:
        """Whether every byte of (start, size) is in one of the ranges or in
        several that touch."""
        want = MemRange.of(pair)
        if not want.size:
            return True
        at = self._behind(want.start) - 1
        if at < 0:
            return False
        stop = self[at].stop
        if want.start >= stop:
            return False
        while stop < want.stop:
            at += 1
            if at == len(self) or self[at].start != stop:
                return False
            stop = self[at].stop
        return True

    def _behind(self, address: int) -> int:
        """Number of the first range that starts behind an address."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._words[2 * middle] <= address:
                low = middle + 1
            else:
                high = middle
        return low

    @property
    def total(self) -> int:
        """Number of bytes in all ranges, up to 2**64."""
        with ffi.from_buffer(_WORDS, self._words) as p:
            total = int(lib.fdtx_ranges_total(p, len(p) // 2))
        return U64_END if self._words and not total else total

    @property
    def words(self) -> memoryview:
        """The packed numbers, start and size in turn: a read-only view,
        format 'Q', no copy."""
        return memoryview(self._words).toreadonly()

    def __len__(self) -> int:
        return len(self._words) // 2

    def __iter__(self) -> Iterator[MemRange]:
        return map(MemRange, self._words[::2], self._words[1::2])

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> MemRange: ...
        @overload
        def __getitem__(self, index: slice) -> Ranges: ...

    def __getitem__(self, index: int | slice) -> MemRange | Ranges:
        if isinstance(index, slice):
            return Ranges(list(self)[index])
        at = range(len(self))[index]
        return MemRange(self._words[2 * at], self._words[2 * at + 1])

    def __contains__(self, address: object) -> bool:
        """Whether a byte address, or a whole MemRange, lies in the ranges."""
        if isinstance(address, MemRange):
            return self.covers(address)
        if not isinstance(address, int) or not 0 <= address < U64_END:
            return False
        return bool(self.intersect([(address, 1)]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ranges):
            return NotImplemented
        return self._words == other._words

    def __hash__(self) -> int:
        return hash(self._words.tobytes())

    def __repr__(self) -> str:
        shown = [f"({r.start:#x}, {r.size:#x})" for r in self[:8]]
        if len(self) > 8:
            shown.append(f"... {len(self)} in all")
        return f"Ranges([{', '.join(shown)}])"

    def __reduce__(self) -> tuple[object, ...]:
        return Ranges, (self._words[:],)
