# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Read one property, or show what a node has."""

from __future__ import annotations

from ..errors import FdtError, FdtNotFound
from ..text import dts
from ..tree.view import FdtView
from .files import called, read_blob, write_blob
from .trouble import NORMAL, Trouble, UsageError, clean, out
from .types import decode, known_type

__all__ = ["arguments", "plain", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Union

    from ..tree.view import NodeView
    from .types import ValueType

    Arguments = Union[argparse.Namespace, "Plain"]

EPILOG = """\
Without -t the type is guessed: text one string per line, u32 as 0x hex, else
hex pairs. PATH is a full path, an alias ("serial0") or a label ("&uart0"). Of a seed
only the length is shown, unless PROP names it.

examples:
  pyfdtx get boot.dtb /chosen bootargs
  pyfdtx get -t reg boot.dtb /memory reg
  pyfdtx get -l boot.dtb /
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """For all but what plain() takes: argparse, and who imports it, takes as long
    to start as all the rest."""
    from .arguments import number
    from .show import secret_argument
    from .values import TYPES_HELP, value_type

    raw = "  raw              the bytes as they are, to a file or pipe\n"
    parser.epilog = TYPES_HELP.format(raw=raw) + EPILOG
    add = parser.add_argument
    add("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    add("path", metavar="PATH", help="the node")
    add(
        "property",
        metavar="PROP",
        nargs="?",
        help="the property; without it the node's properties and subnodes",
    )
    add("-t", "--type", metavar="TYPE", type=value_type, help="see below")
    add("-d", "--default", metavar="TEXT", help="print this if there is no PROP")
    add("-p", "--properties", action="store_true", help="only names of properties")
    add("-l", "--list", action="store_true", help="only names of subnodes")
    add("--json", action="store_true", help="JSON for programs")
    add("--index", metavar="N", type=number, help="of several trees, the first is 0")
    secret_argument(parser)


class Plain:
    """What argparse would make of [-t TYPE] DTB PATH [PROP]."""

    default = index = None
    properties = list = json = show_secrets = False
    loudness = NORMAL

    def __init__(self, type: ValueType | None, dtb: str, path: str, *property: str):
        self.type = type
        self.dtb = dtb
        self.path = path
        self.property = property[0] if property else None


def plain(args: list[str]) -> Plain | None:
    """Arguments that need no argparse; None for all others."""
    wanted = None
    if len(args) > 3 and args[0] == "-t":
        wanted = known_type(args[1])
        if wanted is None:
            return None
        args = args[2:]
    if not 2 <= len(args) <= 3 or any(arg.startswith("-") for arg in args):
        return None
    return Plain(wanted, *args)


def run(args: Arguments) -> int:
    of_node = args.properties or args.list
    if args.property is None:
        if args.type or args.default is not None:
            raise UsageError("-t and -d need a PROP")
    elif of_node:
        raise UsageError("-p and -l cannot be combined with PROP")
    if args.json and (of_node or args.type):
        raise UsageError("--json cannot be combined with -t, -p and -l: it has all")
    blob = read_blob(args.dtb, args.index)
    try:
        answer = _answer(blob, args)
    except FdtNotFound as e:
        if args.default is None:
            raise Trouble(f"{called(args.dtb)}: {e}") from None
        answer = _encoded([args.default])
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    if args.type and args.type.kind == "raw":
        write_blob("-", answer, private=True)
    else:
        out(answer)
    return 0


def _answer(blob: bytes, args: Arguments) -> bytes:
    node = FdtView(blob)[args.path]
    name = args.property
    if args.json:
        if name is None:
            return _encoded([_node_json(node, args.show_secrets)])
        return _encoded([_json(node, name)])
    if name is None:
        return _encoded(_node_lines(node, args))
    if args.type and args.type.kind == "raw":
        return node[name]
    return _encoded(decode(node, name, args.type))


def _encoded(lines: list[str]) -> bytes:
    return "".join([line + "\n" for line in lines]).encode("utf-8", "surrogateescape")


def _node_lines(node: NodeView, args: Arguments) -> list[str]:
    lines = []
    if args.properties or not args.list:
        for name, value in node.items():
            text = name
            if not args.properties:
                secrets = args.show_secrets
                text = dts.property_text(name, value, secrets=secrets)
            lines.append(clean(text))
    if args.list or not args.properties:
        for child in node.children():
            text = child.name if args.list else f"{child.name} {{ ... }};"
            lines.append(clean(text))
    return lines


def _json(node: NodeView, name: str) -> str:
    from json import dumps

    from .show import property_json

    return dumps({"path": node.path, **property_json(name, node[name], secrets=True)})


def _node_json(node: NodeView, secrets: bool) -> str:
    from json import dumps

    from .show import property_json

    return dumps(
        {
            "path": node.path,
            "properties": [
                property_json(*item, secrets=secrets) for item in node.items()
            ],
            "subnodes": [child.name for child in node.children()],
        },
        indent=1,
    )
