#!/usr/bin/env python3
# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a kdump tool does, with pyfdtx as its library.

    python3 examples/kdump_library.py IMAGE [MACHINE]

Plans a crash kernel for a machine that `pyfdtx capture` copied (default: the one
in examples/arm64-dt), checks its tree as that kernel will read it, and shows the
segments. For MACHINE / it is the running system, and the kernel is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyfdtx.errors import FdtError
from pyfdtx.kexec import Machine, check_tree, load, make_plan, read_image

HERE = Path(__file__).resolve().parent


def prepare(image_file: str, root: str) -> None:
    machine = Machine(root)
    image = read_image(image_file)
    plan = make_plan(machine, image, append="maxcpus=1 reset_devices")

    header = plan["elfcorehdr"]
    for finding in check_tree(
        plan["dtb"].data,
        machine=machine,
        elfcorehdr=(header.start, header.data),
        image=image,
        image_address=plan["kernel"].start,
        load_address=plan["dtb"].start,
    ):
        print(finding)
        if finding.severity == "error":
            raise SystemExit("not loaded")

    for s in plan.segments:
        print(f"{s.start:#12x} {s.size:#10x} {s.name}")
    if root == "/":
        load(plan, machine, replace=True)


def main(image_file: str, root: str = str(HERE / "arm64-dt")) -> None:
    try:
        prepare(image_file, root)
    except FdtError as e:
        raise SystemExit(f"kdump_library.py: {e}") from None


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(f"usage: {sys.argv[0]} IMAGE [MACHINE]")
    main(*sys.argv[1:])
