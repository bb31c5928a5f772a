# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Read one property, or show what a node has."""

from __future__ import annotations

import argparse

from ..errors import FdtError, FdtNotFound
from ..text import dts
from ..tree.fdt import Fdt
from .arguments import number
from .files import called, read_blob, write_blob
from .show import property_json, secret_argument
from .trouble import Trouble, UsageError, clean, out
from .values import TYPES_HELP, decode, value_type

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tree.fdt import Node

EPILOG = (
    TYPES_HELP.format(
        raw="  raw              the bytes as they are, to a file or pipe\n"
    )
    + """\
Without -t the type is guessed: text one string per line, u32 as 0x hex, else
hex pairs. PATH is a full path, an alias ("serial0") or a label ("&uart0"). A seed is
shown if it is PROP itself, of all others only the length.

examples:
  pyfdtx get boot.dtb /chosen bootargs
  pyfdtx get -t reg boot.dtb /memory reg
  pyfdtx get -l boot.dtb /
"""
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
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


def run(args: argparse.Namespace) -> int:
    of_node = args.properties or args.list
    if args.property is None:
        if args.type or args.default is not None:
            raise UsageError("-t and -d go with PROP")
    elif of_node:
        raise UsageError("-p and -l go without PROP")
    if args.json and (of_node or args.type):
        raise UsageError("--json goes without -t, -p and -l: it has everything")
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


def _answer(blob: bytes, args: argparse.Namespace) -> bytes:
    node = Fdt(blob)[args.path]
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


def _node_lines(node: Node, args: argparse.Namespace) -> list[str]:
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


def _json(node: Node, name: str) -> str:
    from json import dumps

    return dumps({"path": node.path, **property_json(name, node[name], secrets=True)})


def _node_json(node: Node, secrets: bool) -> str:
    from json import dumps

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
