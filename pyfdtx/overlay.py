# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Applying an overlay: fdt_overlay_apply() on copies, made safe and talkative.

libfdt trusts the overlay's offsets and writes through them, finds nodes whose
unit address was left out, and answers with a bare code. So the overlay is
looked through first: it is refused if libfdt would write outside a value or
into its own instructions, and what the base lacks is named.
"""

from __future__ import annotations

from ._native import c_name, lib, validate, writing
from .blob import Blob
from .errors import FdtBadContent, FdtNotFound, error
from .values import to_stringlist

__all__ = ["apply"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .node import Node
    from .tree import Fdt

OP = "apply_overlay"
INT_MAX = 0x7FFFFFFF
# The overlay's own instructions to libfdt
INSTRUCTIONS = ("__fixups__", "__local_fixups__", "__symbols__")


def bad(where: str, cause: str) -> FdtBadContent:
    return FdtBadContent(OP, where, f"overlay: {cause}", -lib.FDT_ERR_BADOVERLAY)


def missing(where: str, cause: str) -> FdtNotFound:
    return FdtNotFound(OP, where, cause, -lib.FDT_ERR_NOTFOUND)


def apply(base: Fdt, overlay: Fdt) -> None:
    """Apply an overlay to base, all or nothing; the overlay is used up.

    Raises: see Fdt.apply_overlay().
    """
    need = _look_through(overlay)
    _local_fixups(overlay)
    _fixups(base, overlay)
    symbols = overlay.get("/__symbols__")
    if symbols is not None:
        # libfdt writes the path of the fragment's target in front of each
        path = _longest_path(base) + _longest_path(overlay)
        need += len(symbols) * (path + 4)

    blob = base._blob
    copy = Blob(bytearray(memoryview(blob.buf)[: blob.used]))
    copy.room(need, OP, "")
    with writing(copy.buf) as p, writing(overlay._blob.buf) as o:
        code = lib.fdt_overlay_apply(p, o)
    if code < 0:
        # libfdt has crossed the overlay out; its values show what went wrong
        overlay._blob.buf[:4] = lib.FDT_MAGIC.to_bytes(4, "big")
        raise _explain(code, base, overlay)
    copy.canonicalise(squeeze=False)
    validate(copy.buf, OP)
    blob.buf = copy.buf
    blob.forget()


def _look_through(overlay: Fdt) -> int:
    """Refuse double names; the bytes that applying takes at most."""
    blob = overlay._blob
    need = 64
    nodes = 0
    for node in overlay.walk():
        nodes += 1
        need += 16 + len(node.name)
        items, n = blob.table("fdtx_prop", lib.fdtx_props, node._at(OP))
        names = [blob.text(items[i].name) for i in range(n)]
        if len(set(names)) != n:
            raise bad(node.path, "two properties of the same name")
        for i, name in enumerate(names):
            need += 20 + len(name) + items[i].len
    if nodes != blob.table("fdtx_node", lib.fdtx_nodes, 0, INT_MAX)[1]:
        raise bad("", "two nodes of the same name below one node")
    for name in INSTRUCTIONS:
        _same_child(overlay.root, name)
    return need


def _same_child(parent: Node, name: str) -> Node | None:
    """The child that libfdt finds, refused if it is not the exact one."""
    raw = c_name(name)
    blob, at = parent._blob, parent._at(OP)
    offset = blob.read(lib.fdt_subnode_offset_namelen, at, raw, len(raw))
    if offset == -lib.FDT_ERR_NOTFOUND:
        return None
    child = parent.child(name)
    if offset != child._at(OP) or child.name != name:
        raise bad(parent.path, f"{name!r} stands for several nodes")
    return child


def _local_fixups(overlay: Fdt) -> None:
    """Every entry must lie inside the value it changes."""
    top = _same_child(overlay.root, "__local_fixups__")
    todo = [(top, overlay.root)] if top else []
    while todo:
        fixups, target = todo.pop()
        for name, raw in fixups.items():
            where = f"{fixups.path}:{name}"
            value = target.get(name)
            if value is None:
                raise bad(where, f"{target.path} has no such property")
            if len(raw) % 4:
                raise bad(where, "not a whole number of offsets")
            for i in range(0, len(raw), 4):
                _inside(int.from_bytes(raw[i : i + 4], "big"), name, value, where)
        for child in fixups.children():
            below = _same_child(target, child.name)
            if below is None:
                raise bad(child.path, f"{target.path} has no child {child.name!r}")
            _not_instructions(below, child.path)
            todo.append((child, below))


def _inside(offset: int, name: str, value: bytes, where: str) -> None:
    if name == "target-path":
        raise bad(where, "changes target-path, which is no phandle")
    if offset + 4 > len(value):
        raise bad(where, f"offset {offset} is outside the {len(value)} bytes")


def _not_instructions(node: Node, where: str) -> None:
    if node.path.split("/")[1] in INSTRUCTIONS:
        raise bad(where, f"changes {node.path}")


def _fixups(base: Fdt, overlay: Fdt) -> None:
    """Every label must stand for a node of base that has a phandle."""
    fixups = _same_child(overlay.root, "__fixups__")
    if fixups is None:
        return
    symbols = base.get("/__symbols__")
    for label in fixups:
        where = f"/__fixups__:{label}"
        for place in to_stringlist(fixups[label], OP, where):
            _fixup(overlay, place, where)
        if symbols is None:
            raise missing(
                "/__symbols__",
                f"the overlay needs the label {label!r}, but the base tree has no "
                "/__symbols__: compile it with dtc -@",
            )
        if label not in symbols:
            raise missing(
                f"/__symbols__:{label}",
                f"the overlay needs the label {label!r}, the base tree has no such one",
            )
        path = symbols.get_string(label)
        node = base.get(path)
        if node is None:
            raise missing(path, f"the label {label!r} stands for a missing node")
        if node.phandle is None:
            raise missing(
                f"{path}:phandle",
                f"the overlay needs the label {label!r}, its node has no phandle",
            )


def _fixup(overlay: Fdt, place: str, where: str) -> None:
    """One PATH:PROPERTY:OFFSET."""
    parts = place.split(":")
    if len(parts) != 3 or not _is_offset(parts[2]) or not place.startswith("/"):
        raise bad(where, f"{place!r} is not PATH:PROPERTY:OFFSET")
    path, name, digits = parts
    node: Node | None = overlay.root
    for part in path.split("/"):
        if part and node is not None:
            node = _same_child(node, part)
    value = None if node is None else node.get(name)
    if node is None or value is None:
        raise bad(where, f"{place!r} does not exist")
    _not_instructions(node, where)
    _inside(int(digits), name, value, where)


def _is_offset(text: str) -> bool:
    # Ten digits are more than any offset
    return text.isascii() and text.isdigit() and len(text) <= 10


def _longest_path(fdt: Fdt) -> int:
    return max(len(node.path) for node in fdt.walk())


def _explain(code: int, base: Fdt, overlay: Fdt) -> Exception:
    """Name the fragment that a failure of libfdt is about, where it shows."""
    for fragment in overlay.root.children():
        if "__overlay__" not in [child.name for child in fragment.children()]:
            continue
        where = f"overlay{fragment.path}"
        if "target" in fragment:
            value = fragment["target"]
            phandle = int.from_bytes(value, "big")
            if len(value) != 4 or phandle == 0xFFFFFFFF:
                return error(code, OP, f"{where}:target", "is not a phandle")
            if code == -lib.FDT_ERR_NOTFOUND and phandle:
                try:
                    base.node_by_phandle(phandle)
                except FdtNotFound:
                    cause = f"no node has the phandle {phandle:#x}"
                    return error(code, OP, f"{where}:target", cause)
        elif "target-path" in fragment:
            path = fragment["target-path"].split(b"\0")[0]
            text = path.decode("ascii", "surrogateescape")
            if code == -lib.FDT_ERR_NOTFOUND and text not in base:
                cause = f"the base tree has no node {text!r}"
                return error(code, OP, f"{where}:target-path", cause)
        else:
            cause = "has neither target nor target-path"
            return error(code, OP, where, cause)
    return error(code, OP)
