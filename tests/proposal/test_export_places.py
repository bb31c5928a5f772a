# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the series goes in a tree, and which trees are refused. The tree is a
small one of our own, so nothing of upstream is needed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from dtc import SMALL, git, small, state

from pyfdtx.proposal import ProposalError, export, helpers, pieces, programs

ROOT = Path(__file__).resolve().parents[2]
REG = ["reg"]


def exported(tree, to):
    (series,) = export(tree, to, REG)
    return series


@pytest.fixture
def tree(tmp_path):
    return small(tmp_path / "tree")


@pytest.fixture
def applied(tree, tmp_path):
    series = exported(tree, tmp_path / "out")
    git(tree, "am", "-q", *series.files[1:])
    return tree


def test_the_series_applies_and_each_patch_is_one_commit(applied):
    subjects = git(applied, "log", "--reverse", "--format=%s").splitlines()
    assert subjects[0] == "small"
    assert [s.split(":")[0] for s in subjects[1:]] == ["libfdt"] * 4 + ["tests"]
    assert git(applied, "status", "--porcelain") == ""


def test_what_arrives_is_what_csrc_has(applied):
    """Every function of fdt_reg.c, once and unchanged, in its order."""
    ours = pieces.split((ROOT / "csrc" / "fdt_reg.c").read_text())
    ours = [piece for piece in ours if pieces.title(piece)]
    text = (applied / "libfdt/fdt_addresses.c").read_text()
    assert text == SMALL["libfdt/fdt_addresses.c"] + "".join(f"\n{p}\n" for p in ours)


def test_the_prototypes_stand_behind_their_neighbour(applied):
    text = (applied / "libfdt/libfdt.h").read_text()
    before, after = SMALL["libfdt/libfdt.h"].split("\n\nint fdt_two")
    assert text.startswith(before + "\n\n/**\n * struct fdt_reg - ")
    assert text.endswith(";\n\nint fdt_two" + after)
    for name in helpers.HELPERS:
        assert len(re.findall(rf"^int {name}\(", text, re.M)) == 1


def test_prototypes_with_arrays_are_hidden_from_swig(applied):
    text = (applied / "libfdt/libfdt.h").read_text()
    hidden = re.findall(r"#ifndef SWIG.*?\n(.*?)#endif", text, re.DOTALL)
    assert sorted(pieces.title(piece) for piece in hidden) == [
        "fdt_appendprop_reg_array",
        "fdt_setprop_reg_array",
    ]
    assert "[]" not in text
    for name in set(helpers.HELPERS) - {pieces.title(piece) for piece in hidden}:
        assert "struct fdt_reg *" not in re.search(rf"\b{name}\([^;]*;", text)[0]


def test_symbols_come_last_in_the_list(applied):
    """Upstream has forgotten version.lds more than once."""
    lines = (applied / "libfdt/version.lds").read_text().split("\n")
    at = lines.index("\tlocal:")
    assert lines[3:at] == [f"\t\t{name};" for name in helpers.HELPERS]


def test_both_build_systems_know_every_program(applied):
    make = (applied / "tests/Makefile.tests").read_text()
    meson = (applied / "tests/meson.build").read_text()
    names = programs.names()
    assert len(names) == 10
    for name in names:
        assert f"\t{name} \\\n" in make
        assert f"  '{name}',\n" in meson
        assert f"/{name}\n" in (applied / "tests/.gitignore").read_text()
        assert f"    run_test {name}\n" in (applied / "tests/run_tests.sh").read_text()
        assert (applied / f"tests/{name}.c").is_file()
    assert "DEPS = testutils.d reg_testutils.d other.d\n" in make
    assert "executable(t, files(t + '.c', 'reg_testutils.c'))" in meson


def test_a_tree_without_meson_gets_none(tmp_path):
    tree = small(tmp_path / "tree", **{"tests/meson.build": None})
    series = exported(tree, tmp_path / "out")
    assert all("meson" not in file.read_text() for file in series.files[1:])


