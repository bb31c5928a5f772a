# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""argparse with our error lines; numbers and sizes as arguments."""

from __future__ import annotations

import argparse
import re

from ..codec.reg import MemRange
from ..errors import FdtBadParameter
from .trouble import UsageError, out_text

__all__ = ["Parser", "address_size", "memory", "number", "size"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# No leading zero: kernel and libfdt tools read it as octal, people do not
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]{1,40}|0|[1-9][0-9]{0,39})([kKmMgG]?)")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


# In front of an argument; no argument of a process has a NUL
MARK = "\0"


def _unmarked(value: Any) -> Any:
    return value.removeprefix(MARK) if isinstance(value, str) else value


class Parser(argparse.ArgumentParser):
    """One line for an error, help through our own writer, no abbreviations."""

    def __init__(self, **keywords: Any):
        keywords["formatter_class"] = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, **keywords)

    def parse(self, args: list[str]) -> argparse.Namespace:
        """Options and positionals mixed; behind "--" nothing is an option.

        argparse drops the "--" before it looks for positionals, so those
        behind are marked.
        """
        if "--" in args:
            at = args.index("--")
            args = args[:at] + [MARK + arg for arg in args[at + 1 :]]
        parsed = self.parse_intermixed_args(args)
        for name, value in vars(parsed).items():
            if isinstance(value, str):
                setattr(parsed, name, _unmarked(value))
            elif isinstance(value, list):
                setattr(parsed, name, [_unmarked(item) for item in value])
        return parsed

    def error(self, message: str) -> NoReturn:
        message = message.replace(MARK, "")
        raise UsageError(f"{message} ('{self.prog} -h' helps)")

    def _print_message(self, message: str, file: Any | None = None) -> None:
        out_text(message)


def _parse(text: str, units: bool) -> int:
    match = NUMBER.fullmatch(text)
    if not match or (match[2] and not units):
        forms = "decimal or 0x hex" + (", with or without K, M or G" if units else "")
        what = f"'{text}'" if text else "nothing"
        raise argparse.ArgumentTypeError(f"{what} is not a number ({forms})")
    return int(match[1], 0) * UNITS[match[2].lower()]


def number(text: str) -> int:
    """ "4096" or "0x1000"."""
    return _parse(text, units=False)


def size(text: str) -> int:
    """A number of bytes: "4096", "0x1000", "4K", "1M", "2G"."""
    return _parse(text, units=True)


def address_size(text: str) -> MemRange:
    """ "ADDR,SIZE", both as size() takes them."""
    start, comma, length = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"'{text}' is not ADDR,SIZE")
    try:
        return MemRange(size(start), size(length))
    except argparse.ArgumentTypeError as e:
        raise argparse.ArgumentTypeError(f"'{text}' is not ADDR,SIZE: {e}") from None
    except FdtBadParameter:
        raise argparse.ArgumentTypeError(
            f"'{text}' reaches beyond the end of 64-bit addresses"
        ) from None


def memory(text: str) -> MemRange:
    """As address_size(), but not empty."""
    found = address_size(text)
    if not found.size:
        raise argparse.ArgumentTypeError(f"'{text}' is empty")
    return found
