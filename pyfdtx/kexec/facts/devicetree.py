# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A device tree shown as directories and files, made a blob again.

For kernels that do not show /sys/firmware/fdt. Memory reservations are not
shown there, so the blob has none.
"""

from __future__ import annotations

import os
import struct

from ..._native import lib, validate

__all__ = ["flatten"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Header of version 17, devicetree specification 5.2
HEADER = struct.Struct(">10I")
VERSION, LAST_COMPATIBLE = 17, 16
ALIGN = 4


def _order(name: str) -> tuple[str, int, str]:
    """Units by number: cpu@2 before cpu@10."""
    base, _, unit = name.partition("@")
    return base, len(unit), unit


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGN)


def _tag(value: int) -> bytes:
    return struct.pack(">I", value)


def _walk(top: str) -> Iterator[tuple[str, str, bool]]:
    """(path, name, leaving) of every directory, before and behind its content."""
    stack = [(top, "", False)]
    while stack:
        path, name, leaving = stack.pop()
        yield path, name, leaving
        if leaving:
            continue
        stack.append((path, name, True))
        children = [e.name for e in os.scandir(path) if e.is_dir(follow_symlinks=False)]
        for child in sorted(children, key=_order, reverse=True):
            stack.append((os.path.join(path, child), child, False))


def _properties(path: str) -> Iterator[tuple[str, bytes]]:
    """The kernel's own `name` is left out: the node has it already."""
    files = [e.name for e in os.scandir(path) if e.is_file(follow_symlinks=False)]
    for name in sorted(files):
        if name != "name":
            with open(os.path.join(path, name), "rb") as f:
                yield name, f.read()


def flatten(top: str) -> bytes:
    """The blob of the tree below a directory such as /proc/device-tree.

    Properties and children in alphabetical order, unit addresses by length
    first.

    Raises:
        OSError: a file cannot be read.
        FdtBadBlob: the names make no sound tree.
    """
    structure, strings = bytearray(), bytearray()
    places: dict[str, int] = {}
    for path, name, leaving in _walk(top):
        if leaving:
            structure += _tag(lib.FDT_END_NODE)
            continue
        structure += _tag(lib.FDT_BEGIN_NODE)
        structure += _padded(os.fsencode(name) + b"\0")
        for prop, value in _properties(path):
            if prop not in places:
                places[prop] = len(strings)
                strings += os.fsencode(prop) + b"\0"
            structure += struct.pack(">3I", lib.FDT_PROP, len(value), places[prop])
            structure += _padded(value)
    structure += _tag(lib.FDT_END)

    reservations = bytes(16)
    at = HEADER.size + len(reservations)
    blob = bytearray(
        HEADER.pack(
            lib.FDT_MAGIC,
            at + len(structure) + len(strings),
            at,
            at + len(structure),
            HEADER.size,
            VERSION,
            LAST_COMPATIBLE,
            0,
            len(strings),
            len(structure),
        )
    )
    blob += reservations + structure + strings
    validate(blob, "flatten", top)
    return bytes(blob)
