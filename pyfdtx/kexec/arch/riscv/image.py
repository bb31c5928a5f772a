# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of riscv: a flat Image."""

from __future__ import annotations

import struct

from ...image.kernel import Image, flat_magic

__all__ = ["read"]

MAGIC = b"RSC\x05"
PE_AT = 60
# Microsoft's PE format: the machine stands behind the signature
PE_RISCV = {0x5032: "riscv32", 0x5064: "riscv64"}


def _riscv_arch(data: bytes) -> str:
    (at,) = struct.unpack_from("<I", data, PE_AT)
    if at and data[at : at + 4] == b"PE\0\0" and at + 6 <= len(data):
        return PE_RISCV.get(struct.unpack_from("<H", data, at + 4)[0], "riscv")
    return "riscv"


def read(data: bytes, where: str, layers: tuple[str, ...]) -> Image | None:
    """An Image, by its magic."""
    if flat_magic(data) != MAGIC:
        return None
    return Image(_riscv_arch(data), data, where, layers)
