# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A row of a job in a process of its own: JOB GROUP ROW SIZE.

What grows by allocating anew depends on what the allocator has at hand, so it
is measured where nothing was before. Prints the CPU time of the work, ns, and a
digest of the tree that came out.
"""

from __future__ import annotations

import gc
import hashlib
import subprocess
import sys
import time

import jobs
from compare import decode

TINY = 2  # size of the warm-up: imports, first calls


def digest(blob: bytes) -> str:
    """The same for the same tree, whatever the order in the blob."""
    items = sorted(decode(blob).items.items())
    return hashlib.sha256(repr(items).encode()).hexdigest()


def measure(job: str, group: str, row: str, size: int) -> tuple[int, str]:
    """In a new process; CPU time and digest.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        [sys.executable, __file__, job, group, row, str(size)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{job} {row} {size}: {done.stderr.strip()}")
    took, seen = done.stdout.split()
    return int(took), seen


def main() -> int:
    job, group, row, size = sys.argv[1:]
    maker = jobs.load(job).maker(group, row)
    maker(TINY)()
    work = maker(int(size))
    gc.collect()
    gc.disable()
    start = time.process_time_ns()
    out = work()
    took = time.process_time_ns() - start
    print(took, digest(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
