# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Peak extra memory of J1 on a tree of several megabytes.

Each implementation runs in a process of its own, is warmed up on a small tree
and then does the job once. Two methods, which check each other: bytes
allocated, counted by a preloaded allocator (c/alloc_peak.c), and the growth
of the resident set's high-water mark (VmHWM, after a reset). Both count the
output, neither counts the input.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import cbuild
from cases import CRASH

NODES = 60_000
MEASURED = ("native", "percall", "pylibfdt", "pure")
# arm64 kernels take no tree above 2 MiB, riscv's do
JOB = CRASH._replace(arch="riscv")


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


def child(key: str, place: str) -> dict[str, int | None]:
    """Run one implementation; sizes in bytes, None where not countable."""
    import impls

    variants = {v.key: v for v in impls.available(JOB)[0]}
    one = variants[key].one
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
    return {"output": len(out), "peak": peak, "rss": rss}


def measure(keys: list[str]) -> dict[str, object]:
    """The `memory` part of the results; keys are the implementations there."""
    blob = synthetic(NODES)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "large.dtb"
        place.write_bytes(blob)
        for key in MEASURED:
            if key not in keys:
                continue
            # Python's own allocator takes whole arenas with mmap(), unseen
            env = {**os.environ, "PYTHONMALLOC": "malloc"}
            if cbuild.ALLOC_PEAK.exists():
                env["LD_PRELOAD"] = str(cbuild.ALLOC_PEAK)
            done = subprocess.run(
                [sys.executable, __file__, key, str(place)],
                env=env, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"memory of {key}: {done.stderr.strip()}")
            rows[key] = json.loads(done.stdout)
    return {"input": len(blob), "rows": rows}


if __name__ == "__main__":
    print(json.dumps(child(*sys.argv[1:])))
