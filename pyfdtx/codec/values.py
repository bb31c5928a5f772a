# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Property values to bytes and back: numbers, cells, strings.

Encoders get (op, where) for their errors and refuse a value before anything
is written. Values of secrets do not get into messages.
"""

from __future__ import annotations

from struct import error as struct_error
from struct import pack, unpack

from ..errors import FdtBadContent, FdtBadParameter
from .secret import is_secret_name

__all__ = [
    "from_cells",
    "from_int",
    "from_string",
    "from_stringlist",
    "several",
    "shown",
    "shown_hex",
    "to_cells",
    "to_int",
    "to_string",
    "to_stringlist",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    T = TypeVar("T")


def shown(value: object, where: str = "") -> str:
    """repr of a value for a message, unless it is a secret."""
    if is_secret_name(where):
        return "the value (not shown)"
    text = hex(value) if isinstance(value, int) and abs(value) > 9 else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def shown_hex(value: int) -> str:
    """0x hex of a number for a message, shortened if it is absurd."""
    text = hex(value)
    return text if len(text) <= 40 else text[:37] + "..."


def several(values: Iterable[T], of: str, op: str, where: str) -> list[T]:
    """The items of an iterable that is neither text nor bytes."""
    if not isinstance(values, (str, bytes, bytearray)):
        try:
            return list(values)
        except TypeError:
            pass
    raise TypeError(f"{op} {where}: want several {of}, not {type(values).__name__}")


def from_int(value: int, size: int, op: str, where: str) -> bytes:
    """Big-endian bytes of an unsigned number."""
    if not isinstance(value, int):
        raise TypeError(f"{op} {where}: want int, not {type(value).__name__}")
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise FdtBadParameter(
            op, where, f"{shown(value, where)} is not an unsigned {size * 8}-bit number"
        ) from None


def to_int(raw: bytes, size: int, op: str, where: str) -> int:
    if len(raw) != size:
        raise FdtBadContent(op, where, f"has {len(raw)} bytes, not {size}")
    return int.from_bytes(raw, "big")


def from_cells(values: Iterable[int], op: str, where: str) -> bytes:
    """Big-endian 32-bit cells."""
    cells = several(values, "int", op, where)
    try:
        return pack(f">{len(cells)}I", *cells)
    except struct_error:
        return b"".join([from_int(v, 4, op, where) for v in cells])


def to_cells(raw: bytes, op: str, where: str) -> list[int]:
    if len(raw) % 4:
        raise FdtBadContent(
            op, where, f"has {len(raw)} bytes, not a whole number of 4-byte cells"
        )
    return list(unpack(f">{len(raw) // 4}I", raw))


def from_string(value: str, op: str, where: str) -> bytes:
    """UTF-8 and one NUL."""
    if not isinstance(value, str):
        raise TypeError(f"{op} {where}: want str, not {type(value).__name__}")
    if "\0" in value:
        raise FdtBadParameter(op, where, f"{shown(value, where)} contains a NUL")
    try:
        return value.encode() + b"\0"
    except UnicodeEncodeError:
        raise FdtBadParameter(
            op, where, f"{shown(value, where)} cannot be written as UTF-8"
        ) from None


def to_string(raw: bytes, op: str, where: str) -> str:
    strings = to_stringlist(raw, op, where)
    if len(strings) != 1:
        how = f"a list of {len(strings)} strings" if strings else "empty"
        raise FdtBadContent(op, where, f"not one NUL-terminated string: {how}")
    return strings[0]


def from_stringlist(values: Iterable[str], op: str, where: str) -> bytes:
    strings = several(values, "str", op, where)
    return b"".join([from_string(v, op, where) for v in strings])


def to_stringlist(raw: bytes, op: str, where: str) -> list[str]:
    if not raw:
        return []
    if raw[-1]:
        raise FdtBadContent(op, where, "not NUL-terminated, so no string")
    try:
        return raw[:-1].decode().split("\0")
    except UnicodeDecodeError as e:
        raise FdtBadContent(
            op,
            where,
            f"not UTF-8, at byte {e.start} of the value; node[name] gives the bytes",
        ) from None
