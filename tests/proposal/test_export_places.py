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

from pyfdtx.proposal import ProposalError, export, helpers, pieces, register

ROOT = Path(__file__).resolve().parents[2]
TOPICS = ["reg", "reg-read"]
WRITE_PROGRAMS = ["addrrange_cells", "appendprop_reg", "setprop_reg"]
READ_PROGRAMS = ["getprop_reg", "prop_len", "reg_len"]
PROGRAMS = sorted(WRITE_PROGRAMS + READ_PROGRAMS)


def exported(tree, to):
    """Both parts, one on top of the other."""
    return export(tree, to, TOPICS)


def patches(series):
    return [file for part in series for file in part.files[1:]]


@pytest.fixture
def tree(tmp_path):
    return small(tmp_path / "tree")


@pytest.fixture
def applied(tree, tmp_path):
    git(tree, "am", "-q", *patches(exported(tree, tmp_path / "out")))
    return tree


def test_the_series_apply_and_each_patch_is_one_commit(applied):
    subjects = git(applied, "log", "--reverse", "--format=%s").splitlines()
    assert subjects[0] == "small"
    assert [s.split(":")[0] for s in subjects[1:]] == [
        *["libfdt"] * 3, "pylibfdt",
        "libfdt", "fdtget", "libfdt", "fdtput", "pylibfdt",
    ]  # fmt: skip
    assert git(applied, "status", "--porcelain") == ""


def test_the_first_part_needs_no_other(tree, tmp_path):
    (series,) = export(tree, tmp_path / "out", ["reg"])
    git(tree, "am", "-q", *series.files[1:])
    header = (tree / "libfdt/libfdt.h").read_text()
    assert all(f"int {name}(" in header for name in helpers.WRITES)
    assert not any(name in header for name in helpers.READS)
    # What comes then is what came at once
    (second,) = export(tree, tmp_path / "second", ["reg-read"])
    git(tree, "am", "-q", *second.files[1:])
    whole = small(tmp_path / "whole")
    git(whole, "am", "-q", *patches(exported(whole, tmp_path / "both")))
    assert git(tree, "rev-parse", "HEAD^{tree}") == git(
        whole, "rev-parse", "HEAD^{tree}"
    )


def test_every_patch_has_its_test(tree, tmp_path):
    """A program, lines of a tool's tests, or a class of pylibfdt's."""
    for file in patches(exported(tree, tmp_path / "out")):
        text = file.read_text()
        touched = re.findall(r"^diff --git a/(\S+)", text, re.M)
        assert [name for name in touched if name.startswith("tests/")], file.name


def test_what_arrives_is_what_csrc_has(applied):
    """Every function of fdt_reg.c, once and unchanged."""
    ours = pieces.split((ROOT / "csrc" / "fdt_reg.c").read_text())
    ours = {pieces.title(piece): piece for piece in ours if pieces.title(piece)}
    text = (applied / "libfdt/fdt_addresses.c").read_text()
    at = text.index("\n/* Widths of the numbers in cells")
    theirs = pieces.split(text[at:].strip("\n"))
    assert {pieces.title(piece): piece for piece in theirs} == ours
    assert len(theirs) == len(ours)
    assert text[:at] == (
        SMALL["libfdt/fdt_addresses.c"].split("/*")[0]
        + "int fdt_appendprop_addrrange(void *fdt, int parent, int nodeoffset,\n"
        "\t\t\t     const char *name, uint64_t addr, uint64_t size)\n{\n"
        "\treturn fdt_appendprop_reg(fdt, parent, nodeoffset, name, addr, size);\n}\n"
    )


def test_no_patch_makes_what_only_a_later_one_uses(tree, tmp_path):
    """A static function without a user would not compile."""
    for part in exported(tree, tmp_path / "out"):
        for file in part.files[1:]:
            git(tree, "am", "-q", file)
            text = (tree / "libfdt/fdt_addresses.c").read_text()
            for name in re.findall(r"^static [^\n(]*?\b(\w+)\(", text, re.M):
                assert len(re.findall(rf"\b{name}\(", text)) > 1, (file.name, name)


