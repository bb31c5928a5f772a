# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Copy what plan and load read from this machine to a directory, for --root."""

from __future__ import annotations

from ..kexec.facts.capture import capture
from .arguments import machine_root
from .files import tidy_on_signals
from .trouble import UsageError, out_text, quiet

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
Only root sees the true addresses of /proc/iomem. The copy has the machine's
command line and its tree (serial numbers, seeds), so the directory has mode 0700
and its files 0600: look before you hand it to others.

example:
  pyfdtx capture machine && pyfdtx plan Image --crash --root machine
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("directory", metavar="DIR", help="a new directory")
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=machine_root,
        default="/",
        help="where to read (default: /)",
    )


def run(args: argparse.Namespace) -> int:
    if not args.directory:
        raise UsageError("the name of the directory is empty")
    with tidy_on_signals():
        names = capture(args.directory, args.root)
    if not quiet():
        out_text(f"{args.directory}: {len(names)} files\n")
    return 0
