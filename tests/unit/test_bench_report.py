# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Tables, verdicts, charts and pages from small results files made here."""

import copy
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import chart
import charts
import lines
import report
import results as stored
from stats import Spread

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {
    "date": "2026-01-02",
    "commit": "0123456789ab",
    "modified": False,
    "cpu": "A <fast> & good CPU",
    "cpus": 2,
    "load": 0.5,
    "system": "Linux x86_64",
    "python": "CPython 3.11.7",
    "compiler": "cc 12",
    "packages": {"pyfdtx": "0.1.0", "fdt": None},
}


def rows(*keys):
    return [{"key": k, "title": f"title of {k}", "note": f"note {k}"} for k in keys]


def one_case(key, rounds, units=10, **more):
    return {
        "key": key,
        "title": f"case {key}",
        "group": "trees",
        "units": units,
        "base": "native",
        "x": None,
        "part_of": "",
        "rows": rows(*rounds),
        "rounds": rounds,
        "instructions": {},
        **more,
    }


# 10 trees in 3 rounds. native takes 10 us a tree, pylibfdt 16 (x1.6), C 8; fdt,
# on 2 of the trees in rounds 0 and 2, 900 us against native's 10.
J1 = {
    "schema": stored.SCHEMA,
    "job": "j1",
    "title": "Crash trees",
    "groups": {"trees": {"title": "Crash trees", "unit": "tree", "text": "Why."}},
    "machine": MACHINE,
    "clock": "thread CPU time",
    "missing": {"pure": "No module named 'x'"},
    "facts": {"left_out": {"the root has no #size-cells": 3}},
    "cases": [
        one_case(
            "A",
            {
                "native": [100_000, 110_000, 90_000],
                "c_engine": [80_000, 88_000, 72_000],
                "pylibfdt": [160_000, 176_000, 144_000],
            },
            profile=[["walk", 0.5, 1234.5]],
            instructions={
                "native": {"instructions": 1000, "units": 2},
                "pylibfdt": {"instructions": 4000, "units": 2},
            },
        ),
        one_case(
            "A/12",
            {"native": [20_000, None, 20_000], "fdt": [1_800_000, None, 1_800_000]},
            units=2,
            part_of="A",
        ),
    ],
}
# 2,500 nodes at 2 us each, 40,000 nodes at 3 us each
GROWTH = {
    **J1,
    "job": "growth",
    "groups": {"nodes": {"title": "Nodes", "unit": "node", "text": ""}},
    "missing": {},
    "facts": {},
    "cases": [
        one_case(f"nodes-{n}", {"native": [n * ns] * 3}, n, group="nodes", x=n)
        for n, ns in ((2_500, 2000), (40_000, 3000))
    ],
}
MEMORY = {
    "schema": stored.SCHEMA,
    "job": "memory",
    "title": "Memory",
    "groups": {"j1": {"title": "Peak", "unit": "byte", "text": ""}},
    "machine": MACHINE,
    "missing": {},
    "memory": {
        "input": 1_000_000,
        "rows": {
            "j1": {"native": {"title": "pyfdtx", "of": 1000, "peak": 1100, "rss": 1150}}
        },
    },
}


def changed(**numbers):
    """J1 with other rounds for some rows of the whole corpus."""
    results = copy.deepcopy(J1)
    results["cases"][0]["rounds"].update(numbers)
    return results


def verdicts(results):
    return {
        (v.promise.text, v.where.split(",")[0]): v.word for v in report.judge(results)
    }


def table(results, group="trees"):
    return {row[0]: row[1:] for row in report.speed_cells(results, group)[1:]}


def test_ratios_and_times_per_tree():
    found = table(J1)
    assert found["title of native"] == ["note native", "1.00", "10.0 us"]
    assert found["title of pylibfdt"] == ["note pylibfdt", "1.60", "16.0 us"]
    assert found["title of c_engine"][1] == "0.80"


def test_quartiles_are_shown_when_they_differ():
    # ratios 1, 1.5 and 2: quartiles half-way between
    found = table(changed(c_engine=[100_000, 165_000, 180_000]))
    assert found["title of c_engine"][1] == "1.50 [1.25 .. 1.75]"


def test_a_slow_package_is_compared_on_its_own_trees():
    # 1.8 ms over 20 us; 1.8 ms for 2 trees
    assert table(J1)["title of fdt"][1:] == ["90.0", "900 us"]


def test_sizes_that_grow_have_one_column_each():
    head, row = report.speed_cells(GROWTH, "nodes")
    assert head[2:] == ["case nodes-2500", "case nodes-40000"]
    assert row[2:] == ["2.00 us, x 1.00", "3.00 us, x 1.00"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12346"), (100, "100"), (99.94, "99.9"), (10, "10.0"),
     (9.994, "9.99"), (0.1, "0.10"), (0.0234, "0.023")],
)  # fmt: skip
def test_numbers_have_two_or_three_digits(value, shown):
    assert report.digits(value) == shown


