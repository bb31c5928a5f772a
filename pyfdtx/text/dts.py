# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""DTS source text of a tree: what `dtc` compiles back to the same tree.

A blob does not say what type a value has, so every value is written in a form
that gives its bytes back exactly, and the form is chosen to be readable.
"""

from __future__ import annotations

from struct import unpack

from ..errors import FdtBadContent
from ..tree import flat

__all__ = ["interpret", "property_text", "render", "value_text"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# PROPNODECHAR in dtc's lexer (dtc-lexer.l), the same in all its versions
NAME_CHARS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+*#?@-"
LABEL_CHARS = NAME_CHARS[:62] + b"_"
TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r"
ESCAPES = str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
)
# Numbers by the devicetree specification or Linux, whatever they look like
NUMBERS = frozenset(
    (
        "reg",
        "ranges",
        "dma-ranges",
        "phandle",
        "linux,phandle",
        "interrupts",
        "interrupt-parent",
        "clock-frequency",
        "timebase-frequency",
        "kaslr-seed",
        "rng-seed",
    )
)
# Deeper nodes are not indented further, which keeps the text linear in the blob
MAX_INDENT = 32


def interpret(name: str, value: bytes) -> tuple[str, Any]:
    """The likely type of a property and its value in that type.

    Returns:
        ("empty", None); ("string", [str, ...]) for one or more terminated,
        non-empty texts of printable ASCII, tab and newline; ("cells",
        [int, ...]) for big-endian u32; ("bytes", "00ff...") in hex when
        nothing else fits. Each holds all of the value's bytes.
    """
    if not value:
        return "empty", None
    if name[0] != "#" and name not in NUMBERS:
        texts = _texts(value)
        if texts:
            return "string", texts
    if len(value) % 4 == 0:
        return "cells", list(unpack(f">{len(value) // 4}I", value))
    return "bytes", value.hex()


def _texts(value: bytes) -> list[str]:
    if value[-1] or value.translate(None, TEXT + b"\0"):
        return []
    texts = value[:-1].decode("ascii").split("\0")
    return texts if all(text.strip() for text in texts) else []


def value_text(name: str, value: bytes) -> str:
    """A value as it stands behind "=" in DTS; "" for an empty property."""
    kind, typed = interpret(name, value)
    if kind == "empty":
        return ""
    if kind == "bytes":
        return f"[{value.hex(' ')}]"
    if kind == "cells":
        return f"<{' '.join(map(hex, typed))}>"
    return ", ".join(f'"{t.translate(ESCAPES)}"' for t in typed)


def property_text(name: str, value: bytes) -> str:
    """One property as a DTS statement, "name = ...;" or "name;"."""
    text = value_text(name, value)
    return f"{name} = {text};" if text else f"{name};"


def render(tree: flat.Tree) -> str:
    """The whole tree as DTS.

    dtc gives back the same nodes, properties (same bytes, same order) and
    memory reservations. What DTS has no syntax for stands as options of dtc
    in the second line: the number of the boot CPU (-b); -f if there are
    duplicate names, of which the first one counts, and which are marked;
    -E no-name_properties if there are properties called "name", which dtc
    drops otherwise. Labels from /__symbols__ are comments.

    dtc itself gives up above about 5000 subnodes in one node or 9990 memory
    reservations, and needs -f for what it calls errors of style.

    Args:
        tree: an Fdt, or a blob in any bytes-like object.
    Raises:
        FdtBadBlob: not a sound device tree.
        FdtBadContent: a name has characters that DTS cannot spell.
    """
    return _Writer(flat.read(tree)).text()


class _Writer:
    def __init__(self, tree: flat.FlatTree):
        self.tree = tree
        self.labels = _labels(tree)
        self.spellable: set[str] = set()
        self.lines = [f"/memreserve/ {a:#x} {n:#x};" for a, n in tree.memreserve]
        self.options = f"-b {tree.boot_cpuid_phys:#x}"
        self.doubles = self.named = False

    def text(self) -> str:
        siblings: list[set[str]] = []  # names of the children seen, per depth
        way: list[str] = []
        for node in self.tree.nodes:
            self._close(len(siblings), node.depth)
            del siblings[node.depth :], way[node.depth :]
            way.append(node.name)
            double = bool(siblings) and node.name in siblings[-1]
            if siblings:
                siblings[-1].add(node.name)
            siblings.append(set())
            self._open(node, way, double)
        self._close(len(siblings), 0)
        if self.doubles:
            self.options += " -f"
        if self.named:
            self.options += " -E no-name_properties"
        head = ["/dts-v1/;", f"// compile with: dtc -I dts -O dtb {self.options}", ""]
        return "\n".join(head + self.lines) + "\n"

    def _open(self, node: flat.FlatNode, way: list[str], double: bool) -> None:
        if node.depth:
            self._spell(node.name, "node", way)
        notes = self._double(double)
        if self.labels:
            found = self.labels.get(flat.path_text(way))
            notes += " // &" + " &".join(found) if found else ""
        tab = "\t" * min(node.depth, MAX_INDENT)
        self.lines.append(f"{tab}{node.name or '/'} {{{notes}")
        seen: set[str] = set()
        tab = "\t" * min(node.depth + 1, MAX_INDENT)
        for name, value in node.properties:
            self._spell(name, "property", way)
            notes = self._double(name in seen)
            seen.add(name)
            self.named = self.named or name == "name"
            self.lines.append(f"{tab}{property_text(name, value)}{notes}")

    def _close(self, depth: int, to: int) -> None:
        for d in range(depth - 1, to - 1, -1):
            self.lines.append("\t" * min(d, MAX_INDENT) + "};")

    def _double(self, double: bool) -> str:
        self.doubles = self.doubles or double
        return " // duplicate name: the first one counts" if double else ""

    def _spell(self, name: str, what: str, way: list[str]) -> None:
        if name in self.spellable:
            return
        if name.encode("ascii", "surrogateescape").translate(None, NAME_CHARS):
            where = flat.path_text(way if what == "property" else way[:-1])
            raise FdtBadContent(
                "dts",
                where,
                f"DTS cannot spell the {what} name {name!r}: it takes letters, "
                "digits and ,._+*#?@- only",
            )
        self.spellable.add(name)


def _labels(tree: flat.FlatTree) -> dict[str, list[str]]:
    """Path -> labels from /__symbols__; what is no path or no label is left
    out."""
    labels: dict[str, list[str]] = {}
    for node in tree.nodes:
        if node.depth == 1 and node.name == "__symbols__":
            for name, value in node.properties:
                if value.endswith(b"\0") and not name.encode(
                    "ascii", "surrogateescape"
                ).translate(None, LABEL_CHARS):
                    path = value[:-1].decode("ascii", "surrogateescape")
                    labels.setdefault(path, []).append(name)
            break
    return labels
