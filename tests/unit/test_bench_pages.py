# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What README and docs show is what the stored results say."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import charts
import jobs
import report
import results

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "results"
PAGES = [
    p
    for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "<!-- bench:" in p.read_text()
]


@pytest.fixture(scope="module")
def everything():
    return results.load_all(FOLDER)


def test_every_job_has_results(everything):
    assert set(everything) == set(jobs.NAMES)


def test_the_readme_has_three_figures_and_the_page_all_jobs():
    readme = (ROOT / "README.md").read_text()
    assert re.findall(r"<!-- bench:(\w+) -->", readme) == ["figures"]
    page = (ROOT / "docs" / "performance.md").read_text()
    for name in ("summary", *jobs.NAMES):
        assert f"<!-- bench:{name} -->" in page, name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_pages_say_what_the_results_say(page, everything):
    text = page.read_text()
    want = report.rewritten(text, everything, report.to_charts(page, FOLDER))
    for got_line, want_line in zip(text.splitlines(), want.splitlines()):
        assert got_line == want_line, f"{page.name}: run `make bench-pages`"
    assert text == want


def test_charts_say_what_the_results_say(everything):
    drawn = {}
    for one in everything.values():
        for group in one["groups"]:
            if charts.drawable(one, group):
                drawn[charts.file_name(one, group)] = charts.draw(one, group)
    assert {p.name for p in FOLDER.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        assert (FOLDER / name).read_text() == text, f"{name}: run `make bench-pages`"
