# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Tables, verdicts and the chart from a small results file made here."""

import copy
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import chart
import report
from stats import Spread

SVG = "{http://www.w3.org/2000/svg}"


def variant(key, title, checks="", slow=False):
    return {"key": key, "title": title, "checks": checks, "slow": slow}


# 10 trees in 3 rounds. native takes 10 us a tree, pylibfdt 16 (x1.6), C 8;
# fdt, on 2 of the trees in one round, 900 us against native's 10.
RESULTS = {
    "schema": 1,
    "job": "j1",
    "machine": {
        "date": "2026-01-02",
        "commit": "0123456789ab",
        "modified": False,
        "cpu": "A <fast> & good CPU",
        "system": "Linux x86_64",
        "python": "CPython 3.11.7",
        "compiler": "cc 12",
        "packages": {"pyfdtx": "0.1.0", "fdt": None},
    },
    "rounds": 3,
    "part_step": 12,
    "seldom": 4,
    "variants": [
        variant("native", "pyfdtx", "fdtx_check"),
        variant("c_engine", "C engine", "fdtx_check"),
        variant("pylibfdt", "pylibfdt"),
        variant("fdt", "fdt", slow=True),
    ],
    "missing": {"pure": "No module named 'x'"},
    "corpora": [
        {
            "key": "A",
            "title": "as packaged",
            "trees": 10,
            "part_trees": 2,
            "whole": {
                "native": [100_000, 110_000, 90_000],
                "c_engine": [80_000, 88_000, 72_000],
                "pylibfdt": [160_000, 176_000, 144_000],
            },
            "part": {
                "native": [20_000],
                "c_engine": [16_000],
                "pylibfdt": [32_000],
                "fdt": [1_800_000],
            },
        }
    ],
    "memory": {
        "input": 1_000_000,
        "rows": {"native": {"output": 1000, "peak": 1900, "rss": 2000}},
    },
}


def changed(**numbers):
    """RESULTS with other rounds for some variants of the whole corpus."""
    results = copy.deepcopy(RESULTS)
    results["corpora"][0]["whole"].update(numbers)
    return results


def verdicts(results):
    return {t.text: t.verdict for t in report.targets(results)}


def test_ratios_and_microseconds_per_tree():
    rows = {row[0]: row for row in report.speed_cells(RESULTS)[1:]}
    assert rows["pyfdtx"][1:] == ["fdtx_check", "1.00 [1.00 .. 1.00]", "10.0"]
    assert rows["pylibfdt"][1:] == ["nothing", "1.60 [1.60 .. 1.60]", "16.0"]
    assert rows["C engine"][2] == "0.80 [0.80 .. 0.80]"


def test_a_slow_package_is_compared_on_its_own_trees():
    rows = {row[0]: row for row in report.speed_cells(RESULTS)[1:]}
    # 1.8 ms over 20 us; 1.8 ms for 2 trees
    assert rows["fdt"][2:] == ["90.0 [90.0 .. 90.0]", "900"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12346"), (100, "100"), (99.94, "99.9"), (10, "10.0"),
     (9.994, "9.99"), (0.1, "0.10"), (0.0234, "0.023")],
)  # fmt: skip
def test_numbers_have_two_or_three_digits(value, shown):
    assert report.digits(value) == shown


def test_targets_are_judged_by_the_median():
    assert verdicts(RESULTS) == {
        "at least 1.5 times as fast as pylibfdt": "met",
        "at most 1.15 times C over libfdt, unchecked": "not measured",
        "at most 1.15 times the same job in C": "missed",
        "at least 100 times as fast as fdt": "missed",
        "peak extra memory at most 2 times the output": "met",
    }


@pytest.mark.parametrize(
    ("pylibfdt", "verdict"), [(1500, "met"), (1499, "missed"), (900, "missed")]
)
def test_a_limit_belongs_to_its_target(pylibfdt, verdict):
    results = changed(native=[1000] * 3, pylibfdt=[pylibfdt] * 3)
    text = "at least 1.5 times as fast as pylibfdt"
    assert verdicts(results)[text] == verdict


@pytest.mark.parametrize(
    ("peak", "rss", "verdict"),
    [
        (2000, 1900, "met"),
        (2001, 1900, "missed"),
        (1900, 2001, "missed"),
        (None, 2001, "missed"),
        (None, None, "not measured"),
    ],
)
def test_memory_is_judged_by_the_larger_of_what_was_counted(peak, rss, verdict):
    results = copy.deepcopy(RESULTS)
    results["memory"]["rows"]["native"] = {"output": 1000, "peak": peak, "rss": rss}
    text = "peak extra memory at most 2 times the output"
    assert verdicts(results)[text] == verdict


def test_what_is_missing_is_neither_met_nor_missed():
    results = copy.deepcopy(RESULTS)
    for rounds in ("whole", "part"):
        results["corpora"][0][rounds].pop("pylibfdt")
    text = "at least 1.5 times as fast as pylibfdt"
    assert verdicts(results)[text] == "not measured"


def test_every_row_of_the_markdown_has_as_many_cells():
    text = report.markdown(RESULTS)
    tables = [b.splitlines() for b in text.split("\n\n") if b.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({line.count("|") for line in table}) == 1, table[0]
        assert set(table[1]) <= set("| -")
    assert "| fdt | nothing | 90.0 [90.0 .. 90.0] | 900 |" in text
    assert "pure (No module named 'x')" in text
    assert "commit 0123456789ab, 2026-01-02" in text


def test_a_page_gets_the_tables_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- bench:j1 -->\nold\n<!-- /bench:j1 -->\nbelow\n")
    report.update(page, RESULTS)
    first = page.read_text()
    assert first.startswith("above\n<!-- bench:j1 -->\n| implementation |")
    assert first.endswith("|\n<!-- /bench:j1 -->\nbelow\n")
    assert "old" not in first
    report.update(page, RESULTS)
    assert page.read_text() == first


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "<!-- bench:j1 -->",
        "<!-- /bench:j1 --> <!-- bench:j1 -->",
        "<!-- bench:j1 --><!-- /bench:j1 -->" * 2,
        "<!-- bench:j2 --><!-- /bench:j2 -->",
    ],
)
def test_a_page_without_its_one_pair_of_markers_is_left_alone(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match=r"page\.md"):
        report.update(page, RESULTS)
    assert page.read_text() == text


def test_the_chart_is_well_formed_and_has_a_bar_for_every_ratio(tmp_path):
    path = tmp_path / "j1.svg"
    report.write_chart(path, RESULTS)
    root = ET.parse(path).getroot()
    assert root.tag == SVG + "svg"
    texts = [t.text for t in root.iter(SVG + "text")]
    assert {"pyfdtx", "pylibfdt", "1.6", "90"} <= set(texts)
    assert any("A <fast> & good CPU" in t for t in texts)
    bars = [r for r in root.iter(SVG + "rect") if r.get("height") == str(chart.BAR)]
    assert len(bars) == 4
    for element in root.iter():
        for name in ("x", "x1", "x2"):
            at = float(element.get(name, 0))
            assert 0 <= at <= chart.WIDTH, (element.tag, name, at)


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


def test_the_report_says_which_file_it_could_not_read(tmp_path, capsys):
    path = tmp_path / "j1.json"
    assert report.main([str(path)]) == 1
    assert str(path) in capsys.readouterr().err
    path.write_text(json.dumps(RESULTS))
    assert report.main([str(path)]) == 0
    assert path.with_suffix(".svg").exists()
