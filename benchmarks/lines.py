# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A chart of cost over size as SVG: a line per implementation, both scales
logarithmic, quartile whiskers; what is linear in the size is level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from chart import line, text
from stats import Spread

WIDTH, HEIGHT = 900, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 300, 70, 50
COLOURS = ("#1f6f8b", "#e08e45", "#7a5195", "#5b8c5a", "#c0392b", "#7f8c8d", "#34495e",
           "#b7950b", "#2e86c1", "#884ea0")  # fmt: skip
APART = 16  # between the names at the right


class Line(NamedTuple):
    """One implementation: (size, seconds per unit), sizes ascending."""

    title: str
    points: Sequence[tuple[float, Spread]]


def _seconds(value: float) -> str:
    for limit, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
        if value >= limit * 0.999:
            return f"{value / limit:g} {unit}"
    return f"{value:g} s"


def _places(wanted: Sequence[float]) -> list[float]:
    """Heights for the names, near the wanted ones, none upon another."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    above = -math.inf
    for i in order:
        placed[i] = above = max(wanted[i], above + APART)
    excess = max(0.0, above - (HEIGHT - BOTTOM)) if placed else 0.0
    below = math.inf
    for i in reversed(order):
        if not excess:
            break
        placed[i] = min(placed[i], HEIGHT - BOTTOM, below - APART)
        below = placed[i]
    return placed


def svg(title: str, subtitle: str, size_name: str, drawn: Sequence[Line]) -> str:
    """Raises:
    ValueError: nothing to draw.
    """
    xs = [x for one in drawn for x, _ in one.points]
    ys = [y for one in drawn for _, s in one.points for y in s]
    if not xs:
        raise ValueError("no time to draw")
    x0, x1 = math.log(min(xs)), math.log(max(xs))
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    if low == high:
        high += 1

    def at_x(x: float) -> float:
        share = (math.log(x) - x0) / (x1 - x0) if x1 > x0 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        share = (math.log10(y) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="DejaVu Sans, sans-serif" '
        'font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(16, 26, title, font_size="16", font_weight="bold"),
        text(16, 46, subtitle, font_size="11", fill="#555"),
    ]
    for power in range(low, high + 1):
        y = at_y(10.0**power)
        parts.append(line(LEFT, y, WIDTH - RIGHT, y, "#ddd"))
        parts.append(text(LEFT - 8, y + 4, _seconds(10.0**power), text_anchor="end"))
    for x in sorted(set(xs)):
        parts.append(line(at_x(x), TOP, at_x(x), HEIGHT - BOTTOM, "#eee"))
        parts.append(
            text(at_x(x), HEIGHT - BOTTOM + 18, f"{x:,.0f}", text_anchor="middle")
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text(middle, HEIGHT - 12, size_name, text_anchor="middle"))
    names = _places([at_y(one.points[-1][1].median) for one in drawn])
    for i, (one, name_y) in enumerate(zip(drawn, names)):
        colour = COLOURS[i % len(COLOURS)]
        corners = " ".join(f"{at_x(x):.1f},{at_y(s.median):.1f}" for x, s in one.points)
        parts.append(
            f'<polyline points="{corners}" fill="none" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        for x, s in one.points:
            parts.append(line(at_x(x), at_y(s.q1), at_x(x), at_y(s.q3), colour))
            parts.append(
                f'<circle cx="{at_x(x):.1f}" cy="{at_y(s.median):.1f}" r="3" '
                f'fill="{colour}"/>'
            )
        last_x, last = one.points[-1]
        end = WIDTH - RIGHT + 20
        parts.append(
            line(at_x(last_x) + 4, at_y(last.median), end - 4, name_y - 4, "#ccc")
        )
        parts.append(text(end, name_y, one.title, font_size="11", fill=colour))
    return "\n".join([*parts, "</svg>", ""])
