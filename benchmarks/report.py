# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""From results files: tables, verdicts, charts, and the pages that show them.

    python benchmarks/report.py [--results DIR] PAGE.md ...

writes the charts beside the results and what belongs there into every page:
the tables of a job between the lines <!-- bench:JOB --> and <!-- /bench:JOB -->,
the headlines of all jobs between <!-- bench:summary --> and its end, the three figures
of the README between <!-- bench:figures --> and its end.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

import charts
from results import (
    Found,
    Results,
    instructions,
    load_all,
    per_unit,
    ratio,
    rows,
    shown,
)
from stats import Spread
from targets import AT_LEAST, Verdict, judge, over

FOLDER = Path(__file__).resolve().parent / "results"
SUMMARY, FIGURES = "summary", "figures"

GROWING = "Time per {unit}, x the ratio to {base}:"

Cells = list[list[str]]


def digits(value: float) -> str:
    """Two or three digits, no exponent."""
    for limit, places in ((100, 0), (10, 1), (0.1, 2)):
        if value >= limit:
            return f"{value:.{places}f}"
    return f"{value:.3f}"


def show(s: Spread | None) -> str:
    if not s:
        return ""
    median, low, high = map(digits, (s.median, s.q1, s.q3))
    return median if low == high else f"{median} [{low} .. {high}]"


def duration(ns: float) -> str:
    """With the unit that gives few digits."""
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if ns >= limit:
            return f"{digits(ns / limit)} {unit}"
    return f"{digits(ns)} ns"


