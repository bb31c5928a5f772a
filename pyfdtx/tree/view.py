# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Reading without a copy: FdtView, a checked view of a blob, and to_dict()."""

from __future__ import annotations

from .. import _core
from .._native import buffer_view, c_name, ffi, frozen, lib, reading, validate
from ..codec.reg import MemRange, array_fault, to_ranges
from ..errors import FdtBadContent, FdtBadParameter, FdtNotFound, error
from .blob import MAX_SIZE, NAME_FACTOR
from .getters import Getters
from .lookup import Lookup
from .names import (
    CELLS,
    INVALID_PHANDLES,
    check_phandle,
    node_name,
    printable,
)

__all__ = ["FdtView", "NodeView", "to_dict"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from typing_extensions import Buffer, Self


def _too_long(op: str, where: str) -> FdtBadContent:
    return FdtBadContent(
        op,
        where,
        "paths repeat and property names share bytes, and written out they are "
        f"longer than {NAME_FACTOR} times the tree; read them one by one",
    )


def to_dict(data: Buffer) -> dict[str, dict[str, bytes]]:
    """A whole tree as {path: {name: value}}.

    Args:
        data: a device tree blob, any bytes-like object; never changed. Bytes
            behind its totalsize are ignored.
    Returns:
        full paths, "/" first, then in the order of the blob, parents before
        children; names in the order of the blob; values are copies. Of nodes
        or properties with the same name there is the first, as libfdt and
        Linux find it. Bytes above 0x7f in names are surrogates
        ("surrogateescape"). FDT_NOP tags do not show.
    Raises:
        TypeError: not bytes-like.
        FdtBadBlob: not a sound device tree of version 16 or 17, one nested
            deeper than 1024 levels among them.
        FdtBadContent: the paths and names are together longer than 16 times
            the blob (a small one can spell gigabytes).

    >>> from pyfdtx import Fdt, to_dict
    >>> fdt = Fdt.empty()
    >>> fdt.root.add("chosen").set_string("bootargs", "quiet")
    >>> to_dict(fdt.to_bytes())
    {'/': {}, '/chosen': {'bootargs': b'quiet\\x00'}}
    """
    blob = frozen(data)
    try:
        tree = _core.to_dict(blob)
    except OverflowError:
        raise _too_long("to_dict", "") from None
    if tree is None:
        _refuse(blob, "to_dict")
    return tree


def _held(data: Buffer) -> bytes | memoryview:
    """What a view can use as it is; else a copy.

    A subclass of bytes could refer to the view: a cycle that nobody collects.
    """
    if type(data) is bytes:
        return data
    view = buffer_view(data)
    if not (view.readonly and view.c_contiguous) or isinstance(data, bytes):
        return bytes(view)
    return view.cast("B")


def _refuse(blob: Buffer, op: str) -> NoReturn:
    """Raise FdtBadBlob for a blob that is not sound."""
    validate(blob, op)
    raise AssertionError("one check refuses what the other accepts")


class NodeView(Getters):
    """A node of an `FdtView`; made by the view, never by hand.

    A mapping of property names to values, as `Node` is, to be read only:
    ``node[name]`` is a copy (bytes), iteration gives the names in the order of
    the blob. Of properties with the same name the first is found. A missing
    one raises FdtNotFound (a LookupError, no KeyError), a name that is empty,
    not ASCII or has a NUL FdtBadParameter, and is not ``in`` the node.
    Iteration, items(), values(), len() and comparison raise FdtBadContent if
    the names, which may be tails of each other, are together longer than 16
    times the tree.

    A handle is small and costs no search to use. Two handles of one node are
    equal, and have the same hash; handles of different views are not equal.
    """

    __slots__ = ("_index", "_number", "fdt")

    fdt: FdtView

    def __init__(self, fdt: FdtView, number: int) -> None:
        self.fdt = fdt
        self._index = fdt._index
        self._number = number

    def __repr__(self) -> str:
        return f"<NodeView {printable(self._path())}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeView):
            return NotImplemented
        return self.fdt is other.fdt and self._number == other._number

    def __hash__(self) -> int:
        return hash((id(self.fdt), self._number))

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeView, (self.fdt, self._number)

    # -- where it is -------------------------------------------------------

    def _path(self) -> str:
        index, number = self._index, self._number
        names = []
        while number > 0:
            names.append(index.name(number))
            number = index.parent(number)
        return "/" + "/".join(reversed(names))

    @property
    def path(self) -> str:
        """Full path; "/" for the root."""
        return self._path()

    @property
    def name(self) -> str:
        """Name with unit address; "" for the root."""
        return self._index.name(self._number)

    @property
    def parent(self) -> NodeView | None:
        """The node above; None for the root."""
        number = self._index.parent(self._number)
        return NodeView(self.fdt, number) if number >= 0 else None

    @property
    def depth(self) -> int:
        """Number of nodes above: 0 for the root."""
        return self._path().count("/") - (self._number == 0)

    # -- nodes below -------------------------------------------------------

    def _below(self, maxdepth: int) -> Iterator[NodeView]:
        """This node and those below, parents first, each path once."""
        fdt, index = self.fdt, self._index
        # names seen by depth of the parent
        seen: list[set[str]] = [set()]
        skip = MAX_SIZE
        flat = iter(index.below(self._number, maxdepth))
        for number, depth in zip(flat, flat):
            if depth > skip:
                continue
            skip = MAX_SIZE
            del seen[depth + 1 :]
            name = index.name(number)
            if name in seen[depth]:
                skip = depth
                continue
            seen[depth].add(name)
            seen.append(set())
            yield NodeView(fdt, number)

    def walk(self) -> Iterator[NodeView]:
        """This node and all below, depth first, parents before children.

        Of siblings with the same name only the first is shown, as it is the
        only one that can be found.
        """
        return self._below(MAX_SIZE)

    def children(self) -> Iterator[NodeView]:
        """The nodes right below, in the order of the blob; as walk() otherwise."""
        nodes = self._below(1)
        next(nodes)
        return nodes

    def child(self, name: str) -> NodeView:
        """The child of that name; the unit address may be left out.

        Raises:
            FdtNotFound: there is none.
            FdtBadParameter: no name of a node.
        """
        node_name(name, "child", self._path())
        number = self._index.child(self._number, name)
        if number < 0:
            raise FdtNotFound(
                "child",
                self._path(),
                f"has no child named {name!r}",
                -lib.FDT_ERR_NOTFOUND,
            )
        return NodeView(self.fdt, number)

    # -- properties --------------------------------------------------------

    def __getitem__(self, name: str) -> bytes:
        value = self._index.prop(self._number, name)
        if value is None:
            # Never, if the name is good
            self._prop_name(name, "getprop")
            raise self._missing(name, "getprop")
        return value

    def _find(self, name: str, op: str) -> bytes | None:
        value = self._index.prop(self._number, name)
        if value is None:
            self._prop_name(name, op)
        return value

    def _dict(self, with_values: bool, op: str) -> dict[str, bytes]:
        try:
            return self._index.props(self._number, with_values)
        except OverflowError:
            raise _too_long(op, self._path()) from None

    def _properties(self) -> list[tuple[str, bytes]]:
        return list(self._dict(True, "items").items())

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict(False, "iterate"))

    def __len__(self) -> int:
        return len(self._dict(False, "len"))

    # -- cells and (address, size) arrays ----------------------------------

    def _cells(self, name: str) -> int:
        missing, least = (2, 1) if name == CELLS[0] else (1, 0)
        raw = self._index.prop(self._number, name)
        if raw is None:
            return missing
        n = int.from_bytes(raw, "big")
        if len(raw) != 4 or not least <= n <= lib.FDT_MAX_NCELLS:
            raise error(
                -lib.FDT_ERR_BADNCELLS,
                "cells",
                self._where(name),
                "not one cell of 0 to 4",
            )
        return n

    def _ranges_of(self, name: str, parent: str | Self | None) -> list[MemRange]:
        raw = self._find(name, "reg")
        by = self._governor(parent, "reg")
        try:
            cells = by.address_cells, by.size_cells
        except FdtBadContent as e:
            cause = f"bad #address-cells or #size-cells in {by._path()}"
            raise error(e.code, "reg", self._where(name), cause) from None
        if raw is None:
            raise self._missing(name, "reg")
        room = len(raw) // (4 * sum(cells))
        regs = ffi.new("struct fdt_reg[]", room)
        n = lib.fdtx_decode_regs(raw, len(raw), *cells, regs, room)
        if n < 0:
            raise error(n, "reg", self._where(name), array_fault(len(raw), *cells))
        return to_ranges(regs, n)

    def _by_phandle(self, phandle: int) -> NodeView:
        return self.fdt.node_by_phandle(phandle)

    # -- phandle -----------------------------------------------------------

    @property
    def phandle(self) -> int | None:
        """`phandle`, else the legacy `linux,phandle`; None if there is no valid one.

        0 and 0xffffffff are not valid.
        """
        for name in ("phandle", "linux,phandle"):
            raw = self._index.prop(self._number, name)
            if raw is not None and len(raw) == 4:
                n = int.from_bytes(raw, "big")
                return None if n in INVALID_PHANDLES else n
        return None


