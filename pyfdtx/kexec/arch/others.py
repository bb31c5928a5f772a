# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Architectures of which only the ELF core header is made here.

Source: elf(5); Linux include/uapi/linux/elf-em.h, kernel/crash_core.c.
"""

from __future__ import annotations

from ..architecture import Arch

__all__ = ["ARCHES"]

ARCHES = (
    Arch(
        __name__,
        "i386",
        machines={"i386": (32, "little")},
        elf_machine=3,
        uname=(("i?86", "i386"),),
    ),
    Arch(
        __name__,
        "loongarch64",
        machines={"loongarch64": (64, "little")},
        elf_machine=258,
    ),
    Arch(__name__, "s390x", machines={"s390x": (64, "big")}, elf_machine=22),
)