def test_programs_become_those_of_upstream(applied):
    for name in programs.names():
        text = (applied / f"tests/{name}.c").read_text()
        assert '#include "reg_testutils.h"' in text
        assert text.count("\ttest_init(argc, argv);\n") == 1
        assert "fdt_reg.h" not in text
    header = (applied / "tests/reg_testutils.h").read_text()
    utils = (applied / "tests/reg_testutils.c").read_text()
    assert "fdt_reg.h" not in header + utils
    assert "finish" not in header + utils
    # Upstream's own, in util.h
    assert "xmalloc(size_t" not in header + utils


def test_nobody_signs_and_nobody_is_named(tree, tmp_path):
    series = exported(tree, tmp_path / "out")
    for file in series.files[1:]:
        text = file.read_text()
        assert "From: Name of the Sender <sender@example.invalid>\n" in text
        assert not re.search(r"^[A-Z][a-z-]+-by:", text, re.M)
        assert "*** " not in text
    cover = series.files[0].read_text()
    assert "There is no\n  Signed-off-by, because only you can" in cover
    assert "*** " not in cover


def test_messages_fit_the_width_of_a_log(tree, tmp_path):
    for file in exported(tree, tmp_path / "out").files:
        head, message = file.read_text().split("\n---\n")[0].split("\n\n", 1)
        subject = re.search(r"^Subject: \[PATCH[^\]]*\] (.*(?:\n .*)*)", head, re.M)[1]
        assert len(subject.replace("\n", "")) <= 75
        assert max(map(len, message.splitlines())) <= 76, file.name


