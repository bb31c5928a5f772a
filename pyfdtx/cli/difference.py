# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Compare two trees by meaning: nodes, properties, memory reservations, boot CPU."""

from __future__ import annotations

import os

from ..errors import FdtError
from ..text import dts
from ..text.diff import Change, diff
from ..tree import flat
from .files import called, read_blob
from .show import json_rows, property_json, secret_argument
from .trouble import Trouble, UsageError, clean, out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..text.diff import Place

EPILOG = """\
The order of nodes, properties and reservations does not count, nor do padding,
format version and the numbers of phandles: references are compared by the nodes
that they lead to, and shown as paths. "-" marks what only A has, "+" what only
B has. "~" marks a property that may or may not hold phandles: its numbers differ, but
as phandles they lead to the same nodes. Colours only on a terminal, and not if
NO_COLOR is set. Of seeds only the length is shown.

Exit status: 0 the same, 1 different, 2 trouble.

example:
  pyfdtx diff boot.dtb crash.dtb
"""
# Longer values are shortened for people
LIMIT = 256
# Paths of more bytes in one property are not spelled: a few long names can be in any
# number of references
MOST = 1 << 16
BOLD, RED, GREEN, OFF = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[m"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    for name in "AB":
        parser.add_argument(
            name.lower(), metavar=name, help="a device tree blob; - is stdin"
        )
    parser.add_argument("--json", action="store_true", help="JSON for programs")
    parser.add_argument(
        "--full",
        action="store_true",
        help=f"values of more than {LIMIT} bytes in full, not by length and digest",
    )
    secret_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.a == args.b == "-":
        raise UsageError("only one of the two trees can come from stdin")
    a, b = _read(args.a), _read(args.b)
    changes = diff(a, b)
    if args.json:
        out_text(_json(changes, args.show_secrets))
    elif changes:
        out_text(_drawn(changes, args))
    return 1 if changes else 0


def _read(path: str) -> flat.FlatTree:
    blob = read_blob(path)
    try:
        return flat.read(blob)
    except FdtError as e:
        raise Trouble(f"{called(path)}: {e}") from None


def _drawn(changes: list[Change], args: argparse.Namespace) -> str:
    a, b = called(args.a), called(args.b)
    on = os.isatty(1) and not os.environ.get("NO_COLOR")
    bold, red, green, off = (BOLD, RED, GREEN, OFF) if on else ("", "", "", "")
    lines = [f"{red}--- {clean(a)}{off}", f"{green}+++ {clean(b)}{off}"]

    def side(sign: str, text: str) -> None:
        lines.append(f"{red if sign == '-' else green}{sign} {text}{off}")

    heading = ""
    for change in changes:
        if change.kind == "renumbered":
            continue
        if change.what == "node":
            heading = change.path
            sign = "-" if change.kind == "removed" else "+"
            side(sign, f"{clean(heading)} {{ }}")
            continue
        place = change.path or "/"
        if change.path and place != heading:
            heading = place
            lines.append(f"{bold}  {clean(place)}{off}")
        for sign, value, refers in zip("-+", (change.old, change.new), change.refers):
            if value is not None:
                side(sign, _statement(change, value, refers, args))
    renumbered = [change for change in changes if change.kind == "renumbered"]
    if renumbered:
        lines.append(f"{bold}  other numbers, but phandles of the same nodes{off}")
    for change in renumbered:
        place = f"{change.path.rstrip('/')}:{change.name}"
        paths = " ".join(dict.fromkeys(change.refers[0].values()))[:MOST]
        lines.append(f"~ {clean(place)} = {clean(paths)}")
    return "\n".join(lines) + "\n"


def _statement(
    change: Change, value: Place, refers: dict[int, str], args: argparse.Namespace
) -> str:
    if isinstance(value, bytes):
        paths = None
        if sum(map(len, refers.values())) <= MOST:
            paths = {at: f"&{{{path}}}" for at, path in refers.items()}
        limit = None if args.full else LIMIT
        text = dts.property_text(
            change.name, value, limit, paths, secrets=args.show_secrets
        )
        return f"    {clean(text)}"
    if isinstance(value, tuple):
        return f"/memreserve/ {value[0]:#x} {value[1]:#x};"
    return f"boot CPU {value:#x}"


def _json(changes: list[Change], secrets: bool) -> str:
    rows = (
        {
            "kind": change.kind,
            "what": change.what,
            "path": change.path,
            "name": change.name,
            "old": _side_json(change, change.old, secrets),
            "new": _side_json(change, change.new, secrets),
        }
        for change in changes
    )
    return json_rows({"same": not changes}, "changes", rows)


def _side_json(change: Change, value: Place, secrets: bool) -> object:
    if isinstance(value, bytes):
        return property_json(change.name, value, secrets=secrets)
    if isinstance(value, tuple):
        return {"start": value[0], "size": value[1]}
    return value
