# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The comments of fdt_reg.h as a page: their one home is the header."""

from __future__ import annotations

import re

COMMENT = re.compile(r"/\*\*\n(.*?)\n \*/\n", re.S)
PARAMETER = re.compile(r"^@(\w+): (.*)$")


def _declaration(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return " ".join(" ".join(lines).split())


def _inline(text: str) -> str:
    """@name is a parameter, fdt_x() a function."""
    text = re.sub(r"@(\w+)-th", r"*\1*-th", text)
    text = re.sub(r"@(\w+)", r"*\1*", text)
    return re.sub(r"\b(fdt_\w+)\(\)", r"``\1()``", text)


def _paragraphs(lines: list[str]) -> list[str]:
    """Text; what is indented by a tab is code."""
    out: list[str] = []
    code = False
    for line in lines:
        if line.startswith("\t"):
            if not code:
                out += ["", ".. code-block:: c", ""]
            code = True
            out.append("   " + line[1:].replace("\t", "        "))
        else:
            if code and line:
                out.append("")
                code = False
            out.append(_inline(line) if not code else line)
    return out


def _returns(lines: list[str]) -> list[str]:
    """One item for each value; standard meanings are listed together."""
    items: list[str] = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        listed = items and re.fullmatch(r"(-FDT_ERR_\w+,\s*)+", items[-1] + " ")
        if listed or (items and line.startswith("\t\t")):
            items[-1] += " " + text
        else:
            items.append(text)
    return ["", "Returns:", "", *(f"* {_inline(item)}" for item in items)]


def _one(comment: str, code: str) -> str:
    lines = [re.sub(r"^ \* ?", "", line) for line in comment.splitlines()]
    title = lines[0]
    kind = "struct" if title.startswith("struct ") else "function"
    about = title.partition(" - ")[2]
    parameters: list[list[str]] = []
    body = lines[1:]
    while body and (PARAMETER.match(body[0]) or body[0].startswith("\t")):
        line = body.pop(0)
        match = PARAMETER.match(line)
        if match:
            parameters.append([match[1], match[2]])
        else:
            parameters[-1][1] += " " + line.strip()
    returns: list[str] = []
    if "returns:" in body:
        at = body.index("returns:")
        body, returns = body[:at], body[at + 1 :]
    out = [f"{about[:1].upper()}{about[1:]}.", ""]
    if kind == "struct":
        head = f".. c:struct:: {title.split()[1]}"
        types = {n: k for k, n in re.findall(r"\n\t([\w ]+) (\w+);", code)}
        for n, meaning in parameters:
            out += [f".. c:member:: {types[n]} {n}", "", f"   {_inline(meaning)}", ""]
    else:
        head = f".. c:function:: {_declaration(code)}"
        out += [f":param {n}: {_inline(t)}" for n, t in parameters]
    out += ["", *_paragraphs(body)]
    if returns:
        out += _returns(returns)
    return head + "\n\n" + "\n".join(f"   {line}".rstrip() for line in out) + "\n"


def page(header: str) -> str:
    """All that the header documents, as reStructuredText."""
    header = re.sub(r"#(ifndef SWIG.*|endif)\n", "", header)
    found = []
    for match in COMMENT.finditer(header):
        code = header[match.end() :]
        end = "};" if code.startswith("struct") else ";"
        found.append(_one(match[1], code[: code.index(end) + 1]))
    return "\n".join(found)
