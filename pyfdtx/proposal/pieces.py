# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""C sources of ours, cut at the blank lines between top-level things."""

from __future__ import annotations

import re

__all__ = ["split", "title"]

# A blank line inside a comment or a body is followed by a blank or a "}"
BETWEEN = re.compile(r"\n\n+(?=[^\s}])")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRUCT = re.compile(r"(?:static const )?struct (\w+) \{")
CALL = re.compile(r"\b(\w+)\(")


def split(text: str) -> list[str]:
    """The pieces in order, without the blank lines between them."""
    return [piece.strip("\n") for piece in BETWEEN.split(text)]


def title(piece: str) -> str:
    """The function or struct that a piece declares or defines; "" for others."""
    code = [line for line in COMMENT.sub("", piece).splitlines() if line.strip()]
    code = [line for line in code if not line.startswith(("#", "//"))]
    if not code:
        return ""
    struct = STRUCT.match(code[0])
    if struct:
        return struct[1]
    call = CALL.search(" ".join(code))
    return call[1] if call else ""
