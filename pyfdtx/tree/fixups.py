# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What an overlay refers to: its fixups, checked and as a list.

Source of the format: dtc, Documentation/dt-object-internal.txt.
"""

from __future__ import annotations

from struct import unpack

from .._native import lib
from ..errors import FdtBadContent
from .branch import Branch
from .names import PHANDLES

__all__ = ["FIXUPS", "LOCAL_FIXUPS", "SYMBOLS", "Reference", "bad", "external", "local"]

OP = "apply_overlay"
FIXUPS, LOCAL_FIXUPS, SYMBOLS = "__fixups__", "__local_fixups__", "__symbols__"


class Reference:
    """A phandle that has to be filled in.

    Attributes:
        node, name, offset: the cell: bytes from the start of a property's value.
        target: a label, or a full path of the tree that the overlay is for; None:
            the value is a phandle of the overlay itself.
    """

    __slots__ = ("name", "node", "offset", "target")

    def __init__(self, node: Branch, name: str, offset: int, target: str | None):
        self.node = node
        self.name = name
        self.offset = offset
        self.target = target


def bad(where: str, cause: str) -> FdtBadContent:
    return FdtBadContent(OP, where, f"overlay: {cause}", -lib.FDT_ERR_BADOVERLAY)


def external(overlay: Branch) -> list[Reference]:
    """References to nodes of the base, from /__fixups__.

    Raises:
        FdtBadContent: a fixup that is none, or that leads nowhere.
    """
    fixups = overlay.children.get(FIXUPS)
    found: list[Reference] = []
    if fixups is None:
        return found
    for label, value in fixups.properties.items():
        where = f"/{FIXUPS}:{label}"
        if not value:
            raise bad(where, "fixup without a value")
        if value[-1]:
            raise bad(where, "fixup is not terminated")
        for text in value[:-1].decode("ascii", "surrogateescape").split("\0"):
            if not text.startswith("/"):
                raise bad(where, "fixup that does not start with '/'")
            path, _, rest = text.partition(":")
            name, colon, number = rest.partition(":")
            if not colon:
                raise bad(where, "fixup is not path:property:offset")
            digits = number.removeprefix("-")
            if not (digits.isascii() and digits.isdigit()):
                raise bad(where, "fixup does not end with a number")
            # Longer numbers are outside of whatever there is
            offset = int(number) if len(number) < 12 else -1
            node = overlay.find(path)
            if node is None:
                raise bad(where, f"fixup for a node that does not exist, {path}")
            cause = _fault(node, name, next(filter(None, path.split("/")), ""))
            cause = cause or _outside(node, name, offset)
            if cause:
                raise bad(where, cause)
            found.append(Reference(node, name, offset, label))
    return found


def local(overlay: Branch) -> list[Reference]:
    """References to nodes of the overlay, from /__local_fixups__; errors as
    external()."""
    top = overlay.children.get(LOCAL_FIXUPS)
    found: list[Reference] = []
    # A node of the fixups, the node that it mirrors, that one's way from the root
    todo = [(top, overlay, "")] if top is not None else []
    while todo:
        fixup, node, first = todo.pop()
        for name, value in fixup.properties.items():
            cause = _fault(node, name, first)
            if name in PHANDLES:
                cause = "local fixup of a phandle property"
            elif len(value) % 4:
                cause = "local fixup that is not whole cells"
            offsets = unpack(f">{len(value) // 4}I", value) if not cause else ()
            for offset in offsets:
                cause = cause or _outside(node, name, offset)
                found.append(Reference(node, name, offset, None))
            if cause:
                raise bad(f"{fixup.path}:{name}", cause)
        for name, child in fixup.children.items():
            to = node.children.get(name)
            if to is None:
                raise bad(child.path, "local fixup for a node that does not exist")
            todo.append((child, to, first or name))
    return found


def _fault(node: Branch, name: str, top: str) -> str:
    """What is wrong with a property that has a fixup; top: the first node on the
    way to it."""
    if top in (FIXUPS, LOCAL_FIXUPS):
        return "fixup that changes another fixup"
    if name not in node.properties:
        return f"fixup for a property that does not exist, {name}"
    return ""


def _outside(node: Branch, name: str, offset: int) -> str:
    size = len(node.properties[name])
    if 0 <= offset <= size - 4:
        return ""
    return f"fixup outside its property, {name} has {size} bytes"
