# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images taken out of what wraps them: compressions, containers, EFI zboot."""

from __future__ import annotations

import struct

from ...errors import FdtImageError
from .compression import LIMIT, decompress, kind_of
from .containers import container, container_name
from .fit import read_fit
from .tail import without_tail

__all__ = ["Unpacked", "unpack"]

OP = "image"
# EFI zboot: Linux drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg",
# payload offset and size, two reserved words, name of the compression
ZBOOT = struct.Struct("<2s2x4s2I8x32s")


class Unpacked:
    """data: the image. layers: what it was wrapped in, outermost first.
    initrd, cmdline: what came with it; None and "" if nothing did."""

    __slots__ = ("_left", "_where", "cmdline", "data", "initrd", "layers")

    def __init__(self, data: bytes, where: str):
        self.data = data
        self.layers: list[str] = []
        self.initrd: bytes | None = None
        self.cmdline = ""
        self._where = where
        self._left = LIMIT

    def inflate(self, kind: str, packed: bytes | memoryview | None = None) -> None:
        """Undo a compression, of all layers together within LIMIT."""
        packed = self.data if packed is None else packed
        self.layers.append(kind)
        data, behind = decompress(kind, packed, self._where, self._left)
        if behind and not isinstance(packed, memoryview):
            # Not a word about padding
            without_tail(packed, len(packed) - behind, self._where, f"its {kind} data")
        self.data = data
        self._left -= len(data)


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


def unpack(data: bytes, where: str, configuration: str = "") -> Unpacked:
    """The image inside, what it was wrapped in, and what came with it.

    A compression; in it a container (uImage, FIT, Android boot image, UKI); in it a
    compression; in it an EFI zboot image with one more. Each may be missing. Anything
    else is given back as it is.

    configuration: of a FIT; "": its default.
    Raises:
        FdtImageError: damaged, cut off, wrapped more often, larger than LIMIT (all
            that comes out together), or a format that cannot be unpacked here.
    """
    found = Unpacked(data, where)
    if kind_of(data):
        found.inflate(kind_of(data))
    contents = read_fit(found.data, where, configuration)
    if contents is None:
        contents = container(found.data, where)
        if configuration:
            raise FdtImageError(OP, where, "has no configuration to choose: is no FIT")
    if contents is not None:
        found.layers.append(contents.name)
        found.data = contents.kernel
        found.initrd, found.cmdline = contents.initrd, contents.cmdline
        kind = contents.compression or kind_of(found.data)
        if kind:
            found.inflate(kind)
    zboot = _zboot(found.data, where)
    if zboot is not None:
        kind, payload = zboot
        found.layers.append("EFI zboot")
        found.inflate(kind, payload)
    if found.layers:
        more = kind_of(found.data) or container_name(found.data, where)
        more = more or ("EFI zboot" if _zboot(found.data, where) else "")
        if more:
            raise FdtImageError(
                OP, where, f"wrapped too often: {', '.join([*found.layers, more])}"
            )
    return found
