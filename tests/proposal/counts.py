# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The numbers of docs/proposal.md: instructions by callgrind, sizes by size.

    python tests/proposal/counts.py [--corpus DIR]

Built from the vendored libfdt, at -O2. Instructions are of one more round:
those of two rounds less those of one, so start-up is not in them. Without
--corpus the trees are those of examples/.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from pyfdtx.proposal.fixes import faster, searches_slowly

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SRC = ROOT / "libfdt" / "src"
TOOLS = ("cc", "valgrind", "size")


def build(folder: Path, edit=lambda text: text) -> Path:
    """The program with a libfdt whose fdt.c was edited."""
    copy = folder / "libfdt"
    shutil.copytree(SRC, copy)
    (copy / "fdt.c").write_text(edit((copy / "fdt.c").read_text()))
    subprocess.run(
        ["cc", "-O2", "-g", f"-I{copy}", f"-I{ROOT / 'csrc'}", str(HERE / "counts.c"),
         str(ROOT / "csrc" / "fdt_reg.c"), *map(str, sorted(copy.glob("*.c"))),
         "-o", str(folder / "counts")],
        check=True,
    )  # fmt: skip
    return folder / "counts"


def once(program: Path, job: str, repeat: int, *words: str) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         str(program), job, str(repeat), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit(f"counts {job}: {done.stderr[-800:]}")
    return int(found[1])


def instructions(program: Path, job: str, *words: str) -> int:
    return once(program, job, 2, *words) - once(program, job, 1, *words)


def searched(slow: Path, fast: Path, trees: list[Path], scratch: Path) -> None:
    print("instructions: open, find /chosen, six new properties, pack; and of the")
    print("six properties alone")
    print(f"{'tree':36} {'bytes':>7} {'strings':>7} {'memcmp':>10} {'memchr':>9} "
          f"{'ratio':>6} {'alone':>6}")  # fmt: skip
    whole, alone = [], []
    for tree in trees:
        a, b = scratch / "a.dtb", scratch / "b.dtb"
        rest = instructions(slow, "open", str(tree), str(a))
        before = instructions(slow, "chosen", str(tree), str(a))
        after = instructions(fast, "chosen", str(tree), str(b))
        if a.read_bytes() != b.read_bytes():
            raise SystemExit(f"{tree}: the two searches give different trees")
        blob = tree.read_bytes()
        strings = struct.unpack_from(">I", blob, 32)[0]
        whole.append(before / after)
        alone.append((before - rest) / (after - rest))
        name = str(tree.parents[2].name if tree.name == "fdt" else tree.name)
        print(f"{name:36} {len(blob):7} {strings:7} {before:10,} {after:9,} "
              f"{whole[-1]:6.2f} {alone[-1]:6.2f}", flush=True)  # fmt: skip
    for title, ratios in (("the whole job", whole), ("the properties alone", alone)):
        print(f"{len(trees)} trees, {title}: median ratio "
              f"{statistics.median(ratios):.2f}, from {min(ratios):.2f} to "
              f"{max(ratios):.2f}")  # fmt: skip
    print("every tree is the same byte by byte")


def arrays(program: Path) -> None:
    print("\nn ranges of 2/2 cells over n old ones, instructions")
    print(f"{'n':>5} {'one call':>11} {'delete + n appends':>19} ratio")
    for n in (1, 2, 16, 64, 1024):
        one = instructions(program, "array", str(n))
        loop = instructions(program, "loop", str(n))
        print(f"{n:5} {one:11,} {loop:19,} {loop / one:5.1f}", flush=True)


def sizes(scratch: Path) -> None:
    print("\nbytes of text in fdt_reg.o")
    for level in ("-Os", "-O2"):
        target = scratch / "fdt_reg.o"
        subprocess.run(
            ["cc", level, f"-I{SRC}", "-c", str(ROOT / "csrc" / "fdt_reg.c"),
             "-o", str(target)],
            check=True,
        )  # fmt: skip
        said = subprocess.run(["size", str(target)], capture_output=True, text=True)
        print(f"{level:5} {said.stdout.splitlines()[1].split()[0]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="folder with .dtb")
    args = parser.parse_args()
    lacks = [tool for tool in TOOLS if not shutil.which(tool)]
    if lacks or not (SRC / "fdt.c").is_file():
        print(f"SKIP  counts: this machine lacks {lacks[0] if lacks else SRC}")
        return os.environ.get("PYFDTX_REQUIRE_ALL") == "1"
    trees = sorted((ROOT / "examples").glob("*/sys/firmware/fdt"))
    if args.corpus:
        trees = sorted(args.corpus.rglob("*.dtb"))
    with tempfile.TemporaryDirectory(prefix="pyfdtx-counts-") as folder:
        scratch = Path(folder)
        for name in ("slow", "fast"):
            (scratch / name).mkdir()
        slow, fast = build(scratch / "slow"), build(scratch / "fast", faster)
        if not searches_slowly((SRC / "fdt.c").read_text()):
            raise SystemExit("the vendored libfdt searches with memchr() already")
        searched(slow, fast, trees, scratch)
        arrays(slow)
        sizes(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
