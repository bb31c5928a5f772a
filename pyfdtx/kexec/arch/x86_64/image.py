# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of x86: it is known, and left to kexec_file_load(2)."""

from __future__ import annotations

from ...image.kernel import refusal

__all__ = ["read"]

# Linux Documentation/arch/x86/boot.rst
MAGIC_AT, MAGIC = 0x202, b"HdrS"


def read(data: bytes, where: str, _layers: tuple[str, ...]) -> None:
    if data[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC:
        raise refusal(where, "an x86 bzImage (kexec_file_load takes it as it is)")
