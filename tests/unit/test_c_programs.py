# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The C programs of tests/c, one test for each program in each variant."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "c"
PROGRAMS = sorted(p.stem for p in FOLDER.glob("*.c") if p.stem != "testutils")
MISSING = {
    "plain": "a C compiler (cc)",
    "asan": "a C compiler with -fsanitize=address,undefined and its run time",
    "valgrind": "valgrind",
    "system": "libfdt's development files (Debian: libfdt-dev)",
}


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", "-C", str(FOLDER), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@functools.cache
def lacking(variant: str) -> str:
    """What this machine lacks for a variant, or nothing."""
    if not shutil.which("make"):
        return "make"
    if make("have-plain").returncode:
        return MISSING["plain"]
    if make(f"have-{variant}").returncode:
        return MISSING[variant]
    if variant != "system" and not (ROOT / "libfdt" / "src" / "fdt.c").is_file():
        return "libfdt/src; `python libfdt/vendor.py` fetches it"
    return ""


@functools.cache
def build(variant: str) -> subprocess.CompletedProcess[str]:
    return make("-j", str(os.cpu_count() or 1), f"build-{variant}")


def need(variant: str) -> None:
    if lacking(variant):
        pytest.skip(f"this machine lacks {lacking(variant)}")
    built = build(variant)
    assert built.returncode == 0, f"make build-{variant}:\n{built.stdout}"


@functools.cache
def reports(variant: str) -> tuple[int, dict[str, str]]:
    """Exit code of all programs of a variant, side by side; each one's report."""
    words = [f"{variant}/{program}" for program in PROGRAMS]
    done = make("-k", "-O", "-j", str(os.cpu_count() or 1), *words)
    parts = re.split(r"^(?=(?:PASS|FAIL)\t)", done.stdout, flags=re.M)
    return done.returncode, {part.split()[1]: part for part in parts if part.strip()}


@pytest.mark.parametrize("variant", MISSING)
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_passes(program: str, variant: str) -> None:
    need(variant)
    _, said = reports(variant)
    assert said[f"{variant}/{program}"] == f"PASS\t{variant}/{program}\n"


@pytest.mark.parametrize("variant", MISSING)
def test_all_programs_of_a_variant_end_well(variant: str) -> None:
    need(variant)
    code, said = reports(variant)
    assert code == 0, said
    assert sorted(said) == [f"{variant}/{program}" for program in PROGRAMS]


def test_make_knows_the_same_programs() -> None:
    need("plain")
    assert sorted(make("list").stdout.split()) == sorted(
        f"{variant}/{program}" for variant in MISSING for program in PROGRAMS
    )


def test_what_is_right_needs_no_checks() -> None:
    """FDT_ASSUME_MASK leaves them out; nothing else may go with them."""
    need("plain")
    done = make("assume")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed"


def test_compilers_find_nothing_to_warn_about() -> None:
    need("plain")
    done = make("analyze")
    assert done.returncode == 0, done.stdout


# One of mutants.txt for each way to fail: exit code, sanitizer
@pytest.mark.parametrize(
    ("old", "new", "program", "variant", "says"),
    [
        (
            "if (size && size - 1 > max_address - address)",
            "if (size && size > max_address - address)",
            "reg_values",
            "plain",
            "returned -15 (FDT_ERR_BADVALUE), not 0 (success)",
        ),
        (
            "n > (INT_MAX - oldlen) / format->len",
            "n > INT_MAX / format->len",
            "reg_errors",
            "asan",
            "runtime error: signed integer overflow",
        ),
    ],
    ids=["wrong verdict", "overflow"],
)
def test_broken_code_fails_and_says_where(
    tmp_path: Path, old: str, new: str, program: str, variant: str, says: str
) -> None:
    need(variant)
    source = (ROOT / "csrc" / "fdt_reg.c").read_text()
    assert source.count(old) == 1
    (tmp_path / "fdt_reg.c").write_text(source.replace(old, new))
    shutil.copy(ROOT / "csrc" / "fdt_reg.h", tmp_path)
    done = make(f"CSRC={tmp_path}", f"BUILD={tmp_path}", f"{variant}/{program}")
    assert done.returncode != 0
    assert f"FAIL\t{variant}/{program}" in done.stdout
    assert says in done.stdout
