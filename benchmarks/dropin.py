# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""pyfdtx.libfdt against upstream's module, call by call.

    python benchmarks/dropin.py [TREE]

Runs in the venv that `make test-dropin` uses; upstream's module comes from
build/dropin/pylibfdt. Each call is timed in turns, ROUNDS times, in one
process, and who comes first changes; times and ratios are of the best, since
everything else on the machine only adds to them. Trees that grow have processes
of their own, three each, since what a process has freed before makes growing
cheap. Importing is what `import` takes in a process that has started and loaded
nothing; its ratio is the median over many turns.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "examples" / "arm64-dt" / "sys" / "firmware" / "fdt"
ROUNDS = 15

# title: statement, and the ratio that it may cost at most
CALLS = {
    "totalsize()": ("f.totalsize()", 1.3),
    "fdt_totalsize()": ("L.fdt_totalsize(b)", 1.3),
    "path_offset('/')": ("f.path_offset('/')", 1.3),
    "path_offset(last node)": ("f.path_offset(last)", 1.3),
    "fdt_getprop()": ("L.fdt_getprop(b, 0, 'compatible')", 1.3),
    "getprop()": ("f.getprop(0, 'compatible')", 1.3),
    "getprop() of none, quiet": ("f.getprop(0, 'nope', L.QUIET_NOTFOUND)", 1.3),
    "setprop_u32()": ("f.setprop_u32(0, 'bench', 5)", 1.3),
    "full walk": ("walk(L, f)", 1.3),
}


def upstream():
    places = list((ROOT / "build/dropin/pylibfdt").glob("lib/python*/site-packages"))
    if not places:
        raise SystemExit("no pylibfdt in build/dropin: run `make test-dropin` first")
    sys.path.insert(0, str(places[0]))
    module = importlib.import_module("libfdt")
    sys.path.remove(str(places[0]))
    return module


def walk(L, fdt):
    node, depth, seen = 0, 0, 0
    while depth >= 0:
        fdt.get_name(node)
        prop = fdt.first_property_offset(node, L.QUIET_NOTFOUND)
        while prop >= 0:
            seen += len(fdt.get_property_by_offset(prop))
            prop = fdt.next_property_offset(prop, L.QUIET_NOTFOUND)
        node, depth = fdt.next_node(node, depth)
    return seen


def write(L, nodes):
    sw = L.FdtSw()
    sw.finish_reservemap()
    sw.begin_node("")
    for number in range(nodes):
        sw.begin_node(f"node@{number:x}")
        sw.property_u32("reg", number)
        sw.property_string("compatible", "vendor,some-device")
        sw.property("data", bytes(32))
        sw.end_node()
    sw.end_node()
    return sw.as_fdt()


def last_path(L, fdt):
    node, depth = 0, 0
    while depth >= 0:
        last = node
        node, depth = fdt.next_node(node, depth)
    return fdt.get_path(last)


def timers(module, blob):
    fdt = module.Fdt(blob)
    fdt.resize(len(blob) + 200)
    fdt.setprop_u32(0, "bench", 5)
    names = {"L": module, "f": fdt, "b": fdt._fdt, "walk": walk}
    names["last"] = last_path(module, fdt)
    made = {}
    for title, (statement, _) in CALLS.items():
        timer = timeit.Timer(statement, globals=names)
        number, took = 1, timer.timeit(1)
        while took < 0.005:
            number *= 4
            took = timer.timeit(number)
        made[title] = timer, number
    return made


def in_turns(first, second):
    """(seconds, seconds, ratios) of each call, one of each for a turn."""
    times = {title: ([], []) for title in CALLS}
    for turn in range(ROUNDS):
        for title in CALLS:
            pair = list(enumerate((first, second)))
            for which, made in pair[:: -1 if turn % 2 else 1]:
                timer, number = made[title]
                times[title][which].append(timer.timeit(number) / number)
    return times


def alone(code):
    """What a new interpreter that has loaded nothing yet prints, as numbers."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import posix as os, sys, time\n" + code],
        check=True, capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    return [float(line) for line in done.stdout.split()]


GROW = """
sys.path.append({folder!r})
import {module} as L
sys.path.append({here!r})
from dropin import {function}
start = time.perf_counter()
{function}(L, {number})
print(time.perf_counter() - start)
"""


# Children of an interpreter that has only started, in turns
IMPORT = """
for turn in range({turns}):
    for folder, module in {cases!r}:
        said = os.pipe()
        if os.fork():
            os.wait()
            print(os.read(said[0], 99).decode())
            continue
        sys.path.append(folder)
        start = time.perf_counter()
        __import__(module)
        os.write(said[1], b"%.9f" % (time.perf_counter() - start))
        os._exit(0)
"""


def import_seconds(theirs, ours):
    """Each module from a folder that has nothing else: listing counts too."""
    with tempfile.TemporaryDirectory() as top:
        first, second = Path(top, "pylibfdt"), Path(top, "pyfdtx")
        first.mkdir()
        second.mkdir()
        Path(second, "pyfdtx").symlink_to(Path(ours.__file__).parents[1])
        there = Path(theirs.__file__)
        for path in (there, *there.parent.glob("_libfdt.*")):
            Path(first, path.name).symlink_to(path)
        Path(first, "__pycache__").symlink_to(there.parent / "__pycache__")
        cases = (str(first), "libfdt"), (str(second), "pyfdtx.libfdt")
        times = alone(IMPORT.format(turns=20 * ROUNDS, cases=cases))
    return times[::2], times[1::2]


def write_one(L, size):
    sw = L.FdtSw()
    sw.finish_reservemap()
    sw.begin_node("")
    sw.property("data", bytes(size))


def main() -> None:
    import pyfdtx.libfdt as ours

    theirs = upstream()
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TREE
    blob = path.read_bytes()
    print(f"{path}: {len(blob)} bytes; {ROUNDS} turns")
    print(f"{'':26}{'pylibfdt':>13}{'pyfdtx':>13}{'ratio':>9}{'at most':>9}")
    missed = []

    def row(title, a, b, most, median=False):
        ratio = min(b) / min(a)
        if median:
            ratio = statistics.median(y / x for x, y in zip(a, b))
        if ratio > most:
            missed.append(title)
        word = "" if ratio <= most else "  MISSED"
        print(f"{title:26}{min(a) * 1e6:11.2f}us{min(b) * 1e6:11.2f}us"
              f"{ratio:9.3f}{most:9.3g}{word}")  # fmt: skip

    for title, (a, b) in in_turns(timers(theirs, blob), timers(ours, blob)).items():
        row(title, a, b, CALLS[title][1])

    folders = str(Path(theirs.__file__).parent), str(Path(ours.__file__).parents[2])
    modules = "libfdt", "pyfdtx.libfdt"
    here = str(Path(__file__).parent)
    for title, function, number in (
        ("FdtSw, 40000 nodes", "write", 40000),
        ("FdtSw, 5 MB property", "write_one", 5_000_000),
    ):
        times = [], []
        for _ in range(3):
            for which in (0, 1):
                code = GROW.format(
                    folder=folders[which], module=modules[which], here=here,
                    function=function, number=number,
                )  # fmt: skip
                times[which].extend(alone(code))
        row(title, *times, 0.01)

    row("import", *import_seconds(theirs, ours), 1.05, median=True)
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