def count(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 100 else digits(number)


# -- tables --------------------------------------------------------------------


def speed_cells(results: Results, group: str) -> Cells:
    """A row per implementation; per case the ratio and the time of a unit."""
    cases = shown(results, group)
    unit = results["groups"][group]["unit"]
    if grows(cases):
        head = ["implementation", "note", *(c["title"] for c in cases)]
    else:
        head = ["implementation", "note"]
        for c in cases:
            name = f"{c['key']}: " if len(cases) > 1 else ""
            base = _title(results, group, c["base"])
            head += [f"{name}time over {base}", f"{name}per {unit}"]
    found = []
    for key, (title, note) in rows(results, group).items():
        row = [title, note]
        for c in cases:
            each = per_unit(results, c, key)
            cells = [
                show(ratio(results, c, key, c["base"])),
                duration(each.median) if each else "",
            ]
            row += [", x ".join(filter(None, cells[::-1]))] if grows(cases) else cells
        found.append(row)
    return [head, *found]


def grows(cases: list[Found]) -> bool:
    """Whether the cases are one thing at several sizes."""
    return len(cases) > 1 and all(c["x"] is not None for c in cases)


def count_cells(results: Results, group: str) -> Cells:
    """Instructions of one unit, and over the base's; [] if none were counted."""
    cases = [c for c in shown(results, group) if c.get("instructions")]
    unit = results["groups"][group]["unit"]
    growing = grows(shown(results, group))
    head = ["implementation"]
    for c in cases:
        if growing:
            head.append(c["title"])
        else:
            name = f"{c['key']}: " if len(cases) > 1 else ""
            head += [f"{name}instructions per {unit}", f"{name}ratio"]
    found = []
    for key, (title, note) in rows(results, group).items():
        row = [title if growing or not note else f"{title}; {note}"]
        for c in cases:
            mine = instructions(results, c, key)
            base = instructions(results, c, c["base"])
            cells = [count(mine), digits(mine / base) if mine and base else ""]
            row += [", x ".join(filter(None, cells))] if growing else cells
        if any(row[1:]):
            found.append(row)
    return [head, *found] if found else []


def memory_cells(results: Results, group: str) -> Cells:
    found = [["implementation", "peak of allocated bytes", "growth of resident set"]]
    for m in results["memory"]["rows"][group].values():
        found.append(
            [m["title"]]
            + [
                f"{m[how] / m['of']:.4f}" if m[how] is not None else "not counted"
                for how in ("peak", "rss")
            ]
        )
    return found


def verdict_cells(verdicts: list[Verdict], jobs: bool = False) -> Cells:
    head = [*(["job"] if jobs else []), "what", "where", "target", "measured",
            "verdict"]  # fmt: skip
    found = [head]
    for v in verdicts:
        sign = ">=" if v.promise.way == AT_LEAST else "<="
        row = [v.promise.text, v.where, f"{sign} {v.promise.limit:g}",
               show(v.found) or "-", v.word]  # fmt: skip
        found.append([*([job_name(v.promise.job)] if jobs else []), *row])
    return found


def job_name(key: str) -> str:
    return key.upper() if re.fullmatch(r"j\d", key) else key.capitalize()


def _title(results: Results, group: str, key: str) -> str:
    return rows(results, group).get(key, (key, ""))[0]


def _base(results: Results, group: str) -> str:
    return _title(results, group, shown(results, group)[0]["base"])


def profile_cells(results: Results, verdicts: list[Verdict]) -> Cells:
    """Where the instructions go in the cases in which a target is missed."""
    missed = {v.key for v in verdicts if v.word == "missed"}
    found = [["case", "implementation", "function", "share", "instructions per unit"]]
    for c in results.get("cases", ()):
        if c["key"] in missed:
            base = _title(results, c["group"], c["base"])
            found += [
                [c["title"], base, f"`{name}`", f"{share:.0%}", count(each)]
                for name, share, each in c.get("profile", ())
            ]
    return found if len(found) > 1 else []


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


# -- text ----------------------------------------------------------------------


def conditions(results: Results) -> str:
    """One paragraph: how often, machine, versions, what is missing."""
    m = results["machine"]
    packages = ", ".join(
        f"{name} {number}" for name, number in m["packages"].items() if number
    )
    parts = []
    if "clock" in results:
        most = max(
            len(times) for c in results["cases"] for times in c["rounds"].values()
        )
        parts.append(
            f"Median [quartiles] of {most} interleaved rounds, {results['clock']}."
        )
    parts.append(
        f"{m['cpu']}, {m['cpus']} CPUs, {m['system']}, {m['python']}, "
        f"{m['compiler']}, load {m['load']}; {packages}; "
        f"commit {m['commit'] or 'unknown'}"
        f"{' with changes' if m['modified'] else ''}, {m['date']}."
    )
    counted = results.get("counted")
    if counted:
        parts.append(
            f"Instructions counted with {counted['valgrind']} at commit "
            f"{counted['commit']}{' with changes' if counted['modified'] else ''}."
        )
    left_out = results.get("facts", {}).get("left_out")
    if left_out:
        parts.append(
            "Left out: "
            + ", ".join(f"{n} trees ({why})" for why, n in left_out.items())
            + "."
        )
    if results["missing"]:
        parts.append(
            "Not measured: "
            + ", ".join(f"{key} ({why})" for key, why in results["missing"].items())
            + "."
        )
    return " ".join(parts)


def markdown(results: Results, to_chart: str = "") -> str:
    """All that stands between a job's markers; to_chart leads from the page to
    the folder of the charts."""
    verdicts = judge(results)
    parts = [as_markdown(verdict_cells(verdicts))]
    for key, group in results["groups"].items():
        parts.append(f"**{group['title']}**" + f"\n{group['text']}".rstrip())
        if "memory" in results:
            parts.append(as_markdown(memory_cells(results, key)))
            continue
        if grows(shown(results, key)):
            parts.append(GROWING.format(**group, base=_base(results, key)))
        parts.append(as_markdown(speed_cells(results, key)))
        if charts.drawable(results, key):
            name = charts.file_name(results, key)
            parts.append(f"![{group['title']}]({to_chart}{name})")
        counted = count_cells(results, key)
        if counted:
            unit = f" per {group['unit']}" if grows(shown(results, key)) else ""
            parts.append(f"Instructions{unit}, by callgrind, few trees:")
            parts.append(as_markdown(counted))
    profile = profile_cells(results, verdicts)
    if profile:
        parts.append("Where the instructions go in what missed its target:")
        parts.append(as_markdown(profile))
    parts.append(conditions(results))
    return "\n\n".join(parts)


def summary(everything: dict[str, Results]) -> str:
    """The headlines, how many targets are met, what it was measured on."""
    verdicts = [v for results in everything.values() for v in judge(results)]
    words = Counter(v.word for v in verdicts)
    headlines = [v for v in verdicts if v.promise.headline]
    count_text = ", ".join(f"{n} {word}" for word, n in sorted(words.items()))
    last = everything.get("j1") or next(iter(everything.values()))
    return "\n\n".join(
        [
            as_markdown(verdict_cells(headlines, jobs=True)),
            f"Of {len(verdicts)} targets: {count_text}.",
            conditions({**last, "missing": {}, "facts": {}, "counted": None}),
        ]
    )


def figures(everything: dict[str, Results]) -> str:
    """Three items of a list, for readers with little time.

    Raises:
        ValueError: there are no results of j1, j3 or j7.
    """
    found: dict[str, list[float]] = {}
    for results in everything.values():
        for v in judge(results):
            if v.found:
                found.setdefault(v.promise.text, []).append(v.found.median)
    try:
        both = over("pylibfdt", "native", "A", "B")(everything["j1"])
        packaged, running = [s.median for _, s in both if s]
        (walk,) = found["pylibfdt's walk over to_dict()"]
        edits = found["edits of a node, pyfdtx over pylibfdt"]
    except (KeyError, ValueError):
        raise ValueError("shows figures of j1, j3 and j7, not all measured") from None
    tree, again = digits(packaged), digits(running)
    least, most = digits(min(edits)), digits(max(edits))
    return f"""\
* A crash kernel's tree is made {tree} times as fast as with pylibfdt, {again} times
  from a running kernel's tree: with full validation here, with none there. A whole tree
  is read {digits(walk)} times as fast. One edit of a node takes {least} to {most} of
  pylibfdt's time."""


def screen(results: Results) -> str:
    parts = [f"== {job_name(results['job'])}: {results['title']}"]
    for key, group in results["groups"].items():
        parts.append(group["title"])
        if "memory" in results:
            parts.append(as_text(memory_cells(results, key)))
            continue
        parts.append(as_text(speed_cells(results, key)))
    parts.append(as_text(verdict_cells(judge(results))))
    parts.append(conditions(results))
    return "\n\n".join(parts)


# -- pages ---------------------------------------------------------------------


def markers(name: str) -> tuple[str, str]:
    return f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"


def replace_between(page: str, name: str, text: str) -> str:
    """page with text between the markers of that name.

    Raises:
        ValueError: not exactly one pair of markers.
    """
    start, end = markers(name)
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"needs exactly one {start} and one {end}")
    head, _, rest = page.partition(start)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{end} stands before {start}")
    return f"{head}{start}\n{text}\n{end}{tail}"


