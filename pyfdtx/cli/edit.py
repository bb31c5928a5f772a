# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What set and append have in common: read, change one property, write."""

from __future__ import annotations

import argparse

from ..errors import FdtError
from ..tree.node import Fdt
from .files import called, read_blob, write_blob
from .trouble import Trouble, UsageError
from .values import guess_from_text, value_type

__all__ = ["common_arguments", "edit"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tree.node import Node
    from .values import ValueType

    Change = Callable[[Node, str, ValueType, list[str]], None]


def common_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("dtb", metavar="DTB", help="a device tree blob; - is stdin")
    add("path", metavar="PATH", help="node: full path, alias or &label")
    add("property", metavar="PROP", help="the property")
    add("values", metavar="VALUE", nargs="*", help="joined into one value")
    add("-t", "--type", metavar="TYPE", type=value_type, help="see below")
    add("-p", "--parents", action="store_true", help="make PATH if it is not there")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("-o", "--output", metavar="OUT", help="file; - is stdout")
    to.add_argument(
        "-i", "--in-place", action="store_true", help="replace DTB by the result"
    )


def edit(args: argparse.Namespace, change: Change) -> int:
    """Change one property of a copy of the tree and write that."""
    if args.in_place and args.dtb == "-":
        raise UsageError("--in-place cannot change stdin; use -o OUT")
    wanted = args.type or guess_from_text(args.values)
    blob = read_blob(args.dtb)
    try:
        fdt = Fdt(blob)
        if args.parents and args.path not in fdt:
            node = fdt.add_node(args.path, parents=True)
        else:
            node = fdt[args.path]
        change(node, args.property, wanted, args.values)
        result = fdt.to_bytes()
    except FdtError as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    write_blob(args.dtb if args.in_place else args.output, result)
    return 0
