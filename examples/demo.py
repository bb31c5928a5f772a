# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""From a captured machine to a crash DTB, with the command line alone.

    python examples/demo.py [MACHINE] [OUTDIR]

MACHINE is a folder beside this file (default arm64-dt); the results land in
OUTDIR (default: demo). Every command is shown as it is run. The place of the
crash kernel's memory comes from the machine's /proc/iomem; the ELF core
header takes the last page of the main region, as kexec-tools places it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from pyfdtx.kexec import Machine

EXAMPLES = Path(__file__).resolve().parent
PAGE = 4096


def run(*words: str, accept: int = 0) -> None:
    """Show and run one pyfdtx command of this environment."""
    print(f"\n$ pyfdtx {shlex.join(words)}", flush=True)
    tool = Path(sys.executable).with_name("pyfdtx")
    status = subprocess.run([str(tool), *words], check=False).returncode
    if status not in (0, accept):
        sys.exit(f"demo: pyfdtx ended with {status}")


def main(machine: str = "arm64-dt", outdir: str = "demo") -> None:
    root = EXAMPLES / machine
    if not (root / "proc/iomem").is_file():
        have = ", ".join(sorted(p.parent.name for p in EXAMPLES.glob("*/RECIPE.txt")))
        sys.exit(f"demo: no captured machine {machine!r}; there are {have}")
    regions = Machine(root).crash_ranges  # main first
    boot = os.path.relpath(root / "sys/firmware/fdt")
    crash = str(Path(outdir) / f"{machine}-crash.dtb")
    Path(outdir).mkdir(mode=0o700, parents=True, exist_ok=True)

    print(f"{machine}: memory set aside for the crash kernel, from its /proc/iomem:")
    for start, size in regions:
        print(f"  {start:#014x}  {size >> 20:6} MiB")
    start, size = regions[0]
    usable = [word for r in regions for word in ("--usable", f"{r[0]:#x},{r[1]:#x}")]
    run(
        "crash-dtb", boot, "-o", crash,
        "--elfcorehdr", f"{start + size - PAGE:#x},0x400",
        *usable,
        "--append", "maxcpus=1 reset_devices",
    )  # fmt: skip
    run("diff", boot, crash, accept=1)
    run("get", crash, "/chosen", "linux,usable-memory-range")
    print(f"\n{crash}: {Path(crash).stat().st_size} bytes, ready for the crash kernel")


if __name__ == "__main__":
    main(*sys.argv[1:3])
