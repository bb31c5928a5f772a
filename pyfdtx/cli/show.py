# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show a whole tree: as DTS, which dtc compiles back to the same tree, or as JSON."""

from __future__ import annotations

from ..errors import FdtBadContent, FdtError
from ..text import dts
from ..tree import flat
from .files import called, read_blob
from .trouble import Trouble, out_text

__all__ = ["arguments", "json_rows", "property_json", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

EPILOG = """\
DTS: values are written so that their bytes come back; which of "text", <cells>
and [bytes] is a guess, for a tree does not say. Labels are comments. The second
line gives the options that dtc needs. JSON: every property has its guessed type
(string, cells, bytes in hex, empty), the value, and the raw bytes in hex.

Everything is shown, kaslr-seed and rng-seed too: take them out before you hand
the output of a running system to others.

examples:
  pyfdtx show boot.dtb | less
  pyfdtx show --json boot.dtb | jq '.nodes[] | select(.path == "/chosen")'
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    parser.add_argument("--json", action="store_true", help="JSON for programs")


def run(args: argparse.Namespace) -> int:
    blob = read_blob(args.dtb)
    try:
        out_text(_json(blob) if args.json else dts.render(blob))
    except FdtBadContent as e:
        raise Trouble(f"{called(args.dtb)}: {e} (--json shows this tree)") from None
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    return 0


def property_json(name: str, value: bytes) -> dict[str, object]:
    kind, typed = dts.interpret(name, value)
    return {"name": name, "type": kind, "value": typed, "raw": value.hex()}


def json_rows(head: dict[str, object], key: str, rows: Iterable[object]) -> str:
    """An object with one list at its end, a row per line."""
    from json import dumps

    start = dumps({**head, key: []})[: -len("]}")]
    return start + "\n" + ",\n".join(map(dumps, rows)) + "\n]}\n"


def _json(blob: bytes) -> str:
    tree = flat.read(blob)
    head: dict[str, object] = {
        "boot_cpuid_phys": tree.boot_cpuid_phys,
        "memreserve": [{"start": a, "size": n} for a, n in tree.memreserve],
    }
    rows = (
        {
            "path": path,
            "properties": [property_json(*item) for item in node.properties],
        }
        for path, node in tree.with_paths()
    )
    return json_rows(head, "nodes", rows)
