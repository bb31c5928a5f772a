# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Append to a property's value, adding the property if it is not there."""

from __future__ import annotations

from ..errors import FdtBadContent
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
Text is added as one more string of a list. bootargs is no list: set it as a whole.
Without -t a VALUE must not look like a number or like bytes. After "--" a VALUE may
start with "-".

examples:
  pyfdtx append boot.dtb / compatible -t string vendor,fallback -o new.dtb
  pyfdtx append -i boot.dtb /chosen linux,usable-memory-range -t reg 0x80000000,64M
"""
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    common_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return edit(args, _append)


def _append(node: Node, name: str, wanted: ValueType, values: list[str]) -> None:
    if wanted.kind == "reg":
        node.append_reg(name, ranges(values))
        return
    more = encode(wanted, values)
    old = node.get(name, b"")
    where = f"{node.path}:{name}"
    if wanted.kind == "string" and old and old[-1]:
        raise FdtBadContent(
            "append", where, "the old value does not end with a NUL, so it is no text"
        )
    if wanted.kind == "number" and len(old) % wanted.width:
        raise FdtBadContent(
            "append",
            where,
            f"the old value has {len(old)} bytes, no multiple of {wanted.width}",
        )
    node.append(name, more)
