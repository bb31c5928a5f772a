# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Mutants of our own code, one by one, against the tests: each must be noticed.

`make test-mutants SAMPLE=200` takes that many of each group, by seed; without
SAMPLE all are tried, which takes hours. A survivor is a missing test, or stands
in accepted.txt with the reason why no test can notice it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import hunt_c  # noqa: E402
import hunt_python  # noqa: E402
from mutant import Mutant  # noqa: E402

SURVIVED, EQUIVALENT, INVALID = "SURVIVED", "equivalent", "invalid"
NOTICED = ("noticed", "timeout")
ACCEPTED = HERE / "accepted.txt"
HUNTS = {"c": hunt_c, "python": hunt_python}
# Of those that could be noticed, percent
WANTED = {"c": 95, "python": 90}


def accepted() -> dict[str, str]:
    """Key of a mutant to the reason why no test can notice it."""
    found = {}
    blocks = re.split(r"\n\n+", ACCEPTED.read_text())
    for block in blocks:
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        keys = [line[2:] for line in lines if line.startswith("= ")]
        reason = " ".join(line for line in lines if not line.startswith("= "))
        if keys and not reason:
            raise SystemExit(f"{ACCEPTED.name}: no reason for: {keys[0]}")
        found.update(dict.fromkeys(keys, reason.strip()))
    return found


def checkout() -> list[str]:
    """Files of the checkout, and upstream's that were fetched into it."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    fetched = [str(p.relative_to(ROOT)) for p in ROOT.glob("libfdt/src/*")]
    names = dict.fromkeys([*listed.stdout.splitlines(), *fetched])
    return [name for name in names if (ROOT / name).is_file()]


def copied(target: Path) -> None:
    for name in checkout():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place)


def chosen(found: list[Mutant], sample: int, seed: str) -> list[Mutant]:
    """So many of them, spread by chance; the same for the same seed and code."""
    if not sample or sample >= len(found):
        return found
    picked = random.Random(seed).sample(range(len(found)), sample)
    return [found[i] for i in sorted(picked)]


def prepare(hunt, base: Path, words) -> None:  # type: ignore[no-untyped-def]
    """Each worker has a copy of its own."""
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    place = base.with_name(f"{base.name}-{os.getpid()}")
    shutil.copytree(base, place, symlinks=True)
    _judge = hunt.Judge(place, words)


def judged(mutant: Mutant) -> tuple[Mutant, str, float]:
    start = time.monotonic()
    answer = _judge(mutant)
    return mutant, answer, time.monotonic() - start


def report(rows: list[tuple[Mutant, str]], reasons: dict[str, str]) -> tuple[int, int]:
    """A line per file, and survivors; how many were noticed, and how many not."""
    files: dict[str, Counter[str]] = {}
    for mutant, answer in rows:
        files.setdefault(mutant.path, Counter())[answer] += 1
    print(f"\n{'':44} noticed  survived  equivalent")
    total = Counter[str]()
    for path, counts in sorted(files.items()):
        total += counts
        print(row(path, counts))
    print(row("all", total))
    survivors = [(m, a) for m, a in rows if a == SURVIVED]
    if survivors:
        print("\nsurvived:")
    for mutant, _ in sorted(survivors):
        print(f"  {mutant}\n    = {mutant.key}")
    accepted_ones = [m for m, a in rows if a == EQUIVALENT and m.key in reasons]
    if accepted_ones:
        print("\naccepted:")
    for mutant in sorted(accepted_ones):
        print(f"  {mutant}\n    {reasons[mutant.key]}")
    return sum(total[a] for a in NOTICED), total[SURVIVED]


def row(path: str, counts: Counter[str]) -> str:
    noticed = sum(counts[a] for a in NOTICED)
    return f"{path:44} {noticed:7}  {counts[SURVIVED]:8}  {counts[EQUIVALENT]:10}"


def hunted(name: str, args: argparse.Namespace, folder: Path) -> bool:
    """Whether enough were noticed in one group."""
    hunt, reasons = HUNTS[name], accepted()
    found = []
    for path in hunt.targets(ROOT):
        relative = str(path.relative_to(ROOT))
        if args.only is None or re.search(args.only, relative):
            found += list(hunt.mutants(relative, path.read_text()))
    if args.only is None:
        kinds = {Path(m.path).suffix for m in found}
        for key in reasons.keys() - {m.key for m in found}:
            if Path(key.partition(" ")[0]).suffix in kinds:
                print(f"{ACCEPTED.name}: there is no such mutant any more: {key}")
    picked = chosen(found, args.sample, args.seed)
    if args.match is not None:
        picked = [m for m in picked if re.search(args.match, str(m))]
    print(f"{name}: {len(picked)} of {len(found)} mutants", flush=True)
    if not picked:
        return True
    known = [(m, EQUIVALENT) for m in picked if m.key in reasons]
    asked = [m for m in picked if m.key not in reasons]
    # So that those of a run that is cut short are a sample, too
    random.Random(args.seed).shuffle(asked)
    base = folder / name
    copied(base / "tree")
    words = hunt.prepared(base, args)
    rows = list(known)
    context = multiprocessing.get_context("fork")
    pool = context.Pool(args.jobs, prepare, (hunt, base, words))
    with contextlib.suppress(KeyboardInterrupt), pool:
        for mutant, answer, seconds in pool.imap_unordered(judged, asked):
            if answer == INVALID:
                continue
            rows.append((mutant, answer))
            if args.verbose or answer == SURVIVED:
                print(f"{answer:10} {seconds:6.1f} s  {mutant}", flush=True)
    noticed, survived = report(rows, reasons)
    share = 100 * noticed / max(noticed + survived, 1)
    print(f"\n{name}: {share:.1f} % noticed, {WANTED[name]} % wanted\n", flush=True)
    return share >= WANTED[name]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("groups", nargs="*", metavar="GROUP", help="c or python; default: both")
    add("--sample", type=int, default=0, help="how many of each group; 0: all")
    add("--seed", default="1", help="which ones")
    add("--only", metavar="REGEX", help="of files whose path has it")
    add("--match", metavar="REGEX", help="of the chosen ones, those that have it")
    add("--jobs", type=int, default=os.cpu_count() or 1)
    add("--cache", type=Path, default=ROOT / "build/mutants")
    add("--keep-calls", action="store_true", help="believe what tests called before")
    add("--verbose", action="store_true", help="say what was noticed, too")
    args = parser.parse_args()
    groups = args.groups or list(HUNTS)
    if len(groups) > 1 or not args.groups:
        # Each in a process of its own: C's starts with sanitizers
        options = [word for word in sys.argv[1:] if word not in args.groups]
        command = [sys.executable, __file__]
        return max(subprocess.call([*command, name, *options]) for name in groups)
    (name,) = groups
    args.cache.mkdir(parents=True, exist_ok=True)
    if name == "c":
        hunt_c.under_sanitizers(args.cache)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        return not hunted(name, args, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
