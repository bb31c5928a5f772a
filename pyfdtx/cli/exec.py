# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Leave this kernel, at once, for the one that 'pyfdtx load' loaded."""

from __future__ import annotations

import os

from ..kexec.facts.machine import Machine
from ..kexec.loading.kexec_load import reboot_into_loaded
from .trouble import UsageError

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EPILOG = """\
No service is stopped and no file system unmounted: only the disks are synced first.
'systemctl kexec' shuts down in order, and then starts the same kernel.

example:
  pyfdtx load /boot/vmlinuz --initrd /boot/initrd.img
  pyfdtx exec --now
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--now", action="store_true", help="required: nothing is shut down before"
    )


def run(args: argparse.Namespace) -> int:
    if not args.now:
        raise UsageError(
            "services are not stopped and file systems not unmounted: say --now, or "
            "use 'systemctl kexec', which does that first"
        )
    machine = Machine()
    os.sync()
    reboot_into_loaded(machine)
