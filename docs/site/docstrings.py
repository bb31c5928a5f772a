# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Docstrings as they stand in the package, into what Sphinx reads."""

from __future__ import annotations

import re
from typing import Any

# A section: its lines are indented, and each item starts at the same column
SECTION = re.compile(r"^(Args|Attributes|Returns|Raises):$")
ITEM = re.compile(r"^    (\S[^:]*): (.*)$")
NAMES = re.compile(r"^    [A-Z]\w*(, [A-Z]\w*)*[:.]?( |$)")
FIELDS = {"Args": "param", "Attributes": "ivar", "Raises": "raises"}
# "Source: Linux drivers/of/kexec.c", on one line, and lines that go on with it
INLINE = re.compile(r"^(Returns|Raises|Ownership|Source): (.*)$")
# "kernel, initrd: paths of the files" in the docstring of a class
WORDS = re.compile(r"^([a-z_]+(?:, [a-z_]+)*): (.*)$")
CODE = re.compile(r"(``.*?``|`[^`]+`)")


def _plain(text: str) -> str:
    """Text, with escapes in front of what would be markup outside of `code`."""
    pieces = CODE.split(text)
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"([*|])", r"\\\1", pieces[i])
        pieces[i] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", pieces[i])
    return "".join(pieces)


class _Text:
    """The lines of one docstring, and what they become."""

    def __init__(self, of_class: bool):
        self.of_class = of_class
        self.out: list[str] = []
        self.section = ""
        self.list = False  # in a list of fields or items
        self.indent: str | None = None  # of lines that go on with an item

    def add(self, line: str) -> None:
        indented = line.startswith(" ")
        section = SECTION.match(line)
        if line and not indented:
            self.section = section[1] if section else ""
        if section:
            if self.section == "Returns":
                self._item(":returns:", "")
        elif self.section and indented:
            self._in_section(line)
        elif indented and self.indent is not None:
            self._go_on(line)
        elif line and not indented:
            self._outside(line)
        else:
            self.indent = None
            self.out.append(_plain(line.strip()))

    def _in_section(self, line: str) -> None:
        item = ITEM.match(line)
        if self.section == "Raises" and not NAMES.match(line) and line[4:5] != " ":
            self._item("*", line.strip(), "  ")
        elif item and self.section != "Returns":
            names = [item[1]] if self.section == "Raises" else item[1].split(", ")
            for name in names[:-1]:
                self._item(f":{FIELDS[self.section]} {name}:", f"see {names[-1]}")
            self._item(f":{FIELDS[self.section]} {names[-1]}:", item[2])
        elif self.section == "Raises" and line[4:5] != " ":
            self._item(f":raises {line.strip().rstrip('.')}:", "")
        else:
            self._go_on(line)

    def _outside(self, line: str) -> None:
        inline = INLINE.match(line)
        words = WORDS.match(line) if self.of_class else None
        if words and not inline:
            self._item(f"* {words[1]}:", words[2], "  ")
            return
        if self.list or inline:
            self.out.append("")
        self.list = False
        self.indent = "" if inline else None
        head = f"**{inline[1]}:** " if inline else ""
        self.out.append(head + _plain(inline[2] if inline else line))

    def _item(self, head: str, text: str, indent: str = "   ") -> None:
        if not self.list or self.indent != indent:
            self.out.append("")
        self.list = True
        self.indent = indent
        self.out.append(f"{head} {_plain(text)}".rstrip())

    def _go_on(self, line: str) -> None:
        self.out.append((self.indent or "") + _plain(line.strip()))


def to_rst(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """A handler of autodoc-process-docstring."""
    text = _Text(what == "class")
    example = False
    for line in lines:
        if line.startswith(">>> "):
            example = True
        if example:
            text.out.append(line)
            example = bool(line.strip())
        else:
            text.add(line)
    lines[:] = text.out
