# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a mutant is: one change of one place of a file, made by a rule."""

from __future__ import annotations

import re
from typing import NamedTuple


class Mutant(NamedTuple):
    """One change.

    path: the file, from the root of the checkout.
    where: the function.
    line: its number, for people.
    rule: which rule made it.
    start, stop: what is replaced, in characters of the file.
    new: what stands there then.
    code: the lines before the change, on one line.
    """

    path: str
    where: str
    line: int
    rule: str
    start: int
    stop: int
    new: str
    code: str

    @property
    def key(self) -> str:
        """A name that holds as long as the code does, wherever it moves: the file's
        own name, the function, the line as it was and as it is then."""
        name = self.path.rpartition("/")[2]
        return f"{name} {self.where}(): {self.code}"

    @property
    def at_import(self) -> bool:
        """Whether it is outside of all functions: only in classes, if in anything."""
        name = self.where.rpartition(".")[2].lstrip("_")
        return not name or name[0].isupper()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.code}"

    def apply(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.stop :]


def made(
    path: str, text: str, where: str, rule: str, start: int, stop: int, new: str
) -> Mutant:
    """A mutant, with the lines that it changes on one line, as they were and are."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", stop)
    last = len(text) if last < 0 else last
    old_line = squeezed(text[first:last])
    new_line = squeezed(text[first:start] + new + text[stop:last])
    line = text.count("\n", 0, start) + 1
    code = f"{old_line}  =>  {new_line}"
    return Mutant(path, where, line, rule, start, stop, new, code)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
