# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Names and numbers that mean something in any tree, and what is allowed for them."""

from __future__ import annotations

from .._native import c_name
from ..codec.values import shown_hex
from ..errors import FdtBadContent, FdtBadParameter

__all__ = [
    "CELLS",
    "INVALID_PHANDLES",
    "PHANDLES",
    "check_phandle",
    "check_reg_name",
    "node_name",
    "printable",
    "without_root_name",
]

# Of three parts; Getters.ranges(), dma_ranges()
NO_REG = ("ranges", "dma-ranges")
BEGIN_NODE, NOP = b"\0\0\0\1", b"\0\0\0\4"
CELLS = ("#address-cells", "#size-cells")
INVALID_PHANDLES = (0, 0xFFFFFFFF)
# The property that has it, and what it was called before ePAPR 1.1
PHANDLES = ("phandle", "linux,phandle")


def check_reg_name(name: str, op: str, where: str) -> None:
    """FdtBadContent if the property is known to be no (address, size) array."""
    if name in NO_REG:
        raise FdtBadContent(
            op, where, f"is no array of (address, size); {name} has its own method"
        )


def check_phandle(phandle: int, op: str) -> None:
    """TypeError, FdtBadParameter unless it is a number that a node may have."""
    if not isinstance(phandle, int):
        raise TypeError(f"{op}: want int, not {type(phandle).__name__}")
    if phandle in INVALID_PHANDLES or not 0 <= phandle < 1 << 32:
        raise FdtBadParameter(
            op,
            shown_hex(phandle),
            "not a valid phandle: those are 0x1 to 0xfffffffe",
        )


def node_name(name: str, op: str, where: str) -> bytes:
    """A node's name as C wants it.

    The 31 characters of the specification are not enforced: real trees have
    longer names, and neither libfdt nor Linux minds.
    """
    raw = c_name(name, "node name")
    if not raw or b"/" in raw:
        what = "is empty" if not raw else "contains '/'"
        raise FdtBadParameter(op, where, f"node name {name!r} {what}")
    return raw


def without_root_name(blob: bytes) -> bytes | None:
    """The blob with no name of the root and FDT_NOPs in its place, of the same size;
    None if it has none. Nothing else is validated.

    Source: Devicetree Specification v0.4, 5.4.1: the root's name is empty.
    """
    if len(blob) < 40:
        return None
    at = int.from_bytes(blob[8:12], "big")
    while blob[at : at + 4] == NOP:
        at += 4
    end = blob.find(b"\0", at + 4)
    if blob[at : at + 4] != BEGIN_NODE or end <= at + 4:
        return None
    words = (end - at) // 4
    return blob[: at + 4] + bytes(4) + NOP * (words - 1) + blob[at + 4 + 4 * words :]


def printable(path: str) -> str:
    """One line that any terminal takes, whatever bytes a name has."""
    if path.isprintable():
        return path
    return path.encode("unicode_escape").decode()
