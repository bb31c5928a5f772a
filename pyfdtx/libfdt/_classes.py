# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The Python half of the drop-in: error codes, the exception and what turns one
into the other; a property's value; trees that are read (FdtRo), changed (Fdt)
and written from front to back (FdtSw); C's structs.

Every method of a tree makes one call of the raw function of that name and
raises FdtException on errors whose code is not in `quiet`.

One file, and annotations in quotes instead of a future import: each file that
is loaded costs a tenth of a millisecond, and importing shall cost no more than
upstream's module.
"""

import struct

from .._core import (
    FDT_ERR_BADLAYOUT,
    FDT_ERR_BADMAGIC,
    FDT_ERR_BADNCELLS,
    FDT_ERR_BADOFFSET,
    FDT_ERR_BADOVERLAY,
    FDT_ERR_BADPATH,
    FDT_ERR_BADPHANDLE,
    FDT_ERR_BADSTATE,
    FDT_ERR_BADSTRUCTURE,
    FDT_ERR_BADVALUE,
    FDT_ERR_BADVERSION,
    FDT_ERR_EXISTS,
    FDT_ERR_INTERNAL,
    FDT_ERR_NOPHANDLES,
    FDT_ERR_NOSPACE,
    FDT_ERR_NOTFOUND,
    FDT_ERR_TRUNCATED,
    _sw_grow,
    fdt_add_mem_rsv,
    fdt_add_reservemap_entry,
    fdt_add_subnode,
    fdt_address_cells,
    fdt_appendprop_reg,
    fdt_appendprop_reg_array,
    fdt_begin_node,
    fdt_boot_cpuid_phys,
    fdt_check_header,
    fdt_create,
    fdt_create_empty_tree,
    fdt_del_mem_rsv,
    fdt_del_node,
    fdt_delprop,
    fdt_end_node,
    fdt_finish,
    fdt_finish_reservemap,
    fdt_first_property_offset,
    fdt_first_subnode,
    fdt_get_alias,
    fdt_get_mem_rsv,
    fdt_get_name,
    fdt_get_path,
    fdt_get_phandle,
    fdt_get_property_by_offset,
    fdt_getprop,
    fdt_getprop_reg,
    fdt_getprop_reg_count,
    fdt_last_comp_version,
    fdt_magic,
    fdt_next_node,
    fdt_next_property_offset,
    fdt_next_subnode,
    fdt_node_offset_by_phandle,
    fdt_num_mem_rsv,
    fdt_off_dt_strings,
    fdt_off_dt_struct,
    fdt_off_mem_rsvmap,
    fdt_open_into,
    fdt_pack,
    fdt_parent_offset,
    fdt_path_offset,
    fdt_property_string,
    fdt_property_stub,
    fdt_property_u32,
    fdt_property_u64,
    fdt_reg_len,
    fdt_resize,
    fdt_set_name,
    fdt_setprop,
    fdt_setprop_reg,
    fdt_setprop_reg_array,
    fdt_setprop_u32,
    fdt_setprop_u64,
    fdt_size_cells,
    fdt_size_dt_strings,
    fdt_size_dt_struct,
    fdt_strerror,
    fdt_subnode_offset,
    fdt_totalsize,
    fdt_version,
)

__all__ = [
    "BADLAYOUT",
    "BADMAGIC",
    "BADNCELLS",
    "BADOFFSET",
    "BADOVERLAY",
    "BADPATH",
    "BADPHANDLE",
    "BADSTATE",
    "BADSTRUCTURE",
    "BADVALUE",
    "BADVERSION",
    "EXISTS",
    "INTERNAL",
    "NOPHANDLES",
    "NOSPACE",
    "NOTFOUND",
    "QUIET_ALL",
    "QUIET_NOSPACE",
    "QUIET_NOTFOUND",
    "TRUNCATED",
    "Fdt",
    "FdtException",
    "FdtRo",
    "FdtSw",
    "NodeAdder",
    "Property",
    "check_err",
    "check_err_null",
    "fdt_for_each_property_offset",
    "fdt_for_each_subnode",
    "fdt_header",
    "fdt_node_header",
    "fdt_property",
    "fdt_reserve_entry",
    "strerror",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from types import TracebackType
    from typing import Any, Callable, Optional, SupportsIndex, TypeVar, Union

    from typing_extensions import Buffer

    T = TypeVar("T")
    Quiet = Container[int]
    Data = Union[Buffer, Iterable[SupportsIndex], SupportsIndex]

NOTFOUND = FDT_ERR_NOTFOUND
EXISTS = FDT_ERR_EXISTS
NOSPACE = FDT_ERR_NOSPACE
BADOFFSET = FDT_ERR_BADOFFSET
BADPATH = FDT_ERR_BADPATH
BADPHANDLE = FDT_ERR_BADPHANDLE
BADSTATE = FDT_ERR_BADSTATE
TRUNCATED = FDT_ERR_TRUNCATED
BADMAGIC = FDT_ERR_BADMAGIC
BADVERSION = FDT_ERR_BADVERSION
BADSTRUCTURE = FDT_ERR_BADSTRUCTURE
BADLAYOUT = FDT_ERR_BADLAYOUT
INTERNAL = FDT_ERR_INTERNAL
BADNCELLS = FDT_ERR_BADNCELLS
BADVALUE = FDT_ERR_BADVALUE
BADOVERLAY = FDT_ERR_BADOVERLAY
NOPHANDLES = FDT_ERR_NOPHANDLES

# As upstream: a range, and without the two codes that came later
QUIET_ALL = range(NOTFOUND, NOPHANDLES + 1)
QUIET_NOTFOUND = (NOTFOUND,)
QUIET_NOSPACE = (NOSPACE,)


class FdtException(Exception):
    """An error of libfdt.

    Attributes:
        err: the code, negative.
    """

    def __init__(self, err: int) -> None:
        self.err = err

    def __str__(self) -> str:
        return f"pylibfdt error {self.err}: {fdt_strerror(self.err)}"


def strerror(fdt_err: int) -> str:
    """Name of a negative error code."""
    return fdt_strerror(fdt_err)


def check_err(val: "T", quiet: "Container[int]" = ()) -> "T":
    """val itself, unless it is a negative int whose code is not in quiet.

    Raises:
        FdtException: it is.
    """
    if isinstance(val, int) and val < 0 and -val not in quiet:
        raise FdtException(val)
    return val


def check_err_null(val: "Any", quiet: "Container[int]" = ()) -> "list[Any]":
    """val as a list whose first item is None on errors, then the code.

    Raises:
        FdtException: the first item is None and the code is not in quiet.
    """
    both: list[Any] = val if isinstance(val, list) else [None, val]
    if both[0] is None and -both[1] not in quiet:
        raise FdtException(both[1])
    return both


class Property(bytearray):
    """Copy of a property's value; edits of the tree do not change it.

    Numbers are big-endian. A value of the wrong length raises struct.error.

    Attributes:
        name: the property's name.
    """

    def __init__(self, name: str, value: "Data") -> None:
        bytearray.__init__(self, value)
        self.name = name

    def as_cell(self, fmt: str) -> "Any":
        """The first item of the whole value, unpacked by a struct format."""
        return struct.unpack(">" + fmt, self)[0]

    def as_uint32(self) -> int:
        """A value of 4 bytes."""
        val: int = self.as_cell("L")
        return val

    def as_int32(self) -> int:
        """A value of 4 bytes, signed."""
        val: int = self.as_cell("l")
        return val

    def as_uint64(self) -> int:
        """A value of 8 bytes."""
        val: int = self.as_cell("Q")
        return val

    def as_int64(self) -> int:
        """A value of 8 bytes, signed."""
        val: int = self.as_cell("q")
        return val

    def as_list(self, fmt: str) -> "list[Any]":
        """The first item of each struct that the value is made of."""
        return [items[0] for items in struct.iter_unpack(">" + fmt, self)]

    def as_uint32_list(self) -> list[int]:
        """A value of 4 bytes each; empty for none."""
        return self.as_list("L")

    def as_int32_list(self) -> list[int]:
        """A value of 4 bytes each, signed; empty for none."""
        return self.as_list("l")

    def as_uint64_list(self) -> list[int]:
        """A value of 8 bytes each; empty for none."""
        return self.as_list("Q")

    def as_int64_list(self) -> list[int]:
        """A value of 8 bytes each, signed; empty for none."""
        return self.as_list("q")

    def _ended(self) -> bytearray:
        if self[-1] != 0:
            raise ValueError("Property lacks nul termination")
        return self[:-1]

    def as_str(self) -> str:
        """The one string that the value is, from UTF-8.

        Raises:
            IndexError: the value is empty.
            ValueError: no NUL at the end, or one before.
        """
        text = self._ended()
        if 0 in text:
            raise ValueError("Property contains embedded nul characters")
        return text.decode("utf-8")

    def as_stringlist(self) -> list[str]:
        """The strings that the value is made of, from UTF-8.

        Raises:
            IndexError: the value is empty.
            ValueError: no NUL at the end.
        """
        return [part.decode("utf-8") for part in self._ended().split(b"\0")]


def fdt_for_each_subnode(fdt: bytearray, parent: int) -> "Iterator[int]":
    """Offsets of a node's children, as C's macro of that name."""
    node = fdt_first_subnode(fdt, parent)
    while node >= 0:
        yield node
        node = fdt_next_subnode(fdt, node)


def fdt_for_each_property_offset(fdt: bytearray, node: int) -> "Iterator[int]":
    """Offsets of a node's properties, as C's macro of that name."""
    prop = fdt_first_property_offset(fdt, node)
    while prop >= 0:
        yield prop
        prop = fdt_next_property_offset(fdt, prop)


class FdtRo:
    """A tree that is only read.

    Takes a copy of data and looks at its header; every call after that is
    safe for any bytes. What stands behind totalsize stays in the copy.
    """

    def __init__(self, data: "Data") -> None:
        self._fdt = bytearray(data)
        check_err(fdt_check_header(self._fdt))

    def as_bytearray(self) -> bytearray:
        """Copy of the tree, with what stands behind it."""
        return bytearray(self._fdt)

    def next_node(self, nodeoffset: int, depth: int, quiet: "Quiet" = ()) -> list[int]:
        """[offset of the next node, its depth]. Never raises: an error is in
        place of the offset; behind the last node the depth is negative."""
        return fdt_next_node(self._fdt, nodeoffset, depth)

    def first_subnode(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """Offset of a node's first child."""
        return check_err(fdt_first_subnode(self._fdt, nodeoffset), quiet)

    def next_subnode(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """Offset of a node's next sibling."""
        return check_err(fdt_next_subnode(self._fdt, nodeoffset), quiet)

    def magic(self) -> int:
        """The header's magic, 0xd00dfeed."""
        return fdt_magic(self._fdt)

    def totalsize(self) -> int:
        """Bytes of the tree, by its header."""
        return fdt_totalsize(self._fdt)

    def off_dt_struct(self) -> int:
        """Where the structure block starts, bytes from the header."""
        return fdt_off_dt_struct(self._fdt)

    def off_dt_strings(self) -> int:
        """Where the strings block starts, bytes from the header."""
        return fdt_off_dt_strings(self._fdt)

    def off_mem_rsvmap(self) -> int:
        """Where the memory reservations start, bytes from the header."""
        return fdt_off_mem_rsvmap(self._fdt)

    def version(self) -> int:
        """Version of the format."""
        return fdt_version(self._fdt)

    def last_comp_version(self) -> int:
        """Oldest version of the format that the tree is compatible with."""
        return fdt_last_comp_version(self._fdt)

    def boot_cpuid_phys(self) -> int:
        """Physical id of the CPU that boots."""
        return fdt_boot_cpuid_phys(self._fdt)

    def size_dt_strings(self) -> int:
        """Bytes of the strings block."""
        return fdt_size_dt_strings(self._fdt)

    def size_dt_struct(self) -> int:
        """Bytes of the structure block."""
        return fdt_size_dt_struct(self._fdt)

    def num_mem_rsv(self, quiet: "Quiet" = ()) -> int:
        """Number of memory reservations."""
        return check_err(fdt_num_mem_rsv(self._fdt), quiet)

    def get_mem_rsv(self, index: int, quiet: "Quiet" = ()) -> list[int]:
        """[address, size] of a reservation, counted from 0; [0, 0] on an
        error in quiet."""
        val = fdt_get_mem_rsv(self._fdt, index)
        check_err(val[0], quiet)
        return val[1:]

    def subnode_offset(self, parentoffset: int, name: str, quiet: "Quiet" = ()) -> int:
        """Offset of a child; its unit address may be left out."""
        return check_err(fdt_subnode_offset(self._fdt, parentoffset, name), quiet)

    def path_offset(self, path: str, quiet: "Quiet" = ()) -> int:
        """Offset of the node at a path, which may start with an alias."""
        val = fdt_path_offset(self._fdt, path)
        if val < 0 and -val not in quiet:
            raise FdtException(val)
        return val

    def get_name(self, nodeoffset: int) -> str:
        """A node's name with its unit address."""
        name: Optional[str]
        name, err = fdt_get_name(self._fdt, nodeoffset)
        if name is None:
            raise FdtException(err)
        return name

    def first_property_offset(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """Offset of a node's first property."""
        return check_err(fdt_first_property_offset(self._fdt, nodeoffset), quiet)

    def next_property_offset(self, prop_offset: int, quiet: "Quiet" = ()) -> int:
        """Offset of the property behind one of the same node."""
        return check_err(fdt_next_property_offset(self._fdt, prop_offset), quiet)

    def get_property_by_offset(
        self, prop_offset: int, quiet: "Quiet" = ()
    ) -> "Property | int":
        """The property at an offset; a negative number on an error in quiet."""
        val = fdt_get_property_by_offset(self._fdt, prop_offset)
        if isinstance(val, int):
            return check_err(val, quiet)
        return Property(val[0], val[1])

    def getprop(
        self, nodeoffset: int, prop_name: str, quiet: "Quiet" = ()
    ) -> "Property | int":
        """A node's property; a negative number on an error in quiet."""
        val: Optional[bytes]
        err: int
        val, err = fdt_getprop(self._fdt, nodeoffset, prop_name)
        if val is None:
            if -err not in quiet:
                raise FdtException(err)
            return err
        return Property(prop_name, val)

    def hasprop(
        self, nodeoffset: int, prop_name: str, quiet: tuple[int, ...] = ()
    ) -> "bool | int":
        """Whether a node has a property; a negative number on an error in
        quiet, which is a tuple here."""
        val, err = check_err_null(
            fdt_getprop(self._fdt, nodeoffset, prop_name), (*quiet, NOTFOUND)
        )
        if val is not None:
            return True
        return False if err == -NOTFOUND else int(err)

    def get_phandle(self, nodeoffset: int) -> int:
        """A node's phandle; 0 if it has none, and on any error."""
        return fdt_get_phandle(self._fdt, nodeoffset)

    def get_alias(self, name: str) -> "str | None":
        """The path that an alias stands for; None if there is none."""
        return fdt_get_alias(self._fdt, name)

    def get_path(
        self, nodeoffset: int, size_hint: int = 1024, quiet: "Quiet" = ()
    ) -> "str | int":
        """A node's path; a negative number on an error in quiet.

        Args:
            size_hint: bytes to try first; any number will do.
        """
        while True:
            err: int
            path: str
            err, path = fdt_get_path(self._fdt, nodeoffset, size_hint)
            if err != -NOSPACE:
                return check_err(err, quiet) or path
            size_hint = max(64, size_hint * 2)

    def parent_offset(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """Offset of a node's parent."""
        return check_err(fdt_parent_offset(self._fdt, nodeoffset), quiet)

    def node_offset_by_phandle(self, phandle: int, quiet: "Quiet" = ()) -> int:
        """Offset of the node with a phandle."""
        return check_err(fdt_node_offset_by_phandle(self._fdt, phandle), quiet)

    def getprop_reg(
        self,
        parentoffset: int,
        nodeoffset: int,
        prop_name: str,
        index: int,
        quiet: "Quiet" = (),
    ) -> "list[int] | int":
        """[address, size] of one entry of a property, counted from 0, in the
        cells of parentoffset.

        Provisional: no release of upstream has it; may be renamed.
        """
        val = fdt_getprop_reg(self._fdt, parentoffset, nodeoffset, prop_name, index)
        return check_err(val[0], quiet) or val[1:]

    def getprop_reg_count(
        self, parentoffset: int, nodeoffset: int, prop_name: str, quiet: "Quiet" = ()
    ) -> int:
        """Number of (address, size) entries of a property, in the cells of
        parentoffset.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(
            fdt_getprop_reg_count(self._fdt, parentoffset, nodeoffset, prop_name),
            quiet,
        )

    def reg_len(self, parentoffset: int, count: int, quiet: "Quiet" = ()) -> int:
        """Bytes of so many (address, size) entries in the cells of parentoffset.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(fdt_reg_len(self._fdt, parentoffset, count), quiet)

    def address_cells(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """#address-cells for a node's children; 2 if missing.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(fdt_address_cells(self._fdt, nodeoffset), quiet)

    def size_cells(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """#size-cells for a node's children; 1 if missing.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(fdt_size_cells(self._fdt, nodeoffset), quiet)


def _packed(regs: "Iterable[tuple[int, int]]") -> bytes:
    return b"".join(struct.pack("=QQ", *reg) for reg in regs)


class Fdt(FdtRo):
    """A tree that is read and changed, inside the bytes that it has."""

    def __init__(self, data: "Data") -> None:
        FdtRo.__init__(self, data)

    @staticmethod
    def create_empty_tree(size: int, quiet: "Quiet" = ()) -> "Fdt | int":
        """A tree of size bytes with only a root node; a negative number on an
        error in quiet."""
        data = bytearray(size)
        err = check_err(fdt_create_empty_tree(data, size), quiet)
        return err if err else Fdt(data)

    def resize(self, size: int, quiet: "Quiet" = ()) -> "int | None":
        """Move the tree into a new bytearray of size bytes, larger or
        smaller. None; a negative number on an error in quiet."""
        fdt = bytearray(size)
        err = check_err(fdt_open_into(self._fdt, fdt, size), quiet)
        if err:
            return err
        self._fdt = fdt
        return None

    def pack(self, quiet: "Quiet" = ()) -> int:
        """Give unused bytes back; 0."""
        err = check_err(fdt_pack(self._fdt), quiet)
        if err == 0:
            del self._fdt[self.totalsize() :]
        return err

    def set_name(self, nodeoffset: int, name: str, quiet: "Quiet" = ()) -> int:
        """Rename a node; 0. A NUL in the name raises ValueError."""
        if "\0" in name:
            raise ValueError("Property contains embedded nul characters")
        return check_err(fdt_set_name(self._fdt, nodeoffset, name), quiet)

    def setprop(
        self, nodeoffset: int, prop_name: str, val: bytes, quiet: "Quiet" = ()
    ) -> int:
        """Set a property; 0."""
        err = fdt_setprop(self._fdt, nodeoffset, prop_name, val, len(val))
        return check_err(err, quiet)

    def setprop_bool(
        self, nodeoffset: int, prop_name: str, val: bool, quiet: tuple[int, ...] = ()
    ) -> "int | None":
        """Add a property without a value, or delete it; 0, or None if there
        is nothing to do."""
        if val == self.hasprop(nodeoffset, prop_name, quiet):
            return None
        if val:
            return self.setprop(nodeoffset, prop_name, b"", quiet=quiet)
        return self.delprop(nodeoffset, prop_name, quiet=quiet)

    def setprop_u32(
        self, nodeoffset: int, prop_name: str, val: int, quiet: "Quiet" = ()
    ) -> int:
        """Set a property to a number of 4 bytes; 0."""
        err = fdt_setprop_u32(self._fdt, nodeoffset, prop_name, val)
        if err < 0 and -err not in quiet:
            raise FdtException(err)
        return err

    def setprop_u64(
        self, nodeoffset: int, prop_name: str, val: int, quiet: "Quiet" = ()
    ) -> int:
        """Set a property to a number of 8 bytes; 0."""
        err = fdt_setprop_u64(self._fdt, nodeoffset, prop_name, val)
        return check_err(err, quiet)

    def setprop_str(
        self, nodeoffset: int, prop_name: str, val: str, quiet: "Quiet" = ()
    ) -> int:
        """Set a property to a string in UTF-8 and a NUL; 0. NULs inside stay,
        which makes a list of strings."""
        data = val.encode("utf-8") + b"\0"
        err = fdt_setprop(self._fdt, nodeoffset, prop_name, data, len(data))
        return check_err(err, quiet)

    def setprop_reg(
        self,
        parentoffset: int,
        nodeoffset: int,
        prop_name: str,
        addr: int,
        size: int,
        quiet: "Quiet" = (),
    ) -> int:
        """Set a property to one (address, size) entry, in the cells of
        parentoffset; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        err = fdt_setprop_reg(
            self._fdt, parentoffset, nodeoffset, prop_name, addr, size
        )
        return check_err(err, quiet)

    def setprop_reg_array(
        self,
        parentoffset: int,
        nodeoffset: int,
        prop_name: str,
        regs: "Iterable[tuple[int, int]]",
        quiet: "Quiet" = (),
    ) -> int:
        """Set a property to (address, size) entries, in the cells of
        parentoffset, all or nothing; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        err = fdt_setprop_reg_array(
            self._fdt, parentoffset, nodeoffset, prop_name, _packed(regs)
        )
        return check_err(err, quiet)

    def appendprop_reg(
        self,
        parentoffset: int,
        nodeoffset: int,
        prop_name: str,
        addr: int,
        size: int,
        quiet: "Quiet" = (),
    ) -> int:
        """Append one (address, size) entry to a property, in the cells of
        parentoffset; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        err = fdt_appendprop_reg(
            self._fdt, parentoffset, nodeoffset, prop_name, addr, size
        )
        return check_err(err, quiet)

    def appendprop_reg_array(
        self,
        parentoffset: int,
        nodeoffset: int,
        prop_name: str,
        regs: "Iterable[tuple[int, int]]",
        quiet: "Quiet" = (),
    ) -> int:
        """Append (address, size) entries to a property, in the cells of
        parentoffset, all or nothing; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        err = fdt_appendprop_reg_array(
            self._fdt, parentoffset, nodeoffset, prop_name, _packed(regs)
        )
        return check_err(err, quiet)

    def delprop(self, nodeoffset: int, prop_name: str, quiet: "Quiet" = ()) -> int:
        """Delete a property; 0."""
        return check_err(fdt_delprop(self._fdt, nodeoffset, prop_name), quiet)

    def add_subnode(self, parentoffset: int, name: str, quiet: "Quiet" = ()) -> int:
        """Add a child; its offset."""
        return check_err(fdt_add_subnode(self._fdt, parentoffset, name), quiet)

    def del_node(self, nodeoffset: int, quiet: "Quiet" = ()) -> int:
        """Delete a node and all below it; 0."""
        return check_err(fdt_del_node(self._fdt, nodeoffset), quiet)

    def add_mem_rsv(self, addr: int, size: int, quiet: "Quiet" = ()) -> int:
        """Add a memory reservation, address and size in bytes; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(fdt_add_mem_rsv(self._fdt, addr, size), quiet)

    def del_mem_rsv(self, index: int, quiet: "Quiet" = ()) -> int:
        """Delete a memory reservation, counted from 0; 0.

        Provisional: no release of upstream has it; may be renamed.
        """
        return check_err(fdt_del_mem_rsv(self._fdt, index), quiet)


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

    def __init__(self, size_hint: "int | None" = None) -> None:
        if not size_hint:
            size_hint = self.INC_SIZE
        fdt = bytearray(size_hint)
        check_err(fdt_create(fdt, size_hint))
        self._fdt = fdt

    def as_fdt(self) -> "Fdt":
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
        name: "str | None",
        write: "Callable[[bytearray], int]",
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

    def add_node(self, name: str) -> "NodeAdder":
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
        type: "type[BaseException] | None",
        value: "BaseException | None",
        traceback: "TracebackType | None",
    ) -> None:
        self._fdt.end_node()


# The C structs that upstream's module happens to show. Each object is on its
# own: nothing connects it with a tree.


class _Struct:
    """Attributes that hold numbers of so many bits, 0 at first."""

    def __init__(self) -> None:
        self.__dict__.update(dict.fromkeys(type(self).__annotations__, 0))

    def __setattr__(self, name: str, value: int) -> None:
        if name not in type(self).__annotations__:
            raise AttributeError(f"You cannot add instance attributes to {self!r}")
        if not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        bits = 64 if isinstance(self, fdt_reserve_entry) else 32
        if not 0 <= value < 1 << bits:
            raise OverflowError(f"{name} must be a number of {bits} bits, not {value}")
        self.__dict__[name] = value


class fdt_header(_Struct):
    """struct fdt_header."""

    magic: int
    totalsize: int
    off_dt_struct: int
    off_dt_strings: int
    off_mem_rsvmap: int
    version: int
    last_comp_version: int
    boot_cpuid_phys: int
    size_dt_strings: int
    size_dt_struct: int


class fdt_reserve_entry(_Struct):
    """struct fdt_reserve_entry."""

    address: int
    size: int


class fdt_node_header(_Struct):
    """struct fdt_node_header; its name cannot be set."""

    tag: int

    @property
    def name(self) -> str:
        return ""


class fdt_property(_Struct):
    """struct fdt_property; its data cannot be set."""

    tag: int
    len: int
    nameoff: int

    @property
    def data(self) -> str:
        return ""
