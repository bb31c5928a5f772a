# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Arrays of (address, size) entries: from pairs and packed numbers, and back."""

from __future__ import annotations

from .._core import pairs
from .._native import ffi
from ..errors import FdtBadParameter
from .memrange import U64_END, U64_MAX, MemRange
from .values import several, shown_hex

__all__ = [
    "U64_END",
    "U64_MAX",
    "MemRange",
    "array_fault",
    "check_packed",
    "fault_of",
    "from_entries",
    "is_packed",
    "to_ranges",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    from typing_extensions import Buffer

    # pairs, or a packed array('Q') of alternating start and size
    Entries = Union[Iterable[Iterable[int]], Buffer]

_REGS = ffi.typeof("struct fdt_reg[]")


def is_packed(view: memoryview) -> bool:
    """Whether the items are unsigned 64-bit numbers, host byte order."""
    return view.itemsize == 8 and view.format.lstrip("@=") in ("Q", "L")


def check_packed(view: memoryview, what: str) -> None:
    """TypeError unless is_packed()."""
    if not is_packed(view):
        raise TypeError(
            f"{what} must be unsigned 64-bit numbers (format 'Q'), not "
            f"format {view.format!r} of {view.itemsize} bytes"
        )


def from_entries(entries: Entries, op: str, where: str) -> tuple[Any, int]:
    """`struct fdt_reg` array of entries, as C wants it.

    Args:
        entries: (start, size) pairs; or a buffer of unsigned 64-bit items in
            host byte order, alternating start and size, not copied.
    Returns:
        (array, number of entries); the array keeps the buffer alive and must
        be gone before that can be resized.
    Raises:
        TypeError: neither, or a number that is no int.
        FdtBadParameter: a number below 0 or above 2**64 - 1; an odd buffer.
    """
    try:
        view = memoryview(entries)  # type: ignore[arg-type]
    except TypeError:
        return _from_pairs(entries, op, where)  # type: ignore[arg-type]
    check_packed(view, f"{op} {where}: a packed buffer")
    n, odd = divmod(view.nbytes, 16)
    if odd:
        raise FdtBadParameter(
            op, where, f"{view.nbytes // 8} numbers are not (start, size) entries"
        )
    return _regs(view if view.c_contiguous else view.tobytes()), n


def _regs(packed: Buffer) -> Any:
    """The entries in a contiguous buffer of numbers: no copy, if C can read
    them there."""
    regs = ffi.from_buffer(_REGS, packed)
    if not int(ffi.cast("uintptr_t", regs)) % 8:
        return regs
    aligned = ffi.new(_REGS, len(regs))
    ffi.memmove(aligned, packed, 16 * len(regs))
    return aligned


def _from_pairs(
    entries: Iterable[Iterable[int]], op: str, where: str
) -> tuple[Any, int]:
    if isinstance(entries, (list, tuple)):
        packed = pairs(entries)
        if packed is not None:
            # The list may be longer or shorter by now, or say so
            return _regs(packed), len(packed) // 16
    # An iterable of another kind, or something to complain about
    entries = several(entries, "(start, size) pairs", op, where)
    try:
        flat = [v for start, size in entries for v in (start, size)]
    except (TypeError, ValueError) as e:
        raise TypeError(f"{op} {where}: want (start, size) pairs: {e}") from None
    try:
        numbers = ffi.new("uint64_t[]", flat)
    except (TypeError, OverflowError):
        for i, v in enumerate(flat):
            if not isinstance(v, int):
                raise TypeError(
                    f"{op} {where}: want int, not {type(v).__name__}"
                ) from None
            if not 0 <= v < U64_END:
                name = "size" if i % 2 else "start"
                raise FdtBadParameter(
                    op,
                    where,
                    f"{name} {shown_hex(v)} of entry {i // 2} is not an unsigned "
                    "64-bit number",
                ) from None
        raise
    n = len(flat) // 2
    regs = ffi.new(_REGS, n)
    ffi.memmove(regs, numbers, 16 * n)
    return regs, n


def to_ranges(regs: Any, n: int) -> list[MemRange]:
    """The first n entries of a `struct fdt_reg` array, known not to wrap."""
    numbers = iter(ffi.unpack(ffi.cast("uint64_t *", regs), 2 * n))
    new = tuple.__new__
    return [new(MemRange, pair) for pair in zip(numbers, numbers)]


def array_fault(length: int, address_cells: int, size_cells: int) -> str:
    """Why a value of so many bytes is no array of entries."""
    n, odd = divmod(length, 4 * (address_cells + size_cells))
    if odd:
        return (
            f"the length {length} is not a whole number of entries of "
            f"{address_cells} + {size_cells} cells"
        )
    return f"one of {n} entries needs more than 64 bits or wraps"


def fault_of(regs: Any, n: int, address_cells: int, size_cells: int) -> str:
    """Which entry does not fit the cells, and why."""
    end = 1 << min(32 * address_cells, 64)
    for i in range(n):
        start, size = regs[i].address, regs[i].size
        if start >= end or size >= 1 << min(32 * size_cells, 64):
            why = f"does not fit {address_cells} + {size_cells} cells"
        elif start + size > end:
            why = f"goes beyond the end of {address_cells}-cell addresses"
        else:
            continue
        return f"entry {i} ({start:#x}, {size:#x}) {why}"
    return f"{n} entries are more than a property can hold"
