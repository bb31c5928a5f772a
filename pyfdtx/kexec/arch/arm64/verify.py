# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""arm64: code that checks SHA-256 of what was loaded before the next kernel is
entered. What differs ends in a loop at the label "stop".

It runs as the old kernel leaves it: MMU and data cache off, so that each access
to data goes to memory. All of a block is in registers: four loads of data,
and twelve accesses for the sum, in 64 bytes. Nothing of the floating point unit, which
may trap, is used.

Source: FIPS 180-4, sections 4.1.2, 5.3.3 and 6.2.2.
"""

from __future__ import annotations

import struct
from math import isqrt

from .a64 import LSR, NE, ROR, XZR, Code

__all__ = ["BLOCK", "verifying"]

BLOCK = 64
U32 = 1 << 32

# Registers: the message schedule is w0-w15, a-h are w16-w23
AT, END = 24, 25
T0, T1 = 26, 27
STATE, TABLE = 29, 30


def _primes(count: int) -> list[int]:
    found: list[int] = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return found


def _cube_root(n: int) -> int:
    """Rounded down."""
    low, high = 0, 1 << n.bit_length() // 3 + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= n else (low, middle)
    return low


# The first 32 bits of the fractions of the primes' roots
INITIAL = [isqrt(p << 64) % U32 for p in _primes(8)]
CONSTANTS = [_cube_root(p << 96) % U32 for p in _primes(64)]


def _schedule(c: Code, t: int) -> None:
    """W[t], in place of W[t - 16]."""
    w, w15, w7, w2 = (i % 16 for i in (t, t - 15, t - 7, t - 2))
    for source, (first, second, shift) in ((w15, (7, 18, 3)), (w2, (17, 19, 10))):
        c.ror_w(T0, source, first)
        c.eor_w(T0, T0, source, ROR, second)
        c.eor_w(T0, T0, source, LSR, shift)
        c.add_w(w, w, T0)
    c.add_w(w, w, w7)


def _sum(c: Code, source: int, turns: tuple[int, int, int], into: int) -> None:
    c.ror_w(T0, source, turns[0])
    c.eor_w(T0, T0, source, ROR, turns[1])
    c.eor_w(T0, T0, source, ROR, turns[2])
    c.add_w(into, into, T0)


def _round(c: Code, t: int) -> None:
    """The letters move instead of the values."""
    a, b, cc, d, e, f, g, h = (16 + (i - t) % 8 for i in range(8))
    c.mov_w(T1, CONSTANTS[t])
    c.add_w(h, h, T1)
    c.add_w(h, h, t % 16)
    _sum(c, e, (6, 11, 25), h)
    # Ch: g ^ e & (f ^ g)
    c.eor_w(T0, f, g)
    c.and_w(T0, T0, e)
    c.eor_w(T0, T0, g)
    c.add_w(h, h, T0)
    c.add_w(d, d, h)
    _sum(c, a, (2, 13, 22), h)
    # Maj: b & c ^ a & (b ^ c)
    c.and_w(T0, b, cc)
    c.eor_w(T1, b, cc)
    c.and_w(T1, T1, a)
    c.eor_w(T0, T0, T1)
    c.add_w(h, h, T0)


def _block(c: Code) -> None:
    """The sum of 64 bytes more."""
    for i in range(0, 16, 4):
        c.ldp_post(i, i + 2, AT, 16)
    for i in range(0, 16, 2):
        # two words of 32 bits, big-endian
        c.rev32(i, i)
        c.lsr(i + 1, i, 32)
    for i in range(0, 8, 2):
        c.ldp_w(16 + i, 17 + i, STATE, 4 * i)
    for t in range(64):
        if t >= 16:
            _schedule(c, t)
        _round(c, t)
    for i in range(0, 8, 2):
        c.ldp_w(T0, T1, STATE, 4 * i)
        c.add_w(T0, T0, 16 + i)
        c.add_w(T1, T1, 17 + i)
        c.stp_w(T0, T1, STATE, 4 * i)


def verifying(
    kernel: int,
    dtb: int,
    entry: int,
    pieces: list[tuple[int, int]],
    digest: bytes,
) -> bytes:
    """As trampoline(), but only if memory is as it should be.

    Its length depends on the number of pieces alone.

    Args:
        kernel: physical address of the image, to be jumped to.
        dtb: physical address of the tree.
        entry: physical address of this code, a multiple of 64.
        pieces: (physical start, bytes) of what is checked; multiples of 64.
        digest: SHA-256 of all pieces, in this order, as one message.
    """
    c = Code()
    c.adr(TABLE, "table")
    c.adr(STATE, "state")
    c.label("piece")
    c.ldp_post(AT, END, TABLE, 16)
    c.cbz(END, "compare")
    c.label("block")
    _block(c)
    c.cmp(AT, END)
    c.b_if(NE, "block")
    c.b("piece")

    c.label("compare")
    c.adr(TABLE, "digest")
    for offset in (0, 16):
        c.ldp(0, 1, STATE, offset)
        c.ldp(2, 3, TABLE, offset)
        for ours, theirs in ((0, 2), (1, 3)):
            c.cmp(ours, theirs)
            c.b_if(NE, "stop")
    c.ldr(4, "kernel")
    c.ldr(0, "dtb")
    for reserved in (1, 2, 3):
        c.mov(reserved, XZR)
    c.br(4)
    c.label("stop")
    c.wfi()
    c.b("stop")

    c.align(BLOCK)
    c.label("state")
    c.data(struct.pack("<8I", *INITIAL))
    c.label("digest")
    c.data(struct.pack("<8I", *struct.unpack(">8I", digest)))
    c.label("kernel")
    c.data(struct.pack("<Q", kernel))
    c.label("dtb")
    c.data(struct.pack("<Q", dtb))
    c.label("table")
    bits = 8 * sum(size for _, size in pieces)
    last = BLOCK * -(-(c.here + 16 * (len(pieces) + 2)) // BLOCK)
    for start, size in (*pieces, (entry + last, BLOCK)):
        c.data(struct.pack("<2Q", start, start + size))
    c.data(bytes(16))
    # What FIPS 180-4, 5.1.1 puts behind a message of whole blocks
    c.align(BLOCK)
    c.data(b"\x80" + bytes(BLOCK - 9) + struct.pack(">Q", bits))
    return c.to_bytes()
