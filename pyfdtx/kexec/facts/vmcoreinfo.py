# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""VMCOREINFO: what the running kernel tells the readers of its dump."""

from __future__ import annotations

from ...codec.reg import U64_END
from ...errors import FdtMachineError
from .number import decimal, hexadecimal

__all__ = ["Vmcoreinfo"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OP = "Machine"


def _any(text: str) -> int:
    """%ld or 0x%lx, as the kernel chose."""
    if text.startswith("0x"):
        return hexadecimal(text[2:])
    return -decimal(text[1:]) if text.startswith("-") else decimal(text)


class Vmcoreinfo:
    """The text of the note, by key.

    text: as the kernel wrote it: lines KEY=value.
    where: the file it came from; op: what it is read for, in errors.
    """

    __slots__ = ("_values", "op", "text", "where")

    def __init__(self, text: str, where: str, op: str = OP):
        self.text = text
        self.where = where
        self.op = op
        self._values = dict(
            line.split("=", 1) for line in text.split("\n") if "=" in line
        )

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> str:
        """The value of a key as text.

        Raises:
            FdtMachineError: there is no such key.
        """
        try:
            return self._values[key]
        except KeyError:
            raise FdtMachineError(
                self.op,
                self.where,
                f"has no {key}; it is of a kernel that pyfdtx does not know",
            ) from None

    def _number(self, key: str, parse: Callable[[str], int]) -> int:
        value = self[key]
        try:
            return parse(value) % U64_END
        except ValueError:
            raise FdtMachineError(
                self.op, self.where, f"{key}={value[:80]} is not a number"
            ) from None

    def number(self, name: str) -> int:
        """NUMBER(name) modulo 2**64; decimal or 0x, as the kernel chose."""
        return self._number(f"NUMBER({name})", _any)

    def symbol(self, name: str) -> int:
        """SYMBOL(name): a virtual address."""
        return self._number(f"SYMBOL({name})", hexadecimal)

    def size(self, name: str) -> int:
        """SIZE(name): of a structure, bytes."""
        return self._number(f"SIZE({name})", decimal)

    def offset(self, name: str) -> int:
        """OFFSET(structure.field): bytes from the structure's start."""
        return self._number(f"OFFSET({name})", decimal)

    def has_number(self, name: str) -> bool:
        return f"NUMBER({name})" in self._values

    @property
    def kernel_offset(self) -> int:
        """KERNELOFFSET: how far KASLR moved the kernel image, bytes."""
        return self._number("KERNELOFFSET", hexadecimal)
