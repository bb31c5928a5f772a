# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Applying an overlay, to a tree or to another overlay.

Both are read, the overlay's references are resolved, its nodes are placed in
the base by their full names, and the result is one list of edits. This
is what dtc does when it compiles the two together, and what Linux does at run
time; docs/overlays.md says where libfdt's fdt_overlay_apply() differs.

When the base is an overlay itself, what is still open stays open: references
are carried along in its /__fixups__ and /__local_fixups__.
"""

from __future__ import annotations

from .._native import lib
from ..codec.values import to_string, to_stringlist
from ..errors import FdtBadBlob, FdtBadContent, FdtNotFound, error, warn
from . import flat
from .branch import Branch
from .fixups import FIXUPS, LOCAL_FIXUPS, OP, SYMBOLS, Reference, bad, external, local
from .names import INVALID_PHANDLES, PHANDLES

__all__ = ["apply"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .edit import Edit
    from .owned import Owned
    from .props import Properties

    Tree = Owned[Properties]

CONTENT = "__overlay__"
# The Raspberry Pi's firmware switches fragments on by renaming this
ASLEEP = "__dormant__"
UNRESOLVED = b"\xff\xff\xff\xff"
MAX_PHANDLE = 0xFFFFFFFE
# So many names are spelled in one message
MAX_SHOWN = 50
# Each edit spells the path of its node: more than this is no overlay
MAX_PATHS = 256 << 20


def missing(where: str, cause: str) -> FdtNotFound:
    return FdtNotFound(OP, where, cause, -lib.FDT_ERR_NOTFOUND)


def apply(base: Tree, overlay: Tree, edit: Edit) -> None:
    """Apply an overlay to base, all or nothing; the overlay stays as it is.

    Raises: see Fdt.apply_overlay().
    """
    ours, theirs = flat.read(base), flat.read(overlay)
    _refuse_doubles(theirs)
    merge = _Merge(Branch.of(ours), Branch.of(theirs))
    if merge.open:
        _refuse_doubles(ours)
    merge.place()
    merge.resolve()
    with edit:
        merge.write(edit)


def _refuse_doubles(tree: flat.FlatTree) -> None:
    """Refuse equal names: a fixup cannot say which one it means."""
    siblings: list[set[str]] = []
    for node in tree.nodes:
        del siblings[node.depth :]
        if siblings:
            if node.name in siblings[-1]:
                raise bad(_path(tree, node), "two nodes of the same name")
            siblings[-1].add(node.name)
        siblings.append(set())
        if len({name for name, _ in node.properties}) < len(node.properties):
            double = [name for name, _ in node.properties]
            name = next(n for i, n in enumerate(double) if n in double[:i])
            raise bad(f"{_path(tree, node)}:{name}", "two properties of the same name")


def _path(tree: flat.FlatTree, wanted: flat.FlatNode) -> str:
    return next(path for path, node in tree.with_paths() if node is wanted)


class _Merge:
    """Two trees on the way to one; base is the model of the result."""

    def __init__(self, base: Branch, overlay: Branch):
        self.base = base
        self.overlay = overlay
        self.references = external(overlay)
        self.locals = local(overlay)
        # Where the content of the overlay goes, node by node, in order
        self.placed: dict[Branch, Branch] = {}
        # Nodes and properties that the base gets
        self.added: dict[Branch, list[Branch]] = {}
        self.values: dict[Branch, dict[str, bytes]] = {}
        self.by_phandle: dict[int, Branch] = {}
        for node in base.walk():
            if node.phandle is not None:
                self.by_phandle.setdefault(node.phandle, node)
        self.own: dict[int, Branch] = {}
        self.shift = self.last = 0
        # Bytes of paths that have been spelled
        self.spelled = 0
        self._number()
        # Only for a base that is an overlay
        self.open = _Open(base) if _is_overlay(base) else None

    # -- phandles ----------------------------------------------------------

    def _number(self) -> None:
        """The overlay's phandles move behind those of the base."""
        for node in self.overlay.walk():
            for name in PHANDLES:
                value = node.properties.get(name)
                if value is None:
                    continue
                number = int.from_bytes(value, "big")
                if len(value) != 4 or number in INVALID_PHANDLES:
                    raise bad(f"{node.path}:{name}", "is not a valid phandle")
                if self.own.setdefault(number, node) is not node:
                    raise bad(
                        f"{node.path}:{name}",
                        f"{self.own[number].path} has the same phandle, {number:#x}",
                    )
        taken = [node for node in self.base.walk() if _largest(node)]
        top = max(taken, key=_largest, default=None)
        self.shift = _largest(top) if top is not None else 0
        self.last = self.shift + max(self.own, default=0)
        if self.own and top is not None and self.last > MAX_PHANDLE:
            raise error(
                -lib.FDT_ERR_NOPHANDLES,
                OP,
                f"{top.path}:phandle",
                f"{self.shift:#x}, the largest of the base tree, leaves none above "
                "for those of the overlay; give that node a smaller one",
            )

    def _phandle(self, node: Branch) -> int:
        """The phandle of a node of the base; it gets one if it has none."""
        number = node.phandle
        if number is None:
            self.last += 1
            number = self.last
            if number > MAX_PHANDLE:
                raise error(-lib.FDT_ERR_NOPHANDLES, OP, f"{node.path}:phandle")
            self._set(node, "phandle", number.to_bytes(4, "big"))
            self.by_phandle[number] = node
        return number

    # -- nodes -------------------------------------------------------------

    def place(self) -> None:
        """Find the target of each fragment, and a place for each node of it."""
        self._refuse_missing()
        targets = {
            r.node: r
            for r in (*self.references, *self.locals)
            if r.name == "target" and r.offset == 0
        }
        fragments = 0
        for fragment in self.overlay.children.values():
            content = fragment.children.get(CONTENT)
            if content is not None:
                fragments += 1
                self._place(content, self._target(fragment, targets.get(fragment)))
            elif {"target", "target-path"} & fragment.properties.keys():
                if ASLEEP not in fragment.children:
                    raise bad(
                        fragment.path,
                        f"has a target, but no node {CONTENT}: nothing of it would "
                        f"be applied{_among(fragment)}",
                    )
        if not fragments:
            swapped = (
                "; the base tree is an overlay: are the two swapped?"
                if self.open
                else ""
            )
            raise bad(
                "", f"has no fragment with {CONTENT}, nothing would be applied{swapped}"
            )
        self._warn_of_another_board()

    def _place(self, content: Branch, target: Branch) -> None:
        todo = [(content, target, target.depth)]
        while todo:
            node, there, depth = todo.pop()
            self.placed[node] = there
            # As the edits are made the other way round
            for name, child in node.children.items():
                to = there.children.get(name)
                if to is None:
                    if depth + 2 > lib.FDTX_MAX_DEPTH:
                        raise FdtBadBlob(
                            OP,
                            f"overlay{content.path}",
                            "the result would be nested too deep: "
                            f"{lib.FDTX_MAX_DEPTH} nodes at most",
                        )
                    to = self._add(there, name)
                todo.append((child, to, depth + 1))

    def _add(self, parent: Branch, name: str) -> Branch:
        child = parent.add(name)
        self.added.setdefault(parent, []).append(child)
        return child

    def _set(self, node: Branch, name: str, value: bytes) -> None:
        node.properties[name] = value
        self.values.setdefault(node, {})[name] = value

    def _target(self, fragment: Branch, reference: Reference | None) -> Branch:
        """The node of the base that a fragment changes."""
        where = f"overlay{fragment.path}"
        value = fragment.properties.get("target")
        if value is None:
            path = fragment.properties.get("target-path")
            if path is None:
                raise bad(where, "has neither target nor target-path")
            if self.open:
                return self._carried(fragment)
            return self._by_path(to_string(path, OP, f"{where}:target-path"), where)
        where += ":target"
        number = int.from_bytes(value, "big")
        if reference is not None and reference.target is not None:
            node = self._labelled(reference.target)
            return self._carried(fragment) if node is None else self._inside(node)
        if len(value) != 4 or number in INVALID_PHANDLES:
            raise error(-lib.FDT_ERR_BADPHANDLE, OP, where, "is not a phandle")
        if reference is not None:
            own = self.own.get(number)
            if own is None or own not in self.placed:
                raise missing(
                    where, f"no fragment in front of this has the phandle {number:#x}"
                )
            return self._inside(self.placed[own])
        if self.open:
            return self._carried(fragment)
        if number not in self.by_phandle:
            raise missing(where, f"no node has the phandle {number:#x}")
        return self.by_phandle[number]

    def _by_path(self, text: str, where: str) -> Branch:
        """A target-path: full, or behind an alias. A name without a unit address
        counts if it fits one node alone."""
        where += ":target-path"
        names = text.split("/")
        node = self.base
        if names[0]:
            aliases = self.base.children.get("aliases", Branch()).properties
            if names[0] not in aliases:
                raise missing(where, f"the base tree has no node {text!r}")
            alias = to_string(aliases[names[0]], OP, f"/aliases:{names[0]}")
            if not alias.startswith("/"):
                raise bad(where, f"is by the alias {names[0]!r}, which is no path")
            names[:1] = alias.split("/")
        for name in filter(None, names):
            fits = node.fitting(name)
            if len(fits) > 1:
                raise bad(
                    where,
                    f"{name!r} fits {_listed(fits)} in {node.path}: write the whole "
                    "name",
                )
            if not fits:
                raise missing(where, f"the base tree has no node {text!r}")
            node = node.children[fits[0]]
        return node

    # -- references --------------------------------------------------------

    def _labelled(self, target: str) -> Branch | None:
        """The node of a label, or of a full path; None: it is left open."""
        if target.startswith("/"):
            return None if self.open else self.base.find(target)
        symbols = self.base.children.get(SYMBOLS)
        if symbols is None or target not in symbols.properties:
            return None
        where = f"/{SYMBOLS}:{target}"
        path = to_string(symbols.properties[target], OP, where)
        if not path.startswith("/"):
            raise FdtBadContent(OP, where, f"{path!r} is not a full path")
        node = self.base.find(path)
        if node is None:
            raise missing(path, f"the label {target!r} stands for a missing node")
        return node

    def _refuse_missing(self) -> None:
        """All that the base lacks, at once."""
        if self.open:
            return
        lacks: dict[str, list[str]] = {}
        for r in self.references:
            assert r.target is not None
            if r.target not in lacks and self._labelled(r.target) is not None:
                continue
            lacks.setdefault(r.target, []).append(_fragment(r.node))
        if not lacks:
            return
        labels = [label for label in lacks if not label.startswith("/")]
        wants = [f"{label!r} ({_listed(lacks[label])})" for label in lacks]
        if not labels:
            raise missing(
                next(iter(lacks)),
                f"the overlay refers to {_listed(wants)}, the base tree has no such "
                "node",
            )
        noun = "label" if len(lacks) == 1 else "labels"
        need = f"the overlay needs the {noun} {_listed(wants)}, "
        if SYMBOLS not in self.base.children:
            raise missing(
                f"/{SYMBOLS}",
                f"{need}but the base tree has no /{SYMBOLS}: compile it with dtc -@",
            )
        where = f"/{SYMBOLS}:{labels[0]}" if len(lacks) == 1 else f"/{SYMBOLS}"
        raise missing(where, f"{need}the base tree has no such one")

    def resolve(self) -> None:
        """Fill the references in, and give each placed node its properties."""
        for node, there in self.placed.items():
            self._renumber(node, there)
        patches: dict[Branch, dict[str, list[tuple[int, int]]]] = {}
        carried: list[tuple[Branch, str, int, str | None]] = []
        for r in (*self.references, *self.locals):
            number = self._final(r)
            if number is not None:
                cells = patches.setdefault(r.node, {}).setdefault(r.name, [])
                cells.append((r.offset, number))
            if self.open and r.node in self.placed:
                label = r.target if number is None else None
                carried.append((self.placed[r.node], r.name, r.offset, label))
        for node, there in self.placed.items():
            for name, value in node.properties.items():
                if name in PHANDLES:
                    continue
                if node in patches and name in patches[node]:
                    raw = bytearray(value)
                    for offset, number in patches[node][name]:
                        raw[offset : offset + 4] = number.to_bytes(4, "big")
                    value = bytes(raw)
                if self.open:
                    self.open.drop(there, name)
                self._set(there, name, value)
        if self.open:
            for there, name, offset, label in carried:
                self.open.add(there, name, offset, label)
        self._export()

    def _renumber(self, node: Branch, there: Branch) -> None:
        """A node that has a phandle keeps it, whatever the overlay calls it."""
        if there.phandle is not None:
            return
        for name in PHANDLES:
            if name in node.properties:
                number = int.from_bytes(node.properties[name], "big") + self.shift
                self._set(there, name, number.to_bytes(4, "big"))

    def _final(self, r: Reference) -> int | None:
        """What a reference will hold; None: that is still open."""
        if r.target is not None:
            node = self._labelled(r.target)
            return None if node is None else self._phandle(node)
        value = r.node.properties[r.name][r.offset : r.offset + 4]
        number = int.from_bytes(value, "big")
        own = self.own.get(number)
        if own is None:
            raise bad(
                f"{r.node.path}:{r.name}",
                f"refers to the phandle {number:#x}, which no node of the overlay has",
            )
        there = self.placed.get(own)
        return number + self.shift if there is None else there.phandle

    def _export(self) -> None:
        """The overlay's labels become labels of the base."""
        symbols = self.overlay.children.get(SYMBOLS)
        for label, value in symbols.properties.items() if symbols else ():
            where = f"overlay/{SYMBOLS}:{label}"
            path = to_string(value, OP, where)
            if not path.startswith("/"):
                raise bad(where, f"{path!r} is not a full path")
            node = self.overlay.find(path)
            if node is None:
                raise bad(where, f"stands for a node that does not exist, {path}")
            # What is outside of the fragments' content does not get there
            there = self.placed.get(node)
            if there is None:
                continue
            to = self.base.children.get(SYMBOLS) or self._add(self.base, SYMBOLS)
            raw = there.path.encode("ascii", "surrogateescape") + b"\0"
            self._spend(len(raw))
            self._set(to, label, raw)

    def _spend(self, size: int) -> None:
        """A few long names can be on the way to any number of changes."""
        self.spelled += size
        if self.spelled > MAX_PATHS:
            raise bad("", f"the paths of its changes take over {MAX_PATHS} bytes")

    # -- a base that is an overlay -----------------------------------------

    def _carried(self, fragment: Branch) -> Branch:
        """A fragment of the base with the same target, still open."""
        n = sum(CONTENT in node.children for node in self.base.children.values())
        while f"fragment@{n}" in self.base.children:
            n += 1
        made = self._add(self.base, f"fragment@{n}")
        self.placed[fragment] = made
        return self._add(made, CONTENT)

    def _inside(self, node: Branch) -> Branch:
        """A node as the target of a fragment."""
        if not self.open:
            return node
        made = self._carried(Branch())
        assert made.parent is not None
        self._set(made.parent, "target", self._phandle(node).to_bytes(4, "big"))
        self.open.add(made.parent, "target", 0, None)
        return made

    # -- out ---------------------------------------------------------------

    def _warn_of_another_board(self) -> None:
        ours, theirs = (
            to_stringlist(tree.properties.get("compatible", b""), OP, where)
            for tree, where in (
                (self.base, "/:compatible"),
                (self.overlay, "overlay/:compatible"),
            )
        )
        if ours and theirs and not set(ours) & set(theirs):
            warn(
                f"{OP} /:compatible: the overlay is for {_listed(theirs)}, the tree "
                f"is of {_listed(ours)}"
            )

    def write(self, edit: Edit) -> None:
        """List the edits. New things come in front of what is there, so the last
        is listed first."""
        if self.open:
            self._rewrite(edit, self.open)
        for parent, children in self.added.items():
            path = parent.path.rstrip("/")
            for child in reversed(children):
                self._spend(len(path) + len(child.name))
                edit.add_node(f"{path}/{child.name}")
        for node, properties in self.values.items():
            path = node.path
            self._spend(len(path) * len(properties))
            for name in reversed(properties):
                edit.set(path, name, properties[name])

    def _rewrite(self, edit: Edit, left: _Open) -> None:
        """Fragments are applied in their order, so new ones come last: all of the
        base below its root is written anew."""
        for name in left.names:
            edit.delete_node(f"/{name}")
        for name in (FIXUPS, LOCAL_FIXUPS):
            self.base.children.pop(name, None)
        left.write(edit, self._spend)
        nodes = list(self.base.walk())
        self.added = {n: list(n.children.values()) for n in nodes if n.children}
        self.values = {n: n.properties for n in nodes if n.properties}


