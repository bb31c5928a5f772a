# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Initrds: what the kernel would find in one, and one that is read only when it has
its place.

Source: Linux init/initramfs.c unpack_to_rootfs(), lib/decompress.c,
init/do_mounts_rd.c identify_ramdisk_image().
"""

from __future__ import annotations

import os

from ...errors import FdtBadParameter, warn
from ...files.reading import open_regular, read_some

__all__ = ["HEAD", "InitrdFile", "look_at"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Buffer = Union[bytes, bytearray, memoryview]

OP = "plan"
# The kernel takes a cpio archive only at a multiple of this
ALIGN = 4
# Bytes of an initrd that are looked at; of what they unpack to, INSIDE
HEAD, INSIDE = 1 << 16, 4096

CPIO = (b"070701", b"070702")
OLD_CPIO = (b"070707", b"\xc7\x71", b"\x71\xc7")
# lib/decompress.c knows them by two bytes; these are as long as the formats say
COMPRESSED = (
    b"\x1f\x8b",
    b"\x1f\x9e",
    b"BZh",
    b"\x5d\0\0",
    b"\xfd7zXZ\0",
    b"\x89LZO\0",
    b"\x02\x21\x4c\x18",
    b"\x28\xb5\x2f\xfd",
)
UBOOT = b"\x27\x05\x19\x56"
# At an offset: what is surely no initrd, and what helps
OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (
        0,
        UBOOT,
        "a U-Boot image (uInitrd)",
        "cut its header of 64 bytes off: tail -c +65 {file} > initrd",
    ),
    (
        0,
        b"\xd0\x0d\xfe\xed",
        "a device tree blob or FIT",
        "dumpimage takes a FIT apart",
    ),
    (0, b"\x7fELF", "an ELF file, a kernel or a program", ""),
    (0, b"ANDROID!", "an Android boot image", "unpack_bootimg takes it apart"),
    (0, b"VNDRBOOT", "an Android boot image", "unpack_bootimg takes it apart"),
    (0, b"MZ", "an EFI program, perhaps a kernel", ""),
    (0x38, b"ARM\x64", "a kernel image", ""),
    (0x38, b"RSC\x05", "a kernel image", ""),
    (0x24, b"\x18\x28\x6f\x01", "a kernel image (zImage)", ""),
    (0x202, b"HdrS", "a kernel image (bzImage)", ""),
    (
        0,
        b"\x04\x22\x4d\x18",
        "compressed with lz4 in a frame that no kernel reads",
        "compress it with lz4 -l",
    ),
    (0, b"PK\x03\x04", "a zip archive", ""),
    (0, b"#!", "a script", ""),
)
# The kernel takes them for /dev/ram0 alone
FILE_SYSTEMS = (
    (0, b"hsqs", "squashfs"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"-rom1fs-", "romfs"),
    (1080, b"\x53\xef", "ext2"),
)
GIVE = "give a cpio archive (-H newc), plain or compressed"
TEXT = frozenset(b"\t\n\r\f") | frozenset(range(32, 127))
# Fewer bytes may look like text by chance
LINE = 16


def _at(head: bytes, offset: int, magic: bytes) -> bool:
    return head[offset : offset + len(magic)] == magic


def _inside(head: bytes) -> bytes:
    """The first bytes of what is compressed; none if Python alone cannot tell, or was
    built, or copied into an initramfs, without the library for it."""
    broken: tuple[type[Exception], ...] = (OSError, ValueError, EOFError)
    made: Any
    try:
        if head[:2] == b"\x1f\x8b":
            import zlib

            made, broken = zlib.decompressobj(31), (*broken, zlib.error)
        elif head[:3] == b"BZh":
            import bz2

            made = bz2.BZ2Decompressor()
        elif head[:2] in (b"\xfd7", b"\x5d\0"):
            import lzma

            made = lzma.LZMADecompressor(memlimit=1 << 28)
            broken = (*broken, lzma.LZMAError)
        else:
            return b""
    except ImportError:
        return b""
    try:
        return bytes(made.decompress(head, INSIDE))
    except broken as e:
        raise FdtBadParameter(
            OP, "initrd", f"its compressed data are damaged: {e}"
        ) from None


def look_at(head: Buffer, where: str, *, inside: str = "") -> None:
    """Judge an initrd by its first bytes, HEAD or all of it.

    where: its name, for errors. inside: what it was compressed as.
    Raises:
        FdtBadParameter: it is something else, which no kernel reads. Of what is
            unknown, and of file systems, it warns.
    """
    head = bytes(head[:HEAD])
    what = f"initrd {where}".rstrip()
    contains = "what it unpacks to is" if inside else "is"
    # The kernel skips zeros
    start = len(head) - len(head.lstrip(b"\0"))
    rest = head[start:]
    if rest.startswith(CPIO):
        if start % ALIGN:
            raise FdtBadParameter(
                OP,
                what,
                f"a cpio archive starts at byte {start}, which is no multiple of "
                f"{ALIGN}: the kernel does not find it",
            )
        return
    if rest.startswith(COMPRESSED) and not inside:
        try:
            plain = _inside(rest)
        except FdtBadParameter as e:
            raise FdtBadParameter(OP, what, e.cause) from None
        if plain:
            look_at(plain, where, inside="compressed")
        return
    if rest.startswith(OLD_CPIO):
        raise FdtBadParameter(
            OP, what, f"{contains} a cpio archive of the old kind; make it with -H newc"
        )
    for offset, magic, kind, helps in OTHERS:
        if _at(head, offset, magic):
            helps = helps.format(file=where or "INITRD")
            raise FdtBadParameter(OP, what, f"{contains} {kind}; {helps or GIVE}")
    if len(rest) >= LINE and TEXT.issuperset(rest[:512]):
        shown = rest[:LINE].decode()
        raise FdtBadParameter(OP, what, f"{contains} text ({shown!r}...); {GIVE}")
    for offset, magic, kind in FILE_SYSTEMS:
        if _at(head, offset, magic):
            warn(
                f"{what}: {contains} a {kind} file system, which the kernel takes for "
                "a RAM disk alone (root=/dev/ram0)"
            )
            return
    if rest:
        warn(
            f"{what}: {contains} nothing that the kernel knows as an initrd; it will "
            f"do without; {GIVE}"
        )


class InitrdFile:
    """Regular files, one behind the other; their lengths are what they are now,
    their content is read later. Each starts at a multiple of 4 bytes, as the kernel
    wants it of several.

    Args:
        parts: paths; or bytes, of what was read already.
    Raises:
        FdtBadParameter: a file cannot be looked at, is no regular file, or is
            something else than an initrd.
    """

    def __init__(self, *parts: str | os.PathLike[str] | Buffer):
        self._parts: list[str | bytes] = []
        self._sizes: list[int] = []
        for part in parts:
            if isinstance(part, (str, os.PathLike)):
                path = os.fspath(part)
                size, head = self._look(path)
                self._parts.append(path)
            else:
                path, head = "", bytes(part)
                size = len(head)
                self._parts.append(head)
            if not size and len(parts) > 1:
                raise FdtBadParameter(OP, f"initrd {path}".rstrip(), "is empty")
            look_at(head, path)
            self._sizes.append(size)

    def _look(self, path: str) -> tuple[int, bytes]:
        try:
            fd = open_regular(path)
            try:
                size = os.fstat(fd).st_size
                return size, read_some(fd, min(HEAD, size))
            finally:
                os.close(fd)
        except (OSError, ValueError) as e:
            raise _refusal(path, e) from None

    def __len__(self) -> int:
        whole = 0
        for size in self._sizes:
            whole += -whole % ALIGN + size
        return whole

    def read(self) -> bytes:
        """All of it.

        Raises:
            FdtBadParameter: a file cannot be read, or has another length now.
        """
        out: list[bytes] = []
        whole = 0
        for part, size in zip(self._parts, self._sizes):
            out.append(bytes(-whole % ALIGN))
            out.append(_read(part, size) if isinstance(part, str) else part)
            whole += -whole % ALIGN + size
        return b"".join(out) if len(out) > 2 else out[1]


def _read(path: str, size: int) -> bytes:
    try:
        fd = open_regular(path)
        try:
            data = read_some(fd, size + 1)
        finally:
            os.close(fd)
    except OSError as e:
        raise _refusal(path, e) from None
    if len(data) != size:
        raise FdtBadParameter(
            OP, f"initrd {path}", "changed while it was looked at; try again"
        )
    return data


def _refusal(path: str, e: Exception) -> FdtBadParameter:
    cause = (e.strerror if isinstance(e, OSError) else None) or str(e)
    return FdtBadParameter(OP, f"initrd {path}", cause)
