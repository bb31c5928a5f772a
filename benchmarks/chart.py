# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A chart of ratios as SVG: horizontal bars from 1 on a log scale, with
quartile whiskers, one bar per corpus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from stats import Spread

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 900, 250, 80, 96, 44
BAR, GAP, BETWEEN = 13, 3, 14
COLOURS = ("#1f6f8b", "#e08e45", "#7a5195", "#5b8c5a")
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000,
         2000, 5000, 10000)  # fmt: skip


class Bars(NamedTuple):
    """One implementation; a spread per corpus, None where not measured."""

    title: str
    note: str
    spreads: Sequence[Spread | None]


class Scale:
    """Ratios to x, logarithmic, from a tick below all to a tick above."""

    def __init__(self, values: Sequence[float]):
        low, high = min([1, *values]), max([1, *values])
        self.ticks = [
            t
            for i, t in enumerate(TICKS)
            if TICKS[min(i + 1, len(TICKS) - 1)] > low and TICKS[max(i - 1, 0)] < high
        ]
        self.low, self.high = math.log(self.ticks[0]), math.log(self.ticks[-1])

    def x(self, value: float) -> float:
        share = (math.log(value) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def text(x: float, y: float, content: str, **style: str) -> str:
    attributes = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in style.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}"/>'
    )


def bar(scale: Scale, y: float, s: Spread, colour: str) -> list[str]:
    one, end = scale.x(1), scale.x(s.median)
    middle = y + BAR / 2
    parts = [
        f'<rect x="{min(one, end):.1f}" y="{y:.1f}" width="{abs(end - one):.1f}" '
        f'height="{BAR}" fill="{colour}"/>',
        line(scale.x(s.q1), middle, scale.x(s.q3), middle, "#222"),
    ]
    for q in (s.q1, s.q3):
        parts.append(line(scale.x(q), middle - 3, scale.x(q), middle + 3, "#222"))
    value = f"{s.median:.3g}" if s.median < 100 else f"{s.median:.0f}"
    label = scale.x(max(s.q3, 1)) + 5
    parts.append(text(label, middle + 4, value, font_size="11"))
    return parts


def svg(
    title: str, subtitle: str, than: str, legend: Sequence[str], rows: Sequence[Bars]
) -> str:
    """The whole picture: ratios over `than`, rows from top to bottom; legend[i]
    is spreads[i].

    Raises:
        ValueError: nothing to draw.
    """
    drawn = [s for row in rows for s in row.spreads if s]
    if not drawn:
        raise ValueError("no ratio to draw")
    scale = Scale([value for s in drawn for value in s])
    step = len(legend) * (BAR + GAP) + BETWEEN
    floor = TOP + len(rows) * step
    height = floor + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, sans-serif" '
        'font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        text(16, 26, title, font_size="16", font_weight="bold"),
        text(16, 46, subtitle, font_size="11", fill="#555"),
    ]
    at = 16.0
    for name, colour in zip(legend, COLOURS):
        parts.append(
            f'<rect x="{at:.1f}" y="60" width="11" height="11" fill="{colour}"/>'
        )
        parts.append(text(at + 16, 70, name, font_size="11"))
        at += 40 + 6.4 * len(name)
    for tick in scale.ticks:
        x = scale.x(tick)
        parts.append(line(x, TOP - 6, x, floor, "#222" if tick == 1 else "#ddd"))
        parts.append(text(x, floor + 16, f"{tick:g}", text_anchor="middle"))
    one = scale.x(1)
    parts.append(text(one + 8, floor + 34, f"slower than {than}", fill="#555"))
    parts.append(text(one - 8, floor + 34, "faster", fill="#555", text_anchor="end"))
    for i, row in enumerate(rows):
        y = TOP + i * step + BETWEEN / 2
        parts.append(text(LEFT - 12, y + 12, row.title, text_anchor="end"))
        parts.append(
            text(LEFT - 12, y + 26, row.note, text_anchor="end", font_size="10",
                 fill="#777")
        )  # fmt: skip
        for j, (s, colour) in enumerate(zip(row.spreads, COLOURS)):
            if s:
                parts += bar(scale, y + j * (BAR + GAP), s, colour)
    return "\n".join([*parts, "</svg>", ""])
