# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The code that hands an arm64 kernel its tree.

Source: Linux Documentation/arch/arm64/booting.rst.
"""

from __future__ import annotations

import struct

__all__ = ["trampoline"]

# Arm Architecture Reference Manual (DDI 0487), A64. Literals lie in front of
# or behind the code by a number of words: imm19 counts words from the
# instruction itself.
LDR_LITERAL = 0x5800_0000  # ldr Xt, <literal>: imm19 << 5 | Xt
MOV = 0xAA00_03E0  # mov Xd, Xm (orr Xd, xzr, Xm): Xm << 16 | Xd
BR = 0xD61F_0000  # br Xn: Xn << 5
XZR = 31
CODE_WORDS = 6


def _ldr(register: int, words: int) -> int:
    return LDR_LITERAL | words << 5 | register


def _clear(register: int) -> int:
    return MOV | XZR << 16 | register


def trampoline(kernel: int, dtb: int) -> bytes:
    """Code that starts the kernel at an address with its tree: 40 bytes.

    kexec_load(2) leaves x0 zero, where the kernel wants its tree. Runs at any
    address that is a multiple of 8, MMU and caches off as the old kernel left
    them. Instructions are little-endian in either data endianness; so are the
    two numbers behind them, as a little-endian kernel loads them.

    Args:
        kernel: physical address of the image, to be jumped to.
        dtb: physical address of the tree.
    """
    code = (
        _ldr(4, CODE_WORDS),  # x4: the kernel, from the first number
        _ldr(0, CODE_WORDS + 2 - 1),  # x0: the tree, from the second
        _clear(1),  # x1, x2, x3: reserved, must be zero
        _clear(2),
        _clear(3),
        BR | 4 << 5,  # br x4
    )
    return struct.pack(f"<{CODE_WORDS}I2Q", *code, kernel, dtb)
