# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J5: crash trees of a whole corpus on two CPUs, by threads and by processes.

Processes are what scales without sharing anything; how much of that threads
reach is what the GIL and shared memory cost. Wall-clock time depends on what
else the machine does, also between the rows of a round; CPU time does not show
waiting. So both are measured.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import cases
from frame import Case, Group, Missing, Prepared, Row, Setup, collect

KEY = "j5"
TITLE = "Many trees on two CPUs"
ROUNDS = 41
CLOCK = "own"
CLOCK_NAME = "wall-clock time, and CPU time of all threads and processes"
PINNED = False
GROUPS = {
    "wall": Group("Two CPUs, wall-clock time", "tree",
                  "Crash trees of the whole corpus; the results stay in the "
                  "processes that made them."),
    "cpu": Group("Two CPUs, CPU time of all threads or processes", "tree"),
}  # fmt: skip

WORKERS = 2
PART = 12  # results are compared on every 12th tree; J1 compares them all
Batch = Callable[[list[bytes]], object]


def _options() -> dict[str, Any]:
    from pyfdtx.kexec import Crash, MemRange

    job = cases.CRASH
    return {
        "cmdline": job.cmdline,
        "initrd": MemRange(*job.initrd),
        "crash": Crash(
            elfcorehdr=MemRange(*job.elfcorehdr),
            usable=[MemRange(*r) for r in job.usable],
        ),
        "kaslr_seed": job.kaslr_seed,
        "rng_seed": job.rng_seed,
        "arch": job.arch,
    }


def batch(threads: int) -> Batch:
    try:
        from pyfdtx.kexec import second_kernel_dtbs
    except ImportError:
        raise Missing("pyfdtx.kexec.second_kernel_dtbs() is not there") from None
    options = _options()
    return lambda blobs: second_kernel_dtbs(blobs, threads=threads, **options)


def each() -> Batch:
    from pyfdtx.kexec import second_kernel_dtb

    options = _options()
    return lambda blobs: [second_kernel_dtb(b, **options) for b in blobs]


def each_in_threads() -> Batch:
    one = each()
    pool = ThreadPoolExecutor(WORKERS)

    def run(blobs: list[bytes]) -> list[bytes]:
        parts = pool.map(one, [blobs[i::WORKERS] for i in range(WORKERS)])
        return _woven(list(parts), len(blobs))

    return run


def pylibfdt() -> Batch:
    import peers

    one = peers.pylibfdt_job(cases.CRASH)
    return lambda blobs: [one(b) for b in blobs]


def pylibfdt_in_threads() -> Batch:
    one = pylibfdt()
    pool = ThreadPoolExecutor(WORKERS)

    def run(blobs: list[bytes]) -> list[bytes]:
        parts = pool.map(one, [blobs[i::WORKERS] for i in range(WORKERS)])
        return _woven(list(parts), len(blobs))

    return run


