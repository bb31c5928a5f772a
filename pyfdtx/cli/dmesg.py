# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show the log of a kernel that died: of /proc/vmcore, or of a copy of it."""

from __future__ import annotations

from ..kexec.vmcore.dmesg import dmesg
from .trouble import note, out

__all__ = ["arguments", "run", "show"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ..kexec.vmcore.dmesg import Record

EPILOG = """\
CORE is an ELF core of any architecture: ELF64 or ELF32, of any byte order. If the log
is damaged, what can be read is shown, stderr says what cannot, and the status is 1.
Files of makedumpfile have a format of their own: makedumpfile --dump-dmesg.

examples:
  pyfdtx dmesg /proc/vmcore | tail
  pyfdtx dmesg --json vmcore
"""
# Bytes that go to stdout at a time
PIECE = 1 << 16


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("core", metavar="CORE", help="an ELF core: /proc/vmcore")
    parser.add_argument(
        "--json",
        action="store_true",
        help="a line of JSON for each message: sequence, ns, caller, text",
    )


def run(args: argparse.Namespace) -> int:
    return 0 if show(args.core, _json if args.json else None) else 1


def show(core: str, form: Callable[[Record], bytes] | None = None) -> bool:
    """The log to stdout. Returns: whether all of it could be read."""
    faults: list[str] = []

    def damaged(text: str) -> None:
        faults.append(text)
        note(f"warning: {text}")

    lines: list[bytes] = []
    size = 0
    for record in dmesg(core, damaged=damaged):
        lines.append(form(record) if form else record.line())
        size += len(lines[-1])
        if size >= PIECE:
            out(b"\n".join(lines) + b"\n")
            lines, size = [], 0
    if lines:
        out(b"\n".join(lines) + b"\n")
    return not faults


def _json(record: Record) -> bytes:
    from json import dumps

    row = {
        "sequence": record.sequence,
        "ns": record.ns,
        "caller": record.caller,
        "text": record.text.decode("utf-8", "backslashreplace"),
    }
    return dumps(row).encode()
