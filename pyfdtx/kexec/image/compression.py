# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Each compression that Linux uses for its kernels, undone: by Python's own modules,
by well-kept packages (the extra "images"), or by the system's tool.

What comes out is bounded: a small file can hold a very large one, and a very
small one a small one that does.
"""

from __future__ import annotations

import struct

from ...errors import FdtImageError

__all__ = ["LIMIT", "decompress", "kind_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    Buffer = Union[bytes, memoryview]
    # What came out, whether it is all of it, and bytes behind the packed data
    Plain = tuple[bytes, bool, int]

OP = "image"
# Bytes that an image may be when it is unpacked. More is an attack or a mistake:
# x86 has address space for 512 MiB (KERNEL_IMAGE_SIZE without KASLR), and the
# largest kernels of distributions have some 100 MiB
LIMIT = 1 << 29
# Bytes that xz may use for its dictionary: the kernel's own build takes 128 MiB
# (scripts/xz_wrap.sh)
DICTIONARY = 1 << 28

LZ4_LEGACY, LZ4_FRAME = b"\x02\x21\x4c\x18", b"\x04\x22\x4d\x18"
MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x5d\0\0", "lzma"),
    (LZ4_LEGACY, "lz4"),
    (LZ4_FRAME, "lz4"),
    (b"\x89LZO\0", "lzo"),
)
# LZ4's legacy frame (lz4_Frame_format.md): blocks of 8 MiB, each behind its length
LZ4_BLOCK = 8 << 20
LZ4_LARGEST = LZ4_BLOCK + LZ4_BLOCK // 255 + 16
WORD = struct.Struct("<I")
# The size of what comes out, which the kernel's build puts behind some (usr/Makefile
# and scripts/Makefile.lib, size_append)
SIZE = 4
# Of tools: how to read packed data from stdin; Debian's package is called the same
TOOLS = {"zstd": ("zstd", "-dc"), "lz4": ("lz4", "-dc"), "lzo": ("lzop", "-dc")}
PACKAGES = {"zstd": "backports.zstd", "lz4": "lz4"}


class _Missing(Exception):
    """Neither package nor tool."""


def kind_of(data: Buffer) -> str:
    """The compression of data; "" if it is none that is known."""
    head = bytes(data[:8])
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), "")


def _module(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        return None


def _bounded(made: Any, data: Buffer, limit: int) -> Plain:
    """By an object with the interface that Python's modules share."""
    out = made.decompress(data, limit + 1)
    return out, made.eof, len(made.unused_data or b"")


def _gzip(data: Buffer, limit: int) -> Plain:
    import zlib

    return _bounded(zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), data, limit)


def _lzma(data: Buffer, limit: int) -> Plain:
    import lzma

    return _bounded(lzma.LZMADecompressor(memlimit=DICTIONARY), data, limit)


def _bzip2(data: Buffer, limit: int) -> Plain:
    import bz2

    return _bounded(bz2.BZ2Decompressor(), data, limit)


def _zstd(data: Buffer, limit: int) -> Plain:
    # In Python from 3.14 on, and the same for those before
    zstd = _module("compression.zstd") or _module("backports.zstd")
    if zstd is not None:
        return _bounded(zstd.ZstdDecompressor(), data, limit)
    zstandard = _module("zstandard")
    if zstandard is None:
        return _by_tool("zstd", data, limit)
    made = zstandard.ZstdDecompressor().decompressobj()
    out = bytearray()
    # In small pieces: what one piece gives cannot be bounded
    for at in range(0, len(data), 4096):
        out += made.decompress(data[at : at + 4096])
        if made.eof or len(out) > limit:
            break
    return bytes(out), made.eof, 0


def _lz4(data: Buffer, limit: int) -> Plain:
    if bytes(data[:4]) == LZ4_FRAME:
        frame = _module("lz4.frame")
        if frame is None:
            return _by_tool("lz4", data, limit)
        return _bounded(frame.LZ4FrameDecompressor(), data, limit)
    block = _module("lz4.block")
    if block is None:
        return _by_tool("lz4", data, limit)
    out = bytearray()
    at = len(LZ4_LEGACY)
    while len(data) - at >= WORD.size and len(out) <= limit:
        (size,) = WORD.unpack_from(data, at)
        rest = len(data) - at - WORD.size
        if bytes(data[at : at + 4]) == LZ4_LEGACY:  # one more frame
            at += 4
            continue
        if not size or size > LZ4_LARGEST or (not rest and size == len(out)):
            break
        if size > rest:
            return bytes(out), False, 0
        at += WORD.size
        out += block.decompress(data[at : at + size], uncompressed_size=LZ4_BLOCK)
        at += size
    return bytes(out), bool(out), len(data) - at


def _lzo(data: Buffer, limit: int) -> Plain:
    return _by_tool("lzo", data, limit)


def _by_tool(kind: str, data: Buffer, limit: int) -> Plain:
    """By the system's program, through pipes; it is stopped when it gives too
    much."""
    import shutil
    import subprocess
    from tempfile import TemporaryFile
    from threading import Thread

    name, *options = TOOLS[kind]
    program = shutil.which(name)
    if program is None:
        raise _Missing
    with TemporaryFile() as says:
        tool = subprocess.Popen(
            [program, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=says,
        )
        assert tool.stdin is not None
        assert tool.stdout is not None
        feeder = Thread(target=_feed, args=(tool.stdin, data))
        feeder.start()
        try:
            out = _read_most(tool.stdout, limit + 1)
        finally:
            tool.stdout.close()
            if tool.poll() is None and len(out) > limit:
                tool.kill()
            status = tool.wait()
            feeder.join()
        says.seek(0)
        words = says.read(200).decode("utf-8", "replace").split("\n")[0].strip()
    if status and len(out) <= limit:
        raise ValueError(words or f"{name} ends with status {status}")
    return out, True, 0


def _feed(pipe: Any, data: Buffer) -> None:
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:  # it has enough
        pass


def _read_most(pipe: Any, size: int) -> bytes:
    pieces = []
    while size:
        piece = pipe.read(min(size, 1 << 20))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


DECOMPRESSORS: dict[str, Callable[[Buffer, int], Plain]] = {
    "gzip": _gzip,
    "xz": _lzma,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
    "lz4": _lz4,
    "lzo": _lzo,
}


def _missing(kind: str, where: str) -> FdtImageError:
    tool = TOOLS[kind][0]
    package = PACKAGES.get(kind)
    ways = [f"the program {tool} (Debian: apt-get install {tool})"]
    if package:
        ways.insert(0, f"the package {package} (pip install 'pyfdtx[images]')")
    return FdtImageError(
        OP, where, f"to unpack its {kind} data, install {' or '.join(ways)}"
    )


def decompress(kind: str, data: Buffer, where: str, limit: int) -> tuple[bytes, int]:
    """What is in packed data, and how many bytes lie behind them.

    Raises:
        FdtImageError: damaged, cut off, larger than limit, or of a kind that is not
            known or cannot be unpacked here.
    """
    undo = DECOMPRESSORS.get(kind)
    if undo is None:
        raise FdtImageError(
            OP,
            where,
            f"is compressed in a way that is not known here ({kind!r}); there are "
            f"{', '.join(DECOMPRESSORS)}",
        )
    try:
        out, complete, behind = undo(data, limit)
    except _Missing:
        raise _missing(kind, where) from None
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
    return out, behind if behind > SIZE else 0
