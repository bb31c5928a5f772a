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
    where: the file it came from.
    """

    __slots__ = ("_values", "text", "where")

    def __init__(self, text: str, where: str):
        self.text = text
        self.where = where
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
                OP, self.where, f"has no {key}; is this kernel's architecture known?"
            ) from None

    def _number(self, key: str, parse: Callable[[str], int]) -> int:
        value = self[key]
        try:
            return parse(value) % U64_END
        except ValueError:
            raise FdtMachineError(
                OP, self.where, f"{key}={value[:80]} is not a number"
            ) from None

    def number(self, name: str) -> int:
        """NUMBER(name) modulo 2**64; decimal or 0x, as the kernel chose."""
        return self._number(f"NUMBER({name})", _any)

    def symbol(self, name: str) -> int:
        """SYMBOL(name): a virtual address."""
        return self._number(f"SYMBOL({name})", hexadecimal)

    def has_number(self, name: str) -> bool:
        return f"NUMBER({name})" in self._values

    @property
    def kernel_offset(self) -> int:
        """KERNELOFFSET: how far KASLR moved the kernel image, bytes."""
        return self._number("KERNELOFFSET", hexadecimal)
