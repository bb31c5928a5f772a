# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Builds the sweep with sanitizers and runs it: see sweep.c and exercise.c."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile_blobs as blobs
import hostile_cases as cases
import hostile_overlays as overlays

HERE = Path(__file__).resolve().parent
CPUS = os.cpu_count() or 1


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    compiler = os.environ.get("CC", "cc")
    for tool in ("make", compiler):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    if not (HERE.parents[1] / "libfdt" / "src" / "fdt.c").exists():
        pytest.skip("libfdt/src is missing: python libfdt/vendor.py fetches it")
    directory = tmp_path_factory.mktemp("sweep")
    probe = directory / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    flags = ["-fsanitize=address,undefined", "-o", str(directory / "probe")]
    done = subprocess.run([compiler, str(probe), *flags], capture_output=True)
    if done.returncode or subprocess.run([directory / "probe"]).returncode:
        pytest.skip(
            f"{compiler} has no AddressSanitizer and UndefinedBehaviorSanitizer"
        )
    done = subprocess.run(
        ["make", "-C", HERE, f"-j{CPUS}", f"CC={compiler}", f"BUILD={directory}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    blobs.write_samples(directory)
    return directory / "sweep"


def run(sweep: Path, *args: str) -> str:
    done = subprocess.run(
        [str(sweep), *args],
        capture_output=True,
        text=True,
        cwd=sweep.parent,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_mutation_and_truncation_of_every_sample(sweep):
    # 8 flips, 0x00 and 0xff, of which some coincide; every size below the whole
    with ThreadPoolExecutor(CPUS) as pool:
        trees = "rich.dtb", "overlay.dtb"
        runs = pool.map(lambda n: run(sweep, *trees, f"{n}.dtb"), blobs.SAMPLES)
        out = "".join(runs)
    for name, blob in blobs.SAMPLES.items():
        found = re.search(rf"{name}\.dtb: (\d+) mutations, (\d+) accepted", out)
        assert found, out
        assert int(found[1]) >= 9 * len(blob)
        assert 0 < int(found[2]) < int(found[1])
        assert f"{name}.dtb: {len(blob)} truncations, none accepted" in out
    assert re.search(r"merged [1-9]", out), out
    # Neither way idle: what the engine makes was compared, and so was what is
    # refused or has root's cells rewritten
    assert re.search(r"by the engine [1-9]\d*, left to libfdt [1-9]", out), out


def test_odd_but_sound_blobs_survive_everything(sweep):
    # Deep and long ones take their time: libfdt looks paths up from the root
    names = []
    for number, case in enumerate(cases.ACCEPTED):
        if len(case.blob) < 1 << 15:
            path = sweep.parent / f"accepted-{number}.dtb"
            path.write_bytes(case.blob)
            names.append(path.name)
    out = run(sweep, "--once", "rich.dtb", "overlay.dtb", *names)
    assert f"{len(names)} files, {len(names)} accepted" in out


def test_overlays_that_attack_stay_inside_their_buffers(sweep):
    names = []
    for number, attack in enumerate(overlays.ATTACKS):
        path = sweep.parent / f"attack-{number}.dtb"
        path.write_bytes(attack.blob)
        names.append(path.name)
    out = run(sweep, "--once", "rich.dtb", "overlay.dtb", *names)
    assert f"{len(names)} files, {len(names)} accepted" in out


def test_a_list_of_changes_without_memory(sweep):
    program = sweep.with_name("no_memory")
    out = run(program, "rich.dtb")
    # Both lists grow several tables, the second one finds many names
    mixed, named = map(int, re.findall(r"\d+", out))
    assert mixed > 8
    assert named > mixed


def test_bad_blobs_are_judged_as_fdt_check_full_does_or_as_documented(sweep):
    names = []
    for number, case in enumerate(cases.REFUSED):
        path = sweep.parent / f"refused-{number}.dtb"
        path.write_bytes(case.blob)
        names.append(path.name)
    out = run(sweep, "--once", "rich.dtb", "overlay.dtb", *names)
    assert f"{len(names)} files, 0 accepted" in out
    # Every documented difference is real: some blob shows it
    table = re.findall(r"^ +(\d+)  (.+)$", out, re.M)
    assert len(table) > 10, out
    assert [cause for count, cause in table if count == "0"] == []
