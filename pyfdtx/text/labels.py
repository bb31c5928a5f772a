# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Labels and references, as a tree's /__symbols__ and fixups tell them."""

from __future__ import annotations

from ..errors import FdtBadContent
from ..tree import flat
from ..tree.branch import Branch
from ..tree.fixups import FIXUPS, LOCAL_FIXUPS, SYMBOLS, external, local

__all__ = ["Labels", "References"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Text in place of the cell at an offset
    References = dict[int, str]

CONTENT = "__overlay__"
# References without a label spell paths, and few long names can be in any number
MAX_TEXT = 16 << 20
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
LABEL = LETTERS | frozenset("0123456789")


class Labels:
    """What stands in DTS instead of numbers; nodes are known by their number in the
    tree's list.

    Args:
        tree: None: there are none, the tree is written as it is.

    Attributes:
        plugin: the tree is an overlay, and all of its fixups can be written as
            references.
    """

    def __init__(self, tree: flat.FlatTree | None):
        self.plugin = False
        self._of: dict[int, list[str]] = {}
        self._references: dict[tuple[int, str], References] = {}
        if tree is None or not _has(tree, SYMBOLS, FIXUPS, LOCAL_FIXUPS, CONTENT):
            return
        root = Branch.of(tree)
        numbers = dict(zip(_nodes(tree, root), range(len(tree.nodes))))
        self._label(root, numbers)
        try:
            self._refer(root, numbers)
        except FdtBadContent:
            # Whatever is wrong with the fixups is shown as it is
            self._references.clear()
            return
        self.plugin = FIXUPS in root.children or any(
            CONTENT in node.children for node in root.children.values()
        )

    def _label(self, root: Branch, numbers: dict[Branch, int]) -> None:
        symbols = root.children.get(SYMBOLS)
        for name, value in symbols.properties.items() if symbols else ():
            if not _is_label(name) or value[-1:] != b"\0" or value[:1] != b"/":
                continue
            node = root.find(value[:-1].decode("ascii", "surrogateescape"))
            # DTS has no syntax for a label of the root
            if node is not None and node is not root:
                self._of.setdefault(numbers[node], []).append(name)

    def _refer(self, root: Branch, numbers: dict[Branch, int]) -> None:
        own = {n.phandle: n for n in reversed(list(root.walk())) if n.phandle}
        spelled = 0
        for r in (*external(root), *local(root)):
            if r.target is None:
                cell = r.node.properties[r.name][r.offset : r.offset + 4]
                node = own.get(int.from_bytes(cell, "big"))
                if node is None:
                    raise FdtBadContent("dts", r.node.path, "a reference to no node")
                labels = self._of.get(numbers[node])
                text = f"&{labels[0]}" if labels else f"&{{{node.path}}}"
            elif r.target.startswith("/"):
                text = f"&{{{r.target}}}"
            elif _is_label(r.target):
                text = f"&{r.target}"
            else:
                raise FdtBadContent("dts", r.node.path, "a fixup that is no label")
            spelled += len(text)
            if spelled > MAX_TEXT:
                raise FdtBadContent("dts", "", "references are too long to spell")
            cells = self._references.setdefault((numbers[r.node], r.name), {})
            if any(at in cells for at in range(r.offset - 3, r.offset + 4)):
                raise FdtBadContent("dts", r.node.path, "fixups that overlap")
            cells[r.offset] = text

    def of(self, node: int) -> str:
        """A node's labels, each with a colon and a blank."""
        return "".join(f"{label}: " for label in self._of.get(node, ()))

    def references(self, node: int, name: str) -> References | None:
        return self._references.get((node, name))

    def leaves_out(self, node: flat.FlatNode) -> bool:
        """What dtc makes anew from the references of a /plugin/."""
        return self.plugin and node.depth == 1 and node.name in (FIXUPS, LOCAL_FIXUPS)


def _is_label(name: str) -> bool:
    return name[0] in LETTERS and LABEL.issuperset(name)


def _has(tree: flat.FlatTree, *names: str) -> bool:
    return any(node.depth <= 2 and node.name in names for node in tree.nodes)


def _nodes(tree: flat.FlatTree, root: Branch) -> list[Branch]:
    """A Branch for each node of the list; another for one that is not the first of
    its name."""
    found: list[Branch] = []
    way: list[Branch] = []
    seen: set[Branch] = set()
    for node in tree.nodes:
        del way[node.depth :]
        branch = way[-1].children.get(node.name) if way else root
        if branch is None or branch in seen:
            branch = Branch(node.name)
        seen.add(branch)
        way.append(branch)
        found.append(branch)
    return found
