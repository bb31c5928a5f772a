# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""From a results file: the table, the verdict on the targets, the chart.

    python benchmarks/report.py benchmarks/results/j1.json [PAGE.md ...]

writes the chart beside the results and the tables into every page, between
the lines <!-- bench:j1 --> and <!-- /bench:j1 -->. Only rounds are stored;
every number here is computed from them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import chart
from stats import Spread, paired, spread

Results = dict[str, Any]
Cells = list[list[str]]


def baseline(results: Results) -> str:
    """What ratios are over: pyfdtx, or the first that could be measured."""
    keys = [v["key"] for v in results["variants"]]
    return "native" if "native" in keys else keys[0]


def times(corpus: Results, key: str) -> tuple[list[int], int] | None:
    """Rounds of a variant in ns and the number of trees in each."""
    if key in corpus["whole"]:
        return corpus["whole"][key], corpus["trees"]
    if corpus["part"].get(key):
        return corpus["part"][key], corpus["part_trees"]
    return None


def ratio(corpus: Results, above: str, below: str) -> Spread | None:
    """above's time over below's, paired by round; None if not measured."""
    for rounds in (corpus["whole"], corpus["part"]):
        if rounds.get(above) and rounds.get(below):
            return paired(rounds[above], rounds[below])
    return None


def digits(value: float) -> str:
    """Two or three digits, no exponent."""
    for limit, places in ((100, 0), (10, 1), (0.1, 2)):
        if value >= limit:
            return f"{value:.{places}f}"
    return f"{value:.3f}"


def show(s: Spread) -> str:
    return f"{digits(s.median)} [{digits(s.q1)} .. {digits(s.q3)}]"


def speed_cells(results: Results) -> Cells:
    base = baseline(results)
    names = {v["key"]: v["title"] for v in results["variants"]}
    head = ["implementation", "checks the input with"]
    for c in results["corpora"]:
        head += [f"{c['key']}: time over {names[base]}", f"{c['key']}: us per tree"]
    rows = []
    for v in results["variants"]:
        row = [v["title"], v["checks"] or "nothing"]
        for c in results["corpora"]:
            over, measured = ratio(c, v["key"], base), times(c, v["key"])
            row.append(show(over) if over else "")
            if measured:
                us = spread(measured[0]).scaled(1e-3 / measured[1]).median
                row.append(digits(us))
            else:
                row.append("")
        rows.append(row)
    return [head, *rows]


def memory_cells(results: Results) -> Cells:
    rows = [["implementation", "peak over output", "by resident set"]]
    titles = {v["key"]: v["title"] for v in results["variants"]}
    for key, m in (results.get("memory") or {"rows": {}})["rows"].items():
        rows.append(
            [titles[key]]
            + [
                f"{m[how] / m['output']:.4f}" if m[how] is not None else "not counted"
                for how in ("peak", "rss")
            ]
        )
    return rows


class Target(NamedTuple):
    """A promise about speed or memory, and what came out."""

    text: str
    where: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.met]


# (above, below, limit, at least or at most, text)
SPEED_TARGETS = (
    ("pylibfdt", "native", 1.5, "min", "at least 1.5 times as fast as pylibfdt"),
    ("native", "c_plain", 1.15, "max", "at most 1.15 times C over libfdt, unchecked"),
    ("native", "c_engine", 1.15, "max", "at most 1.15 times the same job in C"),
    ("fdt", "native", 100, "min", "at least 100 times as fast as fdt"),
)
MEMORY_LIMIT = 2


def targets(results: Results) -> list[Target]:
    found = []
    for above, below, limit, way, text in SPEED_TARGETS:
        for corpus in results["corpora"]:
            s = ratio(corpus, above, below)
            met = None
            if s:
                met = s.median >= limit if way == "min" else s.median <= limit
            found.append(Target(text, corpus["key"], show(s) if s else "-", met))
    native = (results.get("memory") or {"rows": {}})["rows"].get("native")
    sizes = [native[how] for how in ("peak", "rss")] if native else []
    counted = max((s for s in sizes if s is not None), default=None)
    over = counted / native["output"] if counted is not None else None
    found.append(
        Target(
            f"peak extra memory at most {MEMORY_LIMIT} times the output",
            "large tree",
            f"{over:.4f}" if over is not None else "-",
            over <= MEMORY_LIMIT if over is not None else None,
        )
    )
    return found


