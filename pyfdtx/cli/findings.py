# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Findings for people: a paragraph each, by severity."""

from __future__ import annotations

import os
from textwrap import wrap

from .trouble import clean

__all__ = ["COLOURS", "drawn"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    # severity, id, paragraphs as (label, text)
    Row = tuple[str, str, list[tuple[str, str]]]

COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1m"}
OFF = "\x1b[m"
WIDTH = 80


def _paragraph(label: str, text: str) -> str:
    head = f"    {label:<9}"
    lines = wrap(
        clean(text),
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def drawn(rows: list[Row], name: str, counted: dict[str, object]) -> str:
    """Findings for people.

    rows: (severity, id, paragraphs as (label, text)). name: what was looked at.
    counted: how many there are, by severity.
    """
    on = os.isatty(1) and not os.environ.get("NO_COLOR")
    counts = ", ".join(
        f"{n} {what if n != 1 else what[:-1]}" for what, n in counted.items()
    )
    lines = [f"{clean(name)}: {counts if rows else 'nothing found'}"]
    for severity, id, paragraphs in rows:
        colour, off = (COLOURS[severity], OFF) if on else ("", "")
        lines += ["", f"{colour}{severity}{off}  {id}"]
        lines += [_paragraph(label, text) for label, text in paragraphs if text]
    return "\n".join(lines) + "\n"
