# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Applying an overlay: fdtx_overlay_apply() on copies, made talkative.

The C function refuses fixups that libfdt would follow out of bounds, by place;
here the place gets its path. What the base lacks is named before libfdt
answers with a bare code.
"""

from __future__ import annotations

from .._native import ffi, lib, validate, writing
from ..codec.values import to_string
from ..errors import FdtBadContent, FdtNotFound, error
from .blob import Blob

__all__ = ["apply"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fdt import Fdt

OP = "apply_overlay"
INT_MAX = 0x7FFFFFFF
# Tag, length and name of a property, in front of its value
PROP_HEAD = 12


def bad(where: str, cause: str) -> FdtBadContent:
    return FdtBadContent(OP, where, f"overlay: {cause}", -lib.FDT_ERR_BADOVERLAY)


def missing(where: str, cause: str) -> FdtNotFound:
    return FdtNotFound(OP, where, cause, -lib.FDT_ERR_NOTFOUND)


def apply(base: Fdt, overlay: Fdt) -> None:
    """Apply an overlay to base, all or nothing; the overlay stays as it is.

    Raises: see Fdt.apply_overlay().
    """
    _refuse_doubles(overlay)
    blob = base._blob
    fault = ffi.new("struct fdtx_fault *")
    code = -lib.FDT_ERR_NOSPACE
    need = overlay._blob.used
    while code == -lib.FDT_ERR_NOSPACE:
        # libfdt destroys both trees if it fails
        copy = Blob(bytearray(memoryview(blob.buf)[: blob.used]))
        spent = bytearray(overlay._blob.buf)
        need *= 2
        copy.room(need, OP, "")
        with writing(copy.buf) as p, writing(spent) as o:
            code = lib.fdtx_overlay_apply(p, o, fault)
    if fault.cause:
        cause = ffi.string(fault.cause).decode()
        raise bad(_place(overlay, fault.offset), cause)
    _labels(base, overlay)
    if code < 0:
        # libfdt has crossed the overlay out; its values show what went wrong
        spent[:4] = lib.FDT_MAGIC.to_bytes(4, "big")
        raise _explain(code, base, base._of(Blob(spent)))
    copy.canonicalise(squeeze=False)
    validate(copy.buf, OP)
    blob.buf = copy.buf
    blob.forget()


def _refuse_doubles(overlay: Fdt) -> None:
    """Of two equal names libfdt merges both, and resolves fixups in the first."""
    nodes = 0
    for node in overlay.walk():
        nodes += 1
        if len(node) != overlay._blob.read(lib.fdtx_props, node._at(OP), ffi.NULL, 0):
            raise bad(node.path, "two properties of the same name")
    if nodes != overlay._blob.table("fdtx_node", lib.fdtx_nodes, 0, INT_MAX)[1]:
        raise bad("", "two nodes of the same name below one node")


def _place(overlay: Fdt, offset: int) -> str:
    """Path of the node or property whose tag is at a byte of the blob."""
    blob = overlay._blob
    for node in overlay.walk():
        at = node._at(OP)
        if at == offset - blob.struct_start:
            return node.path
        items, n = blob.table("fdtx_prop", lib.fdtx_props, at)
        for item in ffi.unpack(items, n):
            if item.value == offset + PROP_HEAD:
                return f"{node.path}:{blob.text(item.name)}"
    return ""


def _labels(base: Fdt, overlay: Fdt) -> None:
    """Every label must stand for a node of base that has a phandle."""
    fixups = overlay.get("/__fixups__")
    if fixups is None:
        return
    symbols = base.get("/__symbols__")
    for label in fixups:
        if symbols is None:
            raise missing(
                "/__symbols__",
                f"the overlay needs the label {label!r}, but the base tree has no "
                "/__symbols__: compile it with dtc -@",
            )
        where = f"/__symbols__:{label}"
        if label not in symbols:
            raise missing(
                where,
                f"the overlay needs the label {label!r}, the base tree has no such one",
            )
        path = to_string(symbols[label], OP, where)
        if not path.startswith("/"):
            raise FdtBadContent(OP, where, f"{path!r} is not a full path")
        node = base.get(path)
        if node is None:
            raise missing(path, f"the label {label!r} stands for a missing node")
        if node.phandle is None:
            raise missing(
                f"{path}:phandle",
                f"the overlay needs the label {label!r}, its node has no phandle",
            )


def _explain(code: int, base: Fdt, overlay: Fdt) -> Exception:
    """Name what a failure of libfdt is about, where it shows."""
    if code == -lib.FDT_ERR_NOPHANDLES:
        return _no_phandles(code, base)
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


def _no_phandles(code: int, base: Fdt) -> Exception:
    """libfdt adds the base's largest phandle to all of the overlay's."""
    blob = base._blob
    largest, path = max(
        (blob.read(lib.fdt_get_phandle, node._at(OP)), node.path) for node in base
    )
    return error(
        code,
        OP,
        f"{path}:phandle",
        f"{largest:#x}, the largest of the base tree, leaves none above for those "
        "of the overlay; give that node a smaller one",
    )
