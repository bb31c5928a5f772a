# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Make the tree of a kernel started by kexec from the tree this kernel booted with."""

from __future__ import annotations

from .second_kernel import common_arguments, make

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
Sizes and addresses: decimal or 0x hex, with or without K, M or G. The same
input and the same seeds give the same bytes.

example:
  pyfdtx kexec-dtb boot.dtb -o next.dtb --initrd 0x48000000,20M --append quiet
"""

run = make


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    common_arguments(parser)
