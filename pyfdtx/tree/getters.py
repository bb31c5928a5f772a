# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Properties that are read: what `Node` and `NodeView` have in common."""

from __future__ import annotations

# What collections.abc re-exports; the package around that is dear to import.
from _collections_abc import ItemsView, Mapping, ValuesView

from .._native import c_name, lib
from ..codec import values
from ..errors import FdtBadParameter, FdtNotFound
from .names import CELLS, check_reg_name

__all__ = ["MISSING", "Getters"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable, TypeVar

    from typing_extensions import Self

    from ..codec.memrange import MemRange
    from .addresses import BusRange, PciReg

    T = TypeVar("T")

MISSING: Any = object()


class _Values(ValuesView[bytes]):
    __slots__ = ()
    _mapping: Getters

    def __iter__(self) -> Iterator[bytes]:
        return iter([value for _, value in self._mapping._properties()])


class _Items(ItemsView[str, bytes]):
    __slots__ = ()
    _mapping: Getters

    def __contains__(self, item: object) -> bool:
        # The mix-in's own version waits for KeyError
        if not isinstance(item, tuple) or len(item) != 2:
            return False
        name, value = item
        return name in self._mapping and self._mapping[name] == value

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self._mapping._properties())


class Getters(Mapping[str, bytes]):
    """Properties of a node by name, raw and with a type."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def path(self) -> str:
            """Full path; "/" for the root."""

        @property
        def name(self) -> str:
            """Name with unit address; "" for the root."""

        @property
        def phandle(self) -> int | None:
            """A valid phandle, or None."""

        def _path(self) -> str: ...

        def _find(self, name: str, op: str) -> bytes | None:
            """The value of the first property of that name."""

        def _properties(self) -> list[tuple[str, bytes]]:
            """(name, value) of every property, in order, each name once."""

        def children(self) -> Iterator[Self]:
            """The nodes right below."""

        def walk(self) -> Iterator[Self]:
            """This node and all below, parents before children."""

        @property
        def parent(self) -> Self | None:
            """The node above; None for the root."""

        # The tree: an Fdt or an FdtView
        fdt: Any

        def _cells(self, name: str) -> int:
            """#address-cells or #size-cells for the children, 2 and 1 if missing."""

        def _ranges_of(self, name: str, parent: str | Self | None) -> list[MemRange]:
            """What reg() returns."""

        def _by_phandle(self, phandle: int) -> Self:
            """The node of a phandle in the same tree."""

    # -- properties as a mapping -------------------------------------------

    def _where(self, name: str) -> str:
        return f"{self._path()}:{name}"

    def _prop_name(self, name: str, op: str) -> bytes:
        raw = c_name(name, "property name")
        if not raw:
            raise FdtBadParameter(op, self._path(), "the property name is empty")
        return raw

    def _get(
        self, name: str, op: str, default: Any, decode: Callable[..., T], *args: object
    ) -> T:
        raw = self._find(name, op)
        if raw is not None:
            return decode(raw, *args, op, self._where(name))
        if default is MISSING:
            raise self._missing(name, op)
        given: T = default
        return given

    def _missing(self, name: str, op: str) -> FdtNotFound:
        return FdtNotFound(
            op, self._where(name), "no such property", -lib.FDT_ERR_NOTFOUND
        )

    def __getitem__(self, name: str) -> bytes:
        value = self._find(name, "getprop")
        if value is None:
            raise self._missing(name, "getprop")
        return value

    def __contains__(self, name: object) -> bool:
        """Whether there is such a property; False for what cannot be a name."""
        try:
            return isinstance(name, str) and self._find(name, "getprop") is not None
        except FdtBadParameter:
            return False

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def values(self) -> ValuesView[bytes]:
        return _Values(self)

    def items(self) -> ItemsView[str, bytes]:
        return _Items(self)

    # The mix-in's own version waits for KeyError

    def get(self, name: str, default: Any = None) -> Any:
        """The value (bytes), or default if there is no such property."""
        value = self._find(name, "getprop")
        return default if value is None else value

    # -- cells and (address, size) arrays ----------------------------------

    @property
    def address_cells(self) -> int:
        """Cells of an address in the children's reg, 1 to 4; 2 if not set.

        Raises:
            FdtBadContent: #address-cells is not 4 bytes, or 0, or above 4.
        """
        return self._cells(CELLS[0])

    @property
    def size_cells(self) -> int:
        """Cells of a size in the children's reg, 0 to 4; 1 if not set.

        Raises:
            FdtBadContent: #size-cells is not 4 bytes, or above 4.
        """
        return self._cells(CELLS[1])

    def _governor(self, parent: str | Self | None, op: str) -> Self:
        """Whose cells apply: the parent's unless another node is asked for."""
        if parent is None:
            return self.parent or self
        if isinstance(parent, str):
            found: Self = self.fdt[parent]
            return found
        if not isinstance(parent, type(self)):
            raise TypeError(
                f"{op}: parent must be a path or a {type(self).__name__}, not "
                f"{type(parent).__name__}"
            )
        if parent.fdt is not self.fdt:
            raise FdtBadParameter(
                op, self._path(), f"parent {parent._path()} is a node of another tree"
            )
        return parent

    def reg(
        self, name: str = "reg", *, parent: str | Self | None = None
    ) -> list[MemRange]:
        """Decode an array of (address, size) entries.

        Args:
            name: the property.
            parent: path or node whose #address-cells and #size-cells apply;
                None: this node's parent (the root: the root itself). Missing
                cells count as 2 and 1, as the specification has it.
        Returns:
            a MemRange (bytes) for each entry, size 0 if there are no size
            cells. In the tree an entry is the address, then the size, each in
            its number of big-endian 32-bit cells.
        Raises:
            FdtNotFound: there is no such property.
            FdtBadContent: the length is not a whole number of entries, an
                entry needs more than 64 bits or wraps, or the cells are bad.
            TypeError, FdtBadParameter: name or parent is none, or parent is
                of another tree.
            FdtStale: this node or parent has been deleted.
        Source: Devicetree Specification v0.4, 2.3.6 reg.
        """
        self._prop_name(name, "reg")
        check_reg_name(name, "reg", self._where(name))
        return self._ranges_of(name, parent)

    # -- typed properties --------------------------------------------------

    def get_u32(self, name: str, default: Any = MISSING) -> int:
        """Value of 4 bytes, big-endian, as an unsigned number.

        Args:
            name: the property.
            default: what to return if the property is missing.
        Raises:
            TypeError: the name is not a str.
            FdtNotFound: it is missing and there is no default.
            FdtBadParameter: the name is empty, not ASCII or has a NUL.
            FdtBadContent: it has another length; for other types, another form.
            FdtStale: the node has been deleted.
        """
        return self._get(name, "get_u32", default, values.to_int, 4)

    def get_u64(self, name: str, default: Any = MISSING) -> int:
        """Value of 8 bytes, big-endian; otherwise as get_u32()."""
        return self._get(name, "get_u64", default, values.to_int, 8)

    def get_string(self, name: str, default: Any = MISSING) -> str:
        """Value as one string: UTF-8, one NUL, at its end; as get_u32() otherwise."""
        return self._get(name, "get_string", default, values.to_string)

    def get_stringlist(self, name: str, default: Any = MISSING) -> list[str]:
        """Value as strings, each with its NUL; [] if empty; as get_u32() otherwise."""
        return self._get(name, "get_stringlist", default, values.to_stringlist)

    def get_cells(self, name: str, default: Any = MISSING) -> list[int]:
        """Value as big-endian 32-bit numbers; as get_u32() otherwise."""
        return self._get(name, "get_cells", default, values.to_cells)

    # -- addresses and interrupts ------------------------------------------
    # Seldom needed, so not part of every import

    def ranges(self) -> list[BusRange] | None:
        """The windows of this bus, from ``ranges``.

        Returns:
            (child, parent, size) in bytes for each entry, with the first cell of a
            PCI address as `space`; [] if the property is empty: addresses are those
            of the bus above; None if it is missing: there is no way through.
        Raises:
            FdtBadContent: the length is no whole number of entries, an address
                needs more than 64 bits, or the cells are bad.
            FdtStale: the node has been deleted.
        Source: Devicetree Specification v0.4, 2.3.8.
        """
        from .addresses import ranges

        return ranges(self)

    def dma_ranges(self) -> list[BusRange] | None:
        """The windows through which devices reach memory, from ``dma-ranges``; as
        ranges()."""
        from .addresses import ranges

        return ranges(self, "dma-ranges")

    def translate(self, address: int, space: int | None = None) -> int:
        """An address on the bus this node is on, as the CPU has it.

        Args:
            address: bytes, as in this node's reg.
            space: the first cell of a PCI address.
        Raises:
            FdtNotFound: no entry of a bus above has the address.
            FdtBadContent: a bus above has no ranges, or bad ones.
        Source: Devicetree Specification v0.4, 2.3.8; Linux, of_translate_address().
        """
        from .addresses import to_root

        return to_root(self, address, space)

    def to_bus(self, address: int) -> int:
        """The other way round: an address of the CPU as this node's bus has it."""
        from .addresses import to_bus

        return to_bus(self, address)

    def addresses(self) -> list[MemRange]:
        """The entries of reg, translated; of a PCI device those that are I/O or
        memory. Raises: as reg() and translate()."""
        from .addresses import addresses

        return addresses(self)

    def pci_reg(self) -> list[PciReg]:
        """reg of a PCI device: space, bus, device, function, register, address, size.

        Raises:
            FdtNotFound: there is no reg.
            FdtBadContent: the bus is not PCI, or the length no whole number of 5
                cells.
        Source: PCI Bus Binding to IEEE Std 1275-1994, 2.2.1.1.
        """
        from .addresses import pci_reg

        return pci_reg(self)

    def interrupts(self) -> list[tuple[Self, tuple[int, ...]]]:
        """(controller, its cells) for each interrupt, from ``interrupts-extended`` or
        ``interrupts``; a nexus (interrupt-map) counts as the controller.

        Raises:
            FdtNotFound: there is no such property, or no node of a phandle.
            FdtBadContent: cells and controllers do not fit.
        Source: Devicetree Specification v0.4, 2.4; Linux, of_irq_find_parent().
        """
        from .addresses import interrupts

        return interrupts(self, self._by_phandle)
