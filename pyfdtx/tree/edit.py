# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Edit: any number of changes of a tree, made together in one pass."""

from __future__ import annotations

import os
from struct import Struct

from .. import _core
from .._native import c_name, ffi, lib, reading, writing
from ..codec import values
from ..codec.memrange import MemRange
from ..codec.reg import fault_of, from_entries
from ..errors import FdtBadParameter, FdtError, FdtNotFound, error
from .edit_cells import CELLS, Cells
from .props import Properties

__all__ = ["Edit"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

    from typing_extensions import Buffer, Self

    from ..codec.reg import Entries
    from .blob import Blob

    # A full path, or a Node
    Place = Union[str, Properties]

# struct fdtx_op: kind, bytes of path, name and value
_HEAD = Struct("=IIII")
_ENTRY = Struct("=QQ")
# In front of entries that are appended: bytes of one
_STEP = Struct("=I")

_NAMES = {
    lib.FDTX_OP_SET: "edit.set",
    lib.FDTX_OP_APPEND: "edit.append",
    lib.FDTX_OP_APPEND_REG: "edit.append_reg",
    lib.FDTX_OP_DELETE: "edit.delete",
    lib.FDTX_OP_ADD_NODE: "edit.add_node",
    lib.FDTX_OP_ADD_NODES: "edit.add_node",
    lib.FDTX_OP_DELETE_NODE: "edit.delete_node",
    lib.FDTX_OP_RESERVE: "edit.reserve",
    lib.FDTX_OP_UNRESERVE: "edit.unreserve",
}
_SET: int = lib.FDTX_OP_SET
_APPEND: int = lib.FDTX_OP_APPEND
_APPEND_REG: int = lib.FDTX_OP_APPEND_REG

# Larger values than any tree can hold are refused before they are copied
_MAX_VALUE: int = lib.FDTX_MAX_TOTALSIZE - 4096

# Random, so that nobody can make a tree whose names are slow to find
_KEY = ffi.new("struct fdtx_key *")
ffi.buffer(_KEY)[:] = os.urandom(ffi.sizeof("struct fdtx_key"))


class Changes:
    """All that an Edit does, for any arguments, with all errors.

    `_core.Edit` is asked first: it notes a common change in one call, and writes a
    single property where it stands. Every other case it leaves to the methods here.
    """

    if TYPE_CHECKING:
        # The Fdt, which says whose handles go stale; it stands above this module
        _fdt: Any
        _blob: Blob
        _known_cells: Cells | None
        # Paths whose nodes will be deleted
        _deleted: list[str] | None

        @property
        def _changes(self) -> int: ...
        def _collect(
            self, kind: int, node: Place, name: str | None, value: bytes
        ) -> bool: ...
        def _note(self, change: bytes) -> None: ...
        def _take(self) -> bytes: ...
    else:
        __slots__ = ()

    # -- collecting --------------------------------------------------------

    def _check(self, op: str) -> None:
        if self._changes < 0:
            raise FdtBadParameter(
                op, "", "these changes have been made or given up; call edit() again"
            )

    @property
    def _cells(self) -> Cells:
        cells = self._known_cells
        if cells is None:
            cells = self._known_cells = Cells(self._blob)
        return cells

    def _path(self, node: Place, op: str) -> str:
        if isinstance(node, Properties):
            if node._blob is not self._blob:
                raise FdtBadParameter(op, node.path, "the node is of another tree")
            return node.path
        if not isinstance(node, str):
            raise TypeError(f"{op}: want a path or a Node, not {type(node).__name__}")
        if not node.startswith("/"):
            raise FdtBadParameter(op, repr(node), "not a full path: no '/' in front")
        return node

    def _where(self, node: Place, name: object, op: str) -> str:
        return f"{self._path(node, op)}:{name}"

    def _put(self, kind: int, node: Place, name: str, value: bytes, op: str) -> None:
        self._check(op)
        if self._collect(kind, node, name, value):
            return
        path = c_name(self._path(node, op), "path", op)
        raw = c_name(name, "property name", op)
        if not raw:
            raise FdtBadParameter(
                op, self._path(node, op), "the property name is empty"
            )
        if len(value) > _MAX_VALUE:
            raise self._too_large(node, name, len(value), op)
        if name in CELLS:
            self._will_be(kind, path, name, value)
        self._append(kind, path, raw + b"\0", value)

    def _append(
        self, kind: int, path: bytes = b"", name: bytes = b"", value: bytes = b""
    ) -> None:
        """Note a change; the name brings its NUL."""
        n_name = max(len(name) - 1, 0)
        head = _HEAD.pack(kind, len(path), n_name, len(value))
        self._note(b"".join((head, path, name, value)))

    def _will_be(self, kind: int, path: bytes, name: str, value: bytes) -> None:
        """Which cells entries will have from now on."""
        change = self._changes
        if kind == _APPEND_REG:
            kind, value = _APPEND, value[_STEP.size :]
        if kind == _APPEND:
            self._cells.append(change, path, name, value)
        else:
            self._cells.set(change, path, name, value if kind == _SET else None)

    def _bytes(self, node: Place, name: str, value: Buffer, op: str) -> bytes:
        if type(value) is bytes:
            return value
        try:
            view = memoryview(value)
        except TypeError:
            raise TypeError(
                f"{op} {self._where(node, name, op)}: want bytes-like, not "
                f"{type(value).__name__}; set_string(), set_u32() and others take "
                "values with a type"
            ) from None
        if view.nbytes > _MAX_VALUE:
            raise self._too_large(node, name, view.nbytes, op)
        return view.tobytes()

    def _too_large(self, node: Place, name: str, size: int, op: str) -> FdtBadParameter:
        return FdtBadParameter(
            op,
            self._where(node, name, op),
            f"{size} bytes are more than a device tree can hold, {_MAX_VALUE}",
        )

    def set(self, node: Place, name: str, value: Buffer) -> None:
        """Set a property, bytes as they are; a new one comes first in its node.

        Args:
            node: a full path, or a Node.
            value: any bytes-like object; copied now.
        Raises:
            TypeError: not a path, a name, or bytes.
            FdtBadParameter: the path is not full, or the name is empty, not
                ASCII or has a NUL; the changes have been made already.
            FdtStale: the node has been deleted.
        When the changes are made:
            FdtNotFound: there is no such node.
            FdtBadParameter: the tree would be larger than one can be.
        """
        op = "edit.set"
        self._put(_SET, node, name, self._bytes(node, name, value, op), op)

    def append(self, node: Place, name: str, value: Buffer) -> None:
        """Append bytes to a property, or add it; otherwise as set()."""
        op = "edit.append"
        self._put(_APPEND, node, name, self._bytes(node, name, value, op), op)

    def set_u32(self, node: Place, name: str, value: int) -> None:
        """Set to a number of 4 bytes, big-endian; FdtBadParameter also if it
        does not fit; otherwise as set()."""
        op = "edit.set_u32"
        raw = values.from_int(value, 4, op, self._where(node, name, op))
        self._put(_SET, node, name, raw, op)

    def set_u64(self, node: Place, name: str, value: int) -> None:
        """Set to a number of 8 bytes, big-endian; otherwise as set_u32()."""
        op = "edit.set_u64"
        raw = values.from_int(value, 8, op, self._where(node, name, op))
        self._put(_SET, node, name, raw, op)

    def set_string(self, node: Place, name: str, value: str) -> None:
        """Set to a string, as UTF-8 with one NUL at its end; FdtBadParameter
        also for text with a NUL or lone surrogates; otherwise as set()."""
        op = "edit.set_string"
        raw = values.from_string(value, op, self._where(node, name, op))
        self._put(_SET, node, name, raw, op)

    def set_stringlist(self, node: Place, name: str, strings: Iterable[str]) -> None:
        """Set to strings, each with its NUL; otherwise as set_string()."""
        op = "edit.set_stringlist"
        raw = values.from_stringlist(strings, op, self._where(node, name, op))
        self._put(_SET, node, name, raw, op)

    def set_cells(self, node: Place, name: str, cells: Iterable[int]) -> None:
        """Set to big-endian 32-bit numbers; otherwise as set_u32()."""
        op = "edit.set_cells"
        raw = values.from_cells(cells, op, self._where(node, name, op))
        self._put(_SET, node, name, raw, op)

    def set_reg(
        self,
        node: Place,
        name: str,
        entries: Entries,
        *,
        parent: Place | None = None,
    ) -> None:
        """Set to an array of (address, size) entries.

        Args:
            node, name: as for set().
            entries: as for Node.set_reg(): (start, size) pairs, bytes; or packed
                numbers.
            parent: full path, or Node, whose #address-cells and #size-cells
                apply, as they are in the tree at this moment and as the changes
                so far will leave them; None: the node above (the root: the root
                itself).
        Raises:
            TypeError, FdtBadParameter, FdtStale: as set(); TypeError also for
                what are no entries; FdtBadParameter also for an entry that does
                not fit the cells, or wraps.
            FdtBadContent: bad or missing #address-cells or #size-cells.
        When the changes are made: as set().
        """
        op = "edit.set_reg"
        raw, _ = self._entries(node, name, entries, parent, op)
        self._put(_SET, node, name, raw, op)

    def append_reg(
        self,
        node: Place,
        name: str,
        entries: Entries,
        *,
        parent: Place | None = None,
    ) -> None:
        """Append (address, size) entries to a property, or add it.

        Otherwise as set_reg(). When the changes are made:
            FdtBadContent: the length of what is there is not a whole number of
                entries.
        """
        op = "edit.append_reg"
        raw, step = self._entries(node, name, entries, parent, op)
        self._put(_APPEND_REG, node, name, _STEP.pack(step) + raw, op)

    def _entries(
        self, node: Place, name: str, entries: Entries, parent: Place | None, op: str
    ) -> tuple[bytes, int]:
        """Entries as the property holds them, and the bytes of one."""
        self._check(op)
        where = self._where(node, name, op)
        regs, n = from_entries(entries, op, where)
        by = self._path(node if parent is None else parent, op)
        if parent is None:
            by = by.rstrip("/").rpartition("/")[0] or "/"
        cells = self._cells.of(c_name(by, "path"), op, where)
        step = 4 * sum(cells)
        if n * step > _MAX_VALUE:
            raise self._too_large(node, name, n * step, op)
        # Filled before anybody else can see it
        raw = _core.blank(n * step)
        code = lib.fdtx_encode_regs(regs, n, *cells, raw)
        if code < 0:
            cause = fault_of(regs, n, *cells)
            raise FdtBadParameter(op, where, f"{cause} of {by}", code)
        return raw, step

    def delete(self, node: Place, name: str) -> None:
        """Delete a property, all of its name if there are several.

        Raises: as set(). When the changes are made:
            FdtNotFound: there is no such node, or it has no such property.
        """
        self._put(lib.FDTX_OP_DELETE, node, name, b"", "edit.delete")

    def add_node(self, path: str, parents: bool = False) -> None:
        """Add a node: behind its parent's properties, before its other children.

        Args:
            path: full, of the new node; only the exact name counts as there.
            parents: add missing nodes above as well.
        Raises:
            TypeError, FdtBadParameter: as set(); FdtBadParameter also for "/".
        When the changes are made:
            FdtExists: there is such a node.
            FdtNotFound: the node above is missing.
            FdtBadParameter: the tree would be deeper or larger than one can be.
        """
        op = "edit.add_node"
        if isinstance(path, Properties):
            raise TypeError(f"{op}: want the path of a new node, not a Node")
        raw = c_name(self._path(path, op), "path", op)
        if not raw.strip(b"/"):
            raise FdtBadParameter(op, path, "the root is there already")
        self._check(op)
        self._append(lib.FDTX_OP_ADD_NODES if parents else lib.FDTX_OP_ADD_NODE, raw)

    def delete_node(self, node: Place) -> None:
        """Delete a node and all below it; handles of them are stale then.

        Raises: as set(); FdtBadParameter also for the root. When the changes
            are made:
            FdtNotFound: there is no such node.
        """
        op = "edit.delete_node"
        path = self._path(node, op)
        raw = c_name(path, "path", op)
        if not raw.strip(b"/"):
            raise FdtBadParameter(op, path, "the root cannot be deleted")
        self._check(op)
        self._cells.delete_node(self._changes, raw)
        self._append(lib.FDTX_OP_DELETE_NODE, raw)
        if self._deleted is None:
            self._deleted = []
        self._deleted.append(path)

    def _entry(self, kind: int, entry: Iterable[int], op: str) -> None:
        got = MemRange.of(entry)
        if not got.size:
            raise FdtBadParameter(
                op, repr(got), "a reservation of size 0 would end the list"
            )
        self._check(op)
        self._append(kind, value=_ENTRY.pack(*got))

    def reserve(self, entry: Iterable[int]) -> None:
        """Add a memory reservation at the end.

        Args:
            entry: a MemRange or a (start, size) pair, physical bytes.
        Raises:
            TypeError: no range and no pair.
            FdtBadParameter: size 0; not a range; changes made already.
        """
        self._entry(lib.FDTX_OP_RESERVE, entry, "edit.reserve")

    def unreserve(self, entry: Iterable[int]) -> None:
        """Delete the first memory reservation equal to entry; as reserve().

        When the changes are made:
            FdtNotFound: there is none.
        """
        self._entry(lib.FDTX_OP_UNRESERVE, entry, "edit.unreserve")

    # -- making ------------------------------------------------------------

    def __enter__(self) -> Self:
        self._check("edit")
        return self

    def commit(self) -> None:
        """Make the changes now, as leaving the `with` block does.

        After this the Edit is used up; further changes need another edit().

        Raises: what the methods that collect them say; then nothing is changed.
        """
        self._check("edit.commit")
        with self._blob.lock:
            self._make(self._take())

    def _make(self, ops: bytes) -> None:
        blob = self._blob
        plan = ffi.new("struct fdtx_ops_plan **")
        fault = ffi.new("struct fdtx_ops_fault *")
        with reading(blob.buf) as p, reading(ops) as q:
            size = lib.fdtx_ops_plan(p, len(blob.buf), q, len(ops), _KEY, plan, fault)
            if size < 0:
                raise _error(size, fault, ops)
            try:
                buf = bytearray(size)
                with writing(buf) as out:
                    lib.fdtx_ops_emit(plan[0], out)
            finally:
                lib.fdtx_ops_free(plan[0])
        blob.buf = buf
        blob.forget()
        for path in self._deleted or ():
            self._fdt._bury(path)

    def __repr__(self) -> str:
        if self._changes < 0:
            return "<Edit: done>"
        return f"<Edit of {self._changes} changes>"


class Edit(_core.Edit, Changes):
    """Changes that are collected, and made together: all of them or none.

    Made by `Fdt.edit()`. Each change sees what the ones before it will have
    done, and the tree gets the bytes that it would get from making them one
    by one, but in one pass over it. Until then the tree stays as it was.

    Places are full paths with exact names ("/soc/uart@0", no alias, no unit
    address left out) or nodes of the tree. A wrong argument raises at once. What
    the tree does not allow (a missing node) raises when the changes are made, with
    the number of the change, counted from 1; the tree is then unchanged.

    >>> from pyfdtx import Fdt
    >>> fdt = Fdt.empty()
    >>> with fdt.edit() as edit:
    ...     edit.add_node("/cpus")
    ...     edit.set_u32("/cpus", "#address-cells", 1)
    ...     for n in range(3):
    ...         edit.add_node(f"/cpus/cpu@{n}")
    ...         edit.set_u32(f"/cpus/cpu@{n}", "reg", n)
    ...     edit.reserve((0x48000000, 0x1000))
    >>> [cpu.name for cpu in fdt["/cpus"].children()]
    ['cpu@2', 'cpu@1', 'cpu@0']
    """

    __slots__ = ()


def _read(ops: bytes) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """(kind, path, name, value) of each change in a list of them."""
    at = 0
    while at < len(ops):
        kind, n_path, n_name, n_value = _HEAD.unpack_from(ops, at)
        name = at + _HEAD.size + n_path
        value = name + n_name + bool(n_name)
        yield (
            kind,
            ops[name - n_path : name],
            ops[name : name + n_name],
            ops[value : value + n_value],
        )
        at = value + n_value


def _error(code: int, fault: Any, ops: bytes) -> Exception:
    """The whole story of changes that cannot be made."""
    if code == -lib.FDT_ERR_INTERNAL:
        return MemoryError("edit: no memory for the table of nodes")
    too_large = code == -lib.FDT_ERR_NOSPACE
    if fault.op < 0:
        if too_large:
            return FdtBadParameter(
                "edit",
                "",
                "the tree would be larger than a device tree can be "
                f"({lib.FDTX_MAX_TOTALSIZE} bytes)",
            )
        return error(code, "edit")
    every = list(_read(ops))
    kind, path, name, value = every[fault.op]
    op = _NAMES[kind]
    where = path.decode("ascii", "surrogateescape")
    count = f"change {fault.op + 1} of {len(every)}; none has been made"
    if not path:
        where = repr(MemRange(*_ENTRY.unpack_from(value)))
        return FdtNotFound(op, where, f"there is no such reservation ({count})", code)
    if too_large:
        cause = "the value is larger than a device tree can be"
        return FdtBadParameter(op, f"{where}:{name.decode()}", f"{cause} ({count})")
    if code == -lib.FDT_ERR_BADNCELLS:
        (step,) = _STEP.unpack_from(value)
        cause = f"the length is not a whole number of entries of {step} bytes"
        return error(code, op, f"{where}:{name.decode()}", f"{cause} ({count})")
    if code == -lib.FDT_ERR_BADLAYOUT:
        cause = f"nodes are nested {lib.FDTX_MAX_DEPTH} deep at most"
        return FdtBadParameter(op, where, f"{cause} ({count})")
    found = where[: fault.found]
    missing = [part for part in where[fault.found :].split("/") if part]
    if code == -lib.FDT_ERR_NOTFOUND and missing:
        cause = f"{found or '/'} has no child {missing[0]!r}"
        if kind == lib.FDTX_OP_ADD_NODE:
            cause += "; parents=True adds what is missing"
    elif code == -lib.FDT_ERR_NOTFOUND:
        where += ":" + name.decode("ascii", "surrogateescape")
        cause = "no such property"
    else:
        cause = "exists already"
    made: FdtError = error(code, op, where, f"{cause} ({count})")
    return made
