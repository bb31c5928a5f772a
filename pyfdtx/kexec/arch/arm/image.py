# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image of arm: a zImage, which unpacks itself."""

from __future__ import annotations

import struct

from ....errors import FdtImageError
from ...image.kernel import HEADER_SIZE, OP, Footprint, KernelImage
from ...image.tail import without_tail
from . import CRASH_BOUNDARY, PLAIN_BOUNDARY

__all__ = ["ZImage", "read_image"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....codec.memrange import MemRange

# Linux arch/arm/boot/compressed/head.S, vmlinux.lds.S
ZIMAGE = struct.Struct("<6I")
ZIMAGE_AT = 0x24
ZIMAGE_MAGIC = 0x016F2818
ZIMAGE_LITTLE = 0x04030201
ZIMAGE_TAGS = 0x45454545
# Linux writes one or two
MAX_TAGS = 64
TAG_KLSZ = 0x5A534C4B
# What kernels had before they said it in the tag
ZIMAGE_TEXT_OFFSET = 0x8000
ZIMAGE_MALLOC = 0x1_0000
# Where it is loaded: any place that its room covers will do, since it moves itself
# out of its own way; this one has always been the bootloaders'
LOADED_AT = 0x8000
WORD = 4
APPENDED = "a tree there would replace the one that we make (CONFIG_ARM_APPENDED_DTB)"


class ZImage(KernelImage):
    """A zImage of arm, which unpacks itself.

    data, where, layers: as Image. arch: "arm".
    inflated: bytes of the kernel that comes out, without its BSS.
    bss: bytes of its BSS.
    text_offset: where the kernel unpacks itself to, from the start of memory.
    malloc: bytes of heap that the decompressor uses.
    """

    __slots__ = (
        "bss",
        "inflated",
        "malloc",
    )

    def __init__(self, data: bytes, where: str, layers: tuple[str, ...]):
        super().__init__("arm", data, where, layers)
        _, start, stop, order, extended, table = ZIMAGE.unpack_from(data, ZIMAGE_AT)
        if order != ZIMAGE_LITTLE:
            raise FdtImageError(OP, where, "a big-endian zImage is not supported")
        if not start <= stop or stop - start > len(data):
            raise FdtImageError(
                OP,
                where,
                f"its header says {stop - start} bytes, but there are {len(data)}: "
                "cut off?",
            )
        self.data = without_tail(data, stop - start, where, "the zImage", APPENDED)
        if extended != ZIMAGE_TAGS:
            raise FdtImageError(
                OP,
                where,
                "has no table of tags (a kernel before 4.15): how much memory it "
                "needs is unknown",
            )
        words = self._tag(table)
        self.text_offset = words[2] if len(words) > 2 else ZIMAGE_TEXT_OFFSET
        self.malloc = words[3] if len(words) > 3 else ZIMAGE_MALLOC
        self.bss = words[1]
        (self.inflated,) = self._words(words[0], 1)

    def _words(self, at: int, count: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(f"<{count}I", self.data, at)
        except struct.error:
            raise FdtImageError(
                OP,
                self.where,
                f"its table of tags points to {at:#x}, outside its {len(self.data)} "
                "bytes",
            ) from None

    def _tag(self, at: int) -> tuple[int, ...]:
        """The words of the tag KLSZ: place of the inflated size, BSS, ..."""
        for _ in range(MAX_TAGS):
            (size,) = self._words(at, 1)
            if not size:
                raise FdtImageError(OP, self.where, "its table of tags has no KLSZ")
            (tag,) = self._words(at + 4, 1)
            if tag == TAG_KLSZ:
                # Linux before 5.9 says 2 and means 4
                return self._words(at + 8, min(max(size, 4) - 2, 4))
            at += 4 * max(size, 2)
        raise FdtImageError(
            OP, self.where, f"its table of tags has no KLSZ among the first {MAX_TAGS}"
        )

    @property
    def room(self) -> int:
        """Bytes from the start of the memory it may use that it overwrites
        while it unpacks itself: nothing else may lie there.

        Source: Linux arch/arm/boot/compressed/head.S: the kernel lands at
        text_offset; zImage, heap and stack are moved behind it.
        """
        unpacked = self.inflated + self.bss
        moved = self.inflated + 0x1000 + len(self.data) + WORD + self.malloc + 0x2000
        end = self.text_offset + max(unpacked, moved)
        return (end + 0xF_FFFF) & ~0xF_FFFF

    @property
    def memory_size(self) -> int:
        return self.room

    @property
    def footprint(self) -> Footprint:
        # The word behind it is zero, so that the decompressor takes nothing of what
        # lay there for an appended tree (CONFIG_ARM_APPENDED_DTB)
        return Footprint(self.room, at=LOADED_AT, length=len(self.data) + WORD)

    def starts_at(self, address: int, usable: Sequence[MemRange]) -> int:
        """From where memory starts on, which the decompressor finds out."""
        if not usable:
            return address & -PLAIN_BOUNDARY
        return -(-usable[0].start // CRASH_BOUNDARY) * CRASH_BOUNDARY

    def lowest(self, hole: MemRange, usable: Sequence[MemRange]) -> tuple[int, int]:
        """It unpacks itself from the start of its memory on, nowhere else."""
        if hole.start != usable[0].start:
            return hole.start, hole.start
        start = self.starts_at(hole.start, usable)
        return start, start + self.room

    def __repr__(self) -> str:
        return (
            f"ZImage({self.where!r}, {len(self.data)} bytes, "
            f"inflated={self.inflated:#x}, bss={self.bss:#x}, "
            f"text_offset={self.text_offset:#x})"
        )


def read_image(data: bytes, where: str, layers: tuple[str, ...]) -> ZImage | None:
    """A zImage, by its magic."""
    if len(data) < HEADER_SIZE:
        return None
    ours = ZIMAGE.unpack_from(data, ZIMAGE_AT)[0] == ZIMAGE_MAGIC
    return ZImage(data, where, layers) if ours else None
