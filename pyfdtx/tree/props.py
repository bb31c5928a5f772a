# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Properties: the part of a Node that is a mapping of names to values."""

from __future__ import annotations

# What collections.abc re-exports; the package around that is dear to import.
from _collections_abc import MutableMapping

from .._native import ffi, lib, reading
from ..codec import values
from ..errors import FdtBadContent, FdtBadParameter, FdtNotFound, error
from .blob import INT, MAX_SIZE, NAME_FACTOR
from .getters import MISSING, Getters

__all__ = ["Properties"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable

    from typing_extensions import Buffer

    from .blob import Blob


class Properties(Getters, MutableMapping[str, bytes]):
    """Properties of a node; `Node` says where that is."""

    __slots__ = ()

    _blob: Blob

    if TYPE_CHECKING:

        def _at(self, op: str) -> int: ...

    def _find(self, name: str, op: str) -> bytes | None:
        raw = self._prop_name(name, op)
        blob = self._blob
        lenp = ffi.new(INT)
        # As `with`, in half of its time
        blob.lock.acquire()
        try:
            offset = self._at(op)
            with reading(blob.buf) as p:
                value = lib.fdt_getprop_namelen(p, offset, raw, len(raw), lenp)
                if value:
                    found: bytes = ffi.buffer(value, lenp[0])[:]
                    return found
        finally:
            blob.lock.release()
        if lenp[0] != -lib.FDT_ERR_NOTFOUND:
            raise error(lenp[0], op, self._where(name))
        return None

    def _write(
        self, func: Callable[..., int], name: str, value: bytes, op: str
    ) -> None:
        raw = self._prop_name(name, op)
        blob = self._blob
        blob.lock.acquire()
        try:
            offset = self._at(op)
            where = self._where(name)
            blob.room(lib.fdt_prop_len(0, raw, len(value)), op, where)
            code = blob.edit(func, offset, raw, value, len(value))
        finally:
            blob.lock.release()
        if code < 0:
            raise error(code, op, where)

    def _bytes(self, name: str, value: Buffer, op: str) -> bytes:
        try:
            view = memoryview(value)
        except TypeError:
            raise TypeError(
                f"{op} {self._where(name)}: want bytes-like, not "
                f"{type(value).__name__}; set_string(), set_u32() and others take "
                "values with a type"
            ) from None
        # Before the copy is made and C counts in int
        if view.nbytes > MAX_SIZE - len(name) - 64:
            raise FdtBadParameter(
                op,
                self._where(name),
                f"{view.nbytes} bytes are more than a device tree can hold",
            )
        return value if type(value) is bytes else view.tobytes()

    def _properties(self) -> list[tuple[str, bytes]]:
        """(name, value) of every property, in order, each name once."""
        blob = self._blob
        found: dict[str, bytes] = {}
        with blob.lock:
            offset = self._at("items")
            items, n = blob.table("fdtx_prop", lib.fdtx_props, offset)
            buf = blob.buf
            table = ffi.unpack(items, n)
            for name, item in zip(self._names_of(table, "items"), table):
                if name not in found:
                    found[name] = bytes(buf[item.value : item.value + item.len])
        return list(found.items())

    def _names_of(self, table: list[Any], op: str) -> list[str]:
        """The names in a table of `struct fdtx_prop`; with the blob's lock."""
        blob = self._blob
        budget = NAME_FACTOR * blob.used
        names = []
        for item in table:
            name = blob.text(item.name)
            budget -= len(name)
            if budget < 0:
                raise FdtBadContent(
                    op,
                    self._path(),
                    "the property names share bytes, and written out they are "
                    f"longer than {NAME_FACTOR} times the tree; read them by name",
                )
            names.append(name)
        return names

    def __setitem__(self, name: str, value: Buffer) -> None:
        self._write(
            lib.fdtx_setprop, name, self._bytes(name, value, "setprop"), "setprop"
        )

    def __delitem__(self, name: str) -> None:
        raw = self._prop_name(name, "delprop")
        blob = self._blob
        with blob.lock:
            code = blob.edit(lib.fdtx_delprop, self._at("delprop"), raw)
        if code < 0:
            raise self._missing(name, "delprop")

    def __iter__(self) -> Iterator[str]:
        """Names in the order of the blob, as they are at this moment.

        As items(), values(), len() and the comparison of mappings it raises
        FdtBadContent if the names, which may be tails of each other, are
        together longer than 16 times the tree.
        """
        blob = self._blob
        with blob.lock:
            offset = self._at("iterate")
            items, n = blob.table("fdtx_prop", lib.fdtx_props, offset)
            names = self._names_of(ffi.unpack(items, n), "iterate")
        return iter(dict.fromkeys(names))

    # The mix-in's own versions wait for KeyError

    def pop(self, name: str, default: Any = MISSING) -> Any:
        """Delete a property and give its value; default if there is none."""
        with self._blob.lock:
            value = self._find(name, "delprop")
            if value is not None:
                del self[name]
                return value
        if default is MISSING:
            raise self._missing(name, "delprop")
        return default

    def popitem(self) -> tuple[str, bytes]:
        """Delete the first property and give it; FdtNotFound if there is none."""
        with self._blob.lock:
            for name in self:
                return name, self.pop(name)
        raise FdtNotFound("delprop", self._path(), "the node has no properties")

    def setdefault(self, name: str, default: Any = b"") -> bytes:
        """The value; if there is none, default is set first."""
        with self._blob.lock:
            value = self._find(name, "getprop")
            if value is None:
                self[name] = default
                value = self[name]
        return value

    def clear(self) -> None:
        """Delete all properties; nodes below stay."""
        blob = self._blob
        with blob.lock:
            blob.edit(lib.fdtx_delprop, self._at("clear"), ffi.NULL)

    def set_u32(self, name: str, value: int) -> None:
        """Set to a number of 4 bytes, big-endian.

        Raises:
            TypeError: the name is not a str, or the value of the wrong type.
            FdtBadParameter: the value is negative or too large; a name as for
                get_u32(); the tree would be larger than a device tree can be.
            FdtStale: the node has been deleted.
        """
        raw = values.from_int(value, 4, "set_u32", self._where(name))
        self._write(lib.fdtx_setprop, name, raw, "set_u32")

    def set_u64(self, name: str, value: int) -> None:
        """Set to a number of 8 bytes, big-endian; otherwise as set_u32()."""
        raw = values.from_int(value, 8, "set_u64", self._where(name))
        self._write(lib.fdtx_setprop, name, raw, "set_u64")

    def set_string(self, name: str, value: str) -> None:
        """Set to a string, as UTF-8 with one NUL at its end.

        Raises: as set_u32(); FdtBadParameter also for text with a NUL or
            lone surrogates.
        """
        raw = values.from_string(value, "set_string", self._where(name))
        self._write(lib.fdtx_setprop, name, raw, "set_string")

    def set_stringlist(self, name: str, strings: Iterable[str]) -> None:
        """Set to strings, each with its NUL; otherwise as set_string().

        One str or bytes instead of several is a TypeError.
        """
        raw = values.from_stringlist(strings, "set_stringlist", self._where(name))
        self._write(lib.fdtx_setprop, name, raw, "set_stringlist")

    def set_cells(self, name: str, cells: Iterable[int]) -> None:
        """Set to big-endian 32-bit numbers; otherwise as set_u32().

        Bytes are a TypeError: ``node[name] = value`` takes them.
        """
        raw = values.from_cells(cells, "set_cells", self._where(name))
        self._write(lib.fdtx_setprop, name, raw, "set_cells")

    def set_bytes(self, name: str, value: Buffer) -> None:
        """Copy any bytes-like object: the same as ``node[name] = value``.

        Raises: as set_u32().
        """
        self[name] = value

    def set_empty(self, name: str) -> None:
        """Set to no bytes: a property that is true because it is there."""
        self._write(lib.fdtx_setprop, name, b"", "set_empty")

    def append(self, name: str, value: Buffer) -> None:
        """Append bytes to a property, or add it; raises as set_u32().

        The property stays where it is. Of several with the name the first.
        """
        self._write(
            lib.fdtx_appendprop, name, self._bytes(name, value, "append"), "append"
        )

    def append_cells(self, name: str, cells: Iterable[int]) -> None:
        """Append 32-bit numbers to a property, or add it; otherwise as set_cells()."""
        raw = values.from_cells(cells, "append_cells", self._where(name))
        self._write(lib.fdtx_appendprop, name, raw, "append_cells")

    def append_stringlist(self, name: str, strings: Iterable[str]) -> None:
        """Append strings to a property, or add it; otherwise as set_stringlist()."""
        op = "append_stringlist"
        raw = values.from_stringlist(strings, op, self._where(name))
        self._write(lib.fdtx_appendprop, name, raw, op)