@pytest.mark.parametrize(
    ("ns", "shown"),
    [(2.5, "2.50 ns"), (999, "999 ns"), (1000, "1.00 us"), (1.5e6, "1.50 ms"),
     (4.6e9, "4.60 s")],
)  # fmt: skip
def test_times_have_the_unit_that_fits(ns, shown):
    assert report.duration(ns) == shown


def test_instructions_are_shown_per_tree_and_over_the_base():
    head, native, pylibfdt = report.count_cells(J1, "trees")
    assert head == ["implementation", "instructions per tree", "ratio"]
    assert native[1:] == ["500", "1.00"]
    assert pylibfdt[1:] == ["2,000", "4.00"]
    assert report.count_cells(GROWTH, "nodes") == []


PYLIBFDT = ("pylibfdt's time over pyfdtx's", "A")


@pytest.mark.parametrize(
    ("pylibfdt", "verdict"),
    [
        ([8000] * 3, "met"),
        ([7999] * 3, "missed"),
        ([900] * 3, "missed"),
        ([90_000, 8100, 8000], "met"),
        ([7000, 7900, 7999], "missed"),
        # The middle half of the rounds lies on both sides
        ([9000, 8100, 7000], "undecided"),
        ([9000, 7900, 7000], "undecided"),
    ],
)
def test_targets_are_judged_by_the_median_unless_the_quartiles_straddle_them(
    pylibfdt, verdict
):
    results = changed(native=[1000] * 3, pylibfdt=pylibfdt)
    assert verdicts(results)[PYLIBFDT] == verdict


def test_what_is_missing_is_neither_met_nor_missed():
    results = copy.deepcopy(J1)
    del results["cases"][0]["rounds"]["pylibfdt"]
    found = verdicts(results)
    assert found[PYLIBFDT] == "not measured"
    # there is no corpus B at all
    assert found["the time of pyfdtx.pure over pyfdtx's", "B"] == "not measured"
    assert found["the time of the package fdt over pyfdtx's", "A"] == "missed"


@pytest.mark.parametrize(
    ("ns", "verdict"), [(2000, "met"), (2500, "met"), (2501, "missed")]
)
def test_growth_is_the_cost_of_one_at_the_largest_over_the_smallest(ns, verdict):
    results = copy.deepcopy(GROWTH)
    results["cases"][1]["rounds"]["native"] = [40_000 * ns] * 3
    assert verdicts(results)["nodes: cost of one", "native"] == verdict


@pytest.mark.parametrize(
    ("peak", "rss", "verdict"),
    [
        (1200, 1100, "met"),
        (1201, 1100, "missed"),
        (1100, 1201, "missed"),
        (None, 1201, "missed"),
        (None, None, "not measured"),
    ],
)
def test_memory_is_judged_by_the_larger_of_what_was_counted(peak, rss, verdict):
    results = copy.deepcopy(MEMORY)
    results["memory"]["rows"]["j1"]["native"].update(peak=peak, rss=rss)
    found = verdicts(results)
    assert found["peak extra memory of J1 over its output", "large tree"] == verdict


def test_the_profile_is_shown_for_cases_that_miss_a_target():
    missed = report.markdown(J1)
    assert "| case A | title of native | `walk` | 50% | 1,234 |" in missed
    good = changed(
        pylibfdt=[10**9] * 3, native=[1] * 3, c_engine=[1] * 3, fdt=[10**9] * 3
    )
    assert "`walk`" not in report.markdown(good)


@pytest.mark.parametrize("results", [J1, GROWTH, MEMORY], ids=["j1", "growth", "mem"])
def test_every_row_of_the_markdown_has_as_many_cells(results):
    text = report.markdown(results)
    tables = [b.splitlines() for b in text.split("\n\n") if b.startswith("|")]
    assert len(tables) >= 2
    for lines_ in tables:
        assert len({line.count("|") for line in lines_}) == 1, lines_[0]
        assert set(lines_[1]) <= set("| -")
    assert "commit 0123456789ab, 2026-01-02" in text
    assert report.screen(results)


def test_the_conditions_name_what_is_missing_and_left_out():
    text = report.conditions(J1)
    assert "Median [quartiles] of 3 interleaved rounds, thread CPU time." in text
    assert "pure (No module named 'x')" in text
    assert "3 trees (the root has no #size-cells)" in text
    assert "pyfdtx 0.1.0; commit" in text
    counted = {"commit": "beef", "modified": False, "valgrind": "valgrind-3.19.0"}
    text = report.conditions({**J1, "counted": counted})
    assert "Instructions counted with valgrind-3.19.0 at commit beef." in text


EVERYTHING = {"j1": J1, "growth": GROWTH, "memory": MEMORY}


