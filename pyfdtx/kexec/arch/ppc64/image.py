# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of ppc64: an ELF file (vmlinux), laid out as it lies in memory."""

from __future__ import annotations

import io
import sys

from ....errors import FdtImageError
from ...image.kernel import OP, KernelImage
from ...image.unpack import LIMIT
from . import EM_PPC64

__all__ = ["Vmlinux", "read_image"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # p_paddr, p_filesz, p_memsz, p_offset, p_vaddr
    Load = tuple[int, int, int, int, int]

# Bytes of zeros between PT_LOADs, together: Linux has one gap below 16 MiB (arch/
# powerpc/Kconfig DATA_SHIFT); an ELF file of two pages can ask for any number
MAX_GAPS = 64 << 20
# PT_LOADs and others: Linux has 3 or 4
MAX_HEADERS = 256
HEADER_SIZE_64 = 56
# elf(5): EI_CLASS and EI_DATA are at 4 and 5, e_machine is behind e_type
CLASS_64, LITTLE, BIG = 2, 1, 2
MAGIC = b"\x7fELF"
MACHINE = slice(18, 20)
# EI_DATA to our names: of the others, kernels come as images
ORDERS = {LITTLE: "ppc64le", BIG: "ppc64"}


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
        # It says its byte order in its arch
        super().__init__(_arch(data, where), data, where, layers)
        try:
            self._parse(_elf_file(data, where))
        except (FdtImageError, MemoryError):
            raise
        except Exception as e:  # pyelftools raises what its parts raise
            raise FdtImageError(
                OP,
                where,
                f"is an ELF file (vmlinux?), damaged: {e or type(e).__name__}",
            ) from None

    def _parse(self, elf: Any) -> None:
        if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise FdtImageError(
                OP, self.where, f"is an ELF file, but {elf['e_type']}: no kernel"
            )
        count, size = elf.num_segments(), elf["e_phentsize"]
        if count > MAX_HEADERS or size != HEADER_SIZE_64:
            raise FdtImageError(
                OP,
                self.where,
                f"has {count} program headers of {size} bytes, a kernel at most "
                f"{MAX_HEADERS} of {HEADER_SIZE_64}",
            )
        loads: list[Load] = [
            (s["p_paddr"], s["p_filesz"], s["p_memsz"], s["p_offset"], s["p_vaddr"])
            for s in elf.iter_segments("PT_LOAD")
            if s["p_memsz"]
        ]
        if not loads:
            raise FdtImageError(OP, self.where, "is an ELF file without PT_LOAD")
        loads.sort()
        self.start = loads[0][0]
        self.image_size = max(at + memory for at, _, memory, _, _ in loads) - self.start
        if self.image_size > LIMIT:
            raise FdtImageError(
                OP,
                self.where,
                f"its PT_LOADs span {self.image_size:#x} bytes, more than a kernel has",
            )
        self.entry = self._entry(elf["e_entry"], loads)
        self.data = self._laid_out(elf.stream, loads)

    def _entry(self, entry: int, loads: list[Load]) -> int:
        for at, _, memory, _, virtual in loads:
            if virtual <= entry < virtual + memory:
                return entry - virtual + at - self.start
        raise FdtImageError(OP, self.where, f"its entry {entry:#x} is in no PT_LOAD")

    def _laid_out(self, stream: Any, loads: list[Load]) -> bytes:
        """The PT_LOADs' content, one behind the other, with zeros between."""
        out: list[bytes] = []
        end, gaps = self.start, 0
        for at, size, memory, offset, _ in loads:
            gap = at - end
            if gap < 0:
                raise FdtImageError(OP, self.where, "its PT_LOADs overlap")
            if size > memory:
                raise FdtImageError(
                    OP, self.where, f"a PT_LOAD puts {size} bytes into {memory}"
                )
            stream.seek(offset)
            piece = stream.read(size)
            if len(piece) != size:
                raise FdtImageError(
                    OP,
                    self.where,
                    f"cut off: a PT_LOAD has {size} bytes, the file {len(piece)}",
                )
            if not size:
                continue
            gaps += gap
            if gaps > MAX_GAPS:
                raise FdtImageError(
                    OP,
                    self.where,
                    f"has {gaps} bytes of nothing between its PT_LOADs, more than a "
                    "kernel has",
                )
            out += [bytes(gap), piece]
            end = at + size
        return b"".join(out)

    @property
    def memory_size(self) -> int:
        return self.image_size

    def __repr__(self) -> str:
        return (
            f"Vmlinux({self.arch}, {self.where!r}, {len(self.data)} bytes, "
            f"image_size={self.image_size:#x})"
        )


def _arch(data: bytes, where: str) -> str:
    """Before pyelftools is asked for."""
    order = data[5] if len(data) > MACHINE.stop else 0
    machine = int.from_bytes(data[MACHINE], "big" if order == BIG else "little")
    if order not in ORDERS or data[4] != CLASS_64 or machine != EM_PPC64:
        raise FdtImageError(
            OP,
            where,
            f"is an ELF file (vmlinux?), not of ppc64 but of machine {machine}; give "
            "the image that is made from it (Image, zImage)",
        )
    return ORDERS[order]


def _elf_file(data: bytes, where: str) -> Any:
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise FdtImageError(
            OP,
            where,
            "is an ELF file, which is read by pyelftools: install it "
            f"({sys.executable} -m pip install pyelftools; Debian: apt-get install "
            "python3-pyelftools)",
        ) from None
    return ELFFile(io.BytesIO(data))


def read_image(data: bytes, where: str, layers: tuple[str, ...]) -> Vmlinux | None:
    """Any ELF file: of what is no kernel of ours it says so."""
    return Vmlinux(data, where, layers) if data.startswith(MAGIC) else None
