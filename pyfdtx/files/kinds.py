# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What was given in place of a device tree blob, and the command that helps."""

from __future__ import annotations

__all__ = ["MAGIC", "TABLE_MAGIC", "Kind", "kind_of", "other_version", "trees_in"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    # What it is, and the way out with {file} for its name
    Kind = tuple[str, str]
    Bytes = Union[bytes, memoryview]

MAGIC = b"\xd0\x0d\xfe\xed"
# Android: system/libufdt, utils/src/dt_table.h
TABLE_MAGIC = b"\xd7\xb7\xab\x1e"

UNPACK = "unpack it first: {command} {{file}} | pyfdtx ... -"
# Magic numbers: file(1); Linux, lib/decompress.c; U-Boot, include/image.h
KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", UNPACK.format(command="gunzip -c")),
    (b"\xfd7zXZ\0", "compressed with xz", UNPACK.format(command="xz -dc")),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK.format(command="zstd -dc")),
    (b"\x04\x22\x4d\x18", "compressed with lz4", UNPACK.format(command="lz4 -dc")),
    (b"\x02\x21\x4c\x18", "compressed with lz4", UNPACK.format(command="lz4 -dc")),
    (b"BZh", "compressed with bzip2", UNPACK.format(command="bzip2 -dc")),
    (b"\x89LZO", "compressed with lzop", UNPACK.format(command="lzop -dc")),
    (
        b"\x27\x05\x19\x56",
        "a U-Boot image (uImage)",
        "what it wraps starts behind 64 bytes: tail -c +65 {file}",
    ),
    (b"\x7fELF", "an ELF file, a kernel or a program", "give its device tree instead"),
    (b"ANDROID!", "an Android boot image", "unpack_bootimg takes it apart"),
    (b"MZ", "an EFI program, perhaps a kernel", "give its device tree instead"),
    (
        b"\xed\xfe\x0d\xd0",
        "a device tree blob with the bytes of each word swapped",
        "objcopy -I binary -O binary --reverse-bytes=4 {file} swapped.dtb",
    ),
    (TABLE_MAGIC, "a table of device trees (dtbo.img)", "--index N takes one out"),
)
COMPILE = "compile it: dtc -I dts -O dtb -o out.dtb {file}"


def kind_of(head: bytes) -> Kind | None:
    """What a file is that does not start as a device tree blob; None: unknown.

    Args:
        head: its first bytes, 64 are enough.
    """
    if not head:
        return "empty", "a device tree has 40 bytes at least"
    for magic, what, helps in KINDS:
        if head.startswith(magic):
            return what, helps
    text = head.lstrip()
    if text.startswith((b"/dts-v1/", b"//", b"/*", b"#include", b"/ {", b"/include/")):
        return "device tree source", COMPILE
    return None


def other_version(blob: Bytes) -> Kind | None:
    """A blob of a format version that only dtc reads: 1 to 3."""
    if len(blob) < 28 or bytes(blob[:4]) != MAGIC:
        return None
    version = int.from_bytes(blob[20:24], "big")
    if 1 <= version <= 3:
        return (
            f"a device tree of format version {version}",
            "dtc writes it anew: dtc -I dtb -O dtb -V 17 -o out.dtb {file}",
        )
    return None


def trees_in(data: Bytes) -> list[tuple[int, int]]:
    """(offset, bytes) of each device tree in a file: of Android's table, or one
    behind the other with zero bytes between.

    Checks only that each lies inside of data.

    Raises:
        ValueError: a table that is cut off or points outside.
    """
    if bytes(data[:4]) == TABLE_MAGIC:
        return _table(data)
    found: list[tuple[int, int]] = []
    at = 0
    while bytes(data[at : at + 4]) == MAGIC:
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if size < 28 or size > len(data) - at:
            break
        found.append((at, size))
        at += size
        # Joined with padding, or not
        while at < len(data) and not data[at]:
            step = bytes(data[at : at + 4096])
            at += len(step) - len(step.lstrip(b"\0"))
    return found


def _table(data: Bytes) -> list[tuple[int, int]]:
    """Of Android: 8 words of header, then entries that start with size and offset;
    big-endian."""
    if len(data) < 32:
        raise ValueError("the table of device trees is cut off")
    words = [int.from_bytes(data[at : at + 4], "big") for at in range(0, 32, 4)]
    entry_size, count, start = words[3], words[4], words[5]
    if entry_size < 8 or start + entry_size * count > len(data):
        raise ValueError(f"the table says {count} entries, the file ends before them")
    found = []
    for number in range(count):
        at = start + number * entry_size
        size = int.from_bytes(data[at : at + 4], "big")
        offset = int.from_bytes(data[at + 4 : at + 8], "big")
        if offset + size > len(data):
            raise ValueError(f"entry {number} of the table points outside of the file")
        found.append((offset, size))
    return found