def _woven(parts: list[Any], count: int) -> list[bytes]:
    """The parts, every WORKERS-th of the whole, as one list again."""
    return [parts[i % WORKERS][i // WORKERS] for i in range(count)]


class Processes:
    """Workers that each have their share of the trees and wait for a go.

    They are forked before any thread exists and end with this process.
    """

    def __init__(self, work: Batch, blobs: list[bytes]):
        self.ends = []
        for i in range(WORKERS):
            ours, theirs = os.pipe(), os.pipe()
            if os.fork() == 0:
                os.close(ours[1])
                os.close(theirs[0])
                for earlier in self.ends:
                    os.close(earlier[0])
                    os.close(earlier[1])
                self._serve(work, blobs[i::WORKERS], ours[0], theirs[1])
            os.close(ours[0])
            os.close(theirs[1])
            self.ends.append((ours[1], theirs[0]))

    @staticmethod
    def _serve(work: Batch, blobs: list[bytes], go: int, done: int) -> None:
        while os.read(go, 1):
            before = time.process_time_ns()
            work(blobs)
            took = time.process_time_ns() - before
            os.write(done, took.to_bytes(8, "big"))
        os._exit(0)

    def run(self) -> tuple[int, int]:
        """Wall-clock and CPU time, ns, until the last has finished.

        Raises:
            RuntimeError: a worker is gone.
        """
        start = time.perf_counter_ns()
        for go, _ in self.ends:
            os.write(go, b"g")
        took = [os.read(done, 8) for _, done in self.ends]
        wall = time.perf_counter_ns() - start
        if not all(took):
            raise RuntimeError("a worker process has failed")
        return wall, sum(int.from_bytes(t, "big") for t in took)


def _here(work: Batch, blobs: list[bytes]) -> Callable[[], tuple[int, int]]:
    def run() -> tuple[int, int]:
        cpu, start = time.process_time_ns(), time.perf_counter_ns()
        work(blobs)
        wall = time.perf_counter_ns() - start
        return wall, time.process_time_ns() - cpu

    return run


CHECKS, NONE = "checks: fdtx_check", "no checks"
# (key, title, note, maker, whether in processes)
IMPLEMENTATIONS: tuple[tuple[str, str, str, Any, bool], ...] = (
    ("one", "pyfdtx, one call, one thread", CHECKS, lambda: batch(1), False),
    ("threads", "pyfdtx, one call, two threads", CHECKS, lambda: batch(2), False),
    ("processes", "pyfdtx, a call in each of two processes", CHECKS,
     lambda: batch(1), True),
    ("each", "pyfdtx, a call per tree, one thread", CHECKS, each, False),
    ("each_threads", "pyfdtx, a call per tree, two threads", CHECKS,
     each_in_threads, False),
    ("each_processes", "pyfdtx, a call per tree, two processes", CHECKS, each, True),
    ("pylibfdt", "pylibfdt, one thread", NONE, pylibfdt, False),
    ("pylibfdt_threads", "pylibfdt, two threads", NONE, pylibfdt_in_threads, False),
    ("pylibfdt_processes", "pylibfdt, two processes", NONE, pylibfdt, True),
)  # fmt: skip


class Both:
    """One run gives the wall-clock and the CPU time: the row of one case runs
    and keeps the other's number for it."""

    def __init__(self, run: Callable[[], tuple[int, int]]):
        self.run = run
        self.kept: dict[str, list[int]] = {"wall": [], "cpu": []}

    def get(self, which: str) -> int:
        if not self.kept[which]:
            wall, cpu = self.run()
            self.kept["wall"].append(wall)
            self.kept["cpu"].append(cpu)
        return self.kept[which].pop()


def prepare(setup: Setup) -> Prepared:
    _, blobs, _ = cases.read(setup.directory)
    if setup.few:
        blobs = blobs[::4]
    if not blobs:
        raise ValueError(f"no usable .dtb file below {setup.directory}")
    if os.cpu_count() == 1:
        raise Missing("this machine has one CPU")
    missing: dict[str, str] = {}
    measured: dict[str, Both] = {}

    def make(key: str, title: str, note: str, maker: Any, processes: bool) -> Row:
        work = maker()
        run = Processes(work, blobs).run if processes else _here(work, blobs)
        answer = None if processes else lambda: _answer(work, blobs)
        measured[key] = Both(run)
        return Row(key, title, note, lambda: None, answer, counted=False)

    # Forks come before threads
    order = sorted(IMPLEMENTATIONS, key=lambda i: not i[4])
    made = {
        r.key: r
        for r in collect([(i[0], lambda i=i: make(*i)) for i in order], missing)
    }
    rows = [made[i[0]] for i in IMPLEMENTATIONS if i[0] in made]
    base = "one" if "one" in made else "each"
    found = [
        Case(
            which, f"{len(blobs)} trees", which, len(blobs), base,
            [
                r._replace(
                    run=lambda key=r.key, which=which: measured[key].get(which),
                    answer=r.answer if which == "wall" else None,
                )
                for r in rows
            ],
        )
        for which in ("wall", "cpu")
    ]  # fmt: skip
    return Prepared(found, missing, {"cpus": os.cpu_count()}, None)


def _answer(work: Batch, blobs: list[bytes]) -> list[Any]:
    from compare import decode

    outputs: Any = work(blobs)
    return [len(outputs), *(decode(bytes(out)).items for out in outputs[::PART])]
