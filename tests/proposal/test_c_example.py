# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""examples/kexec-like: a C program that compiles fdt_reg.c in, with libfdt's
sources of the wheel and with the installed library. Also where the files are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx import Fdt, MemRange

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "kexec-like"
MACHINES = ("arm64-dt", "arm64-high-low", "arm64-uefi-acpi")
CRASH = ("0x7abff000,0x400", "0x6ac00000,0x10000000")


def make(out, *words):
    return subprocess.run(
        ["make", "-s", "-f", EXAMPLE / "Makefile", f"PYTHON={sys.executable}",
         f"OUT={out}", *words],
        cwd=out.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["vendored", "installed"])
def kexec_like(request, tmp_path_factory):
    """The program; its first argument for make says which libfdt."""
    folder = tmp_path_factory.mktemp(request.param)
    for tool in ("make", "cc"):
        if not shutil.which(tool):
            pytest.skip(f"this machine lacks {tool}")
    words = []
    if request.param == "vendored":
        # Where docs/proposal.md says that they are
        sources = Path(pyfdtx.get_include()) / "libfdt"
        if not (sources / "fdt.c").is_file():
            pytest.skip("this pyfdtx was built with the installed libfdt")
        words = [f"LIBFDT={sources}"]
    else:
        (folder / "try.c").write_text(
            "#include <libfdt.h>\nint main(void) { return 0; }"
        )
        tried = subprocess.run(
            ["cc", "try.c", "-lfdt"], cwd=folder, capture_output=True, check=False
        )
        if tried.returncode:
            pytest.skip("this machine lacks libfdt (Debian: libfdt-dev)")
    done = make(folder / "kexec_like", *words)
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""

    def run(*words):
        return subprocess.run(
            [folder / "kexec_like", *map(str, words)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def tree(ac, sc, chosen=True):
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", ac)
    fdt.root.set_u32("#size-cells", sc)
    if chosen:
        fdt.add_node("/chosen")["bootargs"] = b"quiet\0"
    return fdt.to_bytes()


def number(value, cells):
    return value.to_bytes(4 * cells, "big")


@pytest.mark.parametrize("ac", [1, 2, 3, 4])
@pytest.mark.parametrize("sc", [1, 2, 3, 4])
@pytest.mark.parametrize("chosen", [True, False])
def test_it_writes_the_cells_of_the_root(kexec_like, tmp_path, ac, sc, chosen):
    (tmp_path / "in.dtb").write_bytes(tree(ac, sc, chosen))
    done = kexec_like(tmp_path / "in.dtb", tmp_path / "out.dtb", *CRASH)
    assert (done.returncode, done.stderr) == (0, "")
    node = Fdt((tmp_path / "out.dtb").read_bytes())["/chosen"]
    # Big-endian, leading cells zero: the specification's prop-encoded-array
    assert node["linux,elfcorehdr"] == number(0x7ABFF000, ac) + number(0x400, sc)
    assert node["linux,usable-memory-range"] == (
        number(0x6AC00000, ac) + number(0x10000000, sc)
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_it_works_on_the_trees_of_real_machines(kexec_like, tmp_path, machine):
    before = ROOT / "examples" / machine / "sys" / "firmware" / "fdt"
    low = "0x50000000,0x1000000"
    done = kexec_like(before, tmp_path / "out.dtb", *CRASH, low)
    assert (done.returncode, done.stderr) == (0, "")
    node = Fdt((tmp_path / "out.dtb").read_bytes())["/chosen"]
    assert node.reg("linux,elfcorehdr", parent="/") == [MemRange(0x7ABFF000, 0x400)]
    assert node.reg("linux,usable-memory-range", parent="/") == [
        MemRange(0x6AC00000, 0x10000000),
        MemRange(0x50000000, 0x1000000),
    ]
    # A second run writes over the first, and needs no more room
    again = kexec_like(tmp_path / "out.dtb", tmp_path / "again.dtb", *CRASH, low)
    assert (again.returncode, again.stderr) == (0, "")
    assert (tmp_path / "again.dtb").read_bytes() == (tmp_path / "out.dtb").read_bytes()


@pytest.mark.parametrize(
    ("ac", "sc", "words", "says"),
    [
        (1, 1, ("0x100000000,0x400", CRASH[1]), "linux,elfcorehdr: does not fit"),
        (1, 1, (CRASH[0], "0xffff0000,0x20000"), "usable-memory-range: does not fit"),
        (2, 2, (CRASH[0], "0xffffffffffff0000,0x20000"), "range: does not fit"),
        (2, 0, CRASH, "linux,elfcorehdr: does not fit"),
        (5, 1, CRASH, "FDT_ERR_BADNCELLS"),
        (2, 2, (CRASH[0], "here,0x20000"), "here,0x20000: is not ADDRESS,SIZE"),
        (2, 2, (CRASH[0], "0x1000"), "0x1000: is not ADDRESS,SIZE"),
        (2, 2, CRASH[:1], "usage"),
    ],
)
def test_it_refuses_in_one_line_and_writes_nothing(
    kexec_like, tmp_path, ac, sc, words, says
):
    (tmp_path / "in.dtb").write_bytes(tree(ac, sc))
    done = kexec_like(tmp_path / "in.dtb", tmp_path / "out.dtb", *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert not (tmp_path / "out.dtb").exists()


def test_a_cut_off_tree_is_refused(kexec_like, tmp_path):
    whole = tree(2, 2)
    for size in range(0, len(whole), 7):
        (tmp_path / "in.dtb").write_bytes(whole[:size])
        done = kexec_like(tmp_path / "in.dtb", tmp_path / "out.dtb", *CRASH)
        assert done.returncode == 1, f"{size} of {len(whole)} bytes"
        assert not (tmp_path / "out.dtb").exists()


def test_the_package_says_where_the_files_are():
    include, source = pyfdtx.get_include(), pyfdtx.get_source()
    assert os.path.isabs(include)
    assert os.path.isabs(source)
    for path in (os.path.join(include, "fdt_reg.h"), source):
        name = os.path.basename(path)
        ours = (ROOT / "csrc" / name).read_bytes()
        assert Path(path).read_bytes() == ours, f"{name}: not the file of this tree"
    # On -I it must not hide the headers of the installed libfdt
    assert not [f for f in os.listdir(include) if f in ("fdt.h", "libfdt.h")]


def test_import_does_not_read_where_the_files_are():
    code = "import sys, pyfdtx; print('pyfdtx.sources' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


def test_the_helpers_compile_alone_without_warnings(tmp_path):
    """Against the headers of the installed libfdt, as a program of its own would."""
    if not shutil.which("cc"):
        pytest.skip("this machine lacks cc")
    (tmp_path / "try.c").write_text("#include <libfdt.h>\n")
    if subprocess.run(
        ["cc", "-fsyntax-only", "try.c"], cwd=tmp_path, capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lacks libfdt (Debian: libfdt-dev)")
    done = subprocess.run(
        ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", pyfdtx.get_source()],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
