# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Compressed kernel images made plain, with the decompressors of the library.

What comes out is bounded: a small file can hold a very large one, and a very
small one a small one that does.
"""

from __future__ import annotations

import struct

from ...errors import FdtImageError

__all__ = ["LIMIT", "unpack"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    Buffer = Union[bytes, memoryview]

OP = "image"
# Bytes that an image may be when it is unpacked. More is an attack or a mistake:
# x86 has address space for 512 MiB (KERNEL_IMAGE_SIZE without KASLR), and the
# largest kernels of distributions have some 100 MiB
LIMIT = 1 << 29
# Bytes that xz may use for its dictionary: the kernel's own build takes 128 MiB
# (scripts/xz_wrap.sh)
DICTIONARY = 1 << 28

MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x5d\0\0", "lzma"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x89LZO\0", "lzo"),
)
# EFI zboot: Linux drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg",
# payload offset and size, two reserved words, name of the compression
ZBOOT = struct.Struct("<2s2x4s2I8x32s")


def _gzip(data: Buffer, limit: int) -> tuple[bytes, bool]:
    import zlib

    made = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return made.decompress(data, limit + 1), made.eof


def _lzma(data: Buffer, limit: int) -> tuple[bytes, bool]:
    import lzma

    made = lzma.LZMADecompressor(memlimit=DICTIONARY)
    out = made.decompress(data, limit + 1)
    return out, made.eof


def _bzip2(data: Buffer, limit: int) -> tuple[bytes, bool]:
    import bz2

    made = bz2.BZ2Decompressor()
    return made.decompress(data, limit + 1), made.eof


def _zstd(data: Buffer, limit: int) -> tuple[bytes, bool]:
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        return _zstandard(data, limit)
    made = zstd.ZstdDecompressor()
    return made.decompress(data, limit + 1), made.eof


def _zstandard(data: Buffer, limit: int) -> tuple[bytes, bool]:
    try:
        import zstandard  # type: ignore[import-not-found]
    except ImportError:
        raise NotImplementedError(
            "zstd needs Python 3.14 or the package zstandard"
        ) from None
    made = zstandard.ZstdDecompressor().decompressobj()
    out = bytearray()
    # In small pieces: what one piece gives cannot be bounded
    for at in range(0, len(data), 4096):
        out += made.decompress(data[at : at + 4096])
        if made.eof or len(out) > limit:
            break
    return bytes(out), made.eof


DECOMPRESSORS: dict[str, Callable[[Buffer, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "xz": _lzma,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
}


def _decompress(kind: str, data: Buffer, where: str, limit: int) -> bytes:
    decompress = DECOMPRESSORS.get(kind)
    way_out = f"unpack it yourself ({kind} -d) and give the result"
    if decompress is None:
        raise FdtImageError(OP, where, f"{kind} cannot be unpacked here; {way_out}")
    try:
        out, complete = decompress(data, limit)
    except NotImplementedError as e:
        raise FdtImageError(OP, where, f"{e}; or {way_out}") from None
    except MemoryError:
        raise
    except Exception as e:  # each library has its own
        raise FdtImageError(OP, where, f"damaged {kind} data: {e}") from None
    if len(out) > limit:
        raise FdtImageError(
            OP, where, f"more than {LIMIT >> 20} MiB come out of its {kind} data"
        )
    if not complete:
        raise FdtImageError(
            OP, where, f"its {kind} data end early, behind {len(out)} bytes"
        )
    return out


def _zboot(data: bytes, where: str) -> tuple[str, memoryview] | None:
    """(compression, payload) of an EFI zboot image; None if it is none."""
    if len(data) < ZBOOT.size:
        return None
    mz, kind, offset, size, name = ZBOOT.unpack_from(data)
    if mz != b"MZ" or kind != b"zimg":
        return None
    if offset < ZBOOT.size or offset + size > len(data) or not size:
        raise FdtImageError(
            OP,
            where,
            f"EFI zboot payload of {size} bytes at {offset} is not inside the "
            f"file of {len(data)} bytes",
        )
    text = name.partition(b"\0")[0].decode("ascii", "backslashreplace")
    # The kernel's build says xzkern and zstd22 for its own settings of xz, zstd
    known = next((k for k in ("xz", "zstd") if text.startswith(k)), text)
    return known, memoryview(data)[offset : offset + size]


def _kind(data: bytes) -> str:
    return next((kind for magic, kind in MAGIC if data.startswith(magic)), "")


def unpack(data: bytes, where: str) -> tuple[bytes, tuple[str, ...]]:
    """The image inside, and what it was wrapped in, outermost first.

    One compression (gzip, xz, lzma, bzip2, and zstd where Python has it), in it an
    EFI zboot image with another one; either may be missing. Anything else is given
    back as it is.

    Raises:
        FdtImageError: damaged, cut off, wrapped more often, larger than LIMIT (all
            that comes out together), or a format that cannot be unpacked here.
    """
    layers: list[str] = []
    left = LIMIT
    outer = _kind(data)
    if outer:
        layers.append(outer)
        data = _decompress(outer, data, where, left)
        left -= len(data)
    zboot = _zboot(data, where)
    if zboot is not None:
        inner, payload = zboot
        layers += ["EFI zboot", inner]
        data = _decompress(inner, payload, where, left)
    more = _kind(data) or ("EFI zboot" if _zboot(data, where) else "")
    if layers and more:
        raise FdtImageError(
            OP, where, f"wrapped too often: {', '.join([*layers, more])}"
        )
    return data, tuple(layers)
