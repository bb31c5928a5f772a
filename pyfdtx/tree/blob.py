# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The bytes of one tree: memory, growth, and where nodes have moved to.

Offsets of nodes count from the start of the structure block, as in libfdt.
Every edit is one splice there, written down as (place, difference), so that
an offset taken some edits ago is brought up to date without a search.
"""

from __future__ import annotations

from struct import Struct

from .. import _core
from .._core import dump, load, resize
from .._native import ffi, frozen, lib, reading, refused, writing
from ..errors import FdtBadParameter, error, warn
from .fork import watch
from .names import without_root_name

__all__ = ["INT", "MAX_SIZE", "NAME_FACTOR", "Blob"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from typing_extensions import Buffer

# For ffi.new(): an int for C to store something in. One for each call: readers
# in several threads would get each other's lengths
INT = ffi.typeof("int *")

MAX_SIZE: int = lib.FDTX_MAX_TOTALSIZE

# Names may share bytes of the strings block, so a small blob can spell names
# of gigabytes. A property takes 12 bytes beside its name: a real tree has
# names of 1 to 4 times its size.
NAME_FACTOR = 16

SLACK = 256

# off_dt_strings at 12, size_dt_strings at 32, size_dt_struct at 36
_SIZES = Struct(">I16xII")


class Blob(_core.Blob):
    """A sound blob of version 17 in a bytearray of its own that grows.

    It is in canonical form (FDT_NOP kept) at all times, but for slack behind the
    strings, which totalsize counts: whatever edits it leaves it so.

    Attributes:
        buf: the bytes; its length is the blob's totalsize. Never keep a view
            or pointer of it: it is resized.
        lock: C reads and writes without the GIL, trusts what it reads, and offsets
            go stale after an edit: hold it from look-up to last use. Re-entrant.
        edits: number of the latest edit that moved anything; an offset is
            current if it was taken at this number.
        deaths: number of nodes deleted so far.
        forgotten: number of times that forget() was called.
    """

    __slots__ = ()

    def __init__(self, buf: bytearray) -> None:
        self.buf = buf
        self.lock = _core.Lock()
        watch(self)

    @classmethod
    def load(cls, data: Buffer, op: str) -> Blob:
        """Validated copy of data, brought into version 17 and in order.

        A root with a name, which some writers make and libfdt's readers take, gets
        none, with a warning.
        """
        raw = frozen(data)
        try:
            return cls(load(raw))
        except ValueError as e:
            code, cause, offset = e.args
            without = without_root_name(raw)
            if without is None:
                raise refused(code, cause, offset, op) from None
        found = cls.load(without, op)
        warn(f"{op} /: the root node has a name, which is dropped: it must have none")
        return found

    @classmethod
    def empty(cls) -> Blob:
        buf = bytearray(SLACK)
        with writing(buf) as p:
            lib.fdt_create_empty_tree(p, len(buf))
        blob = cls(buf)
        blob.canonicalise(squeeze=False)
        return blob

    def duplicate(self) -> Blob:
        with self.lock:
            return Blob(bytearray(self.buf))

    @property
    def used(self) -> int:
        """Bytes up to the end of the strings block; with the lock."""
        off_strings, size_strings, _ = _SIZES.unpack_from(self.buf, 12)
        used: int = off_strings + size_strings
        return used

    @property
    def struct_start(self) -> int:
        return int.from_bytes(self.buf[8:12], "big")

    def room(self, need: int, op: str, where: str) -> None:
        """make_room(), or FdtBadParameter."""
        if not self.make_room(need):
            raise FdtBadParameter(
                op,
                where,
                f"the tree would take {self.used + need} bytes, "
                f"a device tree ends at {MAX_SIZE}",
            )

    def resize(self, size: int) -> None:
        """Set the buffer's length and the header's totalsize; not below used."""
        resize(self.buf, size)
        self.buf[4:8] = size.to_bytes(4, "big")

    def to_bytes(self) -> bytes:
        """The tree without slack: edits keep the canonical form, so it is that."""
        return dump(self.buf)

    def canonicalise(self, *, squeeze: bool) -> None:
        """fdtx_canonicalise() in place, without slack behind."""
        with writing(self.buf) as p:
            size = lib.fdtx_canonicalise(p, squeeze)
        if size < 0:
            raise error(size, "fdtx_canonicalise")
        del self.buf[size:]
        if squeeze:
            self.forget()

    def read(self, func: Callable[..., Any], *args: object) -> Any:
        """func(blob, *args) of a C function that changes nothing."""
        with reading(self.buf) as p:
            return func(p, *args)

    def edit(self, func: Callable[..., int], offset: int, *args: object) -> int:
        """func(blob, offset, *args) of one that splices behind that offset."""
        with writing(self.buf) as p:
            before = lib.fdt_size_dt_struct(p)
            code = func(p, offset, *args)
            by = lib.fdt_size_dt_struct(p) - before
        if by:
            self.moved(offset + 1, by)
        return code

    def add_node(self, parent: int, name: bytes, need: int, last: bool) -> int:
        """fdtx_add_subnode(), in need bytes; the child's offset or an error."""
        with writing(self.buf) as p:
            n = len(name)
            offset: int = lib.fdtx_add_subnode(p, parent, name, n, False, last)
        if offset >= 0:
            self.moved(offset, need)
        return offset

    def table(self, ctype: str, func: Callable[..., int], *args: object) -> Any:
        """All items of a table: func(blob, *args, items, max) -> count.

        Returns:
            (items, count), or (None, code) if func failed.
        """
        room = 64
        with reading(self.buf) as p:
            while True:
                items = ffi.new(f"struct {ctype}[]", room)
                n = func(p, *args, items, room)
                if n <= room:
                    return (items, n) if n >= 0 else (None, n)
                room = n

    def text(self, start: int) -> str:
        """The NUL-terminated name at a byte of the blob."""
        buf = self.buf
        return buf[start : buf.index(0, start)].decode("ascii", "surrogateescape")
