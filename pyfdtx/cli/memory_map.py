# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A plan drawn: for the terminal, as SVG, as JSON."""

from __future__ import annotations

from ..codec.reg import MemRange
from ..kexec.facts.number import amount
from ..kexec.facts.ranges import Ranges
from ..kexec.place.file_plan import FilePlan
from .trouble import clean

__all__ = ["amount", "as_json", "as_svg", "lines"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..kexec.place.plan import Plan

# Kind of a row: its colour in the SVG drawing
COLOURS = {
    "ram": "#d9dee4",
    "usable": "#f6e3b5",
    "free": "#fdf6e3",
    "kernel": "#8fb8de",
    "initrd": "#a8d5ba",
    "dtb": "#f2a97e",
    "trampoline": "#d7a6d9",
    "backup": "#c9b79c",
    "elfcorehdr": "#e58f8f",
}
BOX = 44  # characters inside a box
NOT_TO_SCALE = "heights are not to scale: they grow with the logarithm of the size"


class _Row:
    """kind: a key of COLOURS. inside: whether segments may lie there."""

    __slots__ = ("inside", "kind", "range", "text")

    def __init__(self, kind: str, where: MemRange, text: str, inside: bool):
        self.kind = kind
        self.range = where
        self.text = text
        self.inside = inside


def _dumped(plan: Plan) -> Ranges:
    """What the core header tells of; with 32 bits that is not all."""
    from ..kexec.check.elf import PT_LOAD, Core

    header = plan["elfcorehdr"]
    core = Core(header.start, bytes(header.data))
    return Ranges.union((s.start, s.size) for s in core.segments(PT_LOAD)).joined()


def _rows(plan: Plan) -> list[_Row]:
    """What lies where, by address; nothing twice."""
    used = [s.range for s in plan.segments]
    frame = [r for r in plan.area if any(r.start <= u.start < r.stop for u in used)]
    rows = [_Row(s.name, s.range, s.name, True) for s in plan.segments]
    for r in plan.area.intersect(frame).exclude(used):
        text = "free, for the crash kernel" if plan.crash else "free"
        rows.append(_Row("free", r, text, True))
    low = list(Ranges.union(plan.usable).exclude(frame))
    rows += [_Row("usable", r, "crash kernel, no segments", False) for r in low]
    rest = plan.ram.exclude(frame).exclude(low).joined()
    told = _dumped(plan) if plan.crash else Ranges()
    text = "memory, not dumped" if plan.crash else "memory"
    rows += [_Row("ram", r, "memory, dumped", False) for r in rest.intersect(told)]
    rows += [_Row("ram", r, text, False) for r in rest.exclude(told)]
    return sorted(rows, key=lambda row: row.range.start)


def _title(plan: Plan) -> str:
    what = "crash kernel" if plan.crash else "kexec"
    return f"{plan.arch}, {what}, entry {plan.entry:#x}"


def _files(plan: FilePlan) -> list[str]:
    """A plan that the running kernel completes."""
    what = "crash kernel" if plan.crash else "kexec"
    rows = [("kernel", plan.kernel), ("initrd", plan.initrd), ("cmdline", plan.cmdline)]
    head = f"{plan.arch}, {what}, by {plan.call}(2): the running kernel places it"
    told = [f"{name:<8} {clean(value)}" for name, value in rows if value]
    return [head, *told, *(f"note: {clean(text)}" for text in plan.notes)]


def lines(plan: Plan | FilePlan) -> list[str]:
    """The map as text, lowest address first. Where segments may lie the walls
    are double."""
    if isinstance(plan, FilePlan):
        return _files(plan)
    rows = _rows(plan)
    width = max(len(f"{row.range.stop:#x}") for row in rows)
    out = [_title(plan)]
    stop, inside = -1, False
    for row in rows:
        if stop not in (-1, row.range.start):
            out.append(_border(stop, width, inside))
            inside = False
            out.append(" " * (width + 3) + "...")
        out.append(_border(row.range.start, width, inside or row.inside))
        wall = "#" if row.inside else "|"
        size = amount(row.range.size)
        out.append(f"{'':{width}} {wall} {row.text:<{BOX - 14}}{size:>12} {wall}")
        stop, inside = row.range.stop, row.inside
    out.append(_border(stop, width, inside))
    return out + [f"note: {clean(text)}" for text in plan.notes]


def _border(address: int, width: int, inside: bool) -> str:
    return f"{address:#{width}x} +{('=' if inside else '-') * BOX}+"


def as_json(plan: Plan | FilePlan) -> str:
    """The plan for programs: numbers are bytes and physical addresses."""
    from json import dumps

    facts: dict[str, Any] = {
        "arch": plan.arch,
        "crash": plan.crash,
        "call": plan.call,
    }
    if isinstance(plan, FilePlan):
        facts |= {
            "kernel": plan.kernel,
            "initrd": plan.initrd,
            "cmdline": plan.cmdline,
        }
        return dumps(facts, indent=1) + "\n"
    facts |= {
        "entry": plan.entry,
        "page_size": plan.page_size,
        "usable": [{"start": r.start, "size": r.size} for r in plan.usable],
        "segments": [
            {
                "name": s.name,
                "start": s.start,
                "size": s.size,
                "bytes": len(s.data),
            }
            for s in plan.segments
        ],
        "notes": list(plan.notes),
        "findings": [f._asdict() for f in plan.findings],
    }
    return dumps(facts, indent=1) + "\n"


def as_svg(plan: Plan) -> str:
    """The map as a drawing; heights grow with the logarithm of the size."""
    rows = _rows(plan)
    top, left, width = 40, 150, 380
    body = []
    y, stop = top, -1
    for row in rows:
        if stop not in (-1, row.range.start):
            body.append(_label(left - 8, y + 5, f"{stop:#x}"))
            y += 22
        height = 14 + 2 * row.range.size.bit_length() // 3
        edge = 2 if row.inside else 1
        body.append(
            f'<rect x="{left}" y="{y}" width="{width}" height="{height}" '
            f'fill="{COLOURS[row.kind]}" stroke="#333" stroke-width="{edge}"/>'
        )
        body.append(_label(left - 8, y + 5, f"{row.range.start:#x}"))
        text = f"{row.text}, {amount(row.range.size)}"
        body.append(
            f'<text x="{left + 12}" y="{y + height // 2 + 4}" fill="#111">{text}</text>'
        )
        y += height
        stop = row.range.stop
    body.append(_label(left - 8, y + 5, f"{stop:#x}"))
    size = f'width="{left + width + 20}" height="{y + 40}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        'font-family="monospace" font-size="12">'
        f'<rect {size} fill="#fff"/>'
        f'<text x="{left}" y="24" fill="#111" font-size="14">{_title(plan)}</text>'
        f'<text x="{left}" y="{y + 24}" fill="#555">{NOT_TO_SCALE}</text>'
    )
    return "\n".join([head, *body, "</svg>", ""])


def _label(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" fill="#111" text-anchor="end">{text}</text>'
