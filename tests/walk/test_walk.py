# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The walk's fast paths may only skip what its slow loop would accept.

twins.c judges millions of generated blobs with both, each in memory of exactly
its size, under ASan and UBSan. The same blobs go through `Fdt` and `FdtView`,
and through `pyfdtx.pure`, which shares no line with them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyfdtx import Fdt, FdtBadBlob, FdtView, pure
from pyfdtx.tree.names import without_root_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WALK = ROOT / "csrc" / "blob" / "walk.h"
CPUS = os.cpu_count() or 1

SEED = 20261130
TWINS = 2_400_000
FOR_PYTHON = 30_000

# Each answer is met at least so often, or the generator is no good any more:
# about half of what it gives today
LEAST = 100
LEAST_ACCEPTED = {
    "accepted": 800_000,
    "accepted, odd end": 200_000,
    "accepted, version 16": 300_000,
    "accepted, with FDT_NOP": 500_000,
    "accepted, not canonical": 500_000,
    "accepted, with the child": 60_000,
    "accepted, as deep as can be": 100,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the program and its objects."""
    compiler = os.environ.get("CC", "cc")
    for tool in ("make", compiler):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    if not (ROOT / "libfdt" / "src" / "fdt.c").exists():
        pytest.skip("libfdt/src is missing: python libfdt/vendor.py fetches it")
    folder = tmp_path_factory.mktemp("walk")
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    flags = ["-fsanitize=address,undefined", "-o", str(folder / "probe")]
    done = subprocess.run([compiler, str(probe), *flags], capture_output=True)
    if done.returncode or subprocess.run([folder / "probe"]).returncode:
        pytest.skip(
            f"{compiler} has no AddressSanitizer and UndefinedBehaviorSanitizer"
        )
    make(folder, f"-j{CPUS}")
    return folder


def make(folder: Path, *words: str) -> None:
    done = subprocess.run(
        ["make", "-s", "-C", str(HERE), f"BUILD={folder}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def twins(folder: Path, first: int, count: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "twins"), str(SEED), str(first), str(count)],
        capture_output=True,
        text=True,
        timeout=300,
    )


def causes() -> set[str]:
    """Everything that the walk can say: its strings of more than one word."""
    return {
        text for text in re.findall(r'"([^"\n]+)"', WALK.read_text()) if " " in text
    }


def test_fast_and_slow_walk_give_the_same_answers(built: Path) -> None:
    share = TWINS // (4 * CPUS)
    met: Counter[str] = Counter()
    with ThreadPoolExecutor(CPUS) as pool:
        for done in pool.map(lambda n: twins(built, n * share, share), range(4 * CPUS)):
            assert done.returncode == 0, done.stdout + done.stderr
            for line in done.stdout.splitlines():
                n, answer = line.split("\t")
                met[answer] += int(n)
    print("".join(f"{n:9} {answer}\n" for answer, n in met.most_common()))
    assert {answer for answer in met if not answer.startswith("accepted")} == causes()
    rare = {answer: n for answer, n in met.items() if n < LEAST}
    assert not rare
    for answer, least in LEAST_ACCEPTED.items():
        assert met[answer] >= least, answer
    refused = sum(n for answer, n in met.items() if not answer.startswith("acc"))
    assert met["accepted"] + refused == share * 4 * CPUS


def blobs(folder: Path, count: int) -> Iterator[bytes]:
    raw = subprocess.run(
        [str(folder / "twins"), "--write", str(SEED), "0", str(count)],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    at = 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        yield raw[at + 4 : at + 4 + size]
        at += 4 + size


def verdict(read: Callable[[bytes], Any], blob: bytes) -> tuple[str, Any]:
    try:
        return "sound", read(blob)
    except FdtBadBlob as e:
        return e.name, None


def squeezed(blob: bytes) -> bytes:
    fdt = Fdt(blob)
    fdt.squeeze()
    return fdt.to_bytes()


@pytest.mark.filterwarnings("ignore::pyfdtx.FdtWarning")
def test_python_gives_the_same_answers_and_bytes(built: Path) -> None:
    met: Counter[str] = Counter()
    named = 0
    for blob in blobs(built, FOR_PYTHON):
        answer, canonical = verdict(pure.canonicalise, blob)
        met[answer] += 1
        assert verdict(FdtView, blob)[0] == answer, blob.hex()
        # Fdt alone reads a root that has a name, as if it had none
        nameless = without_root_name(blob) if canonical is None else None
        expected = answer, canonical
        if nameless is not None:
            expected = verdict(pure.canonicalise, nameless)
            named += 1
        assert verdict(lambda b: Fdt(b).to_bytes(), blob) == expected, blob.hex()
        if canonical is not None:
            assert squeezed(blob) == pure.canonicalise(blob, True), blob.hex()
    assert sum(met.values()) == FOR_PYTHON
    assert met["sound"] > FOR_PYTHON // 3
    assert set(met) == {
        "sound",
        "FDT_ERR_ALIGNMENT",
        "FDT_ERR_BADLAYOUT",
        "FDT_ERR_BADMAGIC",
        "FDT_ERR_BADSTRUCTURE",
        "FDT_ERR_BADVERSION",
        "FDT_ERR_TRUNCATED",
    }
    assert min(met.values()) >= 50
    assert named >= 50


# The fault that was, in each of its parts, and others of its kind. All but the
# first leave the slow loop as it is.
SPOILED = {
    "the end as the header has it, and a loop that ends when it is met": (
        ("w.limit = end - end % FDT_TAGSIZE;", "w.limit = end;"),
        ("if (pos >= last)", "if (pos == last)"),
    ),
    "the end as the header has it": (
        ("w.limit = end - end % FDT_TAGSIZE;", "w.limit = end;"),
    ),
    "no end for a run of FDT_END_NODE": (("if (pos >= last)", "if (0)"),),
    "a property up to a word behind the last": (
        ("if (next > last || nameoff", "if (next > last + 12 || nameoff"),
    ),
    "a name behind the strings": (
        ("nameoff >= strsize || !strings", "nameoff > strsize || !strings"),
    ),
    "a node's name that is read beyond the block": (
        ("pos + FDT_TAGSIZE + FDTX_EQUAL > w->limit", "pos + FDT_TAGSIZE > w->limit"),
    ),
    "one level too many": (
        (
            "cpu_to_fdt32(FDT_BEGIN_NODE) || depth == FDTX_MAX_DEPTH",
            "cpu_to_fdt32(FDT_BEGIN_NODE) || depth == FDTX_MAX_DEPTH + 1",
        ),
    ),
    "the end of the root": (("if (depth == 1)\n\t\t\tgoto out;", ""),),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_faults_of_the_fast_path_are_noticed(
    built: Path, tmp_path: Path, fault: str
) -> None:
    text = WALK.read_text()
    for old, new in SPOILED[fault]:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    shutil.copytree(WALK.parents[1], tmp_path / "csrc")
    (tmp_path / "csrc" / "blob" / "walk.h").write_text(text)
    folder = tmp_path / "build"
    shutil.copytree(built, folder)
    # What was built is kept, the rule above all; the fast walks are made anew
    kept = [f"-o{folder}/{name}.o" for name in ("twins", "generate", "slow")]
    make(folder, f"CSRC={tmp_path}/csrc", *kept)
    done = twins(folder, 0, TWINS // 10)
    assert done.returncode != 0
    assert re.search(r"in blob \d+ of seed", done.stderr), done.stderr
