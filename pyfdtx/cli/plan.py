# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show where a kernel and all it needs would lie in memory; load nothing."""

from __future__ import annotations

from .files import write_blob
from .memory_map import as_json, as_svg, lines
from .planning import plan_arguments, planned
from .trouble import out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
examples:
  pyfdtx plan --crash /boot/vmlinuz --initrd /boot/initrd.img
  pyfdtx plan --crash Image --root examples/arm64-dt --svg plan.svg
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    plan_arguments(parser)
    parser.add_argument("--json", action="store_true", help="JSON for programs")
    parser.add_argument("--svg", metavar="FILE", help="write a drawing; - is stdout")


def run(args: argparse.Namespace) -> int:
    plan, _ = planned(args)
    if args.svg is not None:
        write_blob(args.svg, as_svg(plan).encode())
    if args.json:
        out_text(as_json(plan))
    elif args.svg is None:
        out_text("\n".join(lines(plan)) + "\n")
    return 0
