# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Fdt: a device tree that is edited in place and grows by itself; and its Node."""

from __future__ import annotations

from _weakref import ref

from .. import _core
from .._native import c_name, ffi, lib, reading
from ..codec.reg import array_fault, fault_of, from_entries, to_ranges
from ..errors import FdtBadContent, FdtBadParameter, FdtStale, error
from .blob import INT, MAX_SIZE, Blob
from .names import (
    CELLS,
    INVALID_PHANDLES,
    check_phandle,
    node_name,
    printable,
)
from .owned import Owned
from .props import Properties

__all__ = ["Fdt", "Node"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn, TypeVar

    from typing_extensions import Buffer, Self

    from ..codec.reg import Entries, MemRange
    from .edit import Edit

    T = TypeVar("T")

# Seldom needed, so not part of every import; kept, because finding it takes longer
# than a change
_Edit: type[Edit] | None = None


def _load_edit() -> type[Edit]:
    global _Edit
    from .edit import Edit

    _Edit = Edit
    return Edit


class Handle(Properties):
    """All that a Node does, for any arguments, with all errors.

    `_core.Node` is asked first: it knows where the node is, and handles the common
    case in one call. Every other case it leaves to the methods here.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        fdt: Fdt
        _blob: Blob
        _parent: Node | None

        @property
        def _name(self) -> str: ...

        def _check(self, op: str) -> None: ...
        def _is_dead(self) -> bool: ...
        def _path(self) -> str: ...
        def _below(self, maxdepth: int, op: str) -> list[Node]: ...
        def _known(self, name: str) -> Node | None: ...
        def _handle(self, name: str, offset: int) -> Node: ...
        def _renamed(self, name: str) -> None: ...
        def _forget(self) -> None: ...
        def _bury(self) -> None: ...

    def __repr__(self) -> str:
        path = printable(self._path())
        return f"<Node {path}{' (deleted)' if self._is_dead() else ''}>"

    # One object for each node: not compared by content, as mappings are
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self.fdt).__getitem__, (self.fdt, self.path)

    # -- where it is -------------------------------------------------------

    def _lost(self, op: str) -> NoReturn:
        """Why it cannot be said where the node is."""
        if self._is_dead():
            raise FdtStale(op, self._path(), "the node has been deleted")
        raise error(-lib.FDT_ERR_NOTFOUND, op, self._path())

    @property
    def path(self) -> str:
        """Full path; "/" for the root. Raises FdtStale."""
        self._check("path")
        return self._path()

    @property
    def name(self) -> str:
        """Name with unit address; "" for the root. Raises FdtStale."""
        self._check("name")
        return self._name

    @property
    def parent(self) -> Node | None:
        """The node above; None for the root. Raises FdtStale."""
        self._check("parent")
        return self._parent

    @property
    def depth(self) -> int:
        """Number of nodes above: 0 for the root. Raises FdtStale."""
        self._check("depth")
        return self._path().count("/") - (self._parent is None)

    # -- nodes below -------------------------------------------------------

    def _living(self, maxdepth: int, op: str) -> Iterator[Node]:
        """This node and those below, parents first, each path once."""
        for node in self._below(maxdepth, op):
            if not node._is_dead():
                yield node

    def walk(self) -> Iterator[Node]:
        """This node and all below, depth first, parents before children.

        The nodes are those of the moment the walk starts; ones deleted
        meanwhile are left out. Of siblings with the same name only the first
        is shown, as it is the only one that can be found.
        """
        return self._living(MAX_SIZE, "walk")

    def children(self) -> Iterator[Node]:
        """The nodes right below, in the order of the blob; as walk() otherwise."""
        nodes = self._living(1, "children")
        next(nodes)
        return nodes

    def child(self, name: str) -> Node:
        """The child of that name; the unit address may be left out.

        Raises:
            FdtNotFound: there is none.
            FdtBadParameter: no name of a node.
        """
        raw = node_name(name, "child", self._path())
        blob = self._blob
        with blob.lock:
            offset = self._at("child")
            loose = ffi.new(INT)
            found = blob.read(lib.fdtx_find_subnode, offset, raw, len(raw), loose)
            if found < 0:
                found = loose[0]
                if found < 0:
                    raise error(
                        found, "child", self._path(), f"has no child named {name!r}"
                    )
                name = blob.text(blob.struct_start + found + 4)
            return self._handle(name, found)

    def add(self, name: str, *, last: bool = False) -> Node:
        """Add a child: behind the properties, in front of the other children.

        Only the exact name counts as existing: "memory" can be added beside
        "memory@0", though libfdt and Linux then find either as "/memory".

        Args:
            last: add it behind the other children instead. Nothing is moved
                for it there, so adding many nodes takes linear time.
        Raises:
            TypeError: the name is not a str.
            FdtStale: this node has been deleted.
            FdtExists: there is a child of that name.
            FdtBadParameter: empty, with '/', not ASCII; the tree would be
                deeper or larger than a device tree can be.
        """
        with self._blob.lock:
            return self._add(name, last)

    def _add(self, name: str, last: bool) -> Node:
        self._at("add")
        where = self._path()
        raw = node_name(name, "add", where)
        if self.depth + 1 >= lib.FDTX_MAX_DEPTH:
            raise FdtBadParameter(
                "add", where, f"nodes are nested {lib.FDTX_MAX_DEPTH} deep at most"
            )
        blob = self._blob
        need = (len(raw) + 4 & ~3) + 8
        blob.room(need, "add", where)
        offset = blob.add_node(self._at("add"), raw, need, last)
        if offset < 0:
            raise error(offset, "add", where.rstrip("/") + "/" + name, "exists already")
        self._forget()
        return self._handle(name, offset)

    def delete(self) -> None:
        """Delete the node and all below it; handles of them are stale then.

        Raises:
            FdtStale: it has been deleted before.
            FdtBadParameter: it is the root.
        """
        with self._blob.lock:
            self._delete()

    def _delete(self) -> None:
        offset = self._at("delete")
        if self._parent is None:
            raise FdtBadParameter("delete", "/", "the root cannot be deleted")
        blob = self._blob
        code = blob.edit(lib.fdt_del_node, offset)
        if code < 0:
            raise error(code, "delete", self._path())
        self._bury()

    def rename(self, name: str) -> None:
        """Give the node another name; handles of it and below follow.

        Raises:
            TypeError: the name is not a str.
            FdtExists: there is a sibling of that name.
            FdtBadParameter: as for add(), or it is the root.
            FdtStale: the node has been deleted.
        """
        with self._blob.lock:
            self._rename(name)

    def _rename(self, name: str) -> None:
        where = self._path()
        raw = node_name(name, "rename", where)
        offset = self._at("rename")
        parent = self._parent
        if parent is None:
            raise FdtBadParameter("rename", "/", "the root has no name to change")
        blob = self._blob
        blob.room(len(raw) + 4, "rename", where)
        code = blob.edit(lib.fdtx_set_name, offset, parent._at("rename"), raw)
        if code < 0:
            raise error(
                code, "rename", where, f"a sibling named {name!r} exists already"
            )
        self._renamed(name)

    # -- cells and (address, size) arrays ----------------------------------

    def _cells(self, name: str) -> int:
        func = lib.fdt_address_cells if name == CELLS[0] else lib.fdt_size_cells
        with self._blob.lock:
            n: int = self._blob.read(func, self._at(name))
        if n < 0:
            raise error(n, "cells", self._where(name), "not one cell of 0 to 4")
        return n

    def _ranges_of(self, name: str, parent: str | Self | None) -> list[MemRange]:
        raw = self._prop_name(name, "reg")
        with self._blob.lock:
            offset = self._at("reg")
            by = self._governor(parent, "reg")
            items, n = self._blob.table(
                "fdt_reg", lib.fdtx_getprop_regs, by._at("reg"), offset, raw
            )
            if n < 0:
                raise self._reg_error(n, "reg", name, by)
        return to_ranges(items, n)

    def _reg_error(self, code: int, op: str, name: str, by: Handle) -> Exception:
        """Why an existing array cannot be read or appended to."""
        if code == -lib.FDT_ERR_NOTFOUND:
            return self._missing(name, op)
        where = self._where(name)
        if code == -lib.FDT_ERR_BADNCELLS:
            cause = f"bad #address-cells or #size-cells in {by._path()}"
            return error(code, op, where, cause)
        cause = array_fault(len(self[name]), by.address_cells, by.size_cells)
        return error(code, op, where, cause)

    def set_reg(
        self,
        name: str,
        entries: Entries,
        *,
        parent: str | Node | None = None,
    ) -> None:
        """Set a property to an array of (address, size) entries.

        All entries are checked before anything is written.

        Args:
            name: the property.
            entries: (start, size) pairs, bytes; or a packed array('Q') or
                memoryview of format 'Q', alternating start and size, which is
                not copied and must not change meanwhile. A list or a tuple of
                tuples is several times as fast as other pairs, and packed
                numbers are ten times as fast as those.
            parent: as for reg(); but cells that are missing are refused,
                because libfdt would write with 2 and 1, and Linux would read
                with other ones.
        Raises:
            TypeError: no entries, name or parent.
            FdtNotFound: there is no parent at that path.
            FdtBadParameter: an entry does not fit the cells, or wraps (one
                that ends exactly at 2**32 or 2**64 fits); the tree would be
                larger than a device tree can be.
            FdtBadContent: bad or missing #address-cells or #size-cells
                (FDT_ERR_BADNCELLS).
            FdtStale: this node or parent has been deleted.
        """
        self._write_reg("set_reg", name, entries, parent, append=False)

    def append_reg(
        self,
        name: str,
        entries: Entries,
        *,
        parent: str | Node | None = None,
    ) -> None:
        """Append (address, size) entries to a property, or add it.

        Otherwise as set_reg(), and FdtBadContent if the length of the
        existing value is not a whole number of entries.
        """
        self._write_reg("append_reg", name, entries, parent, append=True)

    def _write_reg(
        self,
        op: str,
        name: str,
        entries: Entries,
        parent: str | Node | None,
        *,
        append: bool,
    ) -> None:
        raw = self._prop_name(name, op)
        self._check(op)
        where = self._where(name)
        regs, n = from_entries(entries, op, where)
        with self._blob.lock:
            by = self._governor(parent, op)
            self._write_regs(op, name, raw, regs, n, by, append)

    def _write_regs(
        self,
        op: str,
        name: str,
        raw: bytes,
        regs: Any,
        n: int,
        by: Handle,
        append: bool,
    ) -> None:
        blob = self._blob
        where = self._where(name)
        room = blob.read(lib.fdtx_regs_room, by._at(op), raw, n)
        if room < 0:
            raise self._no_room(room, op, name, by)
        blob.room(room, op, where)
        at = self._at(op)
        code = blob.edit(
            lambda p, offset: lib.fdtx_write_regs(
                p, by._at(op), offset, raw, regs, n, append
            ),
            at,
        )
        if code == -lib.FDT_ERR_BADVALUE:
            cells_of = by.address_cells, by.size_cells
            if len(self.get(name, b"")) % (4 * sum(cells_of)) and append:
                raise self._reg_error(code, op, name, by)
            cause = fault_of(regs, n, *cells_of)
            raise FdtBadParameter(op, where, f"{cause} of {by._path()}", code)
        if code < 0:
            raise error(code, op, where)

    def _no_room(self, code: int, op: str, name: str, by: Handle) -> Exception:
        """Why no entry can be written with the cells of a node."""
        for cells in CELLS:
            if cells not in by:
                return FdtBadContent(
                    op,
                    self._where(name),
                    f"{by._path()} has no {cells}: libfdt would write with 2 and 1, "
                    f"Linux would not read so; set it first",
                    -lib.FDT_ERR_BADNCELLS,
                )
        return self._reg_error(code, op, name, by)

    def _by_phandle(self, phandle: int) -> Node:
        return self.fdt.node_by_phandle(phandle)

    # -- phandle -----------------------------------------------------------

    @property
    def phandle(self) -> int | None:
        """`phandle`, else the legacy `linux,phandle`; None if there is no valid one.

        0 and 0xffffffff are not valid.
        """
        with self._blob.lock:
            n: int = self._blob.read(lib.fdt_get_phandle, self._at("phandle"))
        return None if n in INVALID_PHANDLES else n

    def ensure_phandle(self) -> int:
        """The phandle; if there is no valid one, `phandle` is set to a new one."""
        with self._blob.lock:
            n = self.phandle
            if n is None:
                n = self.fdt.new_phandle()
                self.set_u32("phandle", n)
        return n


class Node(_core.Node, Handle):
    """A node of an `Fdt`; made by the tree, never by hand.

    A mapping of property names to values: ``node[name]`` is a copy (bytes),
    ``node[name] = value`` copies any bytes-like object, iteration gives the
    names in the order of the blob, as they are when it starts. Of properties
    with the same name the first is found; deleting deletes all. A missing one
    raises FdtNotFound (a LookupError, no KeyError), a name that is empty, not
    ASCII or has a NUL FdtBadParameter, and is not ``in`` the node.

    While a handle is referred to there is one object for each node, so handles are
    compared with ``is`` or ``==`` and can be keys of a dict. A handle follows
    a rename of its node or of a node above. Once its node was deleted, every
    use raises `FdtStale`, even if a node of that name was added again.

    >>> from pyfdtx import Fdt
    >>> fdt = Fdt.empty()
    >>> chosen = fdt.root.add("chosen")
    >>> chosen.set_string("bootargs", "quiet")
    >>> chosen["bootargs"], list(chosen), chosen.path
    (b'quiet\\x00', ['bootargs'], '/chosen')
    """

    __slots__ = ()


class Fdt(Owned[Node]):
    """A device tree: a validated, owned copy of a blob.

    Args:
        data: any bytes-like object, contiguous or not, aligned or not; it is
            copied, never changed. Bytes behind its totalsize are ignored.
    Raises:
        TypeError: not bytes-like.
        FdtBadBlob: not a sound device tree of version 16 or 17; the message
            says what is wrong at which byte.

    The copy is brought into version 17 and grows by itself. Nodes are found
    by path, alias or label; see `Node` for what a handle is. Trees can be used
    in parallel; calls on one, from several threads, wait for each other.

    >>> fdt = Fdt.empty()
    >>> memory = fdt.add_node("/memory@40000000")
    >>> fdt.root.set_u32("#address-cells", 2)
    >>> fdt.root.set_u32("#size-cells", 2)
    >>> memory.set_reg("reg", [(0x40000000, 0x8000000)])
    >>> fdt["/memory"].reg()
    [MemRange(0x40000000, 0x8000000)]
    >>> Fdt(fdt.to_bytes()).to_bytes() == fdt.to_bytes()
    True
    """

    __slots__ = ("_root",)

    def _adopt(self, blob: Blob) -> None:
        super()._adopt(blob)
        self._root: ref[Node] | None = None

    # -- nodes -------------------------------------------------------------

    @property
    def root(self) -> Node:
        """The root node."""
        node = self._root() if self._root is not None else None
        return self._new_root() if node is None else node

    def _new_root(self) -> Node:
        with self._blob.lock:
            node = self._root() if self._root is not None else None
            if node is None:
                node = Node(self, self._blob)
                self._root = ref(node)
            return node

    def _find(self, path: str, op: str) -> Node | None:
        """The node of a full path, or None."""
        found: Node | None = self.root._find_path(path)
        if found is not NotImplemented:
            return found
        raw = c_name(path, "path")
        names = [name for name in path.split("/") if name]
        with self._blob.lock:
            return self._find_locked(path, raw, names, op)

    def _find_locked(
        self, path: str, raw: bytes, names: list[str], op: str
    ) -> Node | None:
        blob = self._blob
        known = self._known(names)
        if known is not None:
            return known
        exact = ffi.new(INT)
        offset = blob.read(lib.fdtx_find_node, raw, len(raw), exact)
        if offset == -lib.FDT_ERR_NOTFOUND:
            return None
        if offset < 0:
            raise error(offset, op, path)
        if not exact[0]:
            names = self._names_at(offset)
        return self._node(names, offset)

    def _known(self, names: list[str]) -> Node | None:
        """The node of these exact names, if handles lead to it."""
        node = self.root
        for name in names:
            child = node._known(name)
            if child is None:
                return None
            node = child
        return node

    def _node(self, names: list[str], offset: int) -> Node:
        node = self.root
        last = len(names) - 1
        for i, name in enumerate(names):
            # offset is right for the last, the others look themselves up
            child = None if i == last else node._known(name)
            if child is None:
                child = node._handle(name, offset if i == last else -1)
            node = child
        return node

    def _names_at(self, offset: int) -> list[str]:
        """Names from the root's child down to the node at an offset."""
        room = 1024
        while True:
            out = ffi.new("char[]", room)
            code = self._blob.read(lib.fdt_get_path, offset, out, room)
            if code != -lib.FDT_ERR_NOSPACE:
                break
            room *= 4
        if code < 0:
            raise error(code, "fdt_get_path")
        path = ffi.string(out).decode("ascii", "surrogateescape")
        return [name for name in path.split("/") if name]

    def __contains__(self, path: object) -> bool:
        if isinstance(path, Node):
            return path.fdt is self and not path._is_dead()
        return super().__contains__(path)

    def __delitem__(self, path: str) -> None:
        self[path].delete()

    def add_node(self, path: str, parents: bool = False) -> Node:
        """Add the node of a full path, or of one below an alias or label.

        Args:
            path: its last name is taken exactly; the node above is found as
                by fdt[path].
            parents: add missing nodes above as well.
        Raises:
            FdtExists: there is such a node.
            FdtNotFound: the node above is missing.
            FdtBadParameter: not a path, or not names of nodes.
        """
        full = self._follow(path, "add_node")
        names = [name for name in full.split("/") if name]
        if not names:
            raise error(-lib.FDT_ERR_EXISTS, "add_node", "/")
        node = self.root
        with self._blob.lock:
            for depth, name in enumerate(names[:-1]):
                above = "/" + "/".join(names[: depth + 1])
                below = self._find(above, "add_node")
                if below is None:
                    if not parents:
                        raise self._lost(path, above, "add_node")
                    below = node.add(name)
                node = below
            return node.add(names[-1])

    # -- other ways to a node ----------------------------------------------

    def node_by_phandle(self, phandle: int) -> Node:
        """The node of a phandle, `phandle` or the legacy `linux,phandle`.

        Raises:
            FdtNotFound: no node has it.
            FdtBadParameter: 0, 0xffffffff or not 32 bits.
            FdtBadContent: the node is hidden behind a sibling of its name.
        """
        op = "node_by_phandle"
        check_phandle(phandle, op)
        with self._blob.lock:
            return self._with_phandle(phandle, op)

    def _with_phandle(self, phandle: int, op: str) -> Node:
        offset = self._blob.read(lib.fdt_node_offset_by_phandle, phandle)
        if offset < 0:
            raise error(offset, op, f"{phandle:#x}", "no node has this phandle")
        names = self._names_at(offset)
        path = "/" + "/".join(names)
        raw = c_name(path, "path")
        if self._blob.read(lib.fdtx_path_offset, raw, len(raw)) != offset:
            raise FdtBadContent(
                op, f"{phandle:#x}", f"{path} is hidden behind a sibling of its name"
            )
        return self._node(names, offset)

    def new_phandle(self) -> int:
        """A phandle that no node has; it is not set anywhere.

        One more than the largest of the tree, or the lowest free one if that
        is beyond 0xfffffffe. 0 and 0xffffffff are no phandles: they are not
        returned, and do not count where they are set. A tree cannot have so
        many nodes that none is left.
        """
        with self._blob.lock:
            return self._new_phandle()

    def _new_phandle(self) -> int:
        blob = self._blob
        out = ffi.new("uint32_t *")
        code = blob.read(lib.fdt_generate_phandle, out)
        if code == 0 and out[0] not in INVALID_PHANDLES:
            found: int = out[0]
            return found
        # libfdt counts 0xffffffff, and does not look for gaps
        items, n = blob.table("fdtx_node", lib.fdtx_nodes, 0, MAX_SIZE)
        with reading(blob.buf) as p:
            used = {lib.fdt_get_phandle(p, items[i].offset) for i in range(n)}
        used.difference_update(INVALID_PHANDLES)
        phandle = max(used, default=0) + 1
        if phandle in INVALID_PHANDLES:
            phandle = 1
            while phandle in used:
                phandle += 1
        return phandle

    # -- many changes at once ----------------------------------------------

    def edit(self) -> Edit:
        """Changes to be collected and made together: a context manager.

        Leaving the block makes all of them in one pass over the tree, or none
        if one cannot be made or an exception leaves the block. See `Edit`.

        >>> fdt = Fdt.empty()
        >>> with fdt.edit() as edit:
        ...     edit.add_node("/chosen")
        ...     edit.set_string("/chosen", "bootargs", "quiet")
        >>> fdt["/chosen"].get_string("bootargs")
        'quiet'
        """
        return _core.begin_edit(_Edit or _load_edit(), self, self._blob)

    def _bury(self, path: str) -> None:
        """The handle of a deleted node, if there is one, is stale."""
        node = self._known([name for name in path.split("/") if name])
        if node is not None and node._parent is not None:
            node._bury()

    # -- overlays ----------------------------------------------------------

    @property
    def is_overlay(self) -> bool:
        """Whether the tree has a fragment: a node below the root with a child
        ``__overlay__``."""
        with self._blob.lock:
            return any(
                node.name == "__overlay__"
                for fragment in self.root.children()
                for node in fragment.children()
            )

    def apply_overlay(self, overlay: Buffer | Fdt) -> None:
        """Merge an overlay into this tree, all or nothing.

        Nodes are matched by full names, as in dtc and Linux. A node keeps the phandle
        it has, and gets one if the overlay refers to it and it has none. The
        overlay's labels become labels of this tree.

        If this tree is an overlay itself, the two become one: applied to a base, it
        gives what they give one after the other. The nodes below its root are made
        anew, so handles of them go stale.

        Args:
            overlay: a compiled overlay (dtc -@), as bytes-like or Fdt; never
                changed.
        Raises:
            TypeError: the overlay is neither bytes-like nor an Fdt.
            FdtBadBlob: the overlay is not a sound device tree, or the result
                is nested too deep.
            FdtNotFound: labels or nodes that this tree lacks, all of them named; a
                fragment's target that it lacks.
            FdtBadParameter: a fragment's target is not a phandle; the result
                would be larger than a device tree can be.
            FdtBadContent: the overlay's instructions are wrong (a fixup
                outside its property, doubled names, nothing to apply, a
                target-path that fits two nodes; FDT_ERR_BADOVERLAY), a
                label of this tree is no path, or the largest phandle of this
                tree leaves none for the overlay's (FDT_ERR_NOPHANDLES).
        Warns:
            FdtWarning: the overlay's root has another board's `compatible`.
        Ownership: the tree may move; handles of nodes stay valid.
        Source: dtc, Documentation/dt-object-internal.txt; Linux,
            drivers/of/overlay.c and resolver.c.
        """
        # Seldom needed, so not part of every import
        from .overlay import apply

        if isinstance(overlay, Fdt):
            # A copy that nobody else changes; and no two locks at a time
            overlay = Fdt._of(overlay._blob.duplicate())
        else:
            overlay = Fdt._of(Blob.load(overlay, "apply_overlay"))
        with self._blob.lock:
            apply(self, overlay, self.edit())
