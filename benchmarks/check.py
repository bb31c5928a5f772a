# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Whether the code takes more instructions than it did: for CI.

    make bench-check            judge
    make bench-check UPDATE=1   write what is measured as the new limits

Time depends on the machine; instructions depend on the compiler alone, if the
C library's choice of memcpy() for the CPU is kept out. So c/check.c is compiled
here with plain loops in place of those (c/plain_mem.c), and what is judged is
the ratio of the engine's instructions to those of libfdt, or of a plain loop, for
the same work on the same blob in the same program: what the compiler does to one
it does to the other.

What Python adds is judged by the ratio to a loop in Python. That depends on the
interpreter, too, so it has more room. What `pyfdtx-kexec` takes to say what is loaded
is judged by the ratio to an interpreter that does nothing: START at most.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from array import array
from pathlib import Path
from typing import Any, Callable, NamedTuple

import callgrind
from memory import synthetic

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = ROOT / "build" / "bench" / "check"
LIMITS = HERE / "limits.json"
EXAMPLES = ("arm64-dt", "arm64-high-low", "arm64-uefi-acpi")
SYNTHETIC = 1000  # nodes of the tree that shows what grows faster than the tree
REFERENCE = ":reference"
START = 2.0  # times the instructions of `python -c pass`, for pyfdtx-kexec -v and -S
LOOPS = 200  # of a Python task, so that one-time costs do not show


class Found(NamedTuple):
    """One task: instructions of ours and of the reference."""

    task: str
    ours: int
    reference: int

    @property
    def ratio(self) -> float:
        return self.ours / self.reference


# -- C -------------------------------------------------------------------------


def compiler() -> list[str]:
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()


