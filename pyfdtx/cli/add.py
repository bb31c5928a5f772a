# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Add a node without properties."""

from __future__ import annotations

from .edit import change_tree, output_arguments, refuse_names, tree_arguments

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


EPILOG = """\
A node that is there already is an error. "set -p" adds a node with a property.

examples:
  pyfdtx add -i board.dtb /reserved-memory
  pyfdtx add -p board.dtb /firmware/optee -o new.dtb
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    tree_arguments(parser)
    parser.add_argument(
        "-p", "--parents", action="store_true", help="add missing nodes above as well"
    )
    output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    refuse_names(path=args.path)
    return change_tree(args, lambda fdt: fdt.add_node(args.path, parents=args.parents))