def test_two_exports_of_a_date_are_the_same(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    a, b = exported(tree, tmp_path / "a"), exported(tree, tmp_path / "b")
    assert [f.read_bytes() for f in a.files] == [f.read_bytes() for f in b.files]


def test_the_persons_git_configuration_does_not_matter(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    plain = exported(tree, tmp_path / "a")
    config = tmp_path / "gitconfig"
    config.write_text(
        "[format]\n\tsignOff = true\n\tnoprefix = true\n\tsuffix = .txt\n"
        "[core]\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n"
        "[user]\n\tname = Somebody\n\temail = somebody@example.invalid\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    odd = exported(tree, tmp_path / "b")
    assert [f.name for f in odd.files] == [f.name for f in plain.files]
    assert [f.read_bytes() for f in odd.files] == [f.read_bytes() for f in plain.files]


def test_the_tree_is_never_written_to(tree, tmp_path):
    # So that a status would want to refresh the index
    os.utime(tree / "libfdt/fdt.c", (1, 1))
    before = state(tree)
    exported(tree, tmp_path / "out")
    assert state(tree) == before


def test_an_unpacked_release_gives_the_same_patches(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    a = exported(small(tmp_path / "git"), tmp_path / "a")
    b = exported(small(tmp_path / "tar", under_git=False), tmp_path / "b")
    assert [f.read_bytes() for f in a.files[1:]] == [
        f.read_bytes() for f in b.files[1:]
    ]


def refused(tree, to, *parts):
    with pytest.raises(ProposalError) as e:
        exported(tree, to)
    for part in ("proposal export", str(tree), *parts):
        assert part in str(e.value)
    assert "\n" not in str(e.value)
    assert not to.exists(), "something was left behind"


@pytest.mark.parametrize("staged", [False, True])
def test_a_dirty_tree_is_refused(tree, tmp_path, staged):
    (tree / "tests/tests.h").write_text("changed\n")
    if staged:
        git(tree, "add", "-A")
    before = state(tree)
    refused(tree, tmp_path / "out", "dirty: tests/tests.h", "commit or stash")
    assert state(tree) == before


def test_files_that_git_does_not_know_are_no_dirt(tree, tmp_path):
    (tree / "tests/zebra.o").write_text("built\n")
    assert exported(tree, tmp_path / "out").subjects


@pytest.mark.parametrize("name", sorted(set(SMALL) - {"tests/meson.build"}))
def test_a_tree_that_lacks_a_file_is_refused(tmp_path, name):
    tree = small(tmp_path / "tree", **{name: None})
    refused(tree, tmp_path / "out", "not a tree of dtc", name)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("libfdt/libfdt.h", "addrrange(", "range(", "prototype of fdt_appendprop_addr"),
        ("libfdt/version.lds", "local:", "global:", "local:"),
        ("tests/Makefile.tests", "LIB_TESTS_L", "TESTS_L", "the list LIB_TESTS_L"),
        (
            "tests/Makefile.tests",
            "appendprop_addrrange",
            "x",
            "appendprop_addrrange in",
        ),
        ("tests/Makefile.tests", "testutils.d", "x.d", "testutils"),
        ("tests/Makefile.tests", "$(LIB_TESTS): %", "$(X): %", "LIB_TESTS"),
        ("tests/meson.build", "t: tests", "t: others", "foreach t: tests"),
        ("tests/meson.build", "files(t + '.c')", "t", "files(t + '.c')"),
        ("tests/run_tests.sh", "libfdt_tests", "other_tests", "libfdt_tests"),
        ("tests/run_tests.sh", "appendprop_addrrange", "x", "run_test append"),
        ("tests/.gitignore", "/", "", "the list of programs"),
    ],
)
def test_a_tree_without_a_place_is_refused_by_name(tmp_path, name, old, new, says):
    assert old in SMALL[name]
    tree = small(tmp_path / "tree", **{name: SMALL[name].replace(old, new)})
    refused(tree, tmp_path / "out", name, "does not match", says)


def test_a_program_of_that_name_is_not_overwritten(tmp_path):
    tree = small(tmp_path / "tree", **{"tests/reg_len.c": "mine\n"})
    refused(tree, tmp_path / "out", "tests/reg_len.c", "exists")


def test_a_tree_that_has_all_helpers_needs_nothing(applied, tmp_path):
    series = exported(applied, tmp_path / "again")
    assert series.subjects == series.files == []
    assert not (tmp_path / "again" / "reg").exists()


def test_a_tree_that_has_some_helpers_is_refused(tmp_path):
    header = SMALL["libfdt/libfdt.h"] + "int fdt_setprop_reg(void *fdt, int a);\n"
    tree = small(tmp_path / "tree", **{"libfdt/libfdt.h": header})
    refused(tree, tmp_path / "out", "has fdt_setprop_reg already", "verify")


def test_a_folder_that_is_no_tree_is_refused(tmp_path):
    refused(tmp_path / "nowhere", tmp_path / "out", "not a folder")


@pytest.mark.parametrize("inside", ["", "patches", "libfdt/patches"])
def test_output_inside_the_tree_is_refused(tree, inside):
    before = state(tree)
    with pytest.raises(ProposalError, match="never written to"):
        exported(tree, tree / inside)
    assert state(tree) == before


def test_output_with_something_in_it_is_refused(tree, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine\n")
    with pytest.raises(ProposalError, match="not empty"):
        exported(tree, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


def pyfdtx(*words):
    return subprocess.run(
        [sys.executable, "-m", "pyfdtx", *map(str, words)],
        cwd="/",  # not the source tree, which lacks the extension
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_exports(tree, tmp_path):
    out = tmp_path / "out"
    done = pyfdtx("proposal", "export", "--dtc", tree, "-o", out, "--topic", "reg")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"reg: {out}/reg"
    assert sorted(p.name[:4] for p in (out / "reg").iterdir()) == [
        f"{n:04}" for n in range(6)
    ]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("export", "--dtc", "/nowhere", "-o", "x"), 1, "/nowhere: is not a folder"),
        (("verify", "--dtc", "/nowhere"), 1, "/nowhere: is not a folder"),
        (("export", "--dtc", "/nowhere"), 2, "needs -o DIR"),
        (("verify", "--dtc", "/nowhere", "-o", "x"), 2, "takes no -o"),
        (("export", "-o", "x"), 2, "--dtc"),
        (("send", "--dtc", "x"), 2, "send"),
    ],
)
def test_the_command_line_says_what_is_wrong(words, status, says):
    done = pyfdtx("proposal", *words)
    assert done.returncode == status
    assert done.stderr.startswith("pyfdtx: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