def target_cells(results: Results) -> Cells:
    rows = [[t.text, t.where, t.measured, t.verdict] for t in targets(results)]
    return [["target", "on", "measured", "verdict"], *rows]


def as_text(cells: Cells) -> str:
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def as_markdown(cells: Cells) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    rule = "|" + " --- |" * len(cells[0])
    return "\n".join([lines[0], rule, *lines[1:]])


def conditions(results: Results) -> str:
    """One paragraph: corpora, machine, versions."""
    m = results["machine"]
    packages = ", ".join(
        f"{name} {number}" for name, number in m["packages"].items() if number
    )
    corpora = "; ".join(
        f"{c['key']}: {c['trees']} trees {c['title']}" for c in results["corpora"]
    )
    text = (
        f"{corpora}. Median [quartiles] of {results['rounds']} interleaved rounds, "
        "thread CPU time. "
        f"{m['cpu']}, {m['system']}, {m['python']}, {m['compiler']}; {packages}; "
        f"commit {m['commit'] or 'unknown'}"
        f"{' with changes' if m['modified'] else ''}, {m['date']}."
    )
    slow = [v["title"] for v in results["variants"] if v["slow"]]
    if slow:
        text += (
            f" {', '.join(slow)}: every {results['part_step']}th tree, every "
            f"{results['seldom']}th round, against the others on the same trees."
        )
    if results["missing"]:
        text += " Not measured: " + ", ".join(
            f"{name} ({why})" for name, why in results["missing"].items()
        )
        text += "."
    return text


def markdown(results: Results) -> str:
    """All that stands between the markers of a page."""
    parts = [as_markdown(speed_cells(results)), conditions(results)]
    memory = memory_cells(results)
    if len(memory) > 1:
        parts.append(
            f"Peak extra memory on a tree of {results['memory']['input']} bytes "
            "(allocated bytes; growth of the resident set):"
        )
        parts.append(as_markdown(memory))
    parts.append(as_markdown(target_cells(results)))
    return "\n\n".join(parts)


def screen(results: Results) -> str:
    parts = [as_text(speed_cells(results)), conditions(results)]
    memory = memory_cells(results)
    if len(memory) > 1:
        parts.append(as_text(memory))
    parts.append(as_text(target_cells(results)))
    return "\n\n".join(parts)


def replace_between(page: str, job: str, text: str) -> str:
    """page with text between the job's markers.

    Raises:
        ValueError: not exactly one pair of markers.
    """
    start, end = f"<!-- bench:{job} -->", f"<!-- /bench:{job} -->"
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"needs exactly one {start} and one {end}")
    head, _, rest = page.partition(start)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{end} stands before {start}")
    return f"{head}{start}\n{text}\n{end}{tail}"


def update(page: Path, results: Results) -> None:
    """Write the tables into a page.

    Raises:
        ValueError: the page has not exactly one pair of markers.
    """
    try:
        new = replace_between(page.read_text(), results["job"], markdown(results))
    except ValueError as e:
        raise ValueError(f"{page}: {e}") from None
    page.write_text(new)


def bars(results: Results) -> list[chart.Bars]:
    base = baseline(results)
    found = []
    for v in results["variants"]:
        spreads = [ratio(c, v["key"], base) for c in results["corpora"]]
        if any(spreads):
            note = f"checks: {v['checks']}" if v["checks"] else "no checks"
            found.append(chart.Bars(v["title"], note, spreads))
    return found


def write_chart(path: Path, results: Results) -> None:
    titles = {v["key"]: v["title"] for v in results["variants"]}
    base = titles[baseline(results)]
    corpora = results["corpora"]
    legend = [f"{c['key']}: {c['trees']} trees {c['title']}" for c in corpora]
    m = results["machine"]
    path.write_text(
        chart.svg(
            "A crash kernel's tree from a boot tree, bytes to bytes",
            f"CPU time, {base} = 1, log scale; median, whiskers: quartiles. "
            f"{m['cpu']}, {m['date']}",
            base,
            legend,
            bars(results),
        )
    )


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    source, *pages = map(Path, arguments)
    try:
        results = json.loads(source.read_text())
        write_chart(source.with_suffix(".svg"), results)
        for page in pages:
            update(page, results)
            print(f"bench: {page} updated")
    except (OSError, ValueError) as e:
        print(f"benchmarks/report.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