def test_a_page_gets_the_tables_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- bench:j1 -->\nold\n<!-- /bench:j1 -->\nbelow\n")
    report.update(page, EVERYTHING, "there/")
    first = page.read_text()
    assert first.startswith("above\n<!-- bench:j1 -->\n| what |")
    assert first.endswith(".\n<!-- /bench:j1 -->\nbelow\n")
    assert "(there/j1.svg)" in first
    assert "old" not in first
    report.update(page, EVERYTHING, "there/")
    assert page.read_text() == first


def test_the_summary_has_the_headlines_and_counts_all():
    page = "<!-- bench:summary -->\n<!-- /bench:summary -->"
    text = report.rewritten(page, EVERYTHING, "")
    verdicts = [v for results in EVERYTHING.values() for v in report.judge(results)]
    for v in verdicts:
        shown = f"| {v.promise.text} | {v.where} |" in text
        assert shown == v.promise.headline, v.promise.text
    assert f"Of {len(verdicts)} targets: " in text
    assert "| J1 | pylibfdt's time over pyfdtx's | A | >= 8 | 1.60 | missed |" in text


def test_figures_need_their_results():
    """Those of the README: test_bench_pages."""
    with pytest.raises(ValueError, match="figures of j1, j3 and j7"):
        report.figures(EVERYTHING)


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "<!-- bench:j1 -->",
        "<!-- /bench:j1 --> <!-- bench:j1 -->",
        "<!-- bench:j1 --><!-- /bench:j1 -->" * 2,
        "<!-- bench:j2 --><!-- /bench:j2 -->",
    ],
    ids=["none", "no end", "reversed", "twice", "no results"],
)
def test_a_page_that_cannot_be_filled_is_left_alone(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match=r"page\.md"):
        report.update(page, EVERYTHING, "")
    assert page.read_text() == text


def coordinates(root):
    for element in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            yield element, float(element.get(name, 0)), chart.WIDTH


def test_the_bars_are_well_formed_and_there_is_one_for_every_ratio():
    root = ET.fromstring(charts.draw(J1, "trees"))
    assert root.tag == SVG + "svg"
    texts = [t.text for t in root.iter(SVG + "text")]
    assert {"title of native", "title of pylibfdt", "1.6", "90"} <= set(texts)
    assert any("A <fast> & good CPU" in t for t in texts)
    bars = [r for r in root.iter(SVG + "rect") if r.get("height") == str(chart.BAR)]
    assert len(bars) == 4
    for element, at, width in coordinates(root):
        assert 0 <= at <= width, (element.tag, at)


def test_a_size_that_grows_is_drawn_as_lines_that_rise_with_the_cost_of_one():
    root = ET.fromstring(charts.draw(GROWTH, "nodes"))
    (line,) = root.iter(SVG + "polyline")
    (x0, y0), (x1, y1) = [tuple(map(float, p.split(","))) for p in
                          line.get("points").split()]  # fmt: skip
    assert x0 < x1
    assert y0 > y1, "3 us stand above 2 us"
    for element, at, width in coordinates(root):
        assert 0 <= at <= width, (element.tag, at)


def test_the_names_of_lines_do_not_cover_each_other():
    flat = Spread(1e-6, 1e-6, 1e-6)
    drawn = [lines.Line(f"n{i}", [(1, flat), (9, flat)]) for i in range(9)]
    root = ET.fromstring(lines.svg("t", "s", "sizes", drawn))
    heights = sorted(
        float(t.get("y")) for t in root.iter(SVG + "text") if t.text.startswith("n")
    )
    assert len(heights) == 9
    assert all(b - a >= lines.APART - 0.2 for a, b in zip(heights, heights[1:]))
    assert heights[-1] <= lines.HEIGHT


def test_equal_factors_are_equal_lengths():
    scale = chart.Scale([0.5, 200])
    step = scale.x(10) - scale.x(1)
    assert scale.x(100) - scale.x(10) == pytest.approx(step)
    assert step > 0


def test_a_bar_starts_at_one_and_ends_at_the_median():
    scale = chart.Scale([0.25, 4])
    for median in (0.5, 2.0):
        drawn = chart.bar(scale, 0, Spread(median, median, median), "#000")
        rect = ET.fromstring(drawn[0])
        left = float(rect.get("x"))
        right = left + float(rect.get("width"))
        ends = sorted([scale.x(1), scale.x(median)])
        assert [left, right] == pytest.approx(ends, abs=0.11)


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="no ratio"):
        chart.svg("t", "s", "x", ["A"], [chart.Bars("x", "", [None])])
    with pytest.raises(ValueError, match="no time"):
        lines.svg("t", "s", "x", [])


@pytest.mark.parametrize(
    ("text", "named"), [("{", "j1.json"), ('{"schema": 1}', "of schema")]
)
def test_a_file_that_holds_no_results_is_named(tmp_path, text, named):
    (tmp_path / "j1.json").write_text(text)
    with pytest.raises(ValueError, match=named):
        stored.load_all(tmp_path)


def test_results_are_read_back_by_job(tmp_path):
    for name, results in EVERYTHING.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(results))
    assert stored.load_all(tmp_path) == EVERYTHING
