# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the commands that change a tree have in common: read, change, write."""

from __future__ import annotations

import argparse

from ..codec.secret import ENDING, is_secret
from ..errors import FdtBadParameter, FdtError
from ..text.dts import unspellable
from ..tree import flat
from ..tree.fdt import Fdt
from ..tree.owned import padded
from .arguments import size
from .files import called, is_private, read_all, read_blob, write_blob
from .trouble import Trouble, UsageError
from .values import guess_from_text, value_type

__all__ = [
    "change_tree",
    "common_arguments",
    "edit",
    "output_arguments",
    "refuse_names",
    "tree_arguments",
    "write_result",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tree.fdt import Node
    from .types import ValueType

    Change = Callable[[Node, str, ValueType, list[str]], None]


def tree_arguments(parser: argparse.ArgumentParser) -> None:
    """DTB and PATH."""
    parser.add_argument("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    parser.add_argument("path", metavar="PATH", help="node: full path, alias or &label")


def output_arguments(parser: argparse.ArgumentParser) -> None:
    """-o or -i."""
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("-o", "--output", metavar="OUT", help="file; - is stdout")
    to.add_argument(
        "-i", "--in-place", action="store_true", help="replace the input by the result"
    )
    add = parser.add_argument
    add(
        "--pad",
        metavar="SIZE",
        type=size,
        default=0,
        help="so many zeros behind, as dtc -p",
    )
    add(
        "--size",
        metavar="SIZE",
        type=size,
        default=0,
        help="at least so many bytes, as dtc -S",
    )
    add(
        "--align",
        metavar="SIZE",
        type=size,
        default=1,
        help="a multiple of this, as dtc -a",
    )


def common_arguments(parser: argparse.ArgumentParser) -> None:
    """What set and append take."""
    tree_arguments(parser)
    add = parser.add_argument
    add("property", metavar="PROP", help="the property")
    add("values", metavar="VALUE", nargs="*", help="joined into one value")
    add("-t", "--type", metavar="TYPE", type=value_type, help="see below")
    add("-p", "--parents", action="store_true", help="make PATH if it is not there")
    output_arguments(parser)


def refuse_names(*, path: str = "", name: str = "") -> None:
    """Refuse names that `show` could not write as DTS.

    Raises: FdtBadParameter.
    """
    parts = [("node", part, path) for part in path.split("/")]
    for what, part, where in (*parts, ("property", name, "")):
        cause = unspellable(part)
        if cause:
            raise FdtBadParameter(
                "add", where, f"DTS cannot spell the {what} name {part!r}: {cause}"
            )


def edit(args: argparse.Namespace, change: Change) -> int:
    """Change one property of a copy of the tree and write that."""
    wanted = args.type or guess_from_text(args.values)

    def one(fdt: Fdt) -> None:
        if args.parents and args.path not in fdt:
            refuse_names(path=args.path)
            node = fdt.add_node(args.path, parents=True)
        else:
            node = fdt[args.path]
        if args.property not in node:
            refuse_names(name=args.property)
        change(node, args.property, wanted, args.values)

    return change_tree(args, one)


def change_tree(args: argparse.Namespace, change: Callable[[Fdt], object]) -> int:
    """Change a copy of the tree and write that."""
    if args.in_place and args.dtb == "-":
        raise UsageError("--in-place cannot change stdin; use -o OUT")
    # In place nothing is left out. No copy is kept: it may be large
    try:
        fdt = Fdt(read_blob(args.dtb, note=not args.in_place))
        change(fdt)
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    write_result(args, fdt)
    return 0


def write_result(args: argparse.Namespace, fdt: Fdt) -> None:
    """To where -o or -i say."""
    if args.in_place and args.dtb == "-":
        raise UsageError("--in-place cannot change stdin; use -o OUT")
    target = args.dtb if args.in_place else args.output
    sources = [args.dtb, *getattr(args, "overlays", ())]
    try:
        blob = fdt.to_bytes(pad=args.pad, size=args.size, align=args.align)
    except FdtError as e:
        raise Trouble(f"{target}: {e}") from None
    private = _private(blob, sources)
    if args.in_place:
        blob = _with_tail(target, blob)
    write_blob(target, blob, private=private)


def _with_tail(path: str, blob: bytes) -> bytes:
    """What a file has behind its tree stays where it is: the payload of a FIT is
    found by its distance from the start or from the tree's end.

    Raises: Trouble if the tree has outgrown its place.
    """
    data = read_all(path)
    old = int.from_bytes(data[4:8], "big")
    tail = data[old:]
    if not tail:
        return blob
    if len(blob) > old:
        raise Trouble(
            f"{path}: {len(tail)} bytes stand behind the tree, which has grown from "
            f"{old} to {len(blob)} bytes; -o FILE writes the tree alone"
        )
    return padded(blob, 0, old, 1) + tail


def _private(blob: bytes, sources: list[str]) -> bool:
    """Whether a tree has seeds, or a source is readable by its owner alone."""
    if any(is_private(source) for source in sources if source != "-"):
        return True
    # Names end with a NUL: without these bytes in the strings block, which is last,
    # there is no such name
    strings = int.from_bytes(blob[12:16], "big")
    if blob.find(ENDING.encode() + b"\0", strings) < 0:
        return False
    return any(is_secret(*p) for n in flat.read(blob).nodes for p in n.properties)
