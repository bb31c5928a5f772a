# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Types of property values as the command line spells them, and values as text."""

from __future__ import annotations

from ..errors import FdtBadContent
from ..text import dts
from .trouble import clean

__all__ = ["KINDS", "ValueType", "decode", "known_type"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..tree.view import NodeView

KINDS = {
    "string": ("string", 0, 0),
    "s": ("string", 0, 0),
    "u8": ("number", 1, 0),
    "u16": ("number", 2, 0),
    "u32": ("number", 4, 0),
    "cells": ("number", 4, 0),
    "u64": ("number", 8, 0),
    "bytes": ("bytes", 1, 0),
    "reg": ("reg", 0, 0),
    "empty": ("empty", 0, 0),
    "raw": ("raw", 0, 0),
    "r": ("raw", 0, 0),
}
WIDTHS = {"": 4, "l": 4, "h": 2, "hh": 1, "b": 1}
BASES = {"x": 16, "u": 10, "i": -10}


class ValueType:
    """kind: string, number, bytes, reg, empty or raw; width: of a number,
    bytes; base: 16 (no 0x), 10, -10 (signed), 0 (as written, 0x out)."""

    __slots__ = ("base", "kind", "text", "width")

    def __init__(self, text: str, kind: str, width: int, base: int):
        self.text = text
        self.kind = kind
        self.width = width
        self.base = base


def known_type(text: str) -> ValueType | None:
    """The type of that name, if there is one."""
    if text in KINDS:
        return ValueType(text, *KINDS[text])
    base, width = BASES.get(text[-1:]), WIDTHS.get(text[:-1])
    return ValueType(text, "number", width, base) if base and width else None


def decode(node: NodeView, name: str, wanted: ValueType | None) -> list[str]:
    """A property as lines of text: one per string, one per reg entry, one of
    numbers or bytes, none for an empty value.

    Args:
        wanted: None to guess; every kind but raw.
    Raises:
        FdtNotFound: no such property.
        FdtBadContent: the value is not of that type.
    """
    value = node[name]
    if wanted is None:
        kind, typed = dts.interpret(name, value)
        if kind == "string":
            return [clean(text) for text in typed]
        kind = {"cells": "u32"}.get(kind, kind)
        wanted = ValueType(kind, *KINDS[kind])
    if wanted.kind == "reg":
        return [f"{r.start:#x},{r.size:#x}" for r in node.reg(name)]
    if wanted.kind == "empty":
        if value:
            raise _wrong(node, name, wanted, f"has {len(value)} bytes")
        return []
    if not value:
        return []
    if wanted.kind == "bytes":
        return [value.hex(" ")]
    if wanted.kind == "string":
        if value[-1]:
            raise _wrong(node, name, wanted, "does not end with a NUL")
        return value[:-1].decode("utf-8", "surrogateescape").split("\0")
    if len(value) % wanted.width:
        raise _wrong(
            node,
            name,
            wanted,
            f"has {len(value)} bytes, no multiple of {wanted.width}",
        )
    return [" ".join(_numbers(value, wanted))]


def _wrong(node: NodeView, name: str, wanted: ValueType, why: str) -> FdtBadContent:
    where = f"{node.path}:{name}"
    return FdtBadContent("get", where, f"the value is not {wanted.text}: it {why}")


def _numbers(value: bytes, wanted: ValueType) -> Iterator[str]:
    form = {16: "x", 0: "#x"}.get(wanted.base, "d")
    for at in range(0, len(value), wanted.width):
        word = value[at : at + wanted.width]
        yield format(int.from_bytes(word, "big", signed=wanted.base == -10), form)
