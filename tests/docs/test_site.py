# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The site as `make docs` leaves it: where its links lead, and what a browser makes of
its pages, on a phone and on a desk, by day and by night."""

import os
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from pyfdtx.kexec.check.checker import RULES

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "docs" / "html"
# What Sphinx writes for itself
OWN = {"genindex.html", "search.html", "py-modindex.html"}
PAGES = sorted(str(p.relative_to(SITE)) for p in SITE.rglob("*.html"))
ARTICLES = [p for p in PAGES if p not in OWN]
# CSS pixels: a phone of 2020, and half of a large screen
WIDTHS = {"phone": 360, "desk": 1280}


class Page(HTMLParser):
    """ids: anchors. links: of a, img, link and script."""

    def __init__(self, path):
        super().__init__()
        self.ids = {""}
        self.links = []
        self.feed((SITE / path).read_text())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            if name in ("href", "src") and value is not None:
                self.links.append(value)


@pytest.fixture(scope="module")
def parsed():
    return {path: Page(path) for path in PAGES}


def test_every_page_of_the_repository_is_there():
    """With a warning Sphinx names those that no list of contents has."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        assert str(path.relative_to(ROOT).with_suffix(".html")) in ARTICLES


def test_every_link_inside_leads_somewhere(parsed):
    wrong, checked = [], 0
    for path, page in parsed.items():
        for link in page.links:
            if link.startswith(("http:", "https:", "mailto:", "data:", "javascript:")):
                continue
            name, _, anchor = unquote(link).partition("#")
            name = name.partition("?")[0]
            target = (SITE / path).parent / name if name else SITE / path
            checked += 1
            if not target.is_file():
                wrong.append((path, link))
            elif target.suffix == ".html":
                where = str(target.resolve().relative_to(SITE.resolve()))
                if anchor not in parsed[where].ids:
                    wrong.append((path, link))
    assert wrong == []
    assert checked > 1000


def test_links_that_lead_out_are_listed(parsed):
    """They are not fetched: a build needs no network."""
    found = {
        link
        for page in parsed.values()
        for link in page.links
        if link.startswith(("http:", "https:"))
    }
    (SITE.parent / "external.txt").write_text("\n".join(sorted(found)) + "\n")
    # A page that is read offline, or by somebody who wants no one else to know
    assert all("//fonts." not in link and "cdn" not in link for link in found)
    assert found


def test_the_reference_has_what_the_package_exports(parsed):
    import pyfdtx.kexec

    anchors = set().union(*(page.ids for page in parsed.values()))
    assert {f"pyfdtx.{name}" for name in pyfdtx.__all__} <= anchors
    named = {f"pyfdtx.kexec.{n}" for n in pyfdtx.kexec.__all__ if n != "MemRange"}
    assert named <= anchors
    header = (ROOT / "csrc" / "fdt_reg.h").read_text()
    helpers = {"fdt_setprop_reg", "fdt_appendprop_reg_array", "fdt_prop_len"}
    for name in helpers:
        assert f"\n * {name} - " in header
        assert f"c.{name}" in anchors
    assert {rule.id for rule in RULES} <= parsed["rules.html"].ids


# The browser


def missing(what):
    reason = f"needs {what} (Debian: chromium, chromium-driver)"
    if os.environ.get("PYFDTX_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in paths:
        missing("a browser")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for word in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
        *("disable-background-networking", "disable-component-update", "disable-sync"),
        *("hide-scrollbars", f"user-data-dir={tmp_path_factory.mktemp('profile')}"),
    ):
        options.add_argument(f"--{word}")
    service = webdriver.ChromeService(executable_path=paths[1])
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def shown(browser, width, scheme):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )


# What sticks out to the right. Long lines of code and wide tables may be scrolled
# inside of their boxes; innerWidth of a phone grows with what it shows.
STICKS_OUT = """
const out = [], width = arguments[0];
const boxes = 'pre, .highlight, .table-wrapper';
for (const e of document.querySelectorAll('article *')) {
	if (!e.parentElement.closest(boxes) && e.getBoundingClientRect().right > width + 1)
		out.push(e.tagName + ' ' + e.textContent.slice(0, 60));
}
return [document.documentElement.scrollWidth - width, out.slice(0, 3)];
"""
PICTURES = """
return [...document.images].filter(i => !i.complete || !i.naturalWidth)
	.map(i => i.src);
"""
# WCAG 2.1, 1.4.3: 4.5 to 1 for text
CONTRAST = """
const light = c => {
	const [r, g, b] = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(v => {
		v /= 255;
		return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = e => {
	for (; e; e = e.parentElement) {
		const c = getComputedStyle(e).backgroundColor;
		if (!/, 0\\)|transparent/.test(c))
			return c;
	}
	return 'rgb(255, 255, 255)';
};
const bad = [];
const texts = ['p', 'li', 'td', 'a', '.error', '.warning', '.note'];
for (const e of document.querySelectorAll(texts.map(t => `article ${t}`).join())) {
	const a = light(getComputedStyle(e).color), b = light(ground(e));
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (ratio < 4.5)
		bad.push(`${ratio.toFixed(1)} ${e.tagName} ${e.textContent.slice(0, 40)}`);
}
return bad.slice(0, 3);
"""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_and_can_be_read(browser, page):
    browser.get((SITE / page).as_uri())
    for name, width in WIDTHS.items():
        for scheme in ("light", "dark"):
            shown(browser, width, scheme)
            assert browser.execute_script(STICKS_OUT, width) == [0, []], (name, scheme)
            assert browser.execute_script(CONTRAST) == [], (name, scheme)
    assert browser.execute_script(PICTURES) == []


def test_the_rules_are_searched(browser):
    browser.get((SITE / "rules.html").as_uri())
    field = browser.find_element("css selector", "#rules-search input")
    sections = browser.find_elements("css selector", "article section > section")
    assert len(sections) == len(RULES)
    field.send_keys("ELFCOREHDR empty")
    left = [s.get_attribute("id") for s in sections if s.is_displayed()]
    assert "elfcorehdr-empty" in left
    assert "dtb-too-large" not in left
    assert 0 < len(left) < 10
