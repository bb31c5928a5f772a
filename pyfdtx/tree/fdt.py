# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Fdt: a device tree that is edited in place and grows by itself."""

from __future__ import annotations

from _weakref import ref

from .._native import c_name, ffi, lib, reading, writing
from ..codec.values import shown_hex
from ..errors import FdtBadContent, FdtBadParameter, error
from .blob import INT, MAX_SIZE, Blob
from .lookup import INVALID_PHANDLES, Lookup, check_phandle
from .memreserve import MemReserve
from .node import Node

__all__ = ["Fdt"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

    from .edit import Edit


class Fdt(Lookup[Node]):
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

    __slots__ = ("__weakref__", "_blob", "_root")

    def __init__(self, data: Buffer) -> None:
        self._adopt(Blob.load(data, "Fdt"))

    def _adopt(self, blob: Blob) -> None:
        self._blob = blob
        self._root: ref[Node] | None = None

    @classmethod
    def _of(cls, blob: Blob) -> Fdt:
        fdt = cls.__new__(cls)
        fdt._adopt(blob)
        return fdt

    @classmethod
    def empty(cls) -> Fdt:
        """A tree with nothing but the root node."""
        return cls._of(Blob.empty())

    def duplicate(self) -> Fdt:
        """An independent copy, of the class of this one; handles stay with this."""
        return self._of(self._blob.duplicate())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.to_bytes(),)

    def __repr__(self) -> str:
        return f"<Fdt of {self.totalsize} bytes>"

    # -- the blob ----------------------------------------------------------

    def to_bytes(self) -> bytes:
        """The tree in its one canonical form: version 17, no gaps, no slack.

        FDT_NOP tags are kept; squeeze() drops them.

        Returns: a copy, totalsize bytes long; numbers in it are big-endian.
        Source: Devicetree Specification v0.4, chapter 5;
            docs/architecture.md, "The canonical form".
        """
        with self._blob.lock:
            return self._blob.to_bytes()

    def squeeze(self) -> None:
        """Drop the FDT_NOP tags that others have left behind."""
        with self._blob.lock:
            self._blob.canonicalise(squeeze=True)

    def pack(self) -> None:
        """Give back the memory that was kept for growth."""
        with self._blob.lock:
            self._blob.canonicalise(squeeze=False)

    @property
    def totalsize(self) -> int:
        """Length of to_bytes(), bytes."""
        with self._blob.lock:
            return self._blob.used

    @property
    def version(self) -> int:
        """Format version: always 17."""
        with self._blob.lock:
            version: int = self._blob.read(lib.fdt_version)
        return version

    @property
    def boot_cpuid_phys(self) -> int:
        """Physical id of the boot CPU, a field of the header, 0 to 2**32 - 1.

        Can be set: TypeError if it is no int, FdtBadParameter beyond 32 bits.
        """
        with self._blob.lock:
            n: int = self._blob.read(lib.fdt_boot_cpuid_phys)
        return n

    @boot_cpuid_phys.setter
    def boot_cpuid_phys(self, value: int) -> None:
        if not isinstance(value, int):
            raise TypeError(f"boot_cpuid_phys must be int, not {type(value).__name__}")
        if not 0 <= value < 1 << 32:
            raise FdtBadParameter(
                "boot_cpuid_phys",
                "",
                f"{shown_hex(value)} is not an unsigned 32-bit number",
            )
        with self._blob.lock, writing(self._blob.buf) as p:
            lib.fdt_set_boot_cpuid_phys(p, value)

    @property
    def memreserve(self) -> MemReserve:
        """The memory reservations: a view, through which they can be changed."""
        return MemReserve(self._blob)

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
                node = Node(self, self._blob, None, "")
                self._root = ref(node)
            return node

    def _find(self, path: str, op: str) -> Node | None:
        """The node of a full path, or None."""
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
            known = node._children.get(name)
            child = known() if known is not None else None
            if child is None:
                return None
            node = child
        return node

    def _node(self, names: list[str], offset: int) -> Node:
        node = self.root
        last = len(names) - 1
        for i, name in enumerate(names):
            known = node._children.get(name)
            child = known() if known is not None else None
            if child is None or i == last:
                # offset is right for the last, the others look themselves up
                child = node._handle(name, offset)
                if i != last:
                    child._edit = -1
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
        # Seldom needed, so not part of every import
        from .edit import Edit

        return Edit(self)

    # -- overlays ----------------------------------------------------------

    def apply_overlay(self, overlay: Buffer | Fdt) -> None:
        """Merge an overlay into this tree, all or nothing.

        Nodes go by their full names, as in dtc and Linux. A node keeps the phandle
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
        Ownership: the tree may move; handles of nodes stay good.
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
            apply(self, overlay)
