# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files that hold a kernel and what goes with it: U-Boot's uImage, Android's boot.img,
and UKI. A FIT is one more, in fit.py.

Every offset and size in them is looked at before it is used. Checksums are compared;
signatures are not.
"""

from __future__ import annotations

import struct
import zlib

from ...errors import FdtImageError, warn
from .tail import without_tail

__all__ = ["Contents", "container", "container_name", "piece"]

OP = "image"

# U-Boot include/image.h: magic, CRC of the header, time, size, load address, entry,
# CRC of the data, operating system, architecture, type, compression, name
UIMAGE = struct.Struct(">7I4B32s")
UIMAGE_MAGIC = b"\x27\x05\x19\x56"
UIMAGE_LINUX = 5
KERNEL, MULTI, KERNEL_NOLOAD = 2, 4, 14
UIMAGE_TYPES = {
    1: "a program",
    3: "an initrd (cut its header of 64 bytes off: tail -c +65)",
    5: "firmware",
    6: "a script",
    7: "a file system",
    8: "a device tree",
}
UIMAGE_COMPRESSIONS = {
    1: "gzip",
    2: "bzip2",
    3: "lzma",
    4: "lzo",
    5: "lz4",
    6: "zstd",
}
# U-Boot reads three: kernel, initrd, tree
MAX_PARTS = 64

# Android system/tools/mkbootimg, include/bootimg/bootimg.h
ANDROID_MAGIC = b"ANDROID!"
ANDROID_0 = struct.Struct("<8s10I16s512s32s1024s")
ANDROID_3 = struct.Struct("<8s4I16sI1536s")
ANDROID_VERSION_AT = 40
ANDROID_PAGE = 4096
ANDROID_NEWEST = 4
PAGES = range(512, 1 << 20)

# Microsoft's PE format; UKI: uapi-group.org, Unified Kernel Image
PE_AT = 0x3C
COFF = struct.Struct("<4sHH12xHH")
SECTION = struct.Struct("<8s4I16x")
# Loaders take no more
MAX_SECTIONS = 96


class Contents:
    """What a container holds.

    name: of the container, as one of the layers.
    kernel: its bytes. compression: of these; "": what their magic says.
    initrd: its bytes, or None. cmdline: the command line in it.
    """

    __slots__ = ("cmdline", "compression", "initrd", "kernel", "name")

    def __init__(
        self,
        name: str,
        kernel: bytes,
        *,
        compression: str = "",
        initrd: bytes | None = None,
        cmdline: str = "",
    ):
        self.name = name
        self.kernel = kernel
        self.compression = compression
        self.initrd = initrd or None
        self.cmdline = cmdline


def piece(data: bytes, at: int, size: int, where: str, what: str) -> bytes:
    """size bytes of data, which must have them."""
    if at > len(data) or size > len(data) - at:
        raise FdtImageError(
            OP,
            where,
            f"{what} of {size} bytes at {at} is not inside the file of {len(data)} "
            "bytes: damaged, or cut off",
        )
    return data[at : at + size]


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace").strip()


# uImage


def _uimage(data: bytes, where: str) -> Contents | None:
    if not data.startswith(UIMAGE_MAGIC):
        return None
    head = piece(data, 0, UIMAGE.size, where, "its uImage header")
    _, check, _, size, _, _, content, system, _, kind, packed, _ = UIMAGE.unpack(head)
    if zlib.crc32(head[:4] + bytes(4) + head[8:]) != check:
        raise FdtImageError(
            OP, where, "is a uImage, but the CRC of its header is wrong"
        )
    body = piece(data, UIMAGE.size, size, where, "the uImage's content")
    if zlib.crc32(body) != content:
        raise FdtImageError(
            OP, where, "is a uImage, but the CRC of its content is wrong: damaged"
        )
    without_tail(data, UIMAGE.size + size, where, "the uImage")
    if kind not in (KERNEL, MULTI, KERNEL_NOLOAD) or system != UIMAGE_LINUX:
        known = "a kernel, but not Linux" if system != UIMAGE_LINUX else ""
        what = UIMAGE_TYPES.get(kind, known) or f"of type {kind}"
        raise FdtImageError(OP, where, f"is a uImage that holds no kernel: {what}")
    if packed and packed not in UIMAGE_COMPRESSIONS:
        raise FdtImageError(
            OP, where, f"is a uImage with an unknown compression ({packed})"
        )
    parts = [body] if kind != MULTI else _parts(body, where)
    return Contents(
        "uImage",
        parts[0],
        compression=UIMAGE_COMPRESSIONS.get(packed, ""),
        initrd=parts[1] if len(parts) > 1 else None,
    )


def _parts(body: bytes, where: str) -> list[bytes]:
    """Of a multi-file image: sizes up to one that is 0, then the parts, each at a
    multiple of 4."""
    sizes: list[int] = []
    for number in range(MAX_PARTS):
        raw = piece(body, 4 * number, 4, where, "the uImage's table of parts")
        size = int.from_bytes(raw, "big")
        if not size:
            break
        sizes.append(size)
    else:
        raise FdtImageError(OP, where, f"is a uImage of more than {MAX_PARTS} parts")
    if not sizes:
        raise FdtImageError(OP, where, "is a uImage of several parts, but has none")
    at = 4 * (len(sizes) + 1)
    parts = []
    for number, size in enumerate(sizes):
        parts.append(piece(body, at, size, where, f"the uImage's part {number}"))
        at += -(-size // 4) * 4
    return parts


# Android


def _android(data: bytes, where: str) -> Contents | None:
    if not data.startswith(ANDROID_MAGIC):
        return None
    version = int.from_bytes(
        data[ANDROID_VERSION_AT : ANDROID_VERSION_AT + 4], "little"
    )
    # Before there were versions some had the size of a tree here, a large number
    if 3 <= version <= ANDROID_NEWEST:
        head = piece(data, 0, ANDROID_3.size, where, "its Android boot header")
        _, kernel, initrd, _, _, _, _, line = ANDROID_3.unpack(head)
        page = ANDROID_PAGE
        if initrd:
            warn(
                f"image {where}: of an Android boot image of version {version} this is "
                "the generic initrd alone; the vendor's is in vendor_boot.img"
            )
    else:
        head = piece(data, 0, ANDROID_0.size, where, "its Android boot header")
        fields = ANDROID_0.unpack(head)
        kernel, initrd, page = fields[1], fields[3], fields[8]
        line = fields[12].partition(b"\0")[0] + fields[14]
    if page not in PAGES or page & (page - 1):
        raise FdtImageError(
            OP, where, f"is an Android boot image with pages of {page} bytes: damaged"
        )
    if not kernel:
        raise FdtImageError(OP, where, "is an Android boot image without a kernel")
    at = page
    body = piece(data, at, kernel, where, "the Android boot image's kernel")
    at += -(-kernel // page) * page
    return Contents(
        "Android boot image",
        body,
        initrd=piece(data, at, initrd, where, "the Android boot image's initrd"),
        cmdline=_text(line),
    )


# UKI


def _sections(data: bytes, where: str) -> dict[bytes, bytes] | None:
    """The sections of a PE file by their names, the first of each; None if it is
    none. Those behind .profile belong to another profile."""
    if data[:2] != b"MZ" or len(data) < PE_AT + 4:
        return None
    at = int.from_bytes(data[PE_AT : PE_AT + 4], "little")
    if at + COFF.size > len(data):
        return None
    magic, _, count, optional, _ = COFF.unpack_from(data, at)
    if magic != b"PE\0\0" or count > MAX_SECTIONS:
        return None
    at += COFF.size + optional
    found: dict[bytes, bytes] = {}
    for number in range(count):
        if at + SECTION.size > len(data):
            return None
        name, memory, _, size, start = SECTION.unpack_from(data, at)
        at += SECTION.size
        name = name.rstrip(b"\0")
        if name == b".profile":
            break
        if name in WANTED and name not in found:
            what = f"section {number} ({name.decode()})"
            found[name] = piece(data, start, min(memory, size), where, what)
    return found


WANTED = (b".linux", b".initrd", b".cmdline")


def _uki(data: bytes, where: str) -> Contents | None:
    sections = _sections(data, where)
    if sections is None or b".linux" not in sections:
        return None
    return Contents(
        "UKI",
        sections[b".linux"],
        initrd=sections.get(b".initrd"),
        cmdline=_text(sections.get(b".cmdline", b"")),
    )


def container(data: bytes, where: str) -> Contents | None:
    """What is in a container; None if data is none.

    Raises:
        FdtImageError: damaged, cut off, or without a kernel.
    """
    return _uimage(data, where) or _android(data, where) or _uki(data, where)


def container_name(data: bytes, where: str) -> str:
    """Which container data is; "" for none."""
    if data.startswith(UIMAGE_MAGIC):
        return "uImage"
    if data.startswith(ANDROID_MAGIC):
        return "Android boot image"
    sections = _sections(data, where)
    return "UKI" if sections and b".linux" in sections else ""
