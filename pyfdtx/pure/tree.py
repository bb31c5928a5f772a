# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A blob as plain lists and back. No recursion: trees may be 1024 deep."""

from __future__ import annotations

from struct import pack, unpack_from

from .blob import (
    BEGIN_NODE,
    END,
    END_NODE,
    PROP,
    Strings,
    assemble,
    name_bytes,
    property_bytes,
    scan,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .blob import Buffer, Scan

    # (name, [(property name, value), ...], [child node, ...])
    PlainNode = tuple[str, list[tuple[str, bytes]], list[Any]]


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode("ascii", "surrogateescape")


def plain(s: Scan) -> PlainNode:
    """The tree of a scanned blob."""
    root: list[PlainNode] = []
    open_nodes: list[PlainNode] = []
    names: dict[int, str] = {}
    at = s.start
    while True:
        (tag,) = unpack_from(">I", s.blob, at)
        at += 4
        if tag == BEGIN_NODE:
            nul = s.blob.index(b"\0", at)
            node: PlainNode = (_text(s.blob[at:nul]), [], [])
            (open_nodes[-1][2] if open_nodes else root).append(node)
            open_nodes.append(node)
            at += (nul + 4 - at) // 4 * 4
        elif tag == PROP:
            size, nameoff = unpack_from(">II", s.blob, at)
            at += 8
            if nameoff not in names:
                names[nameoff] = _text(s.name(nameoff))
            open_nodes[-1][1].append((names[nameoff], s.blob[at : at + size]))
            at += (size + 3) // 4 * 4
        elif tag == END_NODE:
            open_nodes.pop()
        elif tag == END:
            return root[0]


def unflatten(blob: Buffer) -> PlainNode:
    """The root node as (name, properties, children).

    Properties are (name, value) pairs and children are nodes of the same
    shape, both in blob order. Names are ASCII, other bytes as surrogates.

    Raises:
        FdtBadBlob: see check().
    """
    return plain(scan(blob))


def memreserve(blob: Buffer) -> list[tuple[int, int]]:
    """The memory reservations as (address, size), without the last (0, 0).

    Raises:
        FdtBadBlob: see check().
    """
    return scan(blob).reserved


def flatten(
    tree: PlainNode,
    memreserve: list[tuple[int, int]] | None = None,
    boot_cpuid: int = 0,
) -> bytes:
    """The canonical blob of a tree as unflatten() gives it.

    The strings block holds the names in the order of their first use. What is
    put in is not checked: nonsense in gives a blob that check() refuses.
    """
    strings = Strings()
    parts: list[bytes] = []
    # A node still to be written, or None: close the innermost open one
    todo: list[PlainNode | None] = [tree]
    while todo:
        node = todo.pop()
        if node is None:
            parts.append(pack(">I", END_NODE))
            continue
        name, props, children = node
        parts.append(name_bytes(_raw(name)))
        parts += [property_bytes(strings, _raw(n), v) for n, v in props]
        todo.append(None)
        todo += reversed(children)
    parts.append(pack(">I", END))
    return assemble(memreserve or [], b"".join(parts), bytes(strings.block), boot_cpuid)
