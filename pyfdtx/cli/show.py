# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show a tree or a part of it: as DTS, which dtc compiles back, or as JSON."""

from __future__ import annotations

import os
import sys

from ..codec.secret import is_secret
from ..errors import FdtBadContent, FdtError
from ..files.kinds import trees_in
from ..text import dts
from ..tree import flat
from ..tree.fdt import Fdt
from .arguments import number
from .files import called, read_all, read_blob
from .trouble import Trouble, UsageError, clean, out_text

__all__ = ["arguments", "json_rows", "property_json", "run", "secret_argument"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

EPILOG = """\
DTS: dtc compiles each value back to the same bytes. A blob has no types, so whether
a value is "text", <cells> or [bytes] is a guess. The second line gives the options
that dtc needs. Labels are those of /__symbols__, so "&label { ... };" can be
appended; an overlay is shown as a /plugin/ with references. JSON: every property
has its guessed type (string, cells, bytes in hex, empty), the value, and the raw
bytes in hex.

On a terminal, a value of more than %d bytes is shown by length and digest. Of a
property whose name ends in -seed (kaslr-seed, rng-seed) only the length is shown, in
JSON as type secret; --show-secrets shows the value.

examples:
  pyfdtx show boot.dtb | less
  pyfdtx show boot.dtb /soc/uart@1000
  pyfdtx show --list dtbo.img
  pyfdtx show --json boot.dtb | jq '.nodes[] | select(.path == "/chosen")'
"""
# Longer values are shortened on a terminal
LIMIT = 4096
PIECE = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG % LIMIT
    add = parser.add_argument
    add("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    add("path", metavar="PATH", nargs="?", help="only this node and what is below it")
    add("--json", action="store_true", help="JSON for programs")
    add("--list", action="store_true", help="the trees that are in the file")
    add("--index", metavar="N", type=number, help="of several trees, the first is 0")
    add(
        "--no-labels",
        action="store_true",
        help="no labels and references: numbers, as in the blob",
    )
    add("--full", action="store_true", help="long values in full, also on a terminal")
    secret_argument(parser)


def secret_argument(parser: argparse.ArgumentParser) -> None:
    """What every command has that shows values nobody asked for by name."""
    parser.add_argument(
        "--show-secrets", action="store_true", help="show the values of seeds, too"
    )


def run(args: argparse.Namespace) -> int:
    if args.list:
        return _list(args)
    if args.json and (args.path or args.no_labels or args.full):
        raise UsageError("--json cannot be combined with PATH, --no-labels and --full")
    blob = read_blob(args.dtb, args.index)
    short = sys.stdout is not None and os.isatty(1) and not args.full
    try:
        if args.json:
            for piece in _pieces(_json(blob, args.show_secrets)):
                out_text(piece)
            return 0
        path = Fdt(blob)[args.path].path if args.path else "/"
        for piece in _pieces(
            dts.lines(
                blob,
                labels=not args.no_labels,
                limit=LIMIT if short else None,
                secrets=args.show_secrets,
                path=path,
            )
        ):
            out_text(piece)
    except FdtBadContent as e:
        raise Trouble(f"{called(args.dtb)}: {e} (--json shows this tree)") from None
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    return 0


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Lines in pieces of some size, so that a large tree needs no second copy of
    itself. The first piece comes when the tree is known to be sound."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size > PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


def _list(args: argparse.Namespace) -> int:
    """One line for each tree of a file: index, offset, bytes, what it is for."""
    if args.path or args.json or args.index is not None:
        raise UsageError("--list cannot be combined with PATH, --json and --index")
    data = read_all(args.dtb)
    trees = _trees(args.dtb, data)
    if not trees:
        raise Trouble(f"{called(args.dtb)}: has no device tree")
    for index, (start, size) in enumerate(trees):
        out_text(f"{index}\t{start:#x}\t{size}\t{_title(data[start : start + size])}\n")
    return 0


def _trees(name: str, data: bytes) -> list[tuple[int, int]]:
    try:
        return trees_in(data)
    except ValueError as e:
        raise Trouble(f"{called(name)}: {e}") from None


def _title(blob: bytes) -> str:
    """The model or the compatible of a tree, or why it is none."""
    try:
        root = Fdt(blob).root
        for name in ("model", "compatible"):
            if name in root:
                return clean(", ".join(root.get_stringlist(name)))
    except FdtError as e:
        return clean(str(e))
    return ""


def property_json(name: str, value: bytes, *, secrets: bool) -> dict[str, object]:
    if not secrets and is_secret(name, value):
        return {
            "name": name,
            "type": "secret",
            "value": None,
            "size": len(value),
            "raw": None,
        }
    kind, typed = dts.interpret(name, value)
    raw = typed if kind == "bytes" else value.hex()
    return {"name": name, "type": kind, "value": typed, "raw": raw}


def json_rows(head: dict[str, object], key: str, rows: Iterable[object]) -> str:
    """An object with one list at its end, a row per line."""
    from json import dumps

    start = dumps({**head, key: []})[: -len("]}")]
    return start + "\n" + ",\n".join(map(dumps, rows)) + "\n]}\n"


def _json(blob: bytes, secrets: bool) -> Iterator[str]:
    """The tree in pieces, one property at a time."""
    from json import dumps

    tree = flat.read(blob)
    head: dict[str, object] = {
        "boot_cpuid_phys": tree.boot_cpuid_phys,
        "memreserve": [{"start": a, "size": n} for a, n in tree.memreserve],
        "nodes": [],
    }
    yield dumps(head)[: -len("]}")] + "\n"
    between = ""
    for path, node in tree.with_paths():
        yield f'{between}{{"path": {dumps(path)}, "properties": ['
        for n, item in enumerate(node.properties):
            yield ", " if n else ""
            yield dumps(property_json(*item, secrets=secrets))
        yield "]}"
        between = ",\n"
    yield "\n]}\n"
