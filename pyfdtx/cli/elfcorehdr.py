# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Make the ELF core header that tells a crash kernel where the memory lies."""

from __future__ import annotations

from ..kexec.elfcore import core_header_of
from ..kexec.facts.machine import Machine
from .arguments import address_size, number
from .files import write_blob
from .planning import machine_arguments

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
example:
  pyfdtx elfcorehdr -o core --root examples/arm64-dt
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("-o", "--output", metavar="OUT", required=True, help="file; - is stdout")
    add(
        "--style",
        choices=("kernel", "kexec-tools"),
        default="kernel",
        help="size in steps of 4096 (kernel, the default) or 1024 bytes",
    )
    add(
        "--exclude",
        metavar="ADDR,SIZE",
        type=address_size,
        action="append",
        default=[],
        help="memory to leave out of the dump; again for more",
    )
    add(
        "--spare",
        metavar="N",
        type=number,
        default=0,
        help="room for N more segments (hotplug)",
    )
    machine_arguments(parser)


def run(args: argparse.Namespace) -> int:
    machine = Machine(args.root, arch=args.arch)
    header = core_header_of(
        machine, style=args.style, exclude=args.exclude, spare=args.spare
    )
    write_blob(args.output, header, private=True)
    return 0
