# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Say what is loaded, and what memory is reserved for a crash kernel."""

from __future__ import annotations

from ..files.reading import is_running
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

NO_KEXEC = "none: this kernel has no kexec (CONFIG_KEXEC)"
EPILOG = """\
Exit status: 0; with --plain or --crash 0 such a kernel is loaded, 1 none is, 2 it
is not known (this kernel has no kexec). 1 also if a file cannot be read.

examples:
  pyfdtx status --json
  pyfdtx status --crash >/dev/null || pyfdtx load --crash /boot/vmlinuz
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    machine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="JSON for programs")
    asked = parser.add_mutually_exclusive_group()
    for name, what in (("plain", "kernel for kexec"), ("crash", "crash kernel")):
        asked.add_argument(
            f"--{name}",
            action="store_true",
            help=f"the exit status tells whether a {what} is loaded",
        )


def _status(args: argparse.Namespace, plain: bool | None, crash: bool | None) -> int:
    if not args.plain and not args.crash:
        return 0
    return {True: 0, False: 1, None: 2}[plain if args.plain else crash]


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
        return _status(args, plain, crash)
    reserved = ", ".join(f"{amount(r.size)} at {r.start:#x}" for r in ranges)
    nothing = "none; boot with crashkernel=256M or so"
    if plain is crash is None and is_running(machine.root):
        nothing = NO_KEXEC
    out_text(
        f"kexec kernel: {WORDS[plain]}\n"
        f"crash kernel: {WORDS[crash]}\n"
        f"crash memory: {reserved or nothing}\n"
    )
    return _status(args, plain, crash)
