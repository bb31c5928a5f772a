# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Say what is loaded, and what memory is reserved for a crash kernel."""

from __future__ import annotations

from ..kexec.facts.machine import Machine
from ..kexec.loading.kexec_load import is_loaded
from .memory_map import amount
from .planning import machine_arguments
from .trouble import out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

WORDS = {True: "loaded", False: "not loaded", None: "unknown"}

EPILOG = """\
example:
  pyfdtx status --json
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    machine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="JSON for programs")


def run(args: argparse.Namespace) -> int:
    machine = Machine(args.root, arch=args.arch)
    plain, crash = (is_loaded(machine, crash=c) for c in (False, True))
    ranges = machine.crash_ranges
    if args.json:
        from json import dumps

        facts = {
            "kexec_loaded": plain,
            "crash_loaded": crash,
            "crash_ranges": [{"start": r.start, "size": r.size} for r in ranges],
        }
        out_text(dumps(facts) + "\n")
        return 0
    reserved = ", ".join(f"{amount(r.size)} at {r.start:#x}" for r in ranges)
    out_text(
        f"kexec kernel: {WORDS[plain]}\n"
        f"crash kernel: {WORDS[crash]}\n"
        f"crash memory: {reserved or 'none; boot with crashkernel=256M or so'}\n"
    )
    return 0
