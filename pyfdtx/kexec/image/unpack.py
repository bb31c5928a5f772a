# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Compressed kernel images made plain, with the decompressors of the library.

What comes out is bounded: a small file can hold a very large one.
"""

from __future__ import annotations

import struct

from ...errors import FdtImageError

__all__ = ["unpack"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OP = "image"
# No kernel is larger; more is an attack or a mistake
LIMIT = 1 << 30
# A gzip'ed EFI zboot image is two
MAX_LAYERS = 3

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


def _gzip(data: bytes) -> tuple[bytes, bool]:
    import zlib

    made = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return made.decompress(data, LIMIT + 1), made.eof


def _lzma(data: bytes) -> tuple[bytes, bool]:
    import lzma

    made = lzma.LZMADecompressor()
    out = made.decompress(data, LIMIT + 1)
    return out, made.eof


def _bzip2(data: bytes) -> tuple[bytes, bool]:
    import bz2

    made = bz2.BZ2Decompressor()
    return made.decompress(data, LIMIT + 1), made.eof


def _zstd(data: bytes) -> tuple[bytes, bool]:
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        return _zstandard(data)
    made = zstd.ZstdDecompressor()
    return made.decompress(data, LIMIT + 1), made.eof


def _zstandard(data: bytes) -> tuple[bytes, bool]:
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
        if made.eof or len(out) > LIMIT:
            break
    return bytes(out), made.eof


DECOMPRESSORS: dict[str, Callable[[bytes], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "xz": _lzma,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
}


def _decompress(kind: str, data: bytes, where: str) -> bytes:
    decompress = DECOMPRESSORS.get(kind)
    way_out = f"unpack it yourself ({kind} -d) and give the result"
    if decompress is None:
        raise FdtImageError(OP, where, f"{kind} cannot be unpacked here; {way_out}")
    try:
        out, complete = decompress(data)
    except NotImplementedError as e:
        raise FdtImageError(OP, where, f"{e}; or {way_out}") from None
    except MemoryError:
        raise
    except Exception as e:  # each library has its own
        raise FdtImageError(OP, where, f"damaged {kind} data: {e}") from None
    if len(out) > LIMIT:
        raise FdtImageError(
            OP, where, f"more than {LIMIT >> 20} MiB come out of its {kind} data"
        )
    if not complete:
        raise FdtImageError(
            OP, where, f"its {kind} data end early, behind {len(out)} bytes"
        )
    return out


def _zboot(data: bytes, where: str) -> tuple[str, bytes] | None:
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
    return known, data[offset : offset + size]


def unpack(data: bytes, where: str) -> tuple[bytes, tuple[str, ...]]:
    """The image inside, and what it was wrapped in, outermost first.

    gzip, xz, lzma, bzip2, and zstd where Python has it; EFI zboot images.
    Anything else is given back as it is.

    Raises:
        FdtImageError: damaged, cut off, too large, or a format that cannot be
            unpacked here.
    """
    layers: list[str] = []
    while True:
        inner = _zboot(data, where)
        if inner is not None:
            kind, payload = inner
            layers.append("EFI zboot")
        else:
            kind = next((k for magic, k in MAGIC if data.startswith(magic)), "")
            payload = data
        if not kind:
            return data, tuple(layers)
        if len(layers) >= MAX_LAYERS:
            raise FdtImageError(OP, where, f"wrapped too often: {', '.join(layers)}")
        layers.append(kind)
        data = _decompress(kind, payload, where)
