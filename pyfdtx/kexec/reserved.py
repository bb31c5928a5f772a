# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory that a tree reserves, as Linux's early reader finds it.

Source: Linux drivers/of/of_reserved_mem.c (older: fdt.c)
early_init_fdt_scan_reserved_mem(), __reserved_mem_check_root(),
__reserved_mem_reserve_reg(), kernel/dma/contiguous.c rmem_cma_setup().
"""

from __future__ import annotations

from ..codec.memrange import U64_END, MemRange

__all__ = ["Reserved", "reserved_in"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..tree.flat import FlatNode, FlatTree

CELLS = ("#address-cells", "#size-cells")
POOL = b"shared-dma-pool"


class Reserved:
    """One piece.

    range: where.
    node: number of the child of /reserved-memory in FlatTree.nodes; -1: it is one of
        the reservations in the header (/memreserve/).
    no_map: the kernel is to have no mapping of it.
    cma: a pool that the kernel lends out meanwhile (shared-dma-pool, reusable).
    """

    __slots__ = ("cma", "no_map", "node", "range")

    def __init__(
        self,
        where: MemRange,
        node: int = -1,
        *,
        no_map: bool = False,
        cma: bool = False,
    ):
        self.range = where
        self.node = node
        self.no_map = no_map
        self.cma = cma

    def __repr__(self) -> str:
        return f"Reserved({self.range!r}, {self.node})"


def _props(node: FlatNode) -> dict[str, bytes]:
    """The first property of each name counts."""
    return dict(reversed(node.properties))


def _cells(props: dict[str, bytes]) -> tuple[int, int] | None:
    """The root's; 1 and 1 if they are missing; None: not sound."""
    found = []
    for name, least in zip(CELLS, (1, 0)):
        value = props.get(name, b"\0\0\0\1")
        number = int.from_bytes(value, "big")
        if len(value) != 4 or not least <= number <= 4:
            return None
        found.append(number)
    return found[0], found[1]


def _pieces(value: bytes, cells: tuple[int, int]) -> Iterator[MemRange]:
    """The entries of a reg; none if they are not whole."""
    a, step = 4 * cells[0], 4 * sum(cells)
    for at in range(0, len(value), step) if not len(value) % step else ():
        start = int.from_bytes(value[at : at + a], "big")
        size = int.from_bytes(value[at + a : at + step], "big")
        if size and start + size <= U64_END:
            yield MemRange(start, size)


def _of_node(
    number: int, props: dict[str, bytes], cells: tuple[int, int]
) -> Iterator[Reserved]:
    if props.get("status", b"okay").split(b"\0")[0] not in (b"okay", b"ok"):
        return
    no_map = "no-map" in props
    pool = POOL in props.get("compatible", b"").split(b"\0")
    cma = pool and "reusable" in props and not no_map
    for where in _pieces(props.get("reg", b""), cells):
        yield Reserved(where, number, no_map=no_map, cma=cma)


def reserved_in(tree: FlatTree) -> list[Reserved]:
    """What is reserved at fixed places: those of the header, then those of
    /reserved-memory, each in the order of the tree. What Linux ignores is left out."""
    found = [
        Reserved(MemRange(start, size))
        for start, size in tree.memreserve
        if start + size <= U64_END
    ]
    cells = _cells(_props(tree.nodes[0]))
    inside = False
    for number, node in enumerate(tree.nodes):
        if inside and node.depth == 1:
            break  # the first one of that name counts
        if node.depth == 1 and node.name.partition("@")[0] == "reserved-memory":
            props = _props(node)
            inside = "ranges" in props and cells is not None
            own = [int.from_bytes(props.get(name, b"")[:4], "big") for name in CELLS]
            if not inside or own != list(cells or ()):
                break
        elif inside and node.depth == 2 and cells is not None:
            found += _of_node(number, _props(node), cells)
    return found
