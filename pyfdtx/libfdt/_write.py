# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Trees that are written from front to back."""

from __future__ import annotations

from .._libfdt import (
    _sw_grow,
    fdt_add_reservemap_entry,
    fdt_begin_node,
    fdt_create,
    fdt_end_node,
    fdt_finish,
    fdt_finish_reservemap,
    fdt_property_string,
    fdt_property_stub,
    fdt_property_u32,
    fdt_property_u64,
    fdt_resize,
)
from ._codes import NOSPACE, QUIET_NOSPACE, FdtException, check_err
from ._tree import Fdt, FdtRo

__all__ = [
    "FdtSw",
    "NodeAdder",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Callable

# A tag; a property's tag, length and name
TAG = 4
PROP = 12


def _padded(size: int) -> int:
    return (size + 3) & ~3


def _c_size(text: str) -> int:
    """Bytes of a string as C sees it, with the NUL that ends it."""
    return len(text.partition("\0")[0].encode("utf-8")) + 1


class FdtSw(FdtRo):
    """A tree in the making, which grows as needed.

    Reservations come first, then finish_reservemap(), then nodes with their
    properties in front of their children. as_fdt() can be called at any time
    and again. Methods return None.
    """

    # Bytes that the buffer grows by, or several times as many
    INC_SIZE = 1024

    def __init__(self, size_hint: int | None = None) -> None:
        if not size_hint:
            size_hint = self.INC_SIZE
        fdt = bytearray(size_hint)
        check_err(fdt_create(fdt, size_hint))
        self._fdt = fdt

    def as_fdt(self) -> Fdt:
        """What has been written so far, as a tree of its own."""
        fdt = bytearray(self._fdt)
        check_err(fdt_finish(fdt))
        return Fdt(fdt)

    def check_space(self, val: int) -> bool:
        """Grow once if val is -NOSPACE; whether to try again."""
        if check_err(val, QUIET_NOSPACE) < 0:
            self.resize(len(self._fdt) + self.INC_SIZE)
            return True
        return False

    def resize(self, size: int) -> None:
        """Move what has been written into a new bytearray of size bytes."""
        fdt = bytearray(size)
        check_err(fdt_resize(self._fdt, fdt, size))
        self._fdt = fdt

    def _write(
        self,
        err: int,
        need: int,
        name: str | None,
        write: Callable[[bytearray], int],
    ) -> None:
        """After -NOSPACE: write() again, with room for need bytes and a name.

        Upstream grows by INC_SIZE and tries again until it fits. Here the
        buffer grows once, in place, to the same size.
        """
        if err != -NOSPACE:
            raise FdtException(err)
        try:
            err = _sw_grow(self._fdt, name, need, self.INC_SIZE)
        except BufferError:
            # Somebody holds a view of the bytes: leave these to them
            self._fdt = bytearray(self._fdt)
            err = _sw_grow(self._fdt, name, need, self.INC_SIZE)
        check_err(err)
        check_err(write(self._fdt))

    def add_reservemap_entry(self, addr: int, size: int) -> None:
        """Add a memory reservation."""
        err = fdt_add_reservemap_entry(self._fdt, addr, size)
        if err:
            self._write(
                err, 16, None, lambda fdt: fdt_add_reservemap_entry(fdt, addr, size)
            )

    def finish_reservemap(self) -> None:
        """End the memory reservations."""
        err = fdt_finish_reservemap(self._fdt)
        if err:
            self._write(err, 16, None, fdt_finish_reservemap)

    def begin_node(self, name: str) -> None:
        """Begin a node; the root is called ''."""
        err = fdt_begin_node(self._fdt, name)
        if err:
            need = TAG + _padded(_c_size(name))
            self._write(err, need, None, lambda fdt: fdt_begin_node(fdt, name))

    def property_string(self, name: str, string: str) -> None:
        """Add a property with a string and a NUL; a NUL inside cuts it."""
        err = fdt_property_string(self._fdt, name, string)
        if err:
            self._write(
                err,
                PROP + _padded(_c_size(string)),
                name,
                lambda fdt: fdt_property_string(fdt, name, string),
            )

    def property_u32(self, name: str, val: int) -> None:
        """Add a property with a number of 4 bytes."""
        err = fdt_property_u32(self._fdt, name, val)
        if err:
            self._write(
                err, PROP + 4, name, lambda fdt: fdt_property_u32(fdt, name, val)
            )

    def property_u64(self, name: str, val: int) -> None:
        """Add a property with a number of 8 bytes."""
        err = fdt_property_u64(self._fdt, name, val)
        if err:
            self._write(
                err, PROP + 8, name, lambda fdt: fdt_property_u64(fdt, name, val)
            )

    def property_cell(self, name: str, val: int) -> None:
        """Add a property with a number of 4 bytes."""
        self.property_u32(name, val)

    def property(self, name: str, val: bytes) -> None:
        """Add a property."""
        err = fdt_property_stub(self._fdt, name, val, len(val))
        if err:
            self._write(
                err,
                PROP + _padded(len(val)),
                name,
                lambda fdt: fdt_property_stub(fdt, name, val, len(val)),
            )

    def end_node(self) -> None:
        """End a node."""
        err = fdt_end_node(self._fdt)
        if err:
            self._write(err, TAG, None, fdt_end_node)

    def add_node(self, name: str) -> NodeAdder:
        """A context in which a node is written."""
        return NodeAdder(self, name)


class NodeAdder:
    """Context of FdtSw.add_node(): the node ends with it, also by an
    exception."""

    def __init__(self, fdtsw: FdtSw, name: str) -> None:
        self._fdt = fdtsw
        self._name = name

    def __enter__(self) -> None:
        self._fdt.begin_node(self._name)

    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._fdt.end_node()
