# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The A64 instructions that our own code consists of, one method each.

Source: Arm Architecture Reference Manual (DDI 0487), chapter C6. Registers are
numbers, 31 is the zero register. A method named in w is on 32 bits, all others
are on 64.
"""

from __future__ import annotations

import struct

__all__ = ["EQ", "LSR", "NE", "ROR", "XZR", "Code"]

XZR = 31
# Conditions, and kinds of shift
EQ, NE = 0, 1
LSR, ROR = 1, 3


class Code:
    """Instructions in the order they are called for, then data.

    A label may be used before it is set; offsets count from the first
    instruction. Instructions are little-endian whatever the data are.
    """

    def __init__(self) -> None:
        self._out = bytearray()
        self._labels: dict[str, int] = {}
        # (offset of the instruction, label, bits, lowest bit, as adr has it)
        self._open: list[tuple[int, str, int, int, bool]] = []

    def _word(self, value: int) -> None:
        self._out += struct.pack("<I", value)

    def _to(self, value: int, label: str, bits: int, shift: int = 5) -> None:
        self._open.append((len(self._out), label, bits, shift, False))
        self._word(value)

    @property
    def here(self) -> int:
        return len(self._out)

    def label(self, name: str) -> None:
        self._labels[name] = len(self._out)

    def data(self, value: bytes) -> None:
        self._out += value

    def align(self, boundary: int) -> None:
        self._out += bytes(-len(self._out) % boundary)

    def to_bytes(self) -> bytes:
        """With every label's place filled in."""
        for at, label, bits, shift, is_adr in self._open:
            distance = self._labels[label] - at
            (word,) = struct.unpack_from("<I", self._out, at)
            if is_adr:
                word |= (distance & 3) << 29
            field = distance >> 2
            if not -(1 << bits - 1) <= field < 1 << bits - 1:
                raise OverflowError(f"{label} is {distance} bytes away")
            word |= (field & (1 << bits) - 1) << shift
            struct.pack_into("<I", self._out, at, word)
        return bytes(self._out)

    # Memory

    def adr(self, d: int, label: str) -> None:
        self._open.append((len(self._out), label, 19, 5, True))
        self._word(0x1000_0000 | d)

    def ldr(self, t: int, label: str) -> None:
        self._to(0x5800_0000 | t, label, 19)

    def ldp(self, t1: int, t2: int, n: int, offset: int) -> None:
        self._word(0xA940_0000 | (offset // 8 & 0x7F) << 15 | t2 << 10 | n << 5 | t1)

    def ldp_post(self, t1: int, t2: int, n: int, step: int) -> None:
        """ldp t1, t2, [n], #step"""
        self._word(0xA8C0_0000 | (step // 8 & 0x7F) << 15 | t2 << 10 | n << 5 | t1)

    def ldp_w(self, t1: int, t2: int, n: int, offset: int) -> None:
        self._word(0x2940_0000 | (offset // 4 & 0x7F) << 15 | t2 << 10 | n << 5 | t1)

    def stp_w(self, t1: int, t2: int, n: int, offset: int) -> None:
        self._word(0x2900_0000 | (offset // 4 & 0x7F) << 15 | t2 << 10 | n << 5 | t1)

    # Arithmetic

    def mov(self, d: int, m: int) -> None:
        self._word(0xAA00_03E0 | m << 16 | d)

    def mov_w(self, d: int, value: int) -> None:
        """A number of 32 bits: movz, movk."""
        self._word(0x5280_0000 | (value & 0xFFFF) << 5 | d)
        self._word(0x72A0_0000 | (value >> 16) << 5 | d)

    def add_w(self, d: int, n: int, m: int) -> None:
        self._word(0x0B00_0000 | m << 16 | n << 5 | d)

    def and_w(self, d: int, n: int, m: int) -> None:
        self._word(0x0A00_0000 | m << 16 | n << 5 | d)

    def eor_w(self, d: int, n: int, m: int, shift: int = 0, by: int = 0) -> None:
        self._word(0x4A00_0000 | shift << 22 | m << 16 | by << 10 | n << 5 | d)

    def ror_w(self, d: int, n: int, by: int) -> None:
        self._word(0x1380_0000 | n << 16 | by << 10 | n << 5 | d)

    def lsr(self, d: int, n: int, by: int) -> None:
        self._word(0xD340_FC00 | by << 16 | n << 5 | d)

    def rev32(self, d: int, n: int) -> None:
        """The bytes of each half in the other order."""
        self._word(0xDAC0_0800 | n << 5 | d)

    # Control

    def cmp(self, n: int, m: int) -> None:
        self._word(0xEB00_001F | m << 16 | n << 5)

    def b(self, label: str) -> None:
        self._to(0x1400_0000, label, 26, 0)

    def b_if(self, condition: int, label: str) -> None:
        self._to(0x5400_0000 | condition, label, 19)

    def cbz(self, t: int, label: str) -> None:
        self._to(0xB400_0000 | t, label, 19)

    def br(self, n: int) -> None:
        self._word(0xD61F_0000 | n << 5)

    def wfi(self) -> None:
        self._word(0xD503_207F)
