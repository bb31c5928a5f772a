# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""VMCOREINFO: what the running kernel tells the readers of its dump."""

from __future__ import annotations

from ...codec.reg import U64_END
from ...errors import FdtMachineError

__all__ = ["Vmcoreinfo"]

OP = "Machine"


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
            line.split("=", 1) for line in text.splitlines() if "=" in line
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

    def _int(self, key: str, base: int) -> int:
        value = self[key]
        try:
            return int(value, base) % U64_END
        except ValueError:
            raise FdtMachineError(
                OP, self.where, f"{key}={value} is not a number"
            ) from None

    def number(self, name: str) -> int:
        """NUMBER(name) modulo 2**64; decimal or 0x, as the kernel chose."""
        return self._int(f"NUMBER({name})", 0)

    def symbol(self, name: str) -> int:
        """SYMBOL(name): a virtual address."""
        return self._int(f"SYMBOL({name})", 16)

    def has_number(self, name: str) -> bool:
        return f"NUMBER({name})" in self._values

    @property
    def kernel_offset(self) -> int:
        """KERNELOFFSET: how far KASLR moved the kernel image, bytes."""
        return self._int("KERNELOFFSET", 16)
