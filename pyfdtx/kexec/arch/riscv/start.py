# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a riscv64 kernel may lie. It needs no trampoline: the old kernel
looks for the segment that is a device tree and puts its address into a1
(Linux arch/riscv/kernel/machine_kexec.c machine_kexec_prepare()).

Source: Linux Documentation/arch/riscv/boot.rst.
"""

from __future__ import annotations

from ...place.rules import Rules

__all__ = ["RULES"]

MIB = 1 << 20

RULES = Rules(
    name="riscv64",
    tree="riscv",
    images=("riscv64", "riscv"),
    boundary=2 * MIB,
    # The kernel maps itself in pieces of 2 MiB and takes all of the last one:
    # an initrd that starts in it is dropped (arch/riscv/mm/init.c)
    initrd_boundary=2 * MIB,
    initrd_reach=lambda _image: 1 << 64,
    # arch/riscv/mm/init.c maps one such piece, MAX_FDT_SIZE
    max_dtb=2 * MIB,
    trampoline=None,
)