def family(command: list[str]) -> str:
    """gcc or clang, and the machine: what the limits are kept by."""
    macros = subprocess.run(
        [*command, "-dM", "-E", "-x", "c", os.devnull],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    name = "clang" if "__clang__" in macros else "gcc"
    return f"{name}-{platform.machine()}"


def compile_program(command: list[str]) -> Path:
    """c/check.c with the engine's sources; the flags are fixed."""
    from cbuild import extension

    os.environ.pop("PYFDTX_LIBFDT", None)  # the reference is the pinned one
    args = extension().arguments()
    TARGET.mkdir(parents=True, exist_ok=True)
    program = TARGET / "check"
    includes = [f"-I{ROOT / d}" for d in args["include_dirs"]]
    flags = ["-O2", "-std=gnu11", "-fno-strict-aliasing", f"-I{HERE / 'c'}"]
    plain = TARGET / "plain_mem.o"
    # What is a loop must not become a call of itself
    loops = ["-fno-builtin"]
    if family(command).startswith("gcc"):
        loops.append("-fno-tree-loop-distribute-patterns")
    subprocess.run(
        [
            *command,
            *flags,
            *loops,
            "-c",
            "-o",
            str(plain),
            str(HERE / "c" / "plain_mem.c"),
        ],
        check=True,
    )
    subprocess.run(
        [*command, *flags, *includes, "-o", str(program), str(plain)]
        + [str(HERE / "c" / f"{name}.c") for name in ("check", "j1", "j6", "callgrind")]
        + [str(ROOT / source) for source in args["sources"]]
        + args["extra_link_args"],
        check=True,
    )
    return program


def blobs(folder: Path) -> list[Path]:
    """The committed trees, and a large one made here, as files."""
    places = []
    for name in EXAMPLES:
        place = folder / name
        source = ROOT / "examples" / name / "sys" / "firmware" / "fdt"
        place.write_bytes(rooted(source.read_bytes()))
        places.append(place)
    place = folder / f"{SYNTHETIC}-nodes"
    place.write_bytes(synthetic(SYNTHETIC))
    return [*places, place]


def rooted(blob: bytes) -> bytes:
    """A tree with root cells, which the job needs and ACPI machines' lack."""
    from pyfdtx import Fdt

    fdt = Fdt(blob)
    for cells in ("#address-cells", "#size-cells"):
        if cells not in fdt.root:
            fdt.root.set_u32(cells, 2)
    return fdt.to_bytes()


def count_c(command: list[str]) -> list[Found]:
    program = compile_program(command)
    with tempfile.TemporaryDirectory() as folder:
        places = blobs(Path(folder))
        dumps = callgrind.run(
            [str(program), *map(str, places)], Path(folder), at_start=False
        )
    return pairs({d.name: d.total for d in dumps if d.name})


def pairs(counts: dict[str, int]) -> list[Found]:
    """Each "task|on" with its "task:reference|on"."""
    found = []
    for name, ours in counts.items():
        task, _, on = name.partition("|")
        if not task.endswith(REFERENCE):
            found.append(Found(f"{task} {on}", ours, counts[f"{task}{REFERENCE}|{on}"]))
    return found


# -- Python ----------------------------------------------------------------------


def plain_python() -> int:
    """The yardstick: calls, arithmetic, attributes, small objects."""
    total, seen = 0, {}
    for i in range(200):
        text = f"node@{i:x}"
        seen[text] = (i, text.encode())
        total += len(seen[text][1]) + min(i, 100)
    return total + sum(pair[0] for pair in seen.values())


def python_tasks(blob: bytes) -> dict[str, Callable[[], object]]:
    import pyfdtx
    from pyfdtx.kexec import Crash, MemRange, elf_core_header, second_kernel_dtb

    initrd = MemRange(0x6C6B0000, 0x214000)
    crash = Crash(
        elfcorehdr=MemRange(0x7ABFF000, 0x400),
        usable=[MemRange(0x6AC00000, 0x10000000)],
    )
    seed = bytes(range(32))
    notes = array("Q", [0x40000000, 0x200])
    ram = array("Q")
    for i in range(100):
        ram.extend((0x80000000 + 0x200000 * i, 0x100000))
    tasks: dict[str, Callable[[], object]] = {
        "second_kernel_dtb": lambda: second_kernel_dtb(
            blob, cmdline="maxcpus=1", initrd=initrd, crash=crash, kaslr_seed=1,
            rng_seed=seed,
        ),
        "elf_core_header": lambda: elf_core_header(
            "arm64", notes=notes, ram=ram, virtual_offset=0
        ),
        "Fdt, one property": lambda: pyfdtx.Fdt(blob)["/chosen"].get("bootargs"),
        "FdtView, one property": lambda: pyfdtx.FdtView(blob).getprop("/", "model"),
        "to_dict": lambda: pyfdtx.to_dict(blob),
    }  # fmt: skip

    def edited() -> bytes:
        fdt = pyfdtx.Fdt(blob)
        with fdt.edit() as edit:
            for i in range(10):
                edit.add_node(f"/node@{i}")
                edit.set_u32(f"/node@{i}", "reg", i)
        return fdt.to_bytes()

    tasks["edit, 20 changes"] = edited
    return tasks


def child(library: str) -> None:
    """Run every Python task, in valgrind."""
    import ctypes
    import gc

    counter = ctypes.CDLL(library)
    if not counter.bench_count_possible():
        raise SystemExit("compiled without valgrind's headers (Debian: valgrind)")
    blob = (ROOT / "examples" / EXAMPLES[0] / "sys/firmware/fdt").read_bytes()
    tasks = {f"{name}|Python": task for name, task in python_tasks(blob).items()}
    gc.disable()
    for name, task in {**tasks, "yardstick|Python": plain_python}.items():
        for starting in (False, True):
            if starting:
                counter.bench_count_start()
            for _ in range(LOOPS):
                task()
        counter.bench_count_stop(name.encode())


def count_python(command: list[str]) -> list[Found]:
    TARGET.mkdir(parents=True, exist_ok=True)
    library = TARGET / "callgrind.so"
    subprocess.run(
        [*command, "-O2", "-shared", "-fPIC",
         *(f"-I{ROOT / place}" for place in ("csrc", "libfdt/src", "benchmarks/c")),
         "-o", str(library), str(HERE / "c" / "callgrind.c")],
        check=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        dumps = callgrind.run(
            [sys.executable, __file__, "--child", str(library)],
            Path(folder), at_start=False,
        )  # fmt: skip
    counts = {d.name: d.total for d in dumps if d.name}
    reference = counts.pop("yardstick|Python")
    return [
        Found(f"{name.partition('|')[0]} in Python", n, reference)
        for name, n in counts.items()
    ]


# -- starts ----------------------------------------------------------------------


def count_starts() -> list[Found]:
    """Whole processes. -S answers by its exit status."""
    tool = str(Path(sys.executable).with_name("pyfdtx-kexec"))
    commands = {
        "": [sys.executable, "-c", "pass"],
        "pyfdtx-kexec -v": [tool, "-v"],
        "pyfdtx-kexec -S": [tool, "-S"],
    }
    counts = {}
    for name, command in commands.items():
        subprocess.run(command, capture_output=True, check=False)  # byte code is there
        with tempfile.TemporaryDirectory() as folder:
            (dump,) = callgrind.run(command, Path(folder), may_fail=True)
        counts[name] = dump.total
    reference = counts.pop("")
    return [Found(name, n, reference) for name, n in counts.items()]


# -- judging -----------------------------------------------------------------------


def judge(found: list[Found], limits: dict[str, float], room: float) -> list[str]:
    """Sentences about what is worse than its limit, or has none; a limit for
    what is not there any more is one, too."""
    wrong = []
    for f in found:
        limit = limits.get(f.task)
        if limit is None:
            wrong.append(f"{f.task}: has no limit; make bench-check UPDATE=1")
        elif f.ratio > limit * (1 + room):
            wrong.append(
                f"{f.task}: {f.ratio:.4f} of the reference's instructions, the limit "
                f"is {limit:.4f} + {room:.0%}"
            )
    there = {f.task for f in found}
    wrong += [f"{task}: was not counted" for task in limits if task not in there]
    return wrong


def nearest(kinds: dict[str, Any], kind: str, room: dict[str, float]) -> Any:
    """The limits for this compiler and machine, and the room: more of it when
    they are another's."""
    if kind in kinds:
        return kinds[kind], room["same"], kind
    other = next((k for k in kinds if k.split("-")[0] == kind.split("-")[0]), None)
    other = other or next(iter(kinds))
    return kinds[other], room["other"], other


def show(found: list[Found], limits: dict[str, float]) -> None:
    width = max(len(f.task) for f in found)
    for f in found:
        limit = limits.get(f.task)
        change = f"{f.ratio / limit - 1:+7.1%}" if limit else "    new"
        print(
            f"{f.task:{width}}  {f.ours:>12,}  {f.reference:>12,}  {f.ratio:8.4f}  "
            f"{change}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the limits")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child)
        return 0
    command = compiler()
    kind = family(command)
    limits = json.loads(LIMITS.read_text())
    try:
        in_c, in_python = count_c(command), count_python(command)
        starts = count_starts()
    except (callgrind.NoValgrind, RuntimeError, subprocess.CalledProcessError) as e:
        print(f"bench-check: {e}", file=sys.stderr)
        return 1
    if args.update:
        limits["c"][kind] = {f.task: round(f.ratio, 4) for f in in_c}
        limits["python"] = {f.task: round(f.ratio, 4) for f in in_python}
        LIMITS.write_text(json.dumps(limits, indent=1) + "\n")
        print(f"bench-check: {LIMITS.relative_to(ROOT)} written for {kind}")
    c_limits, room, used = nearest(limits["c"], kind, limits["room"])
    print(f"bench-check: {kind}, limits of {used}, room {room:.0%}")
    print("task, instructions, the reference's, ratio, change against the limit")
    show(in_c, c_limits)
    show(in_python, limits["python"])
    wrong = judge(in_c, c_limits, room)
    wrong += judge(in_python, limits["python"], limits["room"]["python"])
    at_most = dict.fromkeys((f.task for f in starts), START)
    show(starts, at_most)
    wrong += judge(starts, at_most, 0)
    for line in wrong:
        print(f"bench-check: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
