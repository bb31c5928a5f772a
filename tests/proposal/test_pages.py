# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""docs/proposal.md and docs/history.md say what is measured and what exists."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from dtc import clone

from pyfdtx.proposal import fixes, helpers
from pyfdtx.proposal.series import TOPICS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "proposal.md").read_text()
HISTORY = (ROOT / "docs" / "history.md").read_text()
OLD, VENDORED, OURS = 1, 2, 3


def table(page, head):
    """Rows of the table whose first line begins with head, without the marks."""
    lines = page[page.index(f"\n| {head} |") + 1 :].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("*") for cell in line.strip("|").split(" | ")])
    return rows


def column(number):
    return [(row[0], row[number]) for row in table(PAGE, "question")]


def answers(folder, *libfdt):
    """What helpers.c says with a libfdt: (question, one, other)."""
    if not shutil.which("cc"):
        pytest.skip("this machine lacks cc")
    subprocess.run(
        ["cc", "-O1", "-w", f"-I{ROOT / 'csrc'}", ROOT / "tests/proposal/helpers.c",
         ROOT / "csrc/fdt_reg.c", *libfdt, "-o", folder / "helpers"],
        check=True,
    )  # fmt: skip
    done = subprocess.run(
        [folder / "helpers"], capture_output=True, text=True, check=True
    )
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def sources(folder):
    return f"-I{folder}", *sorted(Path(folder).glob("fdt*.c"))


def test_the_table_is_what_the_vendored_libfdt_does(tmp_path):
    folder = ROOT / "libfdt" / "src"
    if not (folder / "fdt.c").is_file():
        pytest.skip("libfdt/src is missing; `python libfdt/vendor.py` fetches it")
    said = answers(tmp_path, *sources(folder))
    assert [(a, b) for a, b, _ in said] == column(VENDORED)
    assert [(a, c) for a, _, c in said] == column(OURS)


def test_the_table_is_what_the_installed_libfdt_does(tmp_path):
    (tmp_path / "try.c").write_text("#include <libfdt.h>\nint main(void) { return 0; }")
    if subprocess.run(
        ["cc", "try.c", "-lfdt"], cwd=tmp_path, capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lacks libfdt (Debian: libfdt-dev)")
    said = answers(tmp_path, "-lfdt")
    assert [(a, c) for a, _, c in said] == column(OURS)
    # 1.6.1 of Debian 12, or a later one: each row is as in one of the columns
    for (question, one, _), old, new in zip(said, column(OLD), column(VENDORED)):
        assert (question, one) in (old, new)


@pytest.mark.parametrize(
    ("tag", "which"), [("v1.6.1", OLD), ("v1.7.0", VENDORED), ("v1.8.1", VENDORED)]
)
def test_the_table_is_what_upstreams_releases_do(tmp_path, tag, which):
    """The check of the end was repaired in v1.7.0 (c19a4ba of dtc)."""
    tree = clone(tag, tmp_path / "dtc")
    said = answers(tmp_path, *sources(tree / "libfdt"))
    assert [(a, b) for a, b, _ in said] == column(which)
    assert [(a, c) for a, _, c in said] == column(OURS)


def test_the_page_names_every_function_and_defect():
    named = [
        name
        for row in table(PAGE, "function")
        for name in re.findall(r"\w+(?=\()", row[0])
    ]
    assert sorted(named) == sorted(helpers.HELPERS)
    seen = [re.search(r"`(\w+)`", row[2])[1] for row in table(PAGE, "defect")]
    assert seen == [fix.program for fix in fixes.FIXES]


def test_the_page_has_the_size_of_every_patch_of_libfdt():
    """By its subject, in the order in which they are exported."""
    messages = Path(fixes.__file__).with_name("messages")
    keys = [fix.key for fix in fixes.FIXES] + ["find-string"]
    keys += [*helpers.WRITE_PATCHES, "reg-addrrange", *helpers.READ_PATCHES]
    subjects = [(messages / f"{key}.txt").read_text().split("\n")[0] for key in keys]
    rows = table(PAGE, "patch")
    assert [row[0] for row in rows] == subjects
    for row in rows:
        assert all(re.fullmatch(r"[+-]\d+|0", cell) for cell in row[1:]), row


def test_every_test_that_the_page_names_exists():
    tests = (ROOT / "tests/proposal/test_against_dtc.py").read_text()
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert named
    for name in named:
        assert f"def {name}(" in tests, name


@pytest.mark.parametrize("page", ["proposal.md", "sending.md", "replaces.md"])
def test_pages_link_to_what_is_there(page):
    for link in re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / page).read_text()):
        assert (ROOT / "docs" / link).is_file(), f"{page}: {link}"


def test_the_page_on_sending_names_what_export_makes():
    text = (ROOT / "docs" / "sending.md").read_text()
    for topic in TOPICS:
        assert f"`{topic}`" in text
    for word in ("git send-email", "b4 send", "Signed-off-by", "Assisted-by"):
        assert word in text


def test_every_proof_of_the_history_exists():
    rows = table(HISTORY, "asked")
    assert len(rows) == 13
    for asked, answer, proofs in rows:
        assert asked
        assert answer
        named = re.findall(r"`(tests/[^`]+)`", proofs)
        assert named, f"no proof: {asked}"
        for proof in named:
            file, _, test = proof.partition("::")
            text = (ROOT / file).read_text()
            assert not test or f"\ndef {test}(" in text, proof


def test_every_test_of_the_review_is_in_the_history():
    review = ROOT / "tests/unit/test_second_kernel_review_2018.py"
    for name in re.findall(r"^def (test_\w+)", review.read_text(), re.M):
        assert f"{review.name}::{name}`" in HISTORY
