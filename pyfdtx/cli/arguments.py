# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""argparse with our error lines; numbers and sizes as arguments."""

from __future__ import annotations

import argparse
import os
import re

from ..codec.reg import MemRange
from ..errors import FdtBadParameter
from .trouble import NORMAL, QUIET, VERBOSE, Trouble, UsageError, out_text

__all__ = ["Parser", "address_size", "machine_root", "memory", "number", "size"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# No leading zero: kernel and libfdt tools read it as octal, people do not
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]{1,40}|0|[1-9][0-9]{0,39})([kKmMgG]?)")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


# What argparse takes for an option: no number, and no text with a blank
OPTION = re.compile(r"-(?!\d+$|\d*\.\d+$)[^ ]+$")

# In front of an argument; no argument of a process has a NUL
MARK = "\0"


def _unmarked(value: Any) -> Any:
    return value.removeprefix(MARK) if isinstance(value, str) else value


class Parser(argparse.ArgumentParser):
    """One line for an error, help through our own writer, no abbreviations."""

    def __init__(self, **keywords: Any):
        keywords["formatter_class"] = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, **keywords)

    def add_loudness(self) -> None:
        """-q and -v, which all commands have."""
        either = self.add_mutually_exclusive_group()
        add = either.add_argument
        keywords: dict[str, Any] = {"dest": "loudness", "action": "store_const"}
        help = "say errors alone: no notes, no warnings"
        add("-q", "--quiet", const=QUIET, default=NORMAL, help=help, **keywords)
        help = "say what is read and written, too"
        add("-v", "--verbose", const=VERBOSE, default=NORMAL, help=help, **keywords)

    def parse(self, args: list[str]) -> argparse.Namespace:
        """Options and positionals mixed; behind "--" nothing is an option.

        argparse drops the "--" before it looks for positionals, so those
        behind are marked.
        """
        if "--" in args:
            at = args.index("--")
            args = args[:at] + [MARK + arg for arg in args[at + 1 :]]
        self._refuse_unknown(args)
        parsed = self.parse_intermixed_args(args)
        for name, value in vars(parsed).items():
            if isinstance(value, str):
                setattr(parsed, name, _unmarked(value))
            elif isinstance(value, list):
                setattr(parsed, name, [_unmarked(item) for item in value])
        return parsed

    def _refuse_unknown(self, args: list[str]) -> None:
        """Unknown options first: the nearest option helps more than the name of an
        argument that is missing."""
        known = self._option_string_actions
        taker = None  # the option whose value comes next
        for arg in args:
            name = arg.partition("=")[0]
            if arg == "--" or not OPTION.match(arg):
                taker = None
            elif taker is not None:
                self.error(
                    f"{taker} needs a value; one that starts with '-' is given as "
                    f"{taker}={arg}"
                )
            elif name in known:
                takes = "=" not in arg and known[name].nargs is None
                taker = name if takes else None
            elif name.startswith("--") or name[:2] not in known:
                from .unknown import unknown_option

                self.error(unknown_option(self.prog, name, list(known)))

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


def machine_root(text: str) -> str:
    """A directory with the files of a machine."""
    where = text or "''"
    if not os.path.lexists(text):
        raise Trouble(f"--root {where}: No such file or directory")
    if not os.path.isdir(text):
        raise Trouble(f"--root {where}: is no directory; 'pyfdtx capture' makes one")
    if not any(os.path.isdir(os.path.join(text, name)) for name in ("proc", "sys")):
        raise Trouble(
            f"--root {where}: has no machine's files, no proc and no sys; 'pyfdtx "
            "capture' copies them"
        )
    return text
