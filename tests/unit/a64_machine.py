# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A machine that runs A64 code: the instructions that loaders' code is made of,
decoded from the tables of the Arm Architecture Reference Manual (DDI 0487),
chapter C4, by their fixed bits. Any other word stops it with an error.
"""

import struct

U32, U64 = (1 << 32) - 1, (1 << 64) - 1
XZR = 31


class Waiting(Exception):
    """It has come to wfi."""


class Machine:
    """Memory is pieces of (start, bytes); access elsewhere is an error."""

    def __init__(self, pieces):
        self.memory = {start: bytearray(data) for start, data in pieces}
        self.x = [0xDEAD_0000 + i for i in range(32)]
        self.x[0] = 0  # as kexec_load(2) leaves it
        self.equal = None

    def piece(self, address, size):
        for start, data in self.memory.items():
            if start <= address and address + size <= start + len(data):
                return data, address - start
        raise AssertionError(f"no memory at {address:#x}")

    def load(self, address, size):
        assert address % size == 0, "unaligned, with the MMU off"
        data, at = self.piece(address, size)
        return int.from_bytes(data[at : at + size], "little")

    def store(self, address, size, value):
        assert address % size == 0, "unaligned, with the MMU off"
        data, at = self.piece(address, size)
        data[at : at + size] = value.to_bytes(size, "little")

    def get(self, register, mask=U64):
        return 0 if register == XZR else self.x[register] & mask

    def set(self, register, value, mask=U64):
        if register != XZR:
            self.x[register] = value & mask

    def run(self, pc, stops, limit=2_000_000):
        """From pc until one of the addresses is reached; that address."""
        for _ in range(limit):
            if pc in stops:
                return pc
            pc = self.step(pc, self.load(pc, 4))
        raise AssertionError("it never ends")

    def step(self, pc, word):
        d, n, m, t2 = word & 31, word >> 5 & 31, word >> 16 & 31, word >> 10 & 31
        imm19 = signed(word >> 5, 19) * 4
        if word & 0x9F00_0000 == 0x1000_0000:  # adr
            self.set(d, pc + (imm19 | word >> 29 & 3))
        elif word & 0xFF00_0000 == 0x5800_0000:  # ldr Xt, label
            self.set(d, self.load(pc + imm19, 8))
        elif word & 0xFFC0_0000 in (0xA940_0000, 0xA8C0_0000, 0x2940_0000):  # ldp
            size = 8 if word >> 31 else 4
            offset = signed(word >> 15, 7) * size
            post = word & 0xFFC0_0000 == 0xA8C0_0000
            address = self.base(n) + (0 if post else offset)
            assert d != t2, "unpredictable"
            self.set(d, self.load(address, size))
            self.set(t2, self.load(address + size, size))
            if post:
                assert n not in (d, t2), "unpredictable"
                self.set(n, address + offset)
        elif word & 0xFFC0_0000 == 0x2900_0000:  # stp Wt1, Wt2
            address = self.base(n) + signed(word >> 15, 7) * 4
            self.store(address, 4, self.get(d, U32))
            self.store(address + 4, 4, self.get(t2, U32))
        elif word & 0xFFE0_FFE0 == 0xAA00_03E0:  # mov Xd, Xm
            self.set(d, self.get(m))
        elif word & 0xFFE0_0000 == 0x5280_0000:  # movz Wd, #imm
            self.set(d, word >> 5 & 0xFFFF)
        elif word & 0xFFE0_0000 == 0x72A0_0000:  # movk Wd, #imm, lsl #16
            self.set(d, self.get(d, 0xFFFF) | (word >> 5 & 0xFFFF) << 16)
        elif word & 0xFFE0_FC00 == 0x0B00_0000:  # add Wd, Wn, Wm
            self.set(d, self.get(n, U32) + self.get(m, U32), U32)
        elif word & 0xFFE0_FC00 == 0x0A00_0000:  # and Wd, Wn, Wm
            self.set(d, self.get(n, U32) & self.get(m, U32))
        elif word & 0xFF20_8000 == 0x4A00_0000:  # eor Wd, Wn, Wm, shift #by
            other = shifted(self.get(m, U32), word >> 22 & 3, t2)
            self.set(d, self.get(n, U32) ^ other)
        elif word & 0xFFE0_8000 == 0x1380_0000:  # ror Wd, Wn, #by (extr)
            assert n == m
            self.set(d, shifted(self.get(n, U32), 3, t2))
        elif word & 0xFFC0_FC00 == 0xD340_FC00:  # lsr Xd, Xn, #by
            self.set(d, self.get(n) >> (word >> 16 & 63))
        elif word & 0xFFFF_FC00 == 0xDAC0_0800:  # rev32 Xd, Xn
            halves = struct.pack("<2I", *struct.unpack(">2I", self.bytes_of(n)))
            self.set(d, int.from_bytes(halves, "little"))
        elif word & 0xFFE0_FC1F == 0xEB00_001F:  # cmp Xn, Xm
            self.equal = self.get(n) == self.get(m)
        elif word & 0xFC00_0000 == 0x1400_0000:  # b
            return pc + signed(word, 26) * 4
        elif word & 0xFF00_001E == 0x5400_0000:  # b.eq, b.ne
            assert self.equal is not None
            return pc + imm19 if self.equal != bool(word & 1) else pc + 4
        elif word & 0xFF00_0000 == 0xB400_0000:  # cbz Xt
            return pc + imm19 if self.get(d) == 0 else pc + 4
        elif word & 0xFFFF_FC1F == 0xD61F_0000:  # br Xn
            return self.get(n)
        elif word == 0xD503_207F:  # wfi
            raise Waiting
        else:
            raise AssertionError(f"{word:#010x} at {pc:#x} is not known")
        return pc + 4

    def base(self, n):
        assert n != XZR, "there is no stack"
        return self.get(n)

    def bytes_of(self, n):
        return self.get(n).to_bytes(8, "little")


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def shifted(value, kind, by):
    if kind == 0:
        return value << by & U32
    if kind == 1:
        return value >> by
    assert kind == 3, "asr"
    return (value >> by | value << 32 - by) & U32
