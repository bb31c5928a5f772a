# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""pyfdtx.libfdt against upstream's module, call by call.

    python benchmarks/dropin.py [TREE]

Runs in the venv that `make test-dropin` uses; upstream's module comes from
build/dropin/pylibfdt. Each call is timed in turns, ROUNDS times, in one
process; the best of each counts, since everything else on the machine only
adds time. Imports are whole interpreters, with and without the import.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
import timeit
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "examples" / "arm64-dt" / "sys" / "firmware" / "fdt"
ROUNDS = 15

CALLS = {
    "totalsize()": "f.totalsize()",
    "fdt_totalsize()": "L.fdt_totalsize(b)",
    "path_offset('/')": "f.path_offset('/')",
    "path_offset(last node)": "f.path_offset(last)",
    "fdt_getprop()": "L.fdt_getprop(b, 0, 'compatible')",
    "getprop()": "f.getprop(0, 'compatible')",
    "getprop() of none, quiet": "f.getprop(0, 'nope', L.QUIET_NOTFOUND)",
    "setprop_u32()": "f.setprop_u32(0, 'bench', 5)",
    "full walk": "walk(L, f)",
    "FdtSw, 2000 nodes": "write(L, 2000)",
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
    names = {"L": module, "f": fdt, "b": fdt._fdt, "walk": walk, "write": write}
    names["last"] = last_path(module, fdt)
    made = {}
    for title, statement in CALLS.items():
        timer = timeit.Timer(statement, globals=names)
        number, took = 1, timer.timeit(1)
        while took < 0.005:
            number *= 4
            took = timer.timeit(number)
        made[title] = timer, number
    return made


def best_of_turns(first, second):
    times = {title: [9e9, 9e9] for title in CALLS}
    for _ in range(ROUNDS):
        for title in CALLS:
            for which, made in enumerate((first, second)):
                timer, number = made[title]
                took = timer.timeit(number) / number
                times[title][which] = min(times[title][which], took)
    return times


def import_seconds(code):
    best = 9e9
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, time.perf_counter() - start)
    return best


def once(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def main() -> None:
    import pyfdtx.libfdt as ours

    theirs = upstream()
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TREE
    blob = path.read_bytes()
    print(f"{path.name}: {len(blob)} bytes; best of {ROUNDS}, in turns")
    print(f"{'':28}{'pylibfdt':>12}{'pyfdtx':>12}{'ratio':>8}")

    def row(title, a, b):
        print(f"{title:28}{a * 1e6:10.2f}us{b * 1e6:10.2f}us{b / a:8.2f}")

    for title, (a, b) in best_of_turns(
        timers(theirs, blob), timers(ours, blob)
    ).items():
        row(title, a, b)
    row("FdtSw, 40000 nodes", once(write, theirs, 40000), once(write, ours, 40000))

    def big(module):
        sw = module.FdtSw()
        sw.finish_reservemap()
        sw.begin_node("")
        sw.property("data", bytes(5_000_000))

    row("FdtSw, 5 MB property", once(big, theirs), once(big, ours))
    bare = import_seconds("pass")
    there = str(Path(theirs.__file__).parent)
    row(
        "import",
        import_seconds(f"import sys; sys.path.insert(0, {there!r}); import libfdt")
        - bare,
        import_seconds("import pyfdtx.libfdt") - bare,
    )


if __name__ == "__main__":
    main()
