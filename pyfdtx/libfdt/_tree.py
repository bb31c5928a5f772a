# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Trees that are complete: FdtRo reads them, Fdt changes them too.

Every method makes one call of the raw function of that name and raises
FdtException on errors whose code is not in `quiet`.
"""

from __future__ import annotations

from .._libfdt import (
    fdt_add_mem_rsv,
    fdt_add_subnode,
    fdt_address_cells,
    fdt_boot_cpuid_phys,
    fdt_check_header,
    fdt_create_empty_tree,
    fdt_del_mem_rsv,
    fdt_del_node,
    fdt_delprop,
    fdt_first_property_offset,
    fdt_first_subnode,
    fdt_get_alias,
    fdt_get_mem_rsv,
    fdt_get_name,
    fdt_get_path,
    fdt_get_phandle,
    fdt_get_property_by_offset,
    fdt_getprop,
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
    fdt_set_name,
    fdt_setprop,
    fdt_setprop_u32,
    fdt_setprop_u64,
    fdt_size_cells,
    fdt_size_dt_strings,
    fdt_size_dt_struct,
    fdt_subnode_offset,
    fdt_totalsize,
    fdt_version,
)
from ._codes import NOSPACE, NOTFOUND, FdtException, check_err, check_err_null
from ._prop import Property

__all__ = [
    "Fdt",
    "FdtRo",
    "fdt_for_each_property_offset",
    "fdt_for_each_subnode",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from typing import SupportsIndex, Union

    from typing_extensions import Buffer

    Quiet = Container[int]
    Data = Union[Buffer, Iterable[SupportsIndex], SupportsIndex]


def fdt_for_each_subnode(fdt: bytearray, parent: int) -> Iterator[int]:
    """Offsets of a node's children, as C's macro of that name."""
    node = fdt_first_subnode(fdt, parent)
    while node >= 0:
        yield node
        node = fdt_next_subnode(fdt, node)


def fdt_for_each_property_offset(fdt: bytearray, node: int) -> Iterator[int]:
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

    def __init__(self, data: Data) -> None:
        self._fdt = bytearray(data)
        check_err(fdt_check_header(self._fdt))

    def as_bytearray(self) -> bytearray:
        """Copy of the tree, with what stands behind it."""
        return bytearray(self._fdt)

    def next_node(self, nodeoffset: int, depth: int, quiet: Quiet = ()) -> list[int]:
        """[offset of the next node, its depth]. Never raises: an error is in
        place of the offset; behind the last node the depth is negative."""
        return fdt_next_node(self._fdt, nodeoffset, depth)

    def first_subnode(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """Offset of a node's first child."""
        return check_err(fdt_first_subnode(self._fdt, nodeoffset), quiet)

    def next_subnode(self, nodeoffset: int, quiet: Quiet = ()) -> int:
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

    def num_mem_rsv(self, quiet: Quiet = ()) -> int:
        """Number of memory reservations."""
        return check_err(fdt_num_mem_rsv(self._fdt), quiet)

    def get_mem_rsv(self, index: int, quiet: Quiet = ()) -> list[int]:
        """[address, size] of a reservation, counted from 0; [0, 0] on an
        error in quiet."""
        val = fdt_get_mem_rsv(self._fdt, index)
        check_err(val[0], quiet)
        return val[1:]

    def subnode_offset(self, parentoffset: int, name: str, quiet: Quiet = ()) -> int:
        """Offset of a child; its unit address may be left out."""
        return check_err(fdt_subnode_offset(self._fdt, parentoffset, name), quiet)

    def path_offset(self, path: str, quiet: Quiet = ()) -> int:
        """Offset of the node at a path, which may start with an alias."""
        val = fdt_path_offset(self._fdt, path)
        if val < 0 and -val not in quiet:
            raise FdtException(val)
        return val

    def get_name(self, nodeoffset: int) -> str:
        """A node's name with its unit address."""
        name: str | None
        name, err = fdt_get_name(self._fdt, nodeoffset)
        if name is None:
            raise FdtException(err)
        return name

    def first_property_offset(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """Offset of a node's first property."""
        return check_err(fdt_first_property_offset(self._fdt, nodeoffset), quiet)

    def next_property_offset(self, prop_offset: int, quiet: Quiet = ()) -> int:
        """Offset of the property behind one of the same node."""
        return check_err(fdt_next_property_offset(self._fdt, prop_offset), quiet)

    def get_property_by_offset(
        self, prop_offset: int, quiet: Quiet = ()
    ) -> Property | int:
        """The property at an offset; a negative number on an error in quiet."""
        val = fdt_get_property_by_offset(self._fdt, prop_offset)
        if isinstance(val, int):
            return check_err(val, quiet)
        return Property(val[0], val[1])

    def getprop(
        self, nodeoffset: int, prop_name: str, quiet: Quiet = ()
    ) -> Property | int:
        """A node's property; a negative number on an error in quiet."""
        val: bytes | None
        err: int
        val, err = fdt_getprop(self._fdt, nodeoffset, prop_name)
        if val is None:
            if -err not in quiet:
                raise FdtException(err)
            return err
        return Property(prop_name, val)

    def hasprop(
        self, nodeoffset: int, prop_name: str, quiet: tuple[int, ...] = ()
    ) -> bool | int:
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

    def get_alias(self, name: str) -> str | None:
        """The path that an alias stands for; None if there is none."""
        return fdt_get_alias(self._fdt, name)

    def get_path(
        self, nodeoffset: int, size_hint: int = 1024, quiet: Quiet = ()
    ) -> str | int:
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

    def parent_offset(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """Offset of a node's parent."""
        return check_err(fdt_parent_offset(self._fdt, nodeoffset), quiet)

    def node_offset_by_phandle(self, phandle: int, quiet: Quiet = ()) -> int:
        """Offset of the node with a phandle."""
        return check_err(fdt_node_offset_by_phandle(self._fdt, phandle), quiet)

    def address_cells(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """#address-cells for a node's children; 2 if missing. Provisional."""
        return check_err(fdt_address_cells(self._fdt, nodeoffset), quiet)

    def size_cells(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """#size-cells for a node's children; 1 if missing. Provisional."""
        return check_err(fdt_size_cells(self._fdt, nodeoffset), quiet)


class Fdt(FdtRo):
    """A tree that is read and changed, inside the bytes that it has."""

    def __init__(self, data: Data) -> None:
        FdtRo.__init__(self, data)

    @staticmethod
    def create_empty_tree(size: int, quiet: Quiet = ()) -> Fdt | int:
        """A tree of size bytes with only a root node; a negative number on an
        error in quiet."""
        data = bytearray(size)
        err = check_err(fdt_create_empty_tree(data, size), quiet)
        return err if err else Fdt(data)

    def resize(self, size: int, quiet: Quiet = ()) -> int | None:
        """Move the tree into a new bytearray of size bytes, larger or
        smaller. None; a negative number on an error in quiet."""
        fdt = bytearray(size)
        err = check_err(fdt_open_into(self._fdt, fdt, size), quiet)
        if err:
            return err
        self._fdt = fdt
        return None

    def pack(self, quiet: Quiet = ()) -> int:
        """Give unused bytes back; 0."""
        err = check_err(fdt_pack(self._fdt), quiet)
        if err == 0:
            del self._fdt[self.totalsize() :]
        return err

    def set_name(self, nodeoffset: int, name: str, quiet: Quiet = ()) -> int:
        """Rename a node; 0. A NUL in the name raises ValueError."""
        if "\0" in name:
            raise ValueError("Property contains embedded nul characters")
        return check_err(fdt_set_name(self._fdt, nodeoffset, name), quiet)

    def setprop(
        self, nodeoffset: int, prop_name: str, val: bytes, quiet: Quiet = ()
    ) -> int:
        """Set a property; 0."""
        err = fdt_setprop(self._fdt, nodeoffset, prop_name, val, len(val))
        return check_err(err, quiet)

    def setprop_bool(
        self, nodeoffset: int, prop_name: str, val: bool, quiet: tuple[int, ...] = ()
    ) -> int | None:
        """Add a property without a value, or delete it; 0, or None if there
        is nothing to do."""
        if val == self.hasprop(nodeoffset, prop_name, quiet):
            return None
        if val:
            return self.setprop(nodeoffset, prop_name, b"", quiet=quiet)
        return self.delprop(nodeoffset, prop_name, quiet=quiet)

    def setprop_u32(
        self, nodeoffset: int, prop_name: str, val: int, quiet: Quiet = ()
    ) -> int:
        """Set a property to a number of 4 bytes; 0."""
        err = fdt_setprop_u32(self._fdt, nodeoffset, prop_name, val)
        if err < 0 and -err not in quiet:
            raise FdtException(err)
        return err

    def setprop_u64(
        self, nodeoffset: int, prop_name: str, val: int, quiet: Quiet = ()
    ) -> int:
        """Set a property to a number of 8 bytes; 0."""
        err = fdt_setprop_u64(self._fdt, nodeoffset, prop_name, val)
        return check_err(err, quiet)

    def setprop_str(
        self, nodeoffset: int, prop_name: str, val: str, quiet: Quiet = ()
    ) -> int:
        """Set a property to a string in UTF-8 and a NUL; 0. NULs inside stay,
        which makes a list of strings."""
        data = val.encode("utf-8") + b"\0"
        err = fdt_setprop(self._fdt, nodeoffset, prop_name, data, len(data))
        return check_err(err, quiet)

    def delprop(self, nodeoffset: int, prop_name: str, quiet: Quiet = ()) -> int:
        """Delete a property; 0."""
        return check_err(fdt_delprop(self._fdt, nodeoffset, prop_name), quiet)

    def add_subnode(self, parentoffset: int, name: str, quiet: Quiet = ()) -> int:
        """Add a child; its offset."""
        return check_err(fdt_add_subnode(self._fdt, parentoffset, name), quiet)

    def del_node(self, nodeoffset: int, quiet: Quiet = ()) -> int:
        """Delete a node and all below it; 0."""
        return check_err(fdt_del_node(self._fdt, nodeoffset), quiet)

    def add_mem_rsv(self, address: int, size: int, quiet: Quiet = ()) -> int:
        """Add a memory reservation, size bytes; 0. Provisional."""
        return check_err(fdt_add_mem_rsv(self._fdt, address, size), quiet)

    def del_mem_rsv(self, index: int, quiet: Quiet = ()) -> int:
        """Delete a memory reservation, counted from 0; 0. Provisional."""
        return check_err(fdt_del_mem_rsv(self._fdt, index), quiet)
