# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Say how much memory a crash kernel needs, and whether so much is reserved."""

from __future__ import annotations

from ..kexec.doctor.need import estimate
from ..kexec.facts.machine import Machine
from ..kexec.image.kernel import read_image
from ..kexec.place.plan import reused_cmdline
from .memory_map import amount
from .planning import initrd_of, machine_arguments
from .trouble import out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
docs/doctor.md says where each part comes from, and what was measured.

Exit status: 0 enough is reserved, 1 it is not, 2 it cannot be told, or wrong usage.

example:
  pyfdtx estimate /boot/vmlinuz --initrd /boot/initrd.img
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("image", metavar="IMAGE", help="the crash kernel")
    add("--initrd", metavar="FILE", action="append", help="its initrd, or several")
    add(
        "--cmdline",
        metavar="TEXT",
        help="its command line (default: this machine's)",
    )
    machine_arguments(parser)
    add("--json", action="store_true", help="JSON for programs")


def run(args: argparse.Namespace) -> int:
    machine = Machine(args.root, arch=args.arch)
    image = read_image(args.image)
    initrd = initrd_of(args.initrd)
    line = args.cmdline
    if line is None:
        line = reused_cmdline(machine, crash=True)
    data = image.initrd if initrd is None else initrd.read()
    need = estimate(machine, image, data, cmdline=line)
    reserved = sum(r.size for r in machine.crash_ranges)
    if args.json:
        from json import dumps

        facts = {
            "need": need.total,
            "reserved": reserved,
            "counted": need.counted,
            "parts": [part._asdict() for part in need.parts],
        }
        out_text(dumps(facts) + "\n")
    else:
        width = max(len(part.name) for part in need.parts)
        rows = [
            f"{part.name:<{width}} {amount(part.size):>10}  {part.source}"
            for part in need.parts
        ]
        rows.append(f"{'together':<{width}} {amount(need.total):>10}")
        rows.append(f"{'reserved':<{width}} {amount(reserved):>10}")
        out_text("\n".join(rows) + "\n")
    return int(reserved < need.total)
