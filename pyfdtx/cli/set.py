# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Set a property to a value, adding it if it is not there."""

from __future__ import annotations

from .edit import common_arguments, edit
from .values import TYPES_HELP, encode, ranges

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..tree.fdt import Node
    from .types import ValueType

EPILOG = (
    TYPES_HELP.format(raw="")
    + """\
Without -t a VALUE must not look like a number or like bytes.
After "--" a VALUE may start with "-".

examples:
  pyfdtx set boot.dtb /chosen bootargs "console=ttyAMA0 quiet" -o new.dtb
  pyfdtx set -i boot.dtb /memory@40000000 reg -t reg 0x40000000,512M
  pyfdtx set -i boot.dtb /soc/uart@0 clock-frequency -t u32 48000000
"""
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    common_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return edit(args, _set)


def _set(node: Node, name: str, wanted: ValueType, values: list[str]) -> None:
    if wanted.kind == "reg":
        node.set_reg(name, ranges(values))
    else:
        node[name] = encode(wanted, values)
