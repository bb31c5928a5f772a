# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What addresses and interrupts mean: buses, translation, PCI, controllers.

Sources: Devicetree Specification v0.4, 2.3.8 ranges, 2.3.9 dma-ranges, 2.4
interrupts; PCI Bus Binding to IEEE Std 1275-1994, 2.2.1.1; Linux,
drivers/of/address.c and irq.c.
"""

from __future__ import annotations

from struct import unpack

from ..codec.memrange import U64_END, MemRange
from ..errors import FdtBadContent, FdtNotFound

__all__ = [
    "BusRange",
    "PciReg",
    "addresses",
    "interrupts",
    "pci_reg",
    "ranges",
    "to_bus",
    "to_root",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from typing_extensions import Self

    class Place(Protocol):
        """A Node or a NodeView."""

        @property
        def parent(self) -> Self | None: ...
        @property
        def path(self) -> str: ...
        @property
        def address_cells(self) -> int: ...
        @property
        def size_cells(self) -> int: ...
        def get(self, name: str, default: None = None) -> bytes | None: ...
        def reg(self) -> list[MemRange]: ...

    P = TypeVar("P", bound=Place)

# Cells of an address of PCI: phys.hi, phys.mid, phys.lo
PCI_CELLS = 3
SPACES = ("config", "io", "memory", "memory64")


class BusRange(tuple[int, int, int, "int | None"]):
    """(child, parent, size, space): `size` bytes at `child` of the bus below are at
    `parent` of the bus above.

    `space` is the first cell of a PCI address (phys.hi), None on other buses; then
    `child` is the 64 bits behind it.
    """

    __slots__ = ()

    @property
    def child(self) -> int:
        return self[0]

    @property
    def parent(self) -> int:
        return self[1]

    @property
    def size(self) -> int:
        return self[2]

    @property
    def space(self) -> int | None:
        return self[3]

    def __repr__(self) -> str:
        space = "" if self.space is None else f", space={self.space:#010x}"
        return f"BusRange({self.child:#x}, {self.parent:#x}, {self.size:#x}{space})"


class PciReg(tuple[int, int, int]):
    """(space, address, size) of an entry of a PCI device's reg: phys.hi, the 64 bits
    behind it, bytes."""

    __slots__ = ()

    @property
    def space(self) -> int:
        """The first cell, phys.hi."""
        return self[0]

    @property
    def address(self) -> int:
        return self[1]

    @property
    def size(self) -> int:
        return self[2]

    @property
    def kind(self) -> str:
        """ "config", "io", "memory" (32 bits) or "memory64"."""
        return SPACES[self.space >> 24 & 3]

    @property
    def bus(self) -> int:
        return self.space >> 16 & 0xFF

    @property
    def device(self) -> int:
        return self.space >> 11 & 0x1F

    @property
    def function(self) -> int:
        return self.space >> 8 & 7

    @property
    def register(self) -> int:
        """Offset in configuration space: of the base address register, or 0."""
        return self.space & 0xFF

    @property
    def prefetchable(self) -> bool:
        return bool(self.space >> 30 & 1)

    @property
    def relocatable(self) -> bool:
        """The address is not fixed ("n" is 0)."""
        return not self.space >> 31

    def __repr__(self) -> str:
        return (
            f"PciReg({self.bus:02x}:{self.device:02x}.{self.function} {self.kind} "
            f"{self.address:#x}, {self.size:#x})"
        )


def ranges(node: Place, name: str = "ranges") -> list[BusRange] | None:
    """The windows of a bus; see Getters.ranges()."""
    raw = node.get(name)
    if raw is None:
        return None
    above = node.parent
    if above is None:
        raise FdtBadContent(name, f"/:{name}", "the root has no bus above it")
    child, parent, size = node.address_cells, above.address_cells, node.size_cells
    step = 4 * (child + parent + size)
    where = f"{node.path}:{name}"
    if len(raw) % step:
        raise FdtBadContent(
            name,
            where,
            f"{len(raw)} bytes are no whole number of entries of {child} + {parent} + "
            f"{size} cells",
        )
    found = []
    for at in range(0, len(raw), step):
        cells = unpack(f">{step // 4}I", raw[at : at + step])
        low, space = _address(cells[:child], where)
        high, _ = _address(cells[child : child + parent], where)
        length = _number(cells[child + parent :])
        if low + length > U64_END or high + length > U64_END:
            raise FdtBadContent(name, where, "an entry does not fit into 64 bits")
        found.append(BusRange((low, high, length, space)))
    return found


def _number(cells: tuple[int, ...]) -> int:
    number = 0
    for cell in cells:
        number = number << 32 | cell
    return number


def _address(cells: tuple[int, ...], where: str) -> tuple[int, int | None]:
    """A number of 64 bits, and what stands in front of it on PCI."""
    if len(cells) == PCI_CELLS:
        return _number(cells[1:]), cells[0]
    number = _number(cells)
    if number >= U64_END:
        raise FdtBadContent("ranges", where, "an address does not fit into 64 bits")
    return number, None


def _buses(node: Place) -> list[Place]:
    """The buses between a node and the root: those with an address space of their
    own, the node's own bus first."""
    found = []
    bus = node.parent
    while bus is not None and bus.parent is not None:
        found.append(bus)
        bus = bus.parent
    return found


