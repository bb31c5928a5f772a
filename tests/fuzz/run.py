# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Run every fuzz target for a while and say what came out, as a table.

    python run.py [--seconds N] [--jobs N] [--keep] [TARGET...]

Starts from the corpora in corpus/ and from seeds.py. Fails if anything is found,
or if a target executes nothing. What is found lies in BUILD/findings; --keep
stores the minimised corpora again. Needs the fuzzers (make fuzzers) and atheris.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import seeds

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
OPTIONS = ("-max_len=2048", "-timeout=20", "-rss_limit_mb=2560", "-print_final_stats=1")
PYTHON = "python_"
# Of everything that libFuzzer and the targets print, what says what was found
WHAT = re.compile(
    r"broken promise: .*|SUMMARY: .*|ERROR: libFuzzer: .*|^\w*(?:Error|Exit)\b.*",
    re.MULTILINE,
)
# Bytes of one stored corpus, smallest inputs first
MAX_STORED = 40_000


class Result(NamedTuple):
    target: str
    executions: int
    edges: int
    features: int
    findings: list[str]


def names() -> list[str]:
    c = sorted(source.stem[len("fuzz_") :] for source in HERE.glob("fuzz_*.c"))
    return [*c, *(PYTHON + name for name in seeds.python_inputs())]


def command(target: str, build: Path) -> list[str]:
    if target.startswith(PYTHON):
        script = HERE / "fuzz_python.py"
        # Executions are dear there: inputs may be long from the start
        return [sys.executable, str(script), target[len(PYTHON) :], "-len_control=0"]
    return [str(build / "clang" / f"fuzz_{target}")]


def prepare(build: Path) -> None:
    """Corpora and seeds as files."""
    seeds.write_all(build / "seeds")
    for target in names():
        directory = build / "corpus" / target
        directory.mkdir(parents=True, exist_ok=True)
        stored = CORPUS / f"{target}.tar.xz"
        if stored.exists():
            with tarfile.open(stored) as archive:
                for member in archive:
                    data = archive.extractfile(member)
                    (directory / Path(member.name).name).write_bytes(data.read())
    shutil.rmtree(build / "findings", ignore_errors=True)
    (build / "findings").mkdir()


def run(target: str, seconds: int, build: Path) -> Result:
    findings = build / "findings"
    log = build / f"{target}.log"
    with open(log, "wb") as out:
        done = subprocess.run(
            [
                *command(target, build),
                *OPTIONS,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={findings}/{target}-",
                str(build / "corpus" / target),
                str(build / "seeds" / target),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=2 * seconds + 120,
        )
    text = log.read_text(errors="replace")
    lines = re.findall(r"^#(\d+)\t.*?cov: (\d+) ft: (\d+)", text, re.MULTILINE)
    executions, edges, features = map(int, lines[-1]) if lines else (0, 0, 0)
    final = re.search(r"number_of_executed_units: (\d+)", text)
    if final:
        executions = int(final[1])
    found = [p.name for p in sorted(findings.glob(f"{target}-*"))]
    if done.returncode and not found:
        found = [f"ended with {done.returncode}, see {log}"]
    if found:
        found += WHAT.findall(text)[:3]
    return Result(target, executions, edges, features, found)


def minimised(target: str, build: Path) -> list[bytes]:
    """What is needed of a corpus for the same coverage. (atheris cannot merge: its
    fuzzer would have to start itself once more. It keeps only what adds coverage.)"""
    learnt = build / "corpus" / target
    if target.startswith(PYTHON):
        return [p.read_bytes() for p in learnt.iterdir()]
    with tempfile.TemporaryDirectory() as made:
        places = (made, str(learnt), str(build / "seeds" / target))
        subprocess.run(
            [*command(target, build), "-merge=1", *OPTIONS[:2], *places],
            check=True,
            capture_output=True,
        )
        return [p.read_bytes() for p in Path(made).iterdir()]


def keep(target: str, build: Path) -> None:
    """The smallest of a corpus, into corpus/."""
    inputs = sorted(minimised(target, build), key=lambda data: (len(data), data))
    room = MAX_STORED
    CORPUS.mkdir(exist_ok=True)
    with tarfile.open(CORPUS / f"{target}.tar.xz", "w:xz", preset=9) as archive:
        for number, data in enumerate(inputs):
            room -= len(data)
            if room < 0:
                break
            # The same bytes for the same corpus, whenever and by whom it is written
            member = tarfile.TarInfo(f"{number:04}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def table(results: list[Result], seconds: int) -> str:
    lines = [f"{'target':<22}{'executions':>12}{'per s':>8}{'edges':>7}"
             f"{'features':>10}  findings"]  # fmt: skip
    lines += [
        f"{r.target:<22}{r.executions:>12,}{r.executions // seconds:>8,}{r.edges:>7,}"
        f"{r.features:>10,}  {'; '.join(r.findings) or 'none'}"
        for r in results
    ]
    total = sum(r.executions for r in results)
    return "\n".join([*lines, f"{'all':<22}{total:>12,}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build/fuzz")
    parser.add_argument("--keep", action="store_true", help="store the corpora")
    parser.add_argument("target", nargs="*", default=names())
    args = parser.parse_args()
    if unknown := set(args.target) - set(names()):
        parser.error(f"no target {unknown}; there are {', '.join(names())}")
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: pip install atheris (the extra fuzz)")
    prepare(args.build)
    with ThreadPoolExecutor(args.jobs) as pool:
        results = list(
            pool.map(lambda t: run(t, args.seconds, args.build), args.target)
        )
        if args.keep:
            list(pool.map(lambda t: keep(t, args.build), args.target))
    print(table(results, args.seconds))
    idle = [r.target for r in results if not r.executions]
    if idle:
        print(f"nothing was executed: {', '.join(idle)}")
    found = [r.target for r in results if r.findings]
    if found:
        print(f"found by {', '.join(found)}: inputs in {args.build / 'findings'}")
    return bool(idle or found)


if __name__ == "__main__":
    sys.exit(main())
