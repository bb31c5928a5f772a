# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of arm64: a flat Image, with more in its flags."""

from __future__ import annotations

from ...image.kernel import Image, flat_magic, vmlinux

__all__ = ["read_image"]

MAGIC = b"ARM\x64"
EM_AARCH64 = 183


class _Arm64Image(Image):
    __slots__ = ()

    @property
    def page_size(self) -> int | None:
        """Flags, bits 1-2."""
        size = self.flags >> 1 & 3
        return int(1024 << 2 * size) if size else None

    @property
    def anywhere(self) -> bool:
        """Flags, bit 3."""
        return bool(self.flags & 8)


def read_image(data: bytes, where: str, layers: tuple[str, ...]) -> Image | None:
    """An Image, by its magic, or the ELF file of one."""
    flat = vmlinux(EM_AARCH64, MAGIC, data, where)
    if flat is not None:
        data, layers = flat, (*layers, "ELF")
    if flat_magic(data) != MAGIC:
        return None
    return _Arm64Image("arm64", data, where, layers)
