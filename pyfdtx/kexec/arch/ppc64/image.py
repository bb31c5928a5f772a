# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of ppc64: an ELF file (vmlinux), laid out as it lies in memory."""

from __future__ import annotations

from ...image.elf import Elf, machine_of
from ...image.kernel import KernelImage
from . import EM_PPC64

__all__ = ["Vmlinux", "read_image"]


class Vmlinux(KernelImage):
    """A kernel from an ELF file.

    data: what its PT_LOADs hold, from the lowest physical address on, gaps
        filled with zeros; without the zeros at the end (BSS).
    arch: "ppc64le" or "ppc64".
    where, layers: as Image.
    text_offset: 0. image_size: bytes of memory, BSS included.
    start: the physical address it was linked for.
    entry: where it is entered, bytes from start.
    """

    __slots__ = ("entry", "image_size", "start")

    def __init__(self, data: bytes, where: str, layers: tuple[str, ...]):
        elf = Elf(data, where)
        # It says its byte order in its arch
        arch = "ppc64" if elf.big_endian else "ppc64le"
        super().__init__(arch, elf.data, where, layers)
        self.start, self.entry = elf.start, elf.entry
        self.image_size = elf.size

    @property
    def memory_size(self) -> int:
        return self.image_size

    def __repr__(self) -> str:
        return (
            f"Vmlinux({self.arch}, {self.where!r}, {len(self.data)} bytes, "
            f"image_size={self.image_size:#x})"
        )


def read_image(data: bytes, where: str, layers: tuple[str, ...]) -> Vmlinux | None:
    """An ELF file of ppc64."""
    ours = machine_of(data) == EM_PPC64
    return Vmlinux(data, where, layers) if ours else None
