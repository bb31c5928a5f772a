# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A whole tree as linked nodes, for work that looks nodes up and adds to them.

Names are exact: a unit address is never left out. Paths are spelled only when
somebody asks, which keeps the work linear in the blob, however long the names.
"""

from __future__ import annotations

from .names import INVALID_PHANDLES, PHANDLES

__all__ = ["Branch"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import flat


class Branch:
    """A node.

    Attributes:
        name: "" for the root.
        parent: None for the root.
        properties: values by name; of several with one name the first.
        children: nodes by name, in order; of several with one name the first.
    """

    __slots__ = ("_short", "children", "name", "parent", "properties")

    def __init__(self, name: str = "", parent: Branch | None = None):
        self.name = name
        self.parent = parent
        self.properties: dict[str, bytes] = {}
        self.children: dict[str, Branch] = {}
        # Children by their names without unit addresses, made when asked for
        self._short: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, tree: flat.FlatTree) -> Branch:
        """The root of a tree that has been read."""
        way: list[Branch] = []
        for node in tree.nodes:
            del way[node.depth :]
            parent = way[-1] if way else None
            branch = cls(node.name, parent)
            for name, value in node.properties:
                branch.properties.setdefault(name, value)
            if parent is not None:
                parent.children.setdefault(node.name, branch)
            way.append(branch)
        return way[0]

    @property
    def path(self) -> str:
        names = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/" + "/".join(reversed(names))

    @property
    def depth(self) -> int:
        """Nodes above this one."""
        depth = 0
        node = self
        while node.parent is not None:
            depth += 1
            node = node.parent
        return depth

    @property
    def phandle(self) -> int | None:
        """The node's phandle, of either name; None if it has no valid one."""
        for name in PHANDLES:
            value = self.properties.get(name, b"")
            if len(value) == 4:
                number = int.from_bytes(value, "big")
                if number not in INVALID_PHANDLES:
                    return number
        return None

    def add(self, name: str) -> Branch:
        """A new child; there must be none of the name."""
        child = self.children[name] = Branch(name, self)
        self._short = None
        return child

    def find(self, path: str) -> Branch | None:
        """The node at a path below this one, by exact names."""
        node: Branch | None = self
        for name in path.split("/"):
            if name:
                node = node.children.get(name) if node is not None else None
        return node

    def fitting(self, name: str) -> list[str]:
        """Names of children that a name without unit address fits; the exact
        name alone if there is one."""
        if name in self.children:
            return [name]
        if "@" in name:
            return []
        if self._short is None:
            self._short = {}
            for child in self.children:
                self._short.setdefault(child.split("@")[0], []).append(child)
        return self._short.get(name, [])

    def walk(self) -> Iterator[Branch]:
        """This node and all below it, each before its children."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children.values()))
