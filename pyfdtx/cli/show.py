# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Show a whole tree: as DTS, which dtc compiles back to the same tree, or as JSON."""

from __future__ import annotations

from ..codec.secret import is_secret
from ..errors import FdtBadContent, FdtError
from ..text import dts
from ..tree import flat
from .files import called, read_blob
from .trouble import Trouble, out_text

__all__ = ["arguments", "json_rows", "property_json", "run", "secret_argument"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

EPILOG = """\
DTS: values are written so that their bytes come back; which of "text", <cells>
and [bytes] is a guess, for a tree does not say. Labels are comments. The second
line gives the options that dtc needs. JSON: every property has its guessed type
(string, cells, bytes in hex, empty), the value, and the raw bytes in hex.

kaslr-seed, rng-seed and all else that ends in -seed stand as a comment with their
length, in JSON as type secret; with --show-secrets they are shown.

examples:
  pyfdtx show boot.dtb | less
  pyfdtx show --json boot.dtb | jq '.nodes[] | select(.path == "/chosen")'
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    parser.add_argument("--json", action="store_true", help="JSON for programs")
    secret_argument(parser)


def secret_argument(parser: argparse.ArgumentParser) -> None:
    """What every command has that shows values nobody asked for by name."""
    parser.add_argument(
        "--show-secrets", action="store_true", help="show the values of seeds, too"
    )


def run(args: argparse.Namespace) -> int:
    blob = read_blob(args.dtb)
    try:
        if args.json:
            out_text(_json(blob, args.show_secrets))
        else:
            out_text(dts.render(blob, secrets=args.show_secrets))
    except FdtBadContent as e:
        raise Trouble(f"{called(args.dtb)}: {e} (--json shows this tree)") from None
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    return 0


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
    return {"name": name, "type": kind, "value": typed, "raw": value.hex()}


def json_rows(head: dict[str, object], key: str, rows: Iterable[object]) -> str:
    """An object with one list at its end, a row per line."""
    from json import dumps

    start = dumps({**head, key: []})[: -len("]}")]
    return start + "\n" + ",\n".join(map(dumps, rows)) + "\n]}\n"


def _json(blob: bytes, secrets: bool) -> str:
    tree = flat.read(blob)
    head: dict[str, object] = {
        "boot_cpuid_phys": tree.boot_cpuid_phys,
        "memreserve": [{"start": a, "size": n} for a, n in tree.memreserve],
    }
    rows = (
        {
            "path": path,
            "properties": [
                property_json(*item, secrets=secrets) for item in node.properties
            ],
        }
        for path, node in tree.with_paths()
    )
    return json_rows(head, "nodes", rows)
