# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Delete a property, or a node with all below it."""

from __future__ import annotations

from .edit import change_tree, output_arguments, tree_arguments

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..tree.fdt import Fdt

EPILOG = """\
Without PROP the node is deleted with all below it, even if something refers to it.

examples:
  pyfdtx delete -i board.dtb /chosen bootargs
  pyfdtx delete board.dtb /soc/uart@1000 -o new.dtb
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    tree_arguments(parser)
    parser.add_argument("property", metavar="PROP", nargs="?", help="this alone")
    output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    def delete(fdt: Fdt) -> None:
        node = fdt[args.path]
        if args.property is None:
            node.delete()
        else:
            del node[args.property]

    return change_tree(args, delete)
