# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Make the tree of a crash (kdump) kernel from the tree this kernel booted with."""

from __future__ import annotations

from .second_kernel import common_arguments, crash_arguments, make

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
Sizes and addresses: decimal or 0x hex, with or without K, M or G. The same
input and the same seeds give the same bytes.

example:
  pyfdtx crash-dtb boot.dtb -o crash.dtb --elfcorehdr 0x7abff000,0x400 \\
      --usable 0x6ac00000,256M --append "maxcpus=1 reset_devices"
"""

run = make


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    common_arguments(parser)
    crash_arguments(parser)
