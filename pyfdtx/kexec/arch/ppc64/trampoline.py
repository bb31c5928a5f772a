# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The code that is entered when the old kernel is left behind.

The old kernel copies the first 0x100 bytes of what is entered to physical
address 0 and sends all CPUs but one to 0x60 there; that one enters at the
start (Linux arch/powerpc/kernel/misc_64.S kexec_sequence). The next kernel
lets the others go by a word in these 0x100 bytes, so they must be its own
(arch/powerpc/kernel/head_64.S __secondary_hold). Only the first word differs:
it branches to the code here, which saves what the crash kernel overwrites.
"""

from __future__ import annotations

import struct

__all__ = ["BACKUP", "RUN_AT_LOAD", "SHARED", "trampoline"]

# Bytes that old kernel, next kernel and this code share at address 0
SHARED = 0x100
# Linux arch/powerpc/include/asm/crashdump-ppc64.h BACKUP_SRC_SIZE: what a
# crash kernel overwrites at address 0, its interrupt vectors
BACKUP = 0x1_0000
# Where a relocatable kernel has "run0" (arch/powerpc/kernel/head_64.S
# __run_at_load): 1 makes it run where it lies, else it moves itself to 0
RUN_AT_LOAD = 0x5C

# Power ISA 3.1, book I: fields of the instruction forms
LD, LDU, STDU = (58, 0), (58, 1), (62, 1)
STWBRX, DCBST, ICBI, SYNC, OR = 662, 54, 982, 598, 444
LR, CTR = 8, 9
BCTR, ISYNC = 0x4E80_0420, 0x4C00_012C

ID, BASE = 3, 31  # registers: our CPU's number, where the literals are
KERNEL, DTB, SAVE, OPAL_BASE, OPAL_ENTRY = 4, 30, 10, 8, 9
FROM, WORD, ZERO = 11, 12, 5
# Literals stand behind the code, in this order
LITERALS = (KERNEL, DTB, SAVE, OPAL_BASE, OPAL_ENTRY)
BOOT_CPUID_PHYS = 28  # devicetree specification 5.2: its place in the header


def _d(op: int, t: int, a: int, d: int) -> int:
    return op << 26 | t << 21 | a << 16 | d & 0xFFFF


def _ds(form: tuple[int, int], t: int, a: int, ds: int) -> int:
    return _d(form[0], t, a, ds & ~3) | form[1]


def _x(xo: int, t: int, a: int, b: int) -> int:
    return 31 << 26 | t << 21 | a << 16 | b << 11 | xo << 1


def _li(t: int, value: int) -> int:
    return _d(14, t, 0, value)


def _lwz(t: int, a: int, d: int) -> int:
    return _d(32, t, a, d)


def _stw(t: int, a: int, d: int) -> int:
    return _d(36, t, a, d)


def _mr(a: int, s: int) -> int:
    return _x(OR, s, a, s)


def _spr(xo: int, register: int, spr: int) -> int:
    """mfspr 339, mtspr 467: the halves of the number change places."""
    return _x(xo, register, spr & 31, spr >> 5)


def _code(literals: int, backup: bool) -> list[int]:
    """The instructions; literals: bytes from the second one to the literals."""
    out = [
        0x429F_0005,  # bcl 20,31,.+4: the link register says where we are
        _spr(339, BASE, LR),
        *(_ds(LD, t, BASE, literals + 8 * i) for i, t in enumerate(LITERALS)),
    ]
    if backup:
        loop = [_ds(LDU, WORD, FROM, 8), _ds(STDU, WORD, SAVE, 8)]
        out += [
            _li(WORD, BACKUP // 8),
            _spr(467, WORD, CTR),
            _li(FROM, -8),
            _d(14, SAVE, SAVE, -8),  # addi
            *loop,
            0x4200_0000 | -4 * len(loop) & 0xFFFC,  # bdnz
        ]
    return [
        *out,
        _li(WORD, BOOT_CPUID_PHYS),
        _x(STWBRX, ID, DTB, WORD),  # big-endian, as all numbers of a tree
        _lwz(WORD, KERNEL, 0),  # the word that our branch has replaced
        _li(ZERO, 0),
        _stw(WORD, ZERO, 0),
        _x(DCBST, 0, 0, ZERO),
        _x(SYNC, 0, 0, 0),
        _x(ICBI, 0, 0, ZERO),
        _x(SYNC, 0, 0, 0),
        ISYNC,
        _mr(3, DTB),  # the kernel's arguments: tree, itself, 0, 0
        _li(6, 0),
        _li(7, 0),
        _spr(467, KERNEL, CTR),
        BCTR,
    ]


def trampoline(
    head: bytes,
    kernel: int,
    dtb: int,
    *,
    backup: int | None = None,
    opal: tuple[int, int] = (0, 0),
) -> bytes:
    """Code that starts the kernel at an address with its tree.

    Entered little-endian, MMU off, r3 the number of this CPU as the tree has
    it, at its first byte; runs at any address that is a multiple of 8. Writes
    the number into the tree's header.

    Args:
        head: the first 0x100 bytes of the kernel, as loaded.
        kernel, dtb: their physical addresses.
        backup: physical address for a copy of the first 64 KiB of memory, made
            before anything there is written; None: no copy.
        opal: base and entry of OPAL, which a kernel on PowerNV finds in r8
            and r9.
    Source: Linux Documentation/powerpc/booting.rst,
        arch/powerpc/kernel/head_64.S.
    """
    if len(head) != SHARED:
        raise ValueError(f"head has {len(head)} bytes, not {SHARED}")
    # All but the first two instructions, and the second itself
    count = len(_code(0, backup is not None))
    literals = up8(SHARED + 4 * count) - (SHARED + 4)
    code = struct.pack(f"<{count}I", *_code(literals, backup is not None))
    branch = 18 << 26 | SHARED  # b .+0x100
    out = struct.pack("<I", branch) + head[4:] + code
    out += bytes(literals + SHARED + 4 - len(out))
    return out + struct.pack("<5Q", kernel, dtb, backup or 0, *opal)


def up8(value: int) -> int:
    return (value + 7) & ~7