class _Open:
    """What a base that is an overlay leaves open: its fixups, as they will be."""

    def __init__(self, base: Branch):
        self.names = list(base.children)
        # (offset, label or None for a local one) by node and property
        self.cells: dict[Branch, dict[str, list[tuple[int, str | None]]]] = {}
        for r in (*external(base), *local(base)):
            self.add(r.node, r.name, r.offset, r.target)

    def add(self, node: Branch, name: str, offset: int, label: str | None) -> None:
        cells = self.cells.setdefault(node, {}).setdefault(name, [])
        cells.append((offset, label))

    def drop(self, node: Branch, name: str) -> None:
        """A property gets another value."""
        self.cells.get(node, {}).pop(name, None)

    def write(self, edit: Edit, spend: Callable[[int], None]) -> None:
        labels: dict[str, list[str]] = {}
        nodes: set[str] = set()
        for node, properties in self.cells.items():
            path = node.path
            for name, cells in properties.items():
                offsets = []
                spend(len(path) * (1 + sum(label is not None for _, label in cells)))
                for offset, label in cells:
                    if label is None:
                        offsets.append(offset.to_bytes(4, "big"))
                    else:
                        labels.setdefault(label, []).append(f"{path}:{name}:{offset}\0")
                if not offsets:
                    continue
                mirror = f"/{LOCAL_FIXUPS}{path}".rstrip("/")
                if mirror not in nodes:
                    _make(edit, mirror, nodes)
                edit.set(mirror, name, b"".join(offsets))
        if labels:
            edit.add_node(f"/{FIXUPS}")
        for label, places in labels.items():
            raw = "".join(places).encode("ascii", "surrogateescape")
            edit.set(f"/{FIXUPS}", label, raw)


def _make(edit: Edit, path: str, made: set[str]) -> None:
    """A node with all above it that have not been made."""
    edit.add_node(path, parents=True)
    while path and path not in made:
        made.add(path)
        path = path.rpartition("/")[0]


def _is_overlay(tree: Branch) -> bool:
    return any(CONTENT in node.children for node in tree.children.values())


def _largest(node: Branch) -> int:
    """The largest number in a node's phandle properties, valid or not."""
    values = [node.properties.get(name, b"") for name in PHANDLES]
    return max((int.from_bytes(v, "big") for v in values if len(v) == 4), default=0)


def _fragment(node: Branch) -> str:
    """The name of the fragment that a node is in."""
    while node.parent is not None and node.parent.parent is not None:
        node = node.parent
    return node.name


def _among(fragment: Branch) -> str:
    return f"; it has {_listed(list(fragment.children))}" if fragment.children else ""


def _listed(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