class FdtView(Lookup[NodeView]):
    """A device tree that is only read: checked, indexed, not copied.

    Args:
        data: a blob, any bytes-like object, never changed. What is read-only and in
            one piece (bytes, or a memory map with ACCESS_READ) is used as it is and
            kept alive; it must not change, so nobody may write to a mapped file.
            What can be written to is copied. Bytes behind its totalsize are
            ignored.
    Raises:
        TypeError: not bytes-like.
        FdtBadBlob: not a sound device tree of version 16 or 17 (deeper than
            1024 levels is not); the message says what is wrong at which byte.

    Nodes are found as in an `Fdt`: ``view["/soc/uart@0"]``, by alias, label or
    phandle. The blob is read once to check it and once to list its nodes, 12
    bytes each; whatever else is asked for is read when it is asked for. The
    blob may be in any form that is sound: blocks in any order, FDT_NOP tags,
    names that occur twice (the first is found). A view can be used by several
    threads at a time.

    >>> from pyfdtx import Fdt, FdtView
    >>> fdt = Fdt.empty()
    >>> fdt.root.add("chosen").set_string("bootargs", "quiet")
    >>> view = FdtView(fdt.to_bytes())
    >>> view["/chosen"].get_string("bootargs")
    'quiet'
    >>> view.getprop("/chosen", "bootargs")
    b'quiet\\x00'
    """

    __slots__ = ("__weakref__", "_data", "_index", "_phandles")

    def __init__(self, data: Buffer) -> None:
        self._phandles: dict[int, int] | None = None
        held = _held(data)
        try:
            try:
                self._index = _core.Index(held)
            except BufferError:  # not aligned
                held = bytes(held)
                self._index = _core.Index(held)
        except ValueError:
            _refuse(held, "FdtView")
        self._data = held

    def __repr__(self) -> str:
        return f"<FdtView of {self.totalsize} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (bytes(self._data),)

    # -- the blob ----------------------------------------------------------

    @property
    def data(self) -> bytes | memoryview:
        """What is viewed, with what lies behind totalsize: the bytes, or a
        memoryview of another buffer."""
        data = self._data
        return data if type(data) is bytes else data[:]

    @property
    def totalsize(self) -> int:
        """Length of the blob as its header says, bytes."""
        with reading(self._data) as p:
            n: int = lib.fdt_totalsize(p)
        return n

    @property
    def version(self) -> int:
        """Format version of the blob, as its header says: 16 or later."""
        with reading(self._data) as p:
            n: int = lib.fdt_version(p)
        return n

    @property
    def boot_cpuid_phys(self) -> int:
        """Physical id of the boot CPU, a field of the header, 0 to 2**32 - 1."""
        with reading(self._data) as p:
            n: int = lib.fdt_boot_cpuid_phys(p)
        return n

    @property
    def memreserve(self) -> list[MemRange]:
        """The memory reservations, physical bytes, in the order of the blob.

        Raises:
            FdtBadContent: one wraps past 2**64.
        """
        with reading(self._data) as p:
            n = lib.fdtx_mem_rsvs(p, ffi.NULL, 0)
            regs = ffi.new("struct fdt_reg[]", n)
            lib.fdtx_mem_rsvs(p, regs, n)
        found = []
        for i in range(n):
            try:
                found.append(MemRange(regs[i].address, regs[i].size))
            except FdtBadParameter as e:
                raise FdtBadContent(
                    "memreserve", e.where, "the reservation wraps past 2**64"
                ) from None
        return found

    # -- nodes -------------------------------------------------------------

    @property
    def root(self) -> NodeView:
        """The root node."""
        return NodeView(self, 0)

    def _find(self, path: str, op: str) -> NodeView | None:
        number = self._index.find(path)
        if number < 0:
            c_name(path, "path")
            return None
        return NodeView(self, number)

    def __getitem__(self, path: str) -> NodeView:
        number = self._index.find(path)
        if number >= 0:
            return NodeView(self, number)
        return super().__getitem__(path)

    __getitem__.__doc__ = Lookup.__getitem__.__doc__

    def __contains__(self, path: object) -> bool:
        if isinstance(path, NodeView):
            return path.fdt is self
        return super().__contains__(path)

    def getprop(self, path: str, name: str) -> bytes:
        """The value of one property, a copy: ``view[path][name]``, faster.

        Raises: as view[path] and node[name].
        """
        value = self._index.getprop(path, name)
        if value is None:
            return self[path][name]
        return value

    def node_by_phandle(self, phandle: int) -> NodeView:
        """The node of a phandle, `phandle` or the legacy `linux,phandle`.

        The first look-up lists all of them.

        Raises:
            FdtNotFound: no node has it.
            FdtBadParameter: 0, 0xffffffff or not 32 bits.
            FdtBadContent: the node is hidden behind a sibling of its name.
        """
        op = "node_by_phandle"
        check_phandle(phandle, op)
        if self._phandles is None:
            self._phandles = self._index.phandles()
        number = self._phandles.get(phandle)
        if number is None:
            raise FdtNotFound(
                op, f"{phandle:#x}", "no node has this phandle", -lib.FDT_ERR_NOTFOUND
            )
        node = NodeView(self, number)
        path = node._path()
        if self._index.find(path) != number:
            raise FdtBadContent(
                op, f"{phandle:#x}", f"{path} is hidden behind a sibling of its name"
            )
        return node
