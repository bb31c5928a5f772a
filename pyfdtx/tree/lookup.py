# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Ways to a node: what `Fdt` and `FdtView` have in common."""

from __future__ import annotations

from .._native import lib
from ..errors import FdtBadContent, FdtBadParameter, FdtNotFound

__all__ = ["Lookup"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Generic, TypeVar

    from .getters import Getters

    N = TypeVar("N", bound=Getters, covariant=True)
else:

    class Generic:
        """typing's is dear to import."""

        __slots__ = ()

        def __class_getitem__(cls, _: object) -> type:
            return cls

    N = None


class Lookup(Generic[N]):
    """Nodes by path, alias and label; all nodes in order."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _find(self, path: str, op: str) -> N | None:
            """The node of a full path."""

        @property
        def root(self) -> N:
            """The root node."""

        def node_by_phandle(self, phandle: int) -> N:
            """The node of a phandle."""

    def _follow(self, path: str, op: str) -> str:
        """Full path of one that starts with an alias or a label."""
        if not isinstance(path, str):
            raise TypeError(f"a path must be str, not {type(path).__name__}")
        if path.startswith("/"):
            return path
        first, slash, rest = path.partition("/")
        if not first:
            raise FdtBadParameter(op, repr(path), "the path is empty")
        if first.startswith("&"):
            table, name, what = "/__symbols__", first[1:], "label"
        else:
            table, name, what = "/aliases", first, "alias"
        symbols = self._find(table, op)
        target = symbols.get_string(name, None) if symbols and name else None
        if target is None:
            why = f"no {what} {name!r}"
            if symbols is None:
                why += f": the tree has no {table}"
            raise FdtNotFound(op, path, why, -lib.FDT_ERR_NOTFOUND)
        if not target.startswith("/"):
            raise FdtBadContent(op, f"{table}:{name}", f"{target!r} is not a full path")
        return f"{target}/{rest}" if slash else target

    def __getitem__(self, path: str) -> N:
        """Node by path ("/soc/uart@0"), alias ("serial0", "serial0/sub") or
        label ("&uart0", "&uart0/sub").

        Exact names win; else the unit address may be left out: "/memory"
        finds the first "memory@...".

        Raises:
            FdtNotFound: there is none; the message says where the path ends.
            FdtBadParameter: not a path.
        """
        full = self._follow(path, "lookup")
        node = self._find(full, "lookup")
        if node is None:
            raise self._lost(path, full, "lookup")
        return node

    def get(self, path: str, default: Any = None) -> Any:
        """fdt[path], or default if there is no such node, alias or label.

        Raises: as fdt[path] otherwise.
        """
        try:
            node = self._find(self._follow(path, "lookup"), "lookup")
        except FdtNotFound:
            return default
        return default if node is None else node

    def _lost(self, path: str, full: str, op: str) -> FdtNotFound:
        """Says where a path ends."""
        names = [name for name in full.split("/") if name]
        # A search takes as long as the tree; an alias may have many names
        depth, beyond = 0, len(names)
        while beyond - depth > 1:
            half = (depth + beyond) // 2
            if self._find("/" + "/".join(names[:half]), op) is None:
                beyond = half
            else:
                depth = half
        above = "/" + "/".join(names[:depth])
        return FdtNotFound(
            op, path, f"{above} has no child {names[depth]!r}", -lib.FDT_ERR_NOTFOUND
        )

    def __contains__(self, path: object) -> bool:
        try:
            return isinstance(path, str) and self.get(path) is not None
        except FdtBadParameter:
            return False  # no node can have such a path

    def __iter__(self) -> Iterator[N]:
        return self.walk()

    # Without it Python would try fdt[0]
    __reversed__ = None

    def __len__(self) -> int:
        """Number of nodes, the root among them."""
        return sum(1 for _ in self.walk())

    def walk(self, path: str = "/") -> Iterator[N]:
        """The node and all below it; see Node.walk()."""
        return self[path].walk()

    def _paths(self, table: str) -> dict[str, str]:
        node = self._find(table, "lookup")
        if node is None:
            return {}
        return {
            name: value[:-1].decode("ascii", "surrogateescape")
            for name, value in node.items()
            if value[:1] == b"/" and value.find(0) == len(value) - 1
        }

    def labels(self) -> dict[str, str]:
        """Labels and the paths they stand for, from /__symbols__.

        Properties that are no path, a phandle for one, are left out.
        """
        return self._paths("/__symbols__")

    def aliases(self) -> dict[str, str]:
        """Aliases and the paths they stand for, from /aliases; as labels()."""
        return self._paths("/aliases")

    def node_by_label(self, name: str) -> N:
        """The node a label of /__symbols__ stands for; raises as fdt[path]."""
        if not isinstance(name, str):
            raise TypeError(f"a label must be str, not {type(name).__name__}")
        return self["&" + name]

    def node_by_alias(self, name: str) -> N:
        """The node an alias stands for; raises as fdt[path]."""
        if not isinstance(name, str):
            raise TypeError(f"an alias must be str, not {type(name).__name__}")
        if name.startswith(("/", "&")):
            raise FdtBadParameter("node_by_alias", repr(name), "not an alias")
        return self[name]

    def find(
        self,
        *,
        compatible: str | None = None,
        property: str | None = None,
        value: str | bytes | int | None = None,
    ) -> list[N]:
        """All nodes that fit, in the order of the blob.

        Args:
            compatible: one of the strings of the node's compatible.
            property: a property that the node has; with value: one of its strings,
                all of its bytes, or its number (4 or 8 bytes, big-endian).
        Raises:
            TypeError: nothing to look for, or a value of no property.

        >>> from pyfdtx import Fdt
        >>> fdt = Fdt.empty()
        >>> fdt.add_node("/uart").set_string("compatible", "arm,pl011")
        >>> [node.path for node in fdt.find(compatible="arm,pl011")]
        ['/uart']
        """
        if compatible is None and property is None:
            raise TypeError("find: want compatible=, or property=")
        if value is not None and property is None:
            raise TypeError("find: value= goes with property=")
        return [
            node
            for node in self.walk()
            if (compatible is None or _has(node.get("compatible"), compatible))
            and (property is None or _has(node.get(property), value))
        ]

    def stdout_path(self) -> tuple[N, str] | None:
        """The console's node, and its options ("115200n8", or "").

        From ``stdout-path`` of /chosen, which may be an alias or a path, with options
        behind a colon; None if there is none.

        Raises:
            FdtNotFound: there is no such alias or node.
        Source: Devicetree Specification v0.4, 3.6; Linux, of_alias_scan().
        """
        chosen = self._find("/chosen", "stdout_path")
        if chosen is None:
            return None
        for name in ("stdout-path", "linux,stdout-path"):
            text = chosen.get_string(name, None)
            if text:
                path, _, options = text.partition(":")
                return self[path], options
        return None


def _has(found: bytes | None, wanted: str | bytes | int | None) -> bool:
    """Whether a property's value is what find() asks for."""
    if found is None or wanted is None:
        return found is not None
    if isinstance(wanted, bytes):
        return found == wanted
    if isinstance(wanted, int):
        return len(found) in (4, 8) and int.from_bytes(found, "big") == wanted
    text = wanted.encode("utf-8", "surrogateescape") + b"\0"
    return found.startswith(text) or b"\0" + text in found
