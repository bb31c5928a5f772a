# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""MemRange, the one noun for a piece of physical memory."""

from __future__ import annotations

from ..errors import FdtBadParameter

__all__ = ["U64_END", "U64_MAX", "MemRange"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

U64_END = 1 << 64
U64_MAX = U64_END - 1


class MemRange(tuple[int, int]):
    """(start, size): physical bytes, start inclusive. An immutable tuple.

    Args:
        start: first byte, 0 to 2**64 - 1.
        size: number of bytes; 0 is an empty range. start + size is at most 2**64.
    Raises:
        TypeError: not integers.
        FdtBadParameter: negative, or the range wraps past 2**64.
    """

    __slots__ = ()

    def __new__(cls, start: int, size: int) -> Self:
        if not isinstance(start, int) or not isinstance(size, int):
            raise TypeError(
                f"MemRange wants two int, not {type(start).__name__} and "
                f"{type(size).__name__}"
            )
        if start < 0 or size < 0 or start + size > U64_END or start == U64_END:
            # Only for the message: it loads struct, most of the import's time
            from .values import shown_hex

            raise FdtBadParameter(
                "MemRange",
                f"({shown_hex(start)}, {shown_hex(size)})",
                "negative, or does not end at or below 2**64",
            )
        return super().__new__(cls, (start, size))

    @property
    def start(self) -> int:
        return self[0]

    @property
    def size(self) -> int:
        return self[1]

    @property
    def last(self) -> int:
        """Last byte of the range, inclusive, as /proc/iomem shows it; start - 1
        of an empty range."""
        return self[0] + self[1] - 1

    @property
    def stop(self) -> int:
        """First byte behind the range: at most 2**64."""
        return self[0] + self[1]

    def __repr__(self) -> str:
        return f"MemRange({self[0]:#x}, {self[1]:#x})"

    def __getnewargs__(self) -> tuple[int, int]:
        return self[0], self[1]

    @classmethod
    def of(cls, value: MemRange | Iterable[int]) -> MemRange:
        """value itself, or a MemRange of a (start, size) pair.

        Raises:
            TypeError: no pair of integers.
            FdtBadParameter: as MemRange().
        """
        if isinstance(value, MemRange):
            return value
        try:
            start, size = value
        except (TypeError, ValueError):
            from .values import shown

            raise TypeError(
                f"want a MemRange or a pair (start, size), not {shown(value)}"
            ) from None
        return cls(start, size)
