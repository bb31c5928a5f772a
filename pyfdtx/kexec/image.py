# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images: arm64 and riscv Image, arm zImage, ELF, and what wraps them."""

from __future__ import annotations

import os
import struct

from ..errors import FdtImageError
from .unpack import unpack

__all__ = ["Image", "ZImage", "parse_image", "read_image"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .._native import Buffer
    from .vmlinux import Vmlinux

    AnyImage = Union["Image", "ZImage", "Vmlinux"]

OP = "image"
# Linux Documentation/arch/arm64/booting.rst and arch/riscv/boot-image-header.rst
# share the places: code0, code1, text_offset, image_size, flags; the magic is
# at 56, the offset of a PE header at 60
HEADER = struct.Struct("<8x3Q")
HEADER_SIZE = 64
MAGIC_AT = 56
ARM64_MAGIC = b"ARM\x64"
RISCV_MAGIC = b"RSC\x05"
PE_AT = 60
# Microsoft's PE format: the machine stands behind the signature
PE_RISCV = {0x5032: "riscv32", 0x5064: "riscv64"}

# Linux arch/arm/boot/compressed/head.S, vmlinux.lds.S
ZIMAGE = struct.Struct("<6I")
ZIMAGE_AT = 0x24
ZIMAGE_MAGIC = 0x016F2818
ZIMAGE_LITTLE = 0x04030201
ZIMAGE_TAGS = 0x45454545
TAG_KLSZ = 0x5A534C4B
# What kernels had before they said it in the tag
ZIMAGE_TEXT_OFFSET = 0x8000
ZIMAGE_MALLOC = 0x1_0000

ELF_MAGIC = b"\x7fELF"
OTHERS = (
    (b"\xd0\x0d\xfe\xed", "a device tree blob"),
    (b"\x27\x05\x19\x56", "a U-Boot uImage"),
    (b"0707", "a cpio archive (an initrd?)"),
    (b"ANDROID!", "an Android boot image"),
    (b"#!", "a script"),
)
WANTED = (
    "give an Image (arm64, riscv), a zImage (arm), a vmlinux (ppc64le), or one of "
    "them compressed or as EFI zboot"
)


class Image:
    """A flat kernel image of arm64 or riscv.

    data: the plain image, bytes.
    arch: "arm64", "riscv64" or "riscv32"; "riscv" if the header does not tell
        which of the two.
    where: the file it came from.
    layers: what it was wrapped in, outermost first: ("EFI zboot", "gzip").
    text_offset: where it must lie from a 2 MiB (riscv32: 4 MiB) boundary,
        bytes.
    image_size: bytes of memory it needs from there, its BSS included; at least
        len(data).
    flags: as in the header.
    """

    __slots__ = (
        "arch",
        "data",
        "flags",
        "image_size",
        "layers",
        "text_offset",
        "where",
    )

    def __init__(
        self,
        arch: str,
        data: bytes,
        where: str,
        layers: tuple[str, ...],
    ):
        self.arch = arch
        self.data = data
        self.where = where
        self.layers = layers
        self.text_offset, size, self.flags = HEADER.unpack_from(data)
        if not size:
            raise FdtImageError(
                OP,
                where,
                "image_size in its header is 0 (a kernel before 3.17): how much "
                "memory it needs is unknown",
            )
        self.image_size = max(size, len(data))

    @property
    def big_endian(self) -> bool:
        return bool(self.flags & 1)

    @property
    def page_size(self) -> int | None:
        """Bytes; None if the header does not tell. arm64: flags, bits 1-2."""
        size = self.flags >> 1 & 3
        if self.arch != "arm64" or not size:
            return None
        return int(1024 << 2 * size)

    @property
    def anywhere(self) -> bool:
        """arm64, flags, bit 3: the 2 MiB boundary may be any in memory; else
        it should be near the start of memory."""
        return self.arch == "arm64" and bool(self.flags & 8)

    def __repr__(self) -> str:
        return (
            f"Image({self.arch}, {self.where!r}, {len(self.data)} bytes, "
            f"text_offset={self.text_offset:#x}, image_size={self.image_size:#x})"
        )


class ZImage:
    """A zImage of arm, which unpacks itself.

    data, where, layers: as Image. arch: "arm".
    inflated: bytes of the kernel that comes out, without its BSS.
    bss: bytes of its BSS.
    text_offset: where the kernel unpacks itself to, from the start of memory.
    malloc: bytes of heap that the decompressor uses.
    """

    __slots__ = (
        "bss",
        "data",
        "inflated",
        "layers",
        "malloc",
        "text_offset",
        "where",
    )
    arch = "arm"
    big_endian = False
    page_size: int | None = None

    def __init__(self, data: bytes, where: str, layers: tuple[str, ...]):
        self.data = data
        self.where = where
        self.layers = layers
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
        while True:
            (size,) = self._words(at, 1)
            if not size:
                raise FdtImageError(OP, self.where, "its table of tags has no KLSZ")
            (tag,) = self._words(at + 4, 1)
            if tag == TAG_KLSZ:
                # Linux before 5.9 says 2 and means 4
                return self._words(at + 8, min(max(size, 4) - 2, 4))
            at += 4 * max(size, 2)

    @property
    def room(self) -> int:
        """Bytes from the start of the memory it may use that it overwrites
        while it unpacks itself: nothing else may lie there.

        Source: Linux arch/arm/boot/compressed/head.S: the kernel lands at
        text_offset; zImage, heap and stack are moved behind it.
        """
        unpacked = self.inflated + self.bss
        moved = self.inflated + 0x1000 + len(self.data) + self.malloc + 0x2000
        end = self.text_offset + max(unpacked, moved)
        return (end + 0xF_FFFF) & ~0xF_FFFF

    def __repr__(self) -> str:
        return (
            f"ZImage({self.where!r}, {len(self.data)} bytes, "
            f"inflated={self.inflated:#x}, bss={self.bss:#x}, "
            f"text_offset={self.text_offset:#x})"
        )


def _riscv_arch(data: bytes) -> str:
    (at,) = struct.unpack_from("<I", data, PE_AT)
    if at and data[at : at + 4] == b"PE\0\0" and at + 6 <= len(data):
        return PE_RISCV.get(struct.unpack_from("<H", data, at + 4)[0], "riscv")
    return "riscv"


def _refuse(data: bytes, where: str) -> FdtImageError:
    """What a file is that is no image."""
    kind = "no kernel image that is known here"
    for magic, text in OTHERS:
        if data.startswith(magic):
            kind = text
    if not data:
        kind = "empty"
    elif data[0x202:0x206] == b"HdrS":
        kind = "an x86 bzImage (kexec_file_load takes it as it is)"
    elif data.startswith(b"MZ"):
        kind = "an EFI program, but neither Image nor EFI zboot"
    elif all(c in b"\t\n\r" or 32 <= c < 127 for c in data[:HEADER_SIZE]):
        kind = f"text ({data[:16].decode()!r}...)" if kind.startswith("no") else kind
    return FdtImageError(OP, where, f"is {kind}; {WANTED}")


def parse_image(blob: Buffer, where: str = "image") -> AnyImage:
    """The image in a file's content.

    Args:
        blob: any bytes-like object.
        where: the file's name, for errors.
    Returns: an Image (arm64, riscv), a ZImage (arm), or a Vmlinux (ELF, ppc64);
        data is a copy if it was wrapped.
    Raises:
        TypeError: blob is not bytes-like.
        FdtImageError: it is something else, damaged, or of a kernel too old to
            say how much memory it needs. The message says what it is.
    """
    try:
        # bytes() takes numbers too
        raw = bytes(memoryview(blob))
    except TypeError:
        raise TypeError(
            f"an image must be bytes-like, not {type(blob).__name__}"
        ) from None
    data, layers = unpack(raw, where)
    if data.startswith(ELF_MAGIC):
        from .vmlinux import Vmlinux

        return Vmlinux(data, where, layers)
    if len(data) >= HEADER_SIZE:
        magic = data[MAGIC_AT : MAGIC_AT + 4]
        if magic == ARM64_MAGIC:
            return Image("arm64", data, where, layers)
        if magic == RISCV_MAGIC:
            return Image(_riscv_arch(data), data, where, layers)
        if ZIMAGE.unpack_from(data, ZIMAGE_AT)[0] == ZIMAGE_MAGIC:
            return ZImage(data, where, layers)
    raise _refuse(data, where)


def read_image(path: str | os.PathLike[str]) -> AnyImage:
    """As parse_image(), of a file.

    Raises:
        FdtImageError: as parse_image(), or the file cannot be read.
    """
    where = os.fspath(path)
    try:
        with open(where, "rb") as f:
            data = f.read()
    except OSError as e:
        raise FdtImageError(OP, where, e.strerror or str(e)) from None
    return parse_image(data, where)
