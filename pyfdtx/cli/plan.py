# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show where a kernel and all it needs would lie in memory; load nothing."""

from __future__ import annotations

from ..kexec.place.file_plan import FilePlan
from .files import write_blob
from .memory_map import as_json, as_svg, lines
from .planning import plan_arguments, planned
from .trouble import UsageError, out_text

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
        if isinstance(plan, FilePlan):
            raise UsageError(
                f"--svg has nothing to draw: a running {plan.arch} kernel places the "
                "next one by itself"
            )
        write_blob(args.svg, as_svg(plan).encode(), private=True)
    if args.json:
        out_text(as_json(plan))
    elif args.svg is None:
        out_text("\n".join(lines(plan)) + "\n")
    return 0
