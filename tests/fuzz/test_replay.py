# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every input that a fuzzer has found something with, once more.

The targets in C are built without a fuzzer, with AddressSanitizer and
UndefinedBehaviorSanitizer, by whatever compiler there is; those in Python run
without one, with the limits of memory and time that the hunt has.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import seeds

HERE = Path(__file__).resolve().parent

IN_C = sorted(source.stem[len("fuzz_") :] for source in HERE.glob("fuzz_*.c"))
IN_PYTHON = sorted(seeds.python_inputs())


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    compiler = os.environ.get("CC", "cc")
    for tool in ("make", compiler):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    if not (HERE.parents[1] / "libfdt" / "src" / "fdt.c").exists():
        pytest.skip("libfdt/src is missing: python libfdt/vendor.py fetches it")
    directory = tmp_path_factory.mktemp("fuzz")
    probe = directory / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    flags = ["-fsanitize=address,undefined", "-o", str(directory / "probe")]
    done = subprocess.run([compiler, str(probe), *flags], capture_output=True)
    if done.returncode or subprocess.run([directory / "probe"]).returncode:
        pytest.skip(
            f"{compiler} has no AddressSanitizer and UndefinedBehaviorSanitizer"
        )
    variables = [f"CC={compiler}", f"BUILD={directory}"]
    done = subprocess.run(
        ["make", "-s", "-C", HERE, f"-j{os.cpu_count()}", "replays", *variables],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "gcc"


def inputs_of(target: str, directory: Path) -> list[Path]:
    """What was found, and two more: a target is never run over nothing."""
    (directory / "empty").write_bytes(b"")
    (directory / "ones").write_bytes(b"\xff" * 256)
    return [*sorted((HERE / "regressions" / target).glob("*")), *directory.iterdir()]


def replay(command: list, inputs: list[Path]) -> None:
    done = subprocess.run(
        [*command, *inputs], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[:4000]
    assert done.stdout.endswith(f"{len(inputs)} inputs\n")


@pytest.mark.parametrize("target", IN_C)
def test_nothing_is_found_in_c_a_second_time(replays, target, tmp_path):
    replay([replays / f"fuzz_{target}"], inputs_of(target, tmp_path))


@pytest.mark.parametrize("target", IN_PYTHON)
def test_nothing_is_found_in_python_a_second_time(target, tmp_path):
    command = [sys.executable, HERE / "fuzz_python.py", "--replay", target]
    replay(command, inputs_of(f"python_{target}", tmp_path))


def test_every_regression_has_its_target():
    known = {path.name for path in (HERE / "regressions").iterdir()}
    assert known <= {*IN_C, *(f"python_{name}" for name in IN_PYTHON)}


def test_a_finding_in_python_is_no_success(tmp_path):
    """The limits hold, and what is not expected ends the replay."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fuzz_python as f\n"
        "import python_targets as t\n"
        "t.TARGETS[sys.argv[2]] = lambda source: bytearray(f.MEMORY)\n"
        "f.replay(sys.argv[2], sys.argv[3:])\n"
    )
    (tmp_path / "input").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", script, HERE, "texts", tmp_path / "input"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode
    assert "MemoryError" in done.stderr
