# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Mutants of C code, by rule, from its tokens. Our own style is what is read: a
function's name and its braces stand at the start of lines, an operator has a
blank on both sides, a statement starts a line and ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutant import Mutant, made

COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
SIGNS = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
NUMBER = re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)\b")
COMPARISON = re.compile(r"(?<= )(<=|>=|==|!=|<|>)(?= |$)", re.MULTILINE)
SIGN = re.compile(r"(?<= )(\+=|-=|\+|-)(?= |$)|(?<=\w)(\+\+|--)", re.MULTILINE)
FUNCTION = re.compile(r"^[A-Za-z][\w *]*?(\w+)\([^;{]*?\)\s*^\{", re.MULTILINE)
CONDITION = re.compile(r"\b(if|while) \(")
RETURN = re.compile(r"^(\t+)return\b[^;]*;", re.MULTILINE)
STATEMENT = re.compile(
    r"^\t+(?!return\b|if\b|else\b|for\b|while\b|do\b|switch\b|case\b|default\b|goto\b)"
    r"[*&(]*\w[^;{}]*;$",
    re.MULTILINE,
)
# A type, then a name: a declaration
DECLARED = re.compile(
    r"\s*(?:(?:static|const|unsigned|struct|enum|union)\s|[a-z_]\w*\s+\*?\w+(?:\s*[=;,[])"
    r"|[a-z_]\w*\s+\w+\()"
)
OPERATORS = ("&&", "||")


def masked(text: str) -> str:
    """The same with comments, texts and directives blanked, so that places stay."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    text = re.sub(
        r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
        blank,
        text,
        flags=re.DOTALL,
    )
    return re.sub(r"^#(?!define)(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.MULTILINE)


def closed(text: str, at: int) -> int:
    """Behind the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if not depth:
            return i + 1
    raise ValueError("a parenthesis is not closed")


def begins(text: str, at: int) -> bool:
    """Whether an operand can begin at a place, outside of parentheses."""
    before = text[:at][-6:]
    if before[-2:] in OPERATORS or before == "return":
        return True
    if before[-1:] == "=":
        return before[-2:-1] not in tuple("=!<>") and text[at] != "="
    return before[-1:] in tuple("{};,?:")


def ends(text: str, at: int) -> bool:
    return text[at] in "{};,?:" or text[at : at + 2] in OPERATORS


def operands(text: str, at: int) -> tuple[int, int, int]:
    """Of && or || at a place: where its left operand starts, what follows the
    operator, and where its right operand ends."""
    start, depth = at, 0
    while start > 0 and (depth or not begins(text, start)):
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(text[start - 1], 0)
        if depth < 0:
            break
        start -= 1
    stop, depth = at + 2, 0
    while stop < len(text) and (depth or not ends(text, stop)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[stop], 0)
        if depth < 0:
            break
        stop += 1
    return start, at + 2, stop


def functions(code: str) -> list[tuple[int, int, str]]:
    """(start of the body, its end, name), in order."""
    found = []
    for match in FUNCTION.finditer(code):
        stop = code.find("\n}", match.end())
        found.append((match.end(), stop, match[1]))
    return found


def mutants(path: str, text: str) -> Iterator[Mutant]:
    code = masked(text)
    for start, stop, name in functions(code):
        for rule, at, end, new in sorted(of_function(text, code, start, stop)):
            yield made(path, text, name, rule, at, end, new)


def of_function(
    text: str, code: str, start: int, stop: int
) -> Iterator[tuple[str, int, int, str]]:
    """(rule, start, end, new text) of what stands in one body."""

    def found(pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        return pattern.finditer(code, start, stop)

    for m in found(COMPARISON):
        yield "comparison swapped", *m.span(1), COMPARED[m[1]]
    for m in found(NUMBER):
        number = int(m[1], 0) if not re.fullmatch("0[0-7]+", m[1]) else int(m[1], 8)
        for other in (number + 1, number - 1):
            if other >= 0:
                yield "constant", *m.span(), f"{other}{m[2]}"
    for m in found(SIGN):
        yield "+ and - swapped", *m.span(), SIGNS[m[0]]
    for m in found(CONDITION):
        at, end = m.end() - 1, closed(code, m.end() - 1)
        inner = text[at + 1 : end - 1]
        if m[1] == "if":
            yield "condition always", at, end, f"(({inner}) || 1)"
        yield "condition never", at, end, f"(({inner}) && 0)"
    for m in re.compile(r"&&|\|\|").finditer(code, start, stop):
        at, behind, end = operands(code, m.start())
        left, right = text[at : m.start()].strip(), text[behind:end].strip()
        lead = text[at : m.start()][: -len(text[at : m.start()].lstrip()) or None]
        yield "operand dropped", at, end, f"{lead}{left}"
        yield "operand dropped", at, end, f"{lead}{right}"
    for m in found(RETURN):
        # the last one is the function's
        if len(m[1]) > 1:
            yield "early return removed", m.start() + len(m[1]), m.end(), ";"
    for m in found(STATEMENT):
        if not DECLARED.match(m[0]):
            at = m.start() + len(m[0]) - len(m[0].lstrip("\t"))
            yield "statement deleted", at, m.end(), ";"