def _through(
    bus: Place, address: int, space: int | None, start: Callable[[BusRange], int]
) -> BusRange:
    """The window of a bus in which an address is."""
    windows = ranges(bus)
    if windows is None:
        raise FdtBadContent(
            "translate",
            bus.path,
            "the bus has no ranges, so nothing behind it has an address on the bus "
            "above",
        )
    if not windows:
        return BusRange((0, 0, U64_END, space))
    for window in windows:
        # "ss": I/O and memory are two spaces
        same = space is None or (window.space or 0) >> 24 & 3 == space >> 24 & 3
        if same and start(window) <= address < start(window) + window.size:
            return window
    raise FdtNotFound(
        "translate", f"{bus.path}:ranges", f"no entry has the address {address:#x}"
    )


def to_root(node: Place, address: int, space: int | None = None) -> int:
    """An address on a node's bus as the CPU has it; see Getters.translate()."""
    for bus in _buses(node):
        window = _through(bus, address, space, lambda w: w.child)
        address += window.parent - window.child
        space = None
    return address


def to_bus(node: Place, address: int) -> int:
    """The other way round."""
    for bus in reversed(_buses(node)):
        window = _through(bus, address, None, lambda w: w.parent)
        address += window.child - window.parent
    return address


def addresses(node: Place) -> list[MemRange]:
    """The entries of reg as the CPU has them; see Getters.addresses()."""
    above = node.parent
    if above is not None and above.address_cells == PCI_CELLS:
        entries = [(r.address, r.size, r.space) for r in pci_reg(node)]
        # Configuration space is behind the host's own registers
        mapped = [entry for entry in entries if entry[2] >> 24 & 3]
        return [MemRange(to_root(node, a, s), n) for a, n, s in mapped]
    return [MemRange(to_root(node, start), size) for start, size in node.reg()]


def pci_reg(node: Place, name: str = "reg") -> list[PciReg]:
    """The entries of a PCI device; see Getters.pci_reg()."""
    above = node.parent
    where = f"{node.path}:{name}"
    if above is None or above.address_cells != PCI_CELLS or above.size_cells != 2:
        raise FdtBadContent(
            "pci_reg", where, "the bus is not PCI: its cells are not 3 and 2"
        )
    raw = node.get(name)
    if raw is None:
        raise FdtNotFound("pci_reg", where, "no such property")
    if len(raw) % 20:
        raise FdtBadContent(
            "pci_reg", where, f"{len(raw)} bytes are no whole number of 5 cells"
        )
    return [
        PciReg((hi, mid << 32 | lo, high << 32 | low))
        for hi, mid, lo, high, low in (
            unpack(">5I", raw[at : at + 20]) for at in range(0, len(raw), 20)
        )
    ]


def interrupts(
    node: P, by_phandle: Callable[[int], P]
) -> list[tuple[P, tuple[int, ...]]]:
    """(controller, its cells) for each interrupt; see Getters.interrupts()."""
    where = f"{node.path}:interrupts-extended"
    raw = node.get("interrupts-extended")
    if raw is None:
        where = f"{node.path}:interrupts"
        raw = node.get("interrupts")
        if raw is None:
            raise FdtNotFound("interrupts", where, "no such property")
        controller = _controller(node, by_phandle)
        count = _interrupt_cells(controller)
        cells = _cells(raw, where)
        if not count or len(cells) % count:
            raise FdtBadContent(
                "interrupts",
                where,
                f"{len(cells)} cells are no whole number of the {count} that "
                f"{controller.path} wants",
            )
        return [
            (controller, cells[at : at + count]) for at in range(0, len(cells), count)
        ]
    cells = _cells(raw, where)
    found = []
    at = 0
    while at < len(cells):
        controller = by_phandle(cells[at])
        end = at + 1 + _interrupt_cells(controller)
        if end > len(cells):
            raise FdtBadContent("interrupts", where, "the last entry is cut off")
        found.append((controller, cells[at + 1 : end]))
        at = end
    return found


def _cells(raw: bytes, where: str) -> tuple[int, ...]:
    if len(raw) % 4:
        raise FdtBadContent("interrupts", where, f"{len(raw)} bytes are no cells")
    return unpack(f">{len(raw) // 4}I", raw)


def _interrupt_cells(controller: Place) -> int:
    raw = controller.get("#interrupt-cells")
    if raw is None or len(raw) != 4:
        raise FdtBadContent(
            "interrupts",
            f"{controller.path}:#interrupt-cells",
            "the interrupt controller does not say how many cells it wants",
        )
    return int.from_bytes(raw, "big")


def _controller(node: P, by_phandle: Callable[[int], P]) -> P:
    """Up from parent to parent, by phandle where one is given, to the first node
    with #interrupt-cells."""
    at: P | None = node
    # A circle of phandles has an end, too: no tree is deeper
    for _ in range(2048):
        assert at is not None
        raw = at.get("interrupt-parent")
        at = by_phandle(int.from_bytes(raw, "big")) if raw else at.parent
        if at is None:
            break
        if at.get("#interrupt-cells") is not None:
            return at
    raise FdtBadContent(
        "interrupts", node.path, "no node above is an interrupt controller"
    )
