# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""#address-cells and #size-cells of a tree in which changes are waiting."""

from __future__ import annotations

from .._native import ffi, lib, reading
from ..errors import FdtBadContent, error
from .blob import INT, MAX_SIZE
from .names import CELLS

__all__ = ["CELLS", "Cells"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .blob import Blob

# Fewest and most of each
_SOUND = {CELLS[0]: range(1, 5), CELLS[1]: range(5)}
_IN_TREE = -1


# Searches that make it worth while to list all nodes
MANY = 16


def _plain(path: bytes) -> bytes:
    """The path without needless slashes."""
    return b"/" + b"/".join(name for name in path.split(b"/") if name)


class Cells:
    """What the cells of a node will be, once all changes so far are made.

    Changes are told by their number, which grows.
    """

    __slots__ = ("_blob", "_children", "_gone", "_known", "_searches")

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        # Which change set it last, and to what; None: there is none
        self._known: dict[tuple[bytes, str], tuple[int, bytes | None]] = {}
        # Which change last deleted the node
        self._gone: dict[bytes, int] = {}
        # Nodes searched for so far; after some: the state of the blob, and in it
        # the place of each node by that of the one above and its name
        self._searches = 0
        self._children: tuple[int, dict[tuple[int, bytes], int]] | None = None

    def set(self, change: int, path: bytes, name: str, value: bytes | None) -> None:
        self._known[_plain(path), name] = change, value

    def append(self, change: int, path: bytes, name: str, value: bytes) -> None:
        path = _plain(path)
        self._known[path, name] = change, (self._get(path, name) or b"") + value

    def delete_node(self, change: int, path: bytes) -> None:
        self._gone[_plain(path)] = change

    def _get(self, path: bytes, name: str) -> bytes | None:
        """The property's value, of a path without needless slashes."""
        gone = _IN_TREE
        if self._gone:
            parts = path.split(b"/")
            above = [b"/".join(parts[: n + 1]) for n in range(1, len(parts))]
            gone = max((self._gone.get(node, gone) for node in above), default=gone)
        known = self._known.get((path, name))
        if known is not None and known[0] >= gone:
            return known[1]
        if gone != _IN_TREE:
            return None
        value = self._in_tree(path, name.encode())
        self._known[path, name] = _IN_TREE, value
        return value

    def _in_tree(self, path: bytes, name: bytes) -> bytes | None:
        lenp = ffi.new(INT)
        with self._blob.lock:
            offset = self._find(path)
            with reading(self._blob.buf) as p:
                value = offset >= 0 and lib.fdt_getprop_namelen(
                    p, offset, name, len(name), lenp
                )
                return ffi.buffer(value, lenp[0])[:] if value else None

    def _find(self, path: bytes) -> int:
        """Where a node is, negative if it is not; with the blob's lock.

        A search passes over all nodes in front, so many of them would take the
        square of the time.
        """
        self._searches += 1
        if self._searches <= MANY:
            found: int = self._blob.read(lib.fdtx_path_offset, path, len(path))
            return found
        if self._children is None or self._children[0] != self._blob.edits:
            self._children = self._blob.edits, self._list_nodes()
        children = self._children[1]
        offset = 0
        for name in path.split(b"/"):
            if name and offset >= 0:
                offset = children.get((offset, name), -1)
        return offset

    def _list_nodes(self) -> dict[tuple[int, bytes], int]:
        blob = self._blob
        items, n = blob.table("fdtx_node", lib.fdtx_nodes, 0, MAX_SIZE)
        buf, start = blob.buf, blob.struct_start + 4
        children: dict[tuple[int, bytes], int] = {}
        above: list[int] = []
        for item in ffi.unpack(items, n):
            del above[item.depth :]
            if above:
                at = start + item.offset
                name = bytes(buf[at : buf.index(0, at)])
                # Of those with one name the first is found
                children.setdefault((above[-1], name), item.offset)
            above.append(item.offset)
        return children

    def of(self, path: bytes, op: str, where: str) -> tuple[int, int]:
        """(address cells, size cells) of the entries below a node.

        Raises:
            FdtBadContent: one is missing or bad; where is what they are for.
        """
        path = _plain(path)
        node = path.decode("ascii", "surrogateescape")
        found = []
        for name in CELLS:
            raw = self._get(path, name)
            if raw is None:
                raise FdtBadContent(
                    op,
                    where,
                    f"{node} has no {name}: libfdt would write with 2 and 1, "
                    f"Linux would not read so; set it first",
                    -lib.FDT_ERR_BADNCELLS,
                )
            number = int.from_bytes(raw, "big")
            if len(raw) != 4 or number not in _SOUND[name]:
                raise error(
                    -lib.FDT_ERR_BADNCELLS,
                    op,
                    where,
                    f"bad #address-cells or #size-cells in {node}",
                )
            found.append(number)
        return found[0], found[1]
