# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A device tree shown as directories and files, made a blob again.

For kernels that do not show /sys/firmware/fdt. Memory reservations are not
shown there, so the blob has none.
"""

from __future__ import annotations

import errno
import os
import struct

from ..._native import lib, validate
from ...files.reading import LIMITS

__all__ = ["flatten", "walk"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...files.reading import Root

# Header of version 17, devicetree specification 5.2
HEADER = struct.Struct(">10I")
VERSION, LAST_COMPATIBLE = 17, 16
ALIGN = 4
# Linux drivers/of/fdt.c FDT_MAX_DEPTH: no kernel shows a deeper one
MAX_DEPTH = 64


def _order(name: str) -> tuple[str, int, str]:
    """Units by number: cpu@2 before cpu@10."""
    base, _, unit = name.partition("@")
    return base, len(unit), unit


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGN)


def _tag(value: int) -> bytes:
    return struct.pack(">I", value)


def walk(root: Root, top: str) -> Iterator[tuple[str, list[str], bool]]:
    """(name, files, leaving) of every folder below top, before and behind its
    content; leaving: files is empty.

    Raises:
        OSError: a folder cannot be listed, or has what is no file; or the tree is
            deeper than a blob may be.
    """
    stack = [(top, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            yield name, [], True
            continue
        if name.count("/") - top.count("/") > MAX_DEPTH:
            raise OSError(errno.ELOOP, f"is deeper than {MAX_DEPTH} nodes", name)
        folders, files, others = root.entries(name)
        if others:
            what = "is neither a regular file nor a folder"
            raise OSError(errno.EINVAL, what, f"{name}/{others[0]}")
        yield name, files, False
        stack.append((name, True))
        for child in sorted(folders, key=_order, reverse=True):
            stack.append((f"{name}/{child}", False))


def _properties(root: Root, path: str, files: list[str]) -> Iterator[tuple[str, bytes]]:
    """The kernel's own `name` is left out: the node has it already."""
    for name in files:
        if name != "name":
            yield name, root.read(f"{path}/{name}", LIMITS["property"])


def flatten(root: Root, top: str) -> bytes:
    """The blob of the tree below a directory such as proc/device-tree of a root.

    Properties and children in alphabetical order, unit addresses by length
    first.

    Raises:
        OSError: a file cannot be read, or there is more than a tree can have.
        FdtBadBlob: the names make no sound tree.
    """
    structure, strings = bytearray(), bytearray()
    places: dict[str, int] = {}
    for path, files, leaving in walk(root, top):
        if leaving:
            structure += _tag(lib.FDT_END_NODE)
            continue
        name = path[len(top) :].rpartition("/")[2]
        structure += _tag(lib.FDT_BEGIN_NODE)
        structure += _padded(os.fsencode(name) + b"\0")
        for prop, value in _properties(root, path, files):
            if len(structure) + len(value) > LIMITS["tree"]:
                limit = LIMITS["tree"] >> 20
                raise OSError(errno.EFBIG, f"has more than {limit} MiB", top)
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
    validate(blob, "flatten", os.path.join(root.path, top))
    return bytes(blob)
