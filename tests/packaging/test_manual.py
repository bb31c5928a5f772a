# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The manual pages: sound mdoc for mandoc and groff, and all that --help says."""

import re
import shutil
import subprocess

import pytest

from pyfdtx.cli import COMMANDS, command_of

# Texts of people, not of pages; and pages of other packages
ACCEPTED = re.compile(
    r"input text line longer than 80 bytes|referenced manual not found"
)


def rendered(path):
    """The page as a reader sees it, in one line."""
    done = subprocess.run(
        ["mandoc", "-Tascii", path], capture_output=True, text=True, check=True
    )
    plain = re.sub(r".\x08", "", done.stdout)
    return re.sub(r"\s+", " ", plain)


@pytest.fixture(scope="module")
def pages(made):
    if shutil.which("mandoc") is None:
        pytest.skip("there is no mandoc (Debian: apt-get install mandoc)")
    return {path.name: path for path in (made / "man").iterdir()}


def test_there_is_a_page_for_each_command(pages):
    assert {name for name in pages if name.startswith("pyfdtx-")} >= {
        f"pyfdtx-{name}.1" for name in COMMANDS
    }
    assert {"pyfdtx.1", "vmcore-dmesg.8", "pyfdtx-vmcore-dmesg.8"} <= set(pages)


def test_mandoc_finds_nothing(pages):
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wstyle", *pages.values()], capture_output=True, text=True
    )
    found = done.stdout.splitlines()
    assert [line for line in found if not ACCEPTED.search(line)] == []


def test_the_test_sees_a_fault(pages, tmp_path):
    bad = tmp_path / "bad.1"
    bad.write_text(pages["pyfdtx.1"].read_text().replace(".El", "", 1))
    done = subprocess.run(["mandoc", "-Tlint", bad], capture_output=True, text=True)
    assert done.returncode


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_has_all_that_help_says(pages, name):
    _, parser = command_of(name)
    shown = rendered(pages[f"pyfdtx-{name}.1"])
    assert f"pyfdtx-{name} - " in shown
    for action in parser._actions:
        for option in action.option_strings:
            assert f" {option}" in shown
        words = (action.help or "") % {"default": action.default}
        assert re.sub(r"\s+", " ", words) in shown
    said = re.sub(r"(?m)^examples?:$", "", parser.epilog or "")
    assert re.sub(r"\s+", " ", said).strip()[:60] in shown
    for example in re.findall(r"(?m)^  pyfdtx .*$", parser.epilog or ""):
        assert re.sub(r"\s+", " ", example.strip()) in shown
