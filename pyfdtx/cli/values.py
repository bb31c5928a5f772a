# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Values of properties as arguments of the command line."""

from __future__ import annotations

import argparse

from .arguments import address_size, number
from .trouble import UsageError
from .types import KINDS, ValueType, known_type

__all__ = [
    "TYPES_HELP",
    "encode",
    "guess_from_text",
    "ranges",
    "value_type",
]

TYPES_HELP = """\
types (-t):
  string           text; several make a list
  u8 u16 u32 u64   numbers, decimal or 0x hex, big-endian; cells is u32
  bytes            hex pairs: 00112233 or "00 11" or 00:11:22:33
  reg              ADDR,SIZE in the cells of the node's parent; K, M, G allowed
  empty            no value, a flag
{raw}  s x u i          as in fdtget and fdtput: text, hex without 0x, decimal,
                   signed; before x, u, i: b or hh 1 byte, h 2, l 4 (default)

"""


def value_type(text: str) -> ValueType:
    """The argument of -t."""
    known = known_type(text)
    if known is not None:
        return known
    raise argparse.ArgumentTypeError(
        f"unknown type '{text}' (choose from {', '.join(KINDS)}, "
        "x, u, i with b, h, l before)"
    )


def guess_from_text(values: list[str]) -> ValueType:
    """string, if no value can be taken for anything else."""
    for value in values:
        if not value or not value.strip("0123456789abcdefABCDEFxX,.:-+kKmMgG \t"):
            raise UsageError(
                f"'{value}' could be text, a number or bytes: say which with -t, "
                "for example -t string or -t u32"
            )
    if not values:
        raise UsageError("no value given; -t empty makes a property without one")
    return ValueType("string", *KINDS["string"])


def encode(wanted: ValueType, values: list[str]) -> bytes:
    """The bytes of VALUE... for every kind but reg.

    Raises:
        UsageError: a value is not of that type or does not fit.
    """
    if wanted.kind == "raw":
        raise UsageError("-t raw is for reading; write with -t bytes")
    if wanted.kind == "empty":
        if values:
            raise UsageError(f"-t empty takes no value, there is '{values[0]}'")
        return b""
    if not values:
        raise UsageError(
            f"no value given for -t {wanted.text}; -t empty makes a property without"
        )
    if wanted.kind == "string":
        return b"".join(map(_text, values))
    if wanted.kind == "bytes":
        return b"".join(map(_hex, _words(wanted.text, values)))
    return b"".join([_number(word, wanted) for word in _words(wanted.text, values)])


def _words(wanted: str, values: list[str]) -> list[str]:
    words = [word for value in values for word in value.split()]
    if not words:
        # An unset variable of a script would make the property empty
        raise UsageError(
            f"no value given for -t {wanted}; -t empty makes a property without"
        )
    return words


def ranges(values: list[str]) -> list[tuple[int, int]]:
    """VALUE... of -t reg."""
    try:
        return [address_size(word) for word in _words("reg", values)]
    except argparse.ArgumentTypeError as e:
        raise UsageError(f"-t reg: {e}") from None


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape") + b"\0"


def _hex(value: str) -> bytes:
    digits = "".join(value.replace(":", " ").split())
    if digits[:2] in ("0x", "0X"):
        digits = digits[2:]
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise UsageError(f"-t bytes: '{value}' is not pairs of hex digits") from None


def _number(word: str, wanted: ValueType) -> bytes:
    bits = 8 * wanted.width
    minus = wanted.base == -10 and word[:1] == "-"
    digits = word[1:] if minus else word
    if wanted.base == 16 and digits[:2] not in ("0x", "0X"):
        digits = "0x" + digits
    try:
        value = number(digits)
    except argparse.ArgumentTypeError as e:
        raise UsageError(f"-t {wanted.text}: {e}") from None
    if minus:
        value = -value
    if not -1 << (bits - 1) <= value < 1 << bits:
        raise UsageError(f"-t {wanted.text}: {word} does not fit into {bits} bits")
    return (value % (1 << bits)).to_bytes(wanted.width, "big")
