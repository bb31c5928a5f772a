# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Peak extra memory on a tree of several megabytes: J1, and opening for reading.

Each implementation runs in a process of its own, is warmed up on a small tree
and then does its work once. Two methods, which check each other: bytes
allocated, counted by a preloaded allocator (c/alloc_peak.c), and the growth
of the resident set's high-water mark (VmHWM, after a reset). Both count the
result, neither counts the input.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Callable

import cbuild
from crash_job import CRASH
from frame import Missing

NODES = 16_000
# The largest tree that a kernel takes: 2 MiB on arm64
JOB = CRASH
NOT_THERE = 3  # exit status


def _fdt_view() -> Callable[[bytes], object]:
    import pyfdtx

    if not hasattr(pyfdtx, "FdtView"):
        raise Missing("pyfdtx.FdtView is not there")
    view = pyfdtx.FdtView

    def index(blob: bytes) -> object:
        """Opened, and whatever a look-up by path builds."""
        opened = view(blob)
        opened.getprop("/", "#size-cells")
        return opened, opened["/chosen"]

    return index


def _fdt() -> Callable[[bytes], object]:
    from pyfdtx import Fdt

    def opened(blob: bytes) -> object:
        fdt = Fdt(blob)
        fdt["/chosen"]
        return fdt

    return opened


def _pylibfdt() -> Callable[[bytes], object]:
    import libfdt

    return lambda blob: libfdt.Fdt(blob)


OPENED = {"open:view": _fdt_view, "open:fdt": _fdt, "open:pylibfdt": _pylibfdt}


def synthetic(nodes: int) -> bytes:
    """A tree of many nodes with three properties each, /chosen at the end."""
    names = b""
    offset: dict[str, int] = {}
    for name in ("#address-cells", "#size-cells", "compatible", "reg", "status"):
        offset[name] = len(names)
        names += name.encode() + b"\0"

    def prop(name: str, value: bytes) -> bytes:
        head = struct.pack(">3I", 3, len(value), offset[name])
        return head + value + bytes(-len(value) % 4)

    def begin(name: str) -> bytes:
        raw = name.encode() + b"\0"
        return struct.pack(">I", 1) + raw + bytes(-len(raw) % 4)

    end = struct.pack(">I", 2)
    two = struct.pack(">I", 2)
    body = [begin(""), prop("#address-cells", two), prop("#size-cells", two)]
    for i in range(nodes):
        address = 0x10000000 + i * 0x1000
        body += [
            begin(f"device@{address:x}"),
            prop("compatible", b"vendor,device-model\0vendor,device\0"),
            prop("reg", struct.pack(">QQ", address, 0x1000)),
            prop("status", b"disabled\0"),
            end,
        ]
    body += [begin("chosen"), end, end, struct.pack(">I", 9)]
    structure = b"".join(body)
    header = struct.pack(
        ">10I", 0xD00DFEED, 56 + len(structure) + len(names), 56,
        56 + len(structure), 40, 17, 16, 0, len(names), len(structure),
    )  # fmt: skip
    return header + bytes(16) + structure + names


def _status(field: str) -> int | None:
    """VmHWM or VmRSS in bytes; None where /proc has no such line."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None


def _reset_high_water() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def work(key: str) -> Callable[[bytes], object]:
    """What is measured: J1 by an implementation, or "open:..." for reading.

    Raises:
        Missing, ImportError, KeyError: it is not there.
    """
    if key.startswith("open:"):
        return OPENED[key]()
    import impls

    return {v.key: v for v in impls.available(JOB)[0]}[key].one


def child(key: str, place: str) -> dict[str, int | None]:
    """Run one implementation; sizes in bytes, None where not countable."""
    one = work(key)
    blob = Path(place).read_bytes()
    one(synthetic(3))
    gc.collect()
    gc.disable()
    counter = ctypes.CDLL(None)
    counts = hasattr(counter, "alloc_peak_start")
    resets = _reset_high_water()
    resident = _status("VmRSS")
    before = 0
    if counts:
        counter.alloc_peak_start.restype = ctypes.c_size_t
        counter.alloc_peak.restype = ctypes.c_size_t
        before = counter.alloc_peak_start()
    out = one(blob)
    peak = counter.alloc_peak() - before if counts else None
    high = _status("VmHWM")
    rss = high - resident if resets and high and resident else None
    made = len(out) if isinstance(out, bytes) else len(blob)
    return {"of": made, "peak": peak, "rss": rss}


def measure(key: str, place: Path) -> dict[str, int | None]:
    """A process for it; "of" is the output's size, or the blob's for "open:".

    Raises:
        Missing: the implementation is not there.
    """
    # Python's own allocator takes whole arenas with mmap(), unseen
    env = {**os.environ, "PYTHONMALLOC": "malloc"}
    if cbuild.ALLOC_PEAK.exists():
        env["LD_PRELOAD"] = str(cbuild.ALLOC_PEAK)
    done = subprocess.run(
        [sys.executable, __file__, key, str(place)],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == NOT_THERE:
        raise Missing(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"memory of {key}: {done.stderr.strip()}")
    found: dict[str, int | None] = json.loads(done.stdout)
    return found


def main() -> int:
    key, place = sys.argv[1:]
    try:
        work(key)
    except (Missing, ImportError, AttributeError, KeyError) as e:
        print(e, file=sys.stderr)
        return NOT_THERE
    print(json.dumps(child(key, place)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
