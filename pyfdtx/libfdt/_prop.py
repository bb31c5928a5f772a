# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A property's name and value."""

from __future__ import annotations

import struct

__all__ = [
    "Property",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, SupportsIndex, Union

    from typing_extensions import Buffer

    Value = Union[Buffer, Iterable[SupportsIndex], SupportsIndex]


class Property(bytearray):
    """Copy of a property's value; edits of the tree do not change it.

    Numbers are big-endian. A value of the wrong length raises struct.error.

    Attributes:
        name: the property's name.
    """

    def __init__(self, name: str, value: Value) -> None:
        bytearray.__init__(self, value)
        self.name = name

    def as_cell(self, fmt: str) -> Any:
        """The first item of the whole value, unpacked by a struct format."""
        return struct.unpack(">" + fmt, self)[0]

    def as_uint32(self) -> int:
        """A value of 4 bytes."""
        val: int = self.as_cell("L")
        return val

    def as_int32(self) -> int:
        """A value of 4 bytes, signed."""
        val: int = self.as_cell("l")
        return val

    def as_uint64(self) -> int:
        """A value of 8 bytes."""
        val: int = self.as_cell("Q")
        return val

    def as_int64(self) -> int:
        """A value of 8 bytes, signed."""
        val: int = self.as_cell("q")
        return val

    def as_list(self, fmt: str) -> list[Any]:
        """The first item of each struct that the value is made of."""
        return [items[0] for items in struct.iter_unpack(">" + fmt, self)]

    def as_uint32_list(self) -> list[int]:
        """A value of 4 bytes each; empty for none."""
        return self.as_list("L")

    def as_int32_list(self) -> list[int]:
        """A value of 4 bytes each, signed; empty for none."""
        return self.as_list("l")

    def as_uint64_list(self) -> list[int]:
        """A value of 8 bytes each; empty for none."""
        return self.as_list("Q")

    def as_int64_list(self) -> list[int]:
        """A value of 8 bytes each, signed; empty for none."""
        return self.as_list("q")

    def _ended(self) -> bytearray:
        if self[-1] != 0:
            raise ValueError("Property lacks nul termination")
        return self[:-1]

    def as_str(self) -> str:
        """The one string that the value is, from UTF-8.

        Raises:
            IndexError: the value is empty.
            ValueError: no NUL at the end, or one before.
        """
        text = self._ended()
        if 0 in text:
            raise ValueError("Property contains embedded nul characters")
        return text.decode("utf-8")

    def as_stringlist(self) -> list[str]:
        """The strings that the value is made of, from UTF-8.

        Raises:
            IndexError: the value is empty.
            ValueError: no NUL at the end.
        """
        return [part.decode("utf-8") for part in self._ended().split(b"\0")]
