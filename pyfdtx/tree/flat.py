# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A whole tree in one pass over its blob, as plain lists, for reading.

For those who look at every node anyway (drawing, comparing): linear time, no
recursion, and duplicate names stay visible. For everything else there is
`Fdt`.
"""

from __future__ import annotations

from struct import Struct

from .. import _native
from ..errors import FdtBadBlob
from .blob import NAME_FACTOR

__all__ = ["FlatNode", "FlatTree", "path_text", "read"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Union

    from .._native import Buffer
    from .owned import Owned
    from .props import Properties

    # An Fdt is the first
    Tree = Union[Owned[Properties], Buffer, "FlatTree"]

HEADER = Struct(">9I")
TAG = Struct(">I")
PROP = Struct(">II")
RESERVATION = Struct(">QQ")


class FlatNode:
    """One node: name, depth (root 0), properties as (name, value) pairs in the
    order of the blob. Names are ASCII; other bytes are surrogates
    ("surrogateescape")."""

    __slots__ = ("depth", "name", "properties")

    def __init__(self, name: str, depth: int):
        self.name = name
        self.depth = depth
        self.properties: list[tuple[str, bytes]] = []

    def __repr__(self) -> str:
        return f"<FlatNode {self.name!r}, depth {self.depth}>"


class FlatTree:
    """What a blob says: nodes in its order (depth first, the root first),
    memory reservations as (start, size) in bytes, the boot CPU's number."""

    __slots__ = ("boot_cpuid_phys", "memreserve", "nodes")

    def __init__(
        self,
        boot_cpuid_phys: int,
        memreserve: list[tuple[int, int]],
        nodes: list[FlatNode],
    ):
        self.boot_cpuid_phys = boot_cpuid_phys
        self.memreserve = memreserve
        self.nodes = nodes

    def with_paths(self) -> Iterator[tuple[str, FlatNode]]:
        """(path, node) for every node; a path may occur more than once."""
        parts: list[str] = []
        for node in self.nodes:
            del parts[node.depth :]
            parts.append(node.name)
            yield path_text(parts), node


def path_text(names: list[str]) -> str:
    """The path of a node from the names on the way to it, the root's first."""
    return "/".join(names) if len(names) > 1 else "/"


def read(tree: Tree) -> FlatTree:
    """Read a blob, or an Fdt as it is now. Validates like `Fdt`; copies.
    A FlatTree is handed back.

    Raises:
        FdtBadBlob: not a sound device tree; or its property names, each
            counted where it is used, are longer than 16 times the blob.
        TypeError: neither an Fdt nor bytes-like.
    """
    if isinstance(tree, FlatTree):
        return tree
    if hasattr(tree, "root"):
        blob: bytes = tree.to_bytes()  # type: ignore[union-attr]
    else:
        blob = _native.frozen(tree)
        _native.validate(blob, "read")
    header = HEADER.unpack_from(blob)
    return FlatTree(header[7], _reservations(blob, header[4]), _nodes(blob, header))


def _reservations(blob: bytes, pos: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        start, size = RESERVATION.unpack_from(blob, pos)
        if not size:
            return found
        found.append((start, size))
        pos += RESERVATION.size


def _nodes(blob: bytes, header: tuple[int, ...]) -> list[FlatNode]:
    """The validated structure block; every length in it is known to be good."""
    lib = _native.lib
    begin, end_node, prop, end = (
        lib.FDT_BEGIN_NODE,
        lib.FDT_END_NODE,
        lib.FDT_PROP,
        lib.FDT_END,
    )
    pos, strings = header[2], header[3]
    budget = NAME_FACTOR * len(blob)
    names: dict[int, str] = {}
    nodes: list[FlatNode] = []
    depth = 0
    while True:
        (tag,) = TAG.unpack_from(blob, pos)
        pos += 4
        if tag == prop:
            length, offset = PROP.unpack_from(blob, pos)
            pos += 8
            name = names.get(offset)
            if name is None:
                name = names[offset] = _name(blob, strings + offset)
            budget -= len(name)
            if budget < 0:
                raise FdtBadBlob(
                    "read", "", "property names overlap each other excessively"
                )
            nodes[-1].properties.append((name, blob[pos : pos + length]))
            pos += (length + 3) & ~3
        elif tag == begin:
            name = _name(blob, pos)
            pos += (len(name) + 4) & ~3
            nodes.append(FlatNode(name, depth))
            depth += 1
        elif tag == end_node:
            depth -= 1
        elif tag == end:
            return nodes


def _name(blob: bytes, pos: int) -> str:
    return blob[pos : blob.index(b"\0", pos)].decode("ascii", "surrogateescape")
