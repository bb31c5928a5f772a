# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every input that a fuzzer has found something with, once more.

The targets in C are built without a fuzzer, with AddressSanitizer and
UndefinedBehaviorSanitizer, by whatever compiler there is.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TARGETS = sorted(source.stem[len("fuzz_") :] for source in HERE.glob("fuzz_*.c"))


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


def replay(program: Path, *inputs: Path) -> str:
    done = subprocess.run(
        [program, *inputs],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[:4000]
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_a_second_time(replays, target, tmp_path):
    inputs = sorted((HERE / "regressions" / target).glob("*"))
    # An empty one and one that is all ones: a target is never run over nothing
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "ones").write_bytes(b"\xff" * 256)
    inputs += sorted(tmp_path.iterdir())
    assert replay(replays / f"fuzz_{target}", *inputs).endswith(
        f"{len(inputs)} inputs\n"
    )


def test_every_regression_has_its_target():
    known = {path.name for path in (HERE / "regressions").iterdir()}
    assert known <= set(TARGETS)
