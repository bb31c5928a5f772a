# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""How much memory the files of an initrd take once the kernel has unpacked it."""

from __future__ import annotations

from ...errors import FdtImageError
from .compression import LIMIT, decompress, kind_of

__all__ = ["GUESS", "unpacked_size"]

# Documentation/driver-api/early-userspace/buffer-format.rst: magic, then 13 numbers
# of 8 hexadecimal digits
HEADER, FIELDS = 110, 13
MODE, FILESIZE, NAMESIZE = 1, 6, 11
MAGIC = (b"070701", b"070702")
TRAILER = b"TRAILER!!!"
PAGE = 4096
# An inode with its dentry in the slab caches; they have about 600 and 200 bytes
# (fs/inode.c, fs/dcache.c; /proc/slabinfo)
INODE = 1024
# What compressed data become that cannot be unpacked here; gzip and zstd make a third
# to a quarter of programs and modules
GUESS = 4
# Compressed pieces: initrds have one or two, and each costs a copy of what follows
MAX_PIECES = 64


def _up(value: int, boundary: int) -> int:
    return -(-value // boundary) * boundary


def _archive(data: bytes, at: int) -> tuple[int, int]:
    """(bytes of memory, where it ends) of a cpio archive."""
    memory = 0
    while data[at : at + 6] in MAGIC:
        digits = data[at + 6 : at + HEADER]
        try:
            fields = [int(digits[8 * n : 8 * n + 8], 16) for n in range(FIELDS)]
        except ValueError:
            break
        name = at + HEADER
        body = _up(name + fields[NAMESIZE], 4)
        if data[name : name + len(TRAILER)] == TRAILER:
            return memory, body
        memory += INODE + _up(fields[FILESIZE], PAGE)
        at = _up(body + fields[FILESIZE], 4)
    return memory, len(data)


def unpacked_size(data: bytes, where: str = "initrd") -> tuple[int, bool]:
    """(bytes, whether they were counted): what cannot be unpacked here is taken for
    GUESS times its size."""
    memory, at, left, pieces = 0, 0, LIMIT, 0
    while at < len(data):
        if not data[at]:
            at += max(
                1, len(data[at : at + PAGE]) - len(data[at : at + PAGE].lstrip(b"\0"))
            )
            continue
        if data[at : at + 6] in MAGIC:
            more, at = _archive(data, at)
            memory += more
            continue
        kind = kind_of(data[at : at + 8])
        pieces += 1
        try:
            if pieces > MAX_PIECES:
                raise FdtImageError("initrd", where, "has too many pieces")
            plain, behind = decompress(kind, memoryview(data)[at:], where, left)
        except FdtImageError:
            return memory + GUESS * (len(data) - at), False
        left -= len(plain)
        memory += _archive(plain, 0)[0]
        if not behind:
            break
        at = len(data) - behind
    return memory, True