def test_the_prototypes_stand_behind_their_neighbour(applied):
    text = (applied / "libfdt/libfdt.h").read_text()
    assert text.endswith(";\n\nint fdt_two(void);\n")
    for name in helpers.HELPERS:
        assert len(re.findall(rf"^int {name}\(", text, re.M)) == 1
        assert len(re.findall(rf"^ \* {name} - ", text, re.M)) == 1
    order = re.findall(r"^ \* (fdt_\w+) - ", text, re.M)
    assert order[0] == "fdt_appendprop_addrrange"
    assert sorted(order[1:]) == sorted(helpers.HELPERS)


def test_the_rewritten_function_says_what_it_does_now(applied):
    text = (applied / "libfdt/libfdt.h").read_text()
    doc = text[: text.index("int fdt_appendprop_addrrange(")]
    assert "It does the same as fdt_appendprop_reg()." in doc
    assert "#address-cells or #size-cells property" in doc
    assert "not a whole number of entries" in doc


def test_what_python_cannot_have_is_hidden_from_swig(applied):
    text = (applied / "libfdt/libfdt.h").read_text()
    hidden = re.findall(r"#ifndef SWIG.*?\n(.*?)#endif", text, re.DOTALL)
    assert sorted(pieces.title(piece) for piece in hidden) == [
        "fdt_appendprop_reg_array",
        "fdt_reg",
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


def test_every_list_knows_every_program(applied):
    make = (applied / "tests/Makefile.tests").read_text()
    meson = (applied / "tests/meson.build").read_text()
    for name in PROGRAMS:
        assert f"\t{name} \\\n" in make
        assert f"  '{name}',\n" in meson
        assert f"/{name}\n" in (applied / "tests/.gitignore").read_text()
        assert f"    run_test {name}\n" in (applied / "tests/run_tests.sh").read_text()
        assert (applied / f"tests/{name}.c").is_file()


def test_a_tree_without_meson_gets_none(tmp_path):
    tree = small(tmp_path / "tree", **{"tests/meson.build": None})
    for file in patches(exported(tree, tmp_path / "out")):
        assert "meson" not in file.read_text()


def test_the_tools_get_their_option(applied):
    for name, letters in (("fdtget", "t:pld:R"), ("fdtput", "crdpRt:v")):
        text = (applied / f"{name}.c").read_text()
        assert f'"{letters}"' in text
        assert "case 'R':" in text
        assert "(address, size) entries" in text
        script = (applied / "tests/run_tests.sh").read_text()
        assert f"{name.upper().replace('FDT', 'DT')} -R $dtb" in script
    manual = (applied / "Documentation/manual.txt").read_text()
    assert manual.count("-R, --reg ") == 2
    put = (applied / "fdtput.c").read_text()
    assert "realloc_property" not in put
    assert "realloc_fdt(*blob, fdt_prop_len(0, property, len))" in put


def test_python_gets_methods_for_every_function(applied):
    swig = (applied / "pylibfdt/libfdt.i").read_text()
    ro, rw = swig.split("class Fdt(FdtRo)")
    for name in helpers.HELPERS:
        method = f"    def {name[len('fdt_') :]}(self, "
        if name in helpers.WRITES:
            assert method in rw
        elif name != "fdt_prop_len":  # has no tree
            assert method in ro
    assert swig.index("%typemap(in) (const struct fdt_reg *regs, int n)") < swig.index(
        "%include <libfdt.h>"
    )
    tests = (applied / "tests/pylibfdt_tests.py").read_text()
    assert "hasattr(libfdt, 'fdt_reg')" in tests
    compile(tests, "pylibfdt_tests.py", "exec")


ALL_PROGRAMS = sorted(
    path.stem
    for path in Path(register.__file__).with_name("programs").glob("*.c")
    if path.stem != "probe"
)


@pytest.mark.parametrize("name", ALL_PROGRAMS)
def test_programs_are_as_upstreams(name):
    """Its licence and a copyright line, its start, its macros as they are."""
    text = register.adapted(name)
    lines = text.splitlines()
    assert lines[0] == "// SPDX-License-Identifier: LGPL-2.1-or-later"
    assert text.count("SPDX") == 1
    assert lines[lines.index(" */") - 1] == " * Copyright (C) 2026 The pyfdtx authors"
    assert text.count("\ttest_init(argc, argv);\n") == 1
    assert '#include "tests.h"' in text
    assert "fdt_reg.h" not in text
    assert not re.search(r"^#\s*(undef|define (FAIL|PASS|ARRAY_SIZE)\b)", text, re.M)
    # One loop inside the other is indented: checkpatch asks for it
    assert not re.search(r"^(\t+)for \([^\n]*\)\n\1for ", text, re.M)


def test_nobody_signs_and_nobody_is_named(tree, tmp_path):
    series = exported(tree, tmp_path / "out")
    for file in patches(series):
        text = file.read_text()
        assert "From: Name of the Sender <sender@example.invalid>\n" in text
        assert not re.search(r"^[A-Z][a-z-]+-by:", text, re.M)
        assert "*** " not in text
    for part in series:
        cover = part.files[0].read_text()
        assert "Signed-off-by is yours alone to give" in cover
        assert "Assisted-by is asked for" in cover
        assert "*** " not in cover


def test_messages_fit_the_width_of_a_log(tree, tmp_path):
    for file in [f for s in exported(tree, tmp_path / "out") for f in s.files]:
        head, message = file.read_text().split("\n---\n")[0].split("\n\n", 1)
        subject = re.search(r"^Subject: \[PATCH[^\]]*\] (.*(?:\n .*)*)", head, re.M)[1]
        assert len(subject.replace("\n", "")) <= 75
        assert max(map(len, message.splitlines())) <= 76, file.name


def texts(series):
    return [(f.name, f.read_bytes()) for part in series for f in part.files]


def test_two_exports_of_a_date_are_the_same(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    a, b = exported(tree, tmp_path / "a"), exported(tree, tmp_path / "b")
    assert texts(a) == texts(b)


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
    assert texts(odd) == texts(plain)


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
    assert [f.read_bytes() for f in patches(a)] == [f.read_bytes() for f in patches(b)]


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
    assert all(part.subjects for part in exported(tree, tmp_path / "out"))


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
        ("tests/run_tests.sh", "libfdt_tests", "other_tests", "libfdt_tests"),
        ("tests/run_tests.sh", "appendprop_addrrange", "x", "run_test append"),
        ("tests/.gitignore", "/", "", "the list of programs"),
        ("tests/meson.build", "tests = [", "t = [", "the list tests"),
        ("tests/run_tests.sh", "fdtget_tests", "x", "fdtget_tests"),
        ("tests/run_tests.sh", "fdtput_tests", "x", "fdtput_tests"),
        ("tests/pylibfdt_tests.py", "PyLibfdtSwTests", "X", "PyLibfdtSwTests"),
        ("pylibfdt/libfdt.i", "def delprop", "def x", "delprop"),
        ("pylibfdt/libfdt.i", "def get_phandle", "def x", "get_phandle"),
        ("pylibfdt/libfdt.i", "%include <libfdt.h>", "", "%include"),
        (
            "libfdt/fdt_addresses.c",
            "_addrrange(",
            "_x(",
            "definition of fdt_appendprop",
        ),
        ("libfdt/libfdt.h", " - append", " + append", "documentation of fdt_appendp"),
        ("fdtget.c", "t:pld:", "t:pldx:", "t:pld:"),
        ("fdtget.c", "default:", "else:", "default"),
        ("fdtput.c", "realloc_property(char", "x(char", "realloc_property"),
        ("fdtput.c", "do_fdtput", "x", "do_fdtput"),
        ("fdtput.c", "crdpt:v", "x", "crdpt:v"),
        ("Documentation/manual.txt", "[t:pld:hV]", "[x]", "t:pld:hV"),
    ],
)
def test_a_tree_without_a_place_is_refused_by_name(tmp_path, name, old, new, says):
    assert old in SMALL[name]
    tree = small(tmp_path / "tree", **{name: SMALL[name].replace(old, new)})
    refused(tree, tmp_path / "out", name, "does not match", says)


def test_a_program_of_that_name_is_not_overwritten(tmp_path):
    for name in PROGRAMS:
        tree = small(tmp_path / name, **{f"tests/{name}.c": "mine\n"})
        refused(tree, tmp_path / "out", f"tests/{name}.c", "exists")


def test_a_tree_that_has_all_helpers_needs_nothing(applied, tmp_path):
    for part in exported(applied, tmp_path / "again"):
        assert part.subjects == part.files == []
    assert not list((tmp_path / "again").iterdir())


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
        f"{n:04}" for n in range(5)
    ]
    assert not (out / "reg-read").exists()


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
