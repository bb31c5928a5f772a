# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Command lines of kexec(8): ours does what kexec-tools' own was seen to do, on
machines where nothing happens. tests/kexec_tools/ looks at kexec-tools again."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import kexec_rows
import kexec_world

TOOL = Path(sys.executable).with_name("pyfdtx-kexec")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "kexec-options.md"
pytestmark = pytest.mark.skipif(
    not (kexec_world.can_run() or os.environ.get("PYFDTX_REQUIRE_ALL")),
    reason="mount namespaces need root",
)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    return kexec_world.build_kernel(tmp_path_factory.mktemp("kernel"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory, kernel):
    if os.uname().machine != "x86_64":
        pytest.skip("kexec-tools was looked at on x86_64")
    return kexec_rows.run_all([str(TOOL)], tmp_path_factory.mktemp("rows"), kernel)


def test_each_row_was_seen_with_each_version_and_is_there_once():
    names = [f"{world}: {command}".strip() for world, command in kexec_rows.rows()]
    assert len(names) == len(set(names)) > 100
    for version, seen in kexec_rows.recorded().items():
        assert list(seen) == names, version


def test_ours_does_what_one_of_the_two_does_or_says_why_not(ours):
    theirs = kexec_rows.recorded()
    differs = {r for r in ours if all(ours[r] != theirs[v][r] for v in theirs)}
    assert differs == set(kexec_rows.DIFFERENT), {
        row: ours[row] for row in differs ^ set(kexec_rows.DIFFERENT)
    }


def test_the_page_has_the_options_and_the_rows(ours):
    """`python tests/kexec_tools/record.py` writes them."""
    assert kexec_rows.parts_of(PAGE.read_text()) == kexec_rows.page_parts(ours)


@pytest.mark.parametrize(
    ("world", "command", "want"),
    [
        # The answers of a machine reach the program, or no row would tell anything
        ("not root", ["-s", "-u"], 255),
        ("nothing", ["-u"], 0),
        ("panic", ["-S"], 1),
        ("no kexec", ["-S"], 255),
        ("no crash region", ["-p", "/etc/passwd"], 1),
    ],
)
def test_what_the_machine_answers_is_what_decides(
    world, command, want, tmp_path, kernel
):
    found = kexec_world.run([str(TOOL)], command, world, tmp_path, kernel)
    assert found.status == want, found


def test_what_x86_64_cannot_do_by_segments_is_said_and_why(tmp_path, kernel):
    image = tmp_path / "image"
    image.write_bytes(kexec_world.bzimage())
    for number, option in enumerate(("-c", "-a")):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [option, "-l", str(image)]
        found = kexec_world.run([str(TOOL)], command, "only segments", folder, kernel)
        assert found.status == 255
        assert "boot parameters and a purgatory" in found.err
        assert ("CONFIG_KEXEC_FILE" in found.err) == (option == "-a")
