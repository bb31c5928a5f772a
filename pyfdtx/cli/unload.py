# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Forget the kernel that was loaded for kexec, or for a crash."""

from __future__ import annotations

from ..kexec.facts.machine import Machine
from ..kexec.loading.kexec_load import unload

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
example:
  pyfdtx unload --crash
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--crash", action="store_true", help="the crash kernel")


def run(args: argparse.Namespace) -> int:
    unload(Machine(), crash=args.crash)
    return 0
