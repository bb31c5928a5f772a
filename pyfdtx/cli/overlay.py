# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Apply overlays to a tree, one after the other; or merge overlays into one."""

from __future__ import annotations

from ..errors import FdtError
from ..tree.fdt import Fdt
from .edit import output_arguments, write_result
from .files import called, read_blob
from .trouble import Trouble, UsageError

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
The overlays are applied in the order given, each to what the ones before it made.
The output appears when all fit, or not at all. Nodes are matched by full names, as
in dtc and Linux; docs/overlays.md says where fdtoverlay differs.

BASE needs labels for overlays that refer to them: compile it with dtc -@.

examples:
  pyfdtx overlay board.dtb i2c.dtbo display.dtbo -o full.dtb
  pyfdtx overlay -i board.dtb i2c.dtbo
  pyfdtx overlay --merge first.dtbo second.dtbo -o both.dtbo
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("dtb", metavar="BASE", help="a device tree blob; - is stdin")
    parser.add_argument("overlays", metavar="OVERLAY", nargs="+", help="dtc -@ made it")
    parser.add_argument(
        "--merge",
        action="store_true",
        help="BASE is an overlay, too: make one overlay of all",
    )
    output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    files = [args.dtb, *args.overlays]
    if files.count("-") > 1:
        raise UsageError("only one of the trees can come from stdin")
    fdt = _opened(args.dtb, note=not args.in_place)
    if fdt.is_overlay and not args.merge:
        hint = "--merge makes one overlay of all"
        raise Trouble(f"{called(args.dtb)}: is an overlay itself; {hint}")
    if args.merge and not fdt.is_overlay:
        raise Trouble(
            f"{called(args.dtb)}: is no overlay, so --merge cannot keep it one"
        )
    for file in args.overlays:
        overlay = _opened(file)
        try:
            fdt.apply_overlay(overlay)
        except FdtError as e:
            raise Trouble(f"{called(file)}: {e}") from None
    write_result(args, fdt)
    return 0


def _opened(file: str, *, note: bool = True) -> Fdt:
    try:
        return Fdt(read_blob(file, note=note))
    except FdtError as e:
        raise Trouble(f"{called(file)}: {e}") from None
