# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Edits of a dtc tree's files, at places found by what stands there.

No line numbers and no copied context: a function by its name, a list by its
head, an entry by its order. Every function takes a file's whole text and
returns the new one, or raises NoPlace.
"""

from __future__ import annotations

import re

__all__ = [
    "NoPlace",
    "append",
    "before_comment",
    "before_doc",
    "body",
    "export_symbols",
    "function",
    "has_function",
    "ignore",
    "in_doc",
    "insert_after",
    "insert_before",
    "make_list",
    "meson_list",
    "once",
    "prototype",
    "run_after",
    "within",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class NoPlace(Exception):
    """The text has no place for an edit; says what was looked for."""


def _definition(name: str) -> re.Pattern[str]:
    # At the line's start, arguments over several lines, the body to the
    # first brace at a line's start
    return re.compile(
        rf"^[a-z][^\n;(){{}}#]*\b{name}\([^;{{}}]*\)\n\{{\n(?P<body>.*?)^\}}\n",
        re.MULTILINE | re.DOTALL,
    )


def has_function(text: str, name: str) -> bool:
    return _definition(name).search(text) is not None


def _find(text: str, name: str) -> re.Match[str]:
    found = _definition(name).search(text)
    if found is None:
        raise NoPlace(f"the definition of {name}()")
    return found


def function(text: str, name: str) -> str:
    """The definition, from its first line to the closing brace."""
    return _find(text, name)[0]


def body(text: str, name: str) -> str:
    """What stands between the braces of a function."""
    return _find(text, name)["body"]


def within(text: str, name: str, edit: Callable[[str], str]) -> str:
    """Edit the definition of one function."""
    found = _find(text, name)
    return text[: found.start()] + edit(found[0]) + text[found.end() :]


def in_doc(header: str, name: str, edit: Callable[[str], str]) -> str:
    """Edit the documentation of one function."""
    found = re.search(rf"^/\*\*\n \* {name} - .*?\*/\n", header, re.M | re.DOTALL)
    if found is None:
        raise NoPlace(f"the documentation of {name}()")
    return header[: found.start()] + edit(found[0]) + header[found.end() :]


def once(text: str, old: str, new: str | Callable[[re.Match[str]], str]) -> str:
    """Replace what the pattern finds; it must be there exactly once."""
    pattern = re.compile(old, re.MULTILINE)
    count = len(pattern.findall(text))
    if count != 1:
        raise NoPlace(f"one place that looks like /{old}/ (there are {count})")
    return pattern.sub(new if callable(new) else lambda m: m.expand(new), text)


def _at(text: str, pattern: str, new: str, behind: bool) -> str:
    found = list(re.compile(pattern, re.MULTILINE).finditer(text))
    if len(found) != 1:
        raise NoPlace(f"one line that looks like /{pattern}/ (there are {len(found)})")
    at = text.find("\n", found[0].end()) + 1 if behind else found[0].start()
    return text[:at] + new + text[at:]


def insert_after(text: str, pattern: str, new: str) -> str:
    """Insert whole lines behind the one line that matches."""
    return _at(text, pattern, new, behind=True)


def insert_before(text: str, pattern: str, new: str) -> str:
    """Insert whole lines in front of the one line that matches."""
    return _at(text, pattern, new, behind=False)


def before_doc(text: str, name: str, new: str) -> str:
    """Insert whole lines in front of a function's documentation."""
    return _at(text, rf"^/\*\*\n \* {name} - ", new, behind=False)


def before_comment(text: str, pattern: str, new: str) -> str:
    """Insert whole lines in front of a line's own comment."""
    return once(text, rf"^/\*\*\n(?: \*.*\n)*?{pattern}", lambda m: new + m[0])


def append(text: str, pieces: Iterable[str]) -> str:
    """Add pieces at the end of a file, a blank line before each."""
    return text.rstrip("\n") + "\n" + "".join(f"\n{piece}\n" for piece in pieces)


def prototype(header: str, after: str, pieces: Iterable[str]) -> str:
    """Add pieces behind the prototype of a function."""
    found = re.search(rf"^[a-z][^\n;(){{}}]*\b{after}\([^;{{}}]*\);\n", header, re.M)
    if found is None:
        raise NoPlace(f"the prototype of {after}()")
    # An "#endif" of the prototype's own stays with it
    at = found.end()
    if header.startswith("#endif", at):
        at = header.index("\n", at) + 1
    return header[:at] + "".join(f"\n{piece}\n" for piece in pieces) + header[at:]


def export_symbols(lds: str, names: Iterable[str]) -> str:
    """Add symbols at the end of version.lds' list."""
    found = re.search(r"^([ \t]*)\w+;\n(?=\s*local:)", lds, re.MULTILINE)
    if found is None:
        raise NoPlace('the last symbol in front of "local:"')
    new = "".join(f"{found[1]}{name};\n" for name in names)
    return lds[: found.end()] + new + lds[found.end() :]


def make_list(text: str, variable: str, after: str, names: Iterable[str]) -> str:
    """Add words to a make variable, behind the line that ends with a word."""
    head = re.search(rf"^{variable} = (?:.*\\\n)*.*\n", text, re.MULTILINE)
    if head is None:
        raise NoPlace(f"the list {variable}")
    new = "".join(f"\t{name} \\\n" for name in names)
    try:
        there = insert_after(head[0], rf"\b{re.escape(after)} \\$", new)
    except NoPlace:
        raise NoPlace(f"{after} in the list {variable}") from None
    return text[: head.start()] + there + text[head.end() :]


def meson_list(text: str, variable: str, names: Iterable[str]) -> str:
    """Add strings to a meson list, each in front of the first larger one."""
    head = re.search(rf"^{variable} = \[\n((?:  '[^']+',\n)+)\]\n", text, re.MULTILINE)
    if head is None:
        raise NoPlace(f"the list {variable}")
    lines = _sorted_in(head[1].splitlines(), [f"  '{name}'," for name in names])
    new = "".join(f"{line}\n" for line in lines)
    return text[: head.start(1)] + new + text[head.end(1) :]


def ignore(text: str, names: Iterable[str]) -> str:
    """Add programs to tests/.gitignore."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if re.match(r"/\w+$", line)), None)
    if first is None:
        raise NoPlace("the list of programs")
    lines[first:] = _sorted_in(lines[first:], [f"/{name}" for name in names])
    return "\n".join(lines) + "\n"


def _sorted_in(lines: list[str], new: list[str]) -> list[str]:
    for line in new:
        at = next((i for i, old in enumerate(lines) if old > line), len(lines))
        lines.insert(at, line)
    return lines


def run_after(script: str, program: str, names: Iterable[str]) -> str:
    """Let libfdt_tests() of run_tests.sh run programs, behind another."""
    found = re.search(r"^libfdt_tests \(\) \{\n.*?^\}\n", script, re.M | re.DOTALL)
    if found is None:
        raise NoPlace("the function libfdt_tests")
    lines = list(re.finditer(rf"^( +)run_test {program}\b.*\n", found[0], re.M))
    if not lines:
        raise NoPlace(f'"run_test {program}" in libfdt_tests')
    at = found.start() + lines[-1].end()
    new = "".join(f"{lines[-1][1]}run_test {name}\n" for name in names)
    return script[:at] + new + script[at:]