def rewritten(page: str, everything: dict[str, Results], to_chart: str) -> str:
    """page with all its markers filled.

    Raises:
        ValueError: a marker without its pair, or for which there are no results.
    """
    names = sorted(set(re.findall(r"<!-- /?bench:(\w+) -->", page)))
    if not names:
        raise ValueError("has no <!-- bench:... --> markers")
    for name in names:
        if name == FIGURES:
            page = replace_between(page, name, figures(everything))
            continue
        if name == SUMMARY:
            text = summary(everything)
        elif name in everything:
            text = markdown(everything[name], to_chart)
        else:
            raise ValueError(f"shows {name}, of which there are no results")
        page = replace_between(page, name, text)
    return page


def to_charts(page: Path, folder: Path) -> str:
    """From the page's folder to the charts, as a page links."""
    root = folder.parent.parent
    up = "../" * (len(page.resolve().relative_to(root).parts) - 1)
    return f"{up}{folder.relative_to(root).as_posix()}/"


def update(page: Path, everything: dict[str, Results], to_chart: str) -> None:
    """Fill a page's markers.

    Raises:
        ValueError: as rewritten(), with the page's name.
    """
    try:
        new = rewritten(page.read_text(), everything, to_chart)
    except ValueError as e:
        raise ValueError(f"{page}: {e}") from None
    page.write_text(new)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE.md")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="DIR")
    args = parser.parse_args()
    try:
        everything = load_all(args.results)
        for name in charts.write_all(everything, args.results):
            print(f"bench: {name} written")
        for page in args.pages:
            update(page, everything, to_charts(page, args.results))
            print(f"bench: {page} updated")
    except (OSError, ValueError) as e:
        print(f"benchmarks/report.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
