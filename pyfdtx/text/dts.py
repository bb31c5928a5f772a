# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""DTS source text of a tree: what `dtc` compiles back to the same tree.

A blob does not say what type a value has, so every value is written in a form
that gives its bytes back exactly, and the form is chosen to be readable.
"""

from __future__ import annotations

from struct import unpack

from ..codec.secret import is_secret, is_secret_name
from ..errors import FdtBadContent, FdtNotFound
from ..tree import flat
from .labels import Labels

__all__ = [
    "interpret",
    "lines",
    "property_text",
    "render",
    "unspellable",
    "value_text",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .labels import References

# PROPNODECHAR in dtc's lexer (dtc-lexer.l), the same in all its versions
NAME_CHARS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+*#?@-"
# isstring() in dtc's treesource.c
TEXT = bytes(range(0x20, 0x7F)) + b"\a\b\t\n\v\f\r\0"
ESCAPES = str.maketrans(
    {
        '"': '\\"',
        "\\": "\\\\",
        "\a": "\\a",
        "\b": "\\b",
        "\t": "\\t",
        "\n": "\\n",
        "\v": "\\v",
        "\f": "\\f",
        "\r": "\\r",
    }
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
        "size",
        "alignment",
    )
)
# Endings that say what a number counts: dt-schema, schemas/property-units.yaml,
# and those that the devicetree specification has
UNITS = (
    "-frequency", "-freq", "-hz", "-mhz", "-size", "-cells", "-sec", "-ms", "-us",
    "-ns", "-ps", "-mm", "-bits", "-bps", "-percent", "-microvolt", "-microamp",
    "-microwatt", "-microamp-hours", "-ohms", "-micro-ohms", "-millicelsius",
    "-celsius", "-kBps",
)  # fmt: skip
# Deeper nodes are not indented further, which keeps the text linear in the blob
MAX_INDENT = 32
# Longer values that are no text are bytes, which are quick to write; a piece at
# a time
LARGE = 4096
PIECE = 1 << 16


def interpret(name: str, value: bytes) -> tuple[str, Any]:
    """The likely type of a property and its value in that type.

    Text is what dtc takes for it: it ends with NUL, is printable, and no more than
    half of it is NULs. So a list of texts may have empty ones.

    Returns:
        ("empty", None); ("string", [str, ...]) for one or more terminated
        texts; ("cells", [int, ...]) for big-endian u32, up to 4096 bytes of them;
        ("bytes", "00ff...") in hex else. Each holds all of the value's bytes.
    Source: dtc, treesource.c, guess_value_type().
    """
    if not value:
        return "empty", None
    if _is_text(name, value):
        return "string", value[:-1].decode("ascii").split("\0")
    if len(value) % 4 == 0 and len(value) <= LARGE:
        return "cells", list(unpack(f">{len(value) // 4}I", value))
    return "bytes", value.hex()


def _is_text(name: str, value: bytes) -> bool:
    if value[-1] or 2 * value.count(0) > len(value) or value.translate(None, TEXT):
        return False
    return len(value) % 4 != 0 or not (
        name[0] == "#"
        or name in NUMBERS
        or name.endswith(UNITS)
        or is_secret_name(name)
    )


def value_text(name: str, value: bytes, references: References | None = None) -> str:
    """A value as it stands behind "=" in DTS; "" for an empty property.

    Args:
        references: text that stands for the cell at an offset, by offset.
    """
    return "".join(_pieces(name, value, references))


def property_text(
    name: str,
    value: bytes,
    limit: int | None = None,
    references: References | None = None,
    *,
    secrets: bool = True,
) -> str:
    """One property as a DTS statement, "name = ...;" or "name;".

    Args:
        references: as for value_text().
        limit: a value of more bytes is not spelled: its length and its digest
            stand in its place, which dtc does not compile.
        secrets: False: kaslr-seed, rng-seed and the like are a comment with the
            length.
    """
    if not secrets and is_secret(name, value):
        return f"// {name}: {len(value)} secret bytes, not shown"
    if limit is not None and len(value) > limit:
        return f"{name} = {shortened(value)};"
    text = value_text(name, value, references)
    return f"{name} = {text};" if text else f"{name};"


def shortened(value: bytes) -> str:
    """What is shown of a value too long for people."""
    # Seldom needed, and not cheap to import
    from hashlib import sha256

    return f"({len(value)} bytes, sha256 {sha256(value).hexdigest()})"


def _pieces(name: str, value: bytes, references: References | None) -> Iterator[str]:
    if not value:
        return
    if references:
        yield _with_references(value, references)
    elif _is_text(name, value):
        texts = value[:-1].decode("ascii").translate(ESCAPES)
        yield '"'
        yield texts.replace("\0", '", "')
        yield '"'
    elif len(value) % 4 == 0 and len(value) <= LARGE:
        yield _cells(value)
    else:
        between = "["
        for at in range(0, len(value), PIECE):
            yield between + value[at : at + PIECE].hex(" ")
            between = " "
        yield "]"


def _cells(value: bytes) -> str:
    return f"<{' '.join(map(hex, unpack(f'>{len(value) // 4}I', value)))}>"


def _with_references(value: bytes, references: References) -> str:
    """Cells as far as there are whole ones, with references among them."""
    parts: list[str] = []
    cells: list[str] = []
    at = 0
    for offset, text in [*sorted(references.items()), (len(value), "")]:
        gap = value[at:offset]
        if len(gap) % 4:
            if cells:
                parts.append(f"<{' '.join(cells)}>")
            cells = []
            parts.append(f"[{gap.hex(' ')}]")
        else:
            cells += map(hex, unpack(f">{len(gap) // 4}I", gap))
        if text:
            cells.append(text)
        at = offset + 4
    if cells:
        parts.append(f"<{' '.join(cells)}>")
    return ", ".join(parts)


def render(
    tree: flat.Tree,
    *,
    labels: bool = True,
    limit: int | None = None,
    secrets: bool = True,
    path: str = "/",
) -> str:
    """The whole tree as DTS.

    dtc gives back the same nodes, properties (same bytes, same order) and
    memory reservations. What DTS has no syntax for stands as options of dtc
    in the second line: the number of the boot CPU (-b); -f if there are
    duplicate names, of which the first one counts, and which are marked;
    -E no-name_properties if there are properties called "name", which dtc
    drops otherwise.

    With labels, nodes get those of /__symbols__, so what is appended to the text
    can say `&label { ... };`. An overlay is a /plugin/ with references, `<&label>`,
    and without its fixups, which dtc makes again.

    dtc itself gives up above about 5000 subnodes in one node or 9990 memory
    reservations, and needs -f for what it calls errors of style.

    Args:
        tree: an Fdt, or a blob in any bytes-like object.
        labels: False: nothing but what the blob has, node by node.
        limit: longer values are shortened as by property_text().
        secrets: as by property_text().
        path: full, of a node: it alone, with all below it and without what stands
            in front of a tree.
    Raises:
        FdtBadBlob: not a sound device tree.
        FdtBadContent: a name has characters that DTS cannot spell.
        FdtNotFound: there is no node of that path.
    """
    return "".join(lines(tree, labels=labels, limit=limit, secrets=secrets, path=path))


def lines(
    tree: flat.Tree,
    *,
    labels: bool = True,
    limit: int | None = None,
    secrets: bool = True,
    path: str = "/",
) -> Iterator[str]:
    """render() in pieces, for large trees."""
    read = flat.read(tree)
    writer = _Writer(read, Labels(read if labels else None), limit, secrets)
    if path == "/":
        return writer.text()
    return writer.below(path)


class _Writer:
    def __init__(
        self, tree: flat.FlatTree, labels: Labels, limit: int | None, secrets: bool
    ):
        self.tree = tree
        self.labels = labels
        self.limit = limit
        self.secrets = secrets
        self.base = 0
        self.spellable: set[str] = set()
        self.doubles: set[int] = set()
        self.options = f"-b {tree.boot_cpuid_phys:#x}"
        self._scan()

    def _scan(self) -> None:
        """What the first lines have to say of the whole."""
        siblings: list[set[str]] = []  # names of the children seen, per depth
        way: list[str] = []
        left_out = 1 << 31
        twice = named = False
        for number, node in enumerate(self.tree.nodes):
            del siblings[node.depth :], way[node.depth :]
            way.append(node.name)
            if node.depth <= left_out:
                left_out = node.depth if self.labels.leaves_out(node) else 1 << 31
            if node.depth < left_out:
                self._spell_all(node, way)
            if siblings:
                if node.name in siblings[-1]:
                    self.doubles.add(number)
                siblings[-1].add(node.name)
            siblings.append(set())
            names = {name for name, _ in node.properties}
            twice = twice or len(names) < len(node.properties)
            named = named or "name" in names
        if twice or self.doubles:
            self.options += " -f"
        if named:
            self.options += " -E no-name_properties"

    def text(self) -> Iterator[str]:
        yield "/dts-v1/;\n"
        yield f"// compile with: dtc -I dts -O dtb {self.options}\n"
        yield "/plugin/;\n\n" if self.labels.plugin else "\n"
        for start, size in self.tree.memreserve:
            yield f"/memreserve/ {start:#x} {size:#x};\n"
        yield from self._nodes(0, [])

    def below(self, path: str) -> Iterator[str]:
        """The first node of a path, and what is below it."""
        for number, (there, _) in enumerate(self.tree.with_paths()):
            if there == path:
                # The root's name is the one in front of the first slash
                return self._nodes(number, path.split("/")[:-1])
        raise FdtNotFound("dts", path, "there is no such node")

    def _nodes(self, top: int, way: list[str]) -> Iterator[str]:
        """A node and those below it; way: the names above."""
        self.base = len(way)
        left_out = 0
        for number in range(top, len(self.tree.nodes)):
            node = self.tree.nodes[number]
            if number > top and node.depth <= self.base:
                break
            if left_out and node.depth >= left_out:
                continue
            left_out = 0
            yield from self._close(len(way), node.depth)
            del way[node.depth :]
            if self.labels.leaves_out(node):
                left_out = node.depth + 1
                continue
            way.append(node.name)
            yield from self._node(node, number)
        yield from self._close(len(way), self.base)

    def _tab(self, depth: int) -> str:
        return "\t" * min(depth - self.base, MAX_INDENT)

    def _node(self, node: flat.FlatNode, number: int) -> Iterator[str]:
        tab = self._tab(node.depth)
        double = number in self.doubles
        labels = "" if double else self.labels.of(number)
        yield f"{tab}{labels}{node.name or '/'} {{{_note(double)}\n"
        tab = self._tab(node.depth + 1)
        seen: set[str] = set()
        for name, value in node.properties:
            note = _note(name in seen)
            seen.add(name)
            if not self.secrets and is_secret(name, value):
                yield f"{tab}{property_text(name, value, secrets=False)}\n"
                continue
            references = self.labels.references(number, name)
            if self.limit is not None and len(value) > self.limit and not references:
                yield f"{tab}{property_text(name, value, self.limit)}{note}\n"
                continue
            yield f"{tab}{name}{' = ' if value else ''}"
            yield from _pieces(name, value, references)
            yield f";{note}\n"

    def _close(self, depth: int, to: int) -> Iterator[str]:
        for d in range(depth - 1, to - 1, -1):
            yield self._tab(d) + "};\n"

    def _spell_all(self, node: flat.FlatNode, way: list[str]) -> None:
        if node.depth:
            self._spell(node.name, "node", way)
        for name, _ in node.properties:
            self._spell(name, "property", way)

    def _spell(self, name: str, what: str, way: list[str]) -> None:
        if name in self.spellable:
            return
        cause = unspellable(name)
        if cause:
            where = flat.path_text(way if what == "property" else way[:-1])
            raise FdtBadContent(
                "dts", where, f"DTS cannot spell the {what} name {name!r}: {cause}"
            )
        self.spellable.add(name)


def unspellable(name: str) -> str:
    """Why DTS has no way to write a name; "" if it has one."""
    if name.encode("utf-8", "surrogateescape").translate(None, NAME_CHARS):
        return "it takes letters, digits and ,._+*#?@- only"
    return ""


def _note(double: bool) -> str:
    return " // duplicate name: the first one counts" if double else ""
