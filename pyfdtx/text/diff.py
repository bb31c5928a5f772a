# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The difference of two trees by meaning, not by bytes."""

from __future__ import annotations

from ..tree import flat
from ..tree.names import PHANDLES
from ..tree.references import References

__all__ = ["Change", "diff"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar, Union

    T = TypeVar("T")
    Place = Union[bytes, int, tuple[int, int], None]
    Key = tuple[str, int]
    Paths = dict[int, str]


class Change:
    """One difference.

    Attributes:
        kind: "added" (only in the second tree), "removed" (only in the
            first), "changed", or "renumbered": each cell that differs is, read as a
            phandle, the same node in both trees, but the property's name does not
            tell whether it holds phandles.
        what: "node", "property", "memreserve" or "boot-cpu".
        path: of the node; "" for the last two. The second node of one name is
            called "name[2]".
        name: of the property, else "". The second of one name is "name[2]".
        old, new: property: bytes; memreserve: (start, size) in bytes;
            boot-cpu: its number; node, and where there is nothing: None.
        refers: what the old and the new value of a property refer to: paths by
            offset, bytes.
    """

    __slots__ = ("kind", "name", "new", "old", "path", "refers", "what")

    def __init__(
        self,
        kind: str,
        what: str,
        path: str = "",
        name: str = "",
        old: Place = None,
        new: Place = None,
        refers: tuple[Paths, Paths] = ({}, {}),
    ):
        self.kind = kind
        self.what = what
        self.path = path
        self.name = name
        self.old = old
        self.new = new
        self.refers = refers

    def _all(self) -> tuple[object, ...]:
        return self.kind, self.what, self.path, self.name, self.old, self.new

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Change) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        # without values: they may be kaslr-seed or rng-seed
        where = f"{self.path}:{self.name}" if self.name else self.path
        return f"<Change: {self.what} {where} {self.kind}>"


def diff(a: flat.Tree, b: flat.Tree) -> list[Change]:
    """What changed from tree a to tree b; [] when they mean the same.

    Compared are nodes by path, properties by name and bytes, memory
    reservations as a collection and the boot CPU. References, where they are
    known by the property's name, are compared by the paths they lead to, and the
    numbers of phandles do not count: a compiler gives new ones for each node that
    is added. Not compared are the order of nodes, properties and reservations,
    FDT_NOPs, padding, the strings block and the format version. Among equal names
    in one node the first is compared with the first, the second with the second.

    An added or removed node is followed by a change for each of its
    properties and subnodes. Order: boot CPU, reservations, then the nodes of
    a in its order, each followed by what only b has in it.

    Args:
        a, b: an Fdt, or a blob in any bytes-like object.
    Raises:
        FdtBadBlob: not a sound device tree.
    """
    first, second = flat.read(a), flat.read(b)
    changes: list[Change] = []
    if first.boot_cpuid_phys != second.boot_cpuid_phys:
        changes.append(
            Change(
                "changed",
                "boot-cpu",
                old=first.boot_cpuid_phys,
                new=second.boot_cpuid_phys,
            )
        )
    changes += _reservations(first.memreserve, second.memreserve)
    known: dict[str, str] = {}
    ours, theirs = References(first, known), References(second, known)
    changes += _nodes(_Branch.of(first), _Branch.of(second), ours, theirs)
    return changes


class _Branch:
    """A node with its children."""

    __slots__ = ("children", "properties")

    def __init__(self, properties: list[tuple[str, bytes]]):
        self.properties = properties
        self.children: list[tuple[str, _Branch]] = []

    @classmethod
    def of(cls, tree: flat.FlatTree) -> _Branch:
        way: list[_Branch] = []
        for node in tree.nodes:
            del way[node.depth :]
            branch = cls(node.properties)
            if way:
                way[-1].children.append((node.name, branch))
            way.append(branch)
        return way[0]


NOTHING = _Branch([])


def _numbered(pairs: list[tuple[str, T]]) -> dict[Key, T]:
    """Values by (name, 1 for the first of that name, 2 for the second, ...)."""
    counts: dict[str, int] = {}
    values = {}
    for name, value in pairs:
        count = counts[name] = counts.get(name, 0) + 1
        values[name, count] = value
    return values


def _both(a: dict[Key, T], b: dict[Key, T]) -> Iterator[Key]:
    """The keys of a, then what only b has."""
    yield from a
    yield from (key for key in b if key not in a)


def _text(key: Key) -> str:
    return key[0] if key[1] == 1 else f"{key[0]}[{key[1]}]"


def _kind(old: object, new: object) -> str:
    return "added" if old is None else "removed" if new is None else "changed"


def _reservations(
    a: list[tuple[int, int]], b: list[tuple[int, int]]
) -> Iterator[Change]:
    ours = _numbered([(f"{start:#x} {size:#x}", (start, size)) for start, size in a])
    theirs = _numbered([(f"{start:#x} {size:#x}", (start, size)) for start, size in b])
    for key in _both(ours, theirs):
        old, new = ours.get(key), theirs.get(key)
        if old != new:
            yield Change(_kind(old, new), "memreserve", old=old, new=new)


def _nodes(
    a: _Branch, b: _Branch, our: References, their: References
) -> Iterator[Change]:
    rest: list[tuple[str, _Branch | None, _Branch | None]] = [("/", a, b)]
    while rest:
        path, old, new = rest.pop()
        if old is None or new is None:
            yield Change(_kind(old, new), "node", path)
        old, new = old or NOTHING, new or NOTHING
        yield from _properties(path, old, new, our, their)
        ours, theirs = _numbered(old.children), _numbered(new.children)
        base = "" if path == "/" else path
        rest += [
            (f"{base}/{_text(key)}", ours.get(key), theirs.get(key))
            for key in reversed(list(_both(ours, theirs)))
        ]


def _properties(
    path: str, a: _Branch, b: _Branch, our: References, their: References
) -> Iterator[Change]:
    ours, theirs = _numbered(a.properties), _numbered(b.properties)
    for key in _both(ours, theirs):
        if key[0] in PHANDLES:
            continue
        old, new = ours.get(key), theirs.get(key)
        refers = _paths(our, key[0], old), _paths(their, key[0], new)
        if refers[0] == refers[1] and _without(old, refers[0]) == _without(
            new, refers[1]
        ):
            continue
        kind = _kind(old, new)
        if old is not None and new is not None and not refers[0] and not refers[1]:
            same = our.same_nodes(old, their, new)
            if same:
                kind = "renumbered"
                refers = same, same
        yield Change(kind, "property", path, _text(key), old, new, refers)


def _paths(references: References, name: str, value: bytes | None) -> Paths:
    found = references.of(name, value) if value else {}
    return {offset: references.path(node) for offset, node in found.items()}


def _without(value: bytes | None, cells: Paths) -> bytes | None:
    """The value with nothing in those cells."""
    if value is None or not cells:
        return value
    raw = bytearray(value)
    for offset in cells:
        raw[offset : offset + 4] = bytes(4)
    return bytes(raw)
