# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The series on upstream's own trees, from v1.6.1 to the newest commit there is.

PYFDTX_DTC names a git repository of dtc with its tags; it is only read.
"""

import re
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from dtc import MAKE, apply, clone, git, repository, run, state, trees

from pyfdtx.proposal import export, verify
from pyfdtx.proposal.fixes import FIXES
from pyfdtx.proposal.helpers import HELPERS
from pyfdtx.proposal.series import TOPICS

if not repository()[0]:
    pytest.skip(repository()[1], allow_module_level=True)

every_tag = pytest.mark.parametrize("tag", trees())
# Where the code that the patches touch is oldest and newest
both_ends = pytest.mark.parametrize("tag", [trees()[0], trees()[-1]])
# bdca861 of dtc, "Add fdt_setprop_namelen()", is in v1.8.0 and not before
LACKS_NAMELEN = {"v1.6.1", "v1.7.0", "v1.7.2"}


WRITE = ["setprop_reg", "appendprop_reg", "addrrange_cells"]
READ = ["getprop_reg", "prop_len", "reg_len"]


def defects(tag):
    return [f for f in FIXES if tag not in LACKS_NAMELEN or not f.needs]


def new_programs(tree, base):
    """Names of the programs that a series registers, from run_tests.sh."""
    diff = git(tree, "diff", base, "HEAD", "--", "tests/run_tests.sh")
    return re.findall(r"^\+    run_test (\w+)$", diff, re.M)


def build_and_run(tree, names):
    run(*MAKE, *(f"tests/{name}" for name in names), cwd=tree)
    library = {"LD_LIBRARY_PATH": str(tree / "libfdt")}
    for name in names:
        done = run(f"./{name}", cwd=tree / "tests", env=library, ok=False)
        assert done.returncode == 0, f"{name}: {done.stdout}"
        assert done.stdout.splitlines()[-1] == "PASS", f"{name}: {done.stdout}"


@every_tag
def test_each_series_applies_builds_and_passes(tag, tmp_path):
    tree = clone(tag, tmp_path / "dtc")
    before = state(tree)
    made = export(tree, tmp_path / "out")
    assert state(tree) == before, "the export wrote into the tree"
    expected = {
        "fixes": [fix.program for fix in defects(tag)],
        "search": ["find_string"],
        "reg": WRITE,
        "reg-read": WRITE + READ,
    }
    assert [series.topic for series in made] == list(expected)
    for series in made:
        if series.topic != "reg-read":  # which goes on top of "reg"
            git(tree, "checkout", "-q", "--detach", tag)
            git(tree, "clean", "-q", "-f")  # programs of the series before
        apply(tree, series)
        names = new_programs(tree, tag)
        assert sorted(names) == sorted(expected[series.topic])
        build_and_run(tree, names)
        assert git(tree, "status", "--porcelain") == "", "a program is not ignored"


@both_ends
def test_each_patch_compiles_without_warnings(tag, tmp_path):
    """A bisection must not stop at a patch of ours; dtc builds with -Werror."""
    tree = clone(tag, tmp_path / "dtc")
    for series in export(tree, tmp_path / "out"):
        if series.topic != "reg-read":
            git(tree, "checkout", "-q", "--detach", tag)
        for file in series.files[1:]:
            git(tree, "am", "-q", file)
            run(*MAKE, "libfdt", "fdtget", "fdtput", cwd=tree)
            assert git(tree, "status", "--porcelain") == ""


@both_ends
def test_each_fix_is_needed(tag, tmp_path):
    """Its program fails with the libfdt of the commit before, passes with its own."""
    tree = clone(tag, tmp_path / "dtc")
    series = export(tree, tmp_path / "out", ["fixes"])[0]
    fixes = defects(tag)
    assert len(series.subjects) == len(fixes)
    for fix, file in zip(fixes, series.files[1:]):
        git(tree, "am", "-q", file)
        flags = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
        program = ["cc", "-w", "-g", "-DNO_VALGRIND", "-I.", "-Ilibfdt", "-Itests"]
        program += flags if fix.sanitizer else []
        program += ["-x", "c", f"tests/{fix.program}.c", "-x", "none"]
        # What of upstream's tests the program needs: its start and its verdict
        program += ["tests/testutils.c", "util.c", "-o", "fixed"]
        run(*MAKE, "version_gen.h", cwd=tree)
        sources = sorted(
            str(p.relative_to(tree)) for p in (tree / "libfdt").glob("fdt*.c")
        )
        run(*program, *sources, cwd=tree)
        assert run("./fixed", cwd=tree).stdout.splitlines()[-1] == "PASS"
        git(tree, "checkout", "-q", "HEAD~", "--", "libfdt")
        run(*program, *sources, cwd=tree)
        broken = run("./fixed", cwd=tree, ok=False)
        assert broken.returncode != 0, f"{fix.key}: nothing fails without the fix"
        assert not broken.stdout.endswith("PASS\n")
        git(tree, "reset", "-q", "--hard")


@every_tag
def test_verify_tells_what_a_tree_has(tag, tmp_path):
    tree = clone(tag, tmp_path / "dtc")
    before = state(tree)

    def states():
        found = verify(tree)
        return {one.name: one.state for one in found}

    plain = dict.fromkeys(HELPERS, "missing")
    plain.update({fix.key: "not affected" for fix in FIXES})
    plain.update({fix.key: "defect" for fix in defects(tag)})
    plain["find-string"] = "defect"
    assert states() == plain
    assert state(tree) == before, "verify wrote into the tree"
    # One topic on top of the other: each is exported for the tree as it is
    for topic in TOPICS:
        (series,) = export(tree, tmp_path / topic, [topic])
        apply(tree, series)
    done = dict.fromkeys(HELPERS, "agrees")
    done.update({fix.key: "not affected" for fix in FIXES})
    done.update({fix.key: "fixed" for fix in defects(tag)})
    done["find-string"] = "fixed"
    assert states() == done
    for series in export(tree, tmp_path / "again"):
        assert series.subjects == [], f"{series.topic} is there already"


@pytest.mark.parametrize(
    ("old", "new", "differing"),
    [
        # Accepts a range that wraps
        (
            "if (size && size - 1 > max_address - address)",
            "if (0)",
            {n for n in HELPERS if n.startswith(("fdt_set", "fdt_app"))},
        ),
        # Pads on the wrong side
        (
            "for (i = len - 1; i >= 0; i--)",
            "for (i = 0; i < len; i++)",
            {n for n in HELPERS if n.startswith(("fdt_set", "fdt_app"))},
        ),
        ("return len / format.len;", "return len / 8;", {"fdt_getprop_reg_count"}),
        (
            "int fdt_reg_len(const void *fdt, int parent, int n)",
            "int fdt_reg_len(const void *fdt, int n)",
            {"fdt_reg_len"},
        ),
    ],
    ids=["wrap", "padding", "count", "prototype"],
)
def test_verify_sees_a_helper_that_behaves_otherwise(tmp_path, old, new, differing):
    tree = clone("v1.8.1", tmp_path / "dtc")
    for series in export(tree, tmp_path / "out", ["reg", "reg-read"]):
        apply(tree, series)
    for name in ("libfdt/fdt_addresses.c", "libfdt/libfdt.h"):
        text = (tree / name).read_text()
        text = text.replace(old + "\n{\n", new + "\n{\n\tint parent = 0;\n\n")
        text = text.replace(old, new)
        (tree / name).write_text(text)
    found = {f.name: f for f in verify(tree) if f.kind == "helper"}
    assert {n for n, f in found.items() if f.state == "differs"} == differing
    assert all(found[name].detail for name in differing)


def test_verify_exits_with_1_if_a_helper_differs(tmp_path):
    tree = clone("v1.8.1", tmp_path / "dtc")
    for series in export(tree, tmp_path / "out", ["reg", "reg-read"]):
        apply(tree, series)
    command = [sys.executable, "-m", "pyfdtx", "proposal", "verify", "--dtc", str(tree)]
    assert run(*command, cwd="/").stdout.count(" agrees ") == len(HELPERS)
    source = tree / "libfdt/fdt_addresses.c"
    source.write_text(source.read_text().replace("return len / format.len", "return 7"))
    done = run(*command, cwd="/", ok=False)
    assert done.returncode == 1
    assert "fdt_getprop_reg_count     differs  -1/-1 cells" in done.stdout


def stacked(tmp_path):
    tree = clone("v1.8.1", tmp_path / "dtc")
    for topic in TOPICS:
        apply(tree, export(tree, tmp_path / topic, [topic])[0])
    return tree


def test_upstreams_whole_suite_passes_with_all_series(tmp_path):
    tree = stacked(tmp_path)
    said = run(*MAKE, "check", cwd=tree).stdout
    totals = dict(
        line.strip("* ").split(":")
        for line in said.splitlines()
        if line.startswith("*") and ":" in line
    )
    totals = {name.strip(): int(count) for name, count in totals.items()}
    assert totals["FAIL"] == totals["Bad configuration"] == 0
    assert totals["PASS"] == totals["Total testcases"]
    for name in new_programs(tree, "v1.8.1"):
        assert f"\n{name}:\tPASS\n" in said


def test_meson_builds_and_runs_them_too(tmp_path):
    for tool in ("meson", "ninja"):
        if not shutil.which(tool):
            pytest.skip(f"this machine lacks {tool}, dtc's main build system")
    tree = stacked(tmp_path)
    # dtc's trees.S has no note on the stack, and its build takes ld's warning
    # about that for an error
    run("meson", "setup", "build", "-Dpython=disabled", "-Dyaml=disabled",
        "-Dc_link_args=-Wl,-z,noexecstack", cwd=tree)  # fmt: skip
    run("meson", "test", "-C", "build", "libfdt", cwd=tree)
    log = (tree / "build/meson-logs/testlog.txt").read_text()
    for name in new_programs(tree, "v1.8.1"):
        assert f"\n{name}:\tPASS\n" in log


# What has been made of fdt_appendprop_addrrange() must be told apart from what it
# was by nothing but the answers that its patch lists.
@every_tag
def test_addrrange_changes_no_other_answer(tag, tmp_path):
    tree = clone(tag, tmp_path / "dtc")
    program = Path(__file__).with_name("addrrange.c")
    said = []
    for _ in range(2):
        sources = sorted((tree / "libfdt").glob("fdt*.c"))
        run("cc", "-O1", "-w", f"-I{tree}/libfdt", program, *sources,
            "-o", tmp_path / "addrrange", cwd=tree)  # fmt: skip
        said.append(run(tmp_path / "addrrange", cwd=tree).stdout.splitlines())
        if len(said) == 1:
            apply(tree, export(tree, tmp_path / "out", ["reg"])[0])
    old, new = ([line.split("\t") for line in lines] for lines in said)
    assert len(old) == len(new) == 6 * 6 * 10 * 16
    kinds = {}
    for (question, a), (_, b) in zip(old, new):
        if a != b:
            kind = f"{a.split()[0]} -> {b.split()[0]}"
            kinds.setdefault(kind, []).append(question)
    # In v1.6.1, 1 address cell: a sum of 32 bits, which c19a4ba of dtc mended,
    # lets every end pass, and refuses every range that begins at 0
    for question in kinds.pop("-15 -> 0", []) if tag == "v1.6.1" else []:
        assert question.split()[0] == "1"
        assert question.split()[3] == "0x0"
    assert set(kinds) == {"-14 -> 0", "-14 -> -15", "0 -> -15"}
    for question in kinds["0 -> -15"]:
        ac, sc, oldlen, address, size = (int(w, 0) for w in question.split())
        ragged = oldlen > 0 and oldlen % (4 * (ac + sc))
        beyond = address + size > (1 << (64 if ac > 1 or tag != "v1.6.1" else 32))
        assert ragged or beyond, question
    for kind in ("-14 -> 0", "-14 -> -15"):
        for question in kinds[kind]:
            ac, sc = (int(w) for w in question.split()[:2])
            assert 1 <= ac <= 4
            assert sc <= 4
            assert ac > 2 or sc not in (1, 2), question


# SWIG takes every "uint64_t *" for an output, so a prototype can break the build.
TRY_PYTHON = """
import libfdt
import _libfdt
from _libfdt import fdt_getprop_reg, fdt_getprop_reg_count, fdt_setprop_reg
tree = libfdt.Fdt.create_empty_tree(512)
assert tree.setprop_reg(0, 0, "reg", 0x1122334455, 0x66) == 0
assert bytes(tree.getprop(0, "reg")) == bytes.fromhex("0000001122334455" "00000066")
assert tree.getprop_reg_count(0, 0, "reg") == 1
assert tree.appendprop_reg_array(0, 0, "reg", [(1, 2), (3, 4)]) == 0
assert tree.getprop_reg_count(0, 0, "reg") == 3
# Whether the 0 of success comes first differs between releases
assert fdt_getprop_reg(tree._fdt, 0, 0, "reg", 0)[-2:] == [0x1122334455, 0x66]
assert not hasattr(libfdt, "fdt_reg") and not hasattr(_libfdt, "fdt_reg")
"""


@both_ends
def test_upstreams_python_module_builds_and_has_them(tag, tmp_path):
    include = Path(sysconfig.get_path("include"))
    if not shutil.which("swig"):
        pytest.skip("this machine lacks swig, which upstream's module is made with")
    if not (include / "Python.h").is_file():
        pytest.skip("this machine lacks Python.h (Debian: python3-dev)")
    tree = clone(tag, tmp_path / "dtc")
    for series in export(tree, tmp_path / "out", ["reg", "reg-read"]):
        apply(tree, series)
    out = tmp_path / "module"
    out.mkdir()
    run("swig", "-python", "-outdir", out, f"-I{tree}/libfdt", "-o", out / "wrap.c",
        tree / "pylibfdt/libfdt.i", cwd=out)  # fmt: skip
    sources = sorted((tree / "libfdt").glob("fdt*.c"))
    run("cc", "-shared", "-fPIC", "-O1", "-Werror=incompatible-pointer-types",
        "-Werror=discarded-qualifiers", f"-I{include}", f"-I{tree}/libfdt",
        "-DNDEBUG", out / "wrap.c", *sources, "-o", out / "_libfdt.so",
        cwd=out)  # fmt: skip
    run(sys.executable, "-c", TRY_PYTHON, cwd=out)
    # The new classes of its tests; the others need trees of its suite
    script = (tree / "tests/pylibfdt_tests.py").read_text()
    (out / "pylibfdt_tests.py").write_text(script.replace("../pylibfdt", str(out)))
    names = re.findall(r"^class (PyLibfdtReg\w*)", script, re.M)
    assert len(names) == 2
    words = [f"pylibfdt_tests.{name}" for name in names if reads_in(tag, name)]
    said = run(sys.executable, "-m", "unittest", *words, cwd=out).stdout
    assert re.search(r"^Ran \d+ tests", said, re.M)


def reads_in(tag, name):
    """v1.6.1's SWIG typemap gives no error beside numbers, so nothing can read."""
    return tag != "v1.6.1" or "Read" not in name
