# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A kernel's command line: its words, and numbers as they stand there."""

from __future__ import annotations

__all__ = ["mem_words", "memparse", "plain"]

DIGITS = "0123456789abcdef"
UNITS = {"k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}


def memparse(text: str) -> tuple[int, str]:
    """(number modulo 2**64, what stands behind it).

    Source: Linux lib/cmdline.c memparse(): hexadecimal behind 0x, octal behind
    0, else decimal; one of K, M, G, T, P, E behind it; 0 if there is no digit.
    """
    lower = text.lower()
    base, at = 10, 0
    if lower[:2] == "0x" and lower[2:3] and lower[2] in DIGITS:
        base, at = 16, 2
    elif lower[:1] == "0":
        base = 8
    number = 0
    # 2048 bytes are the longest command line: no harm in going by digit
    while lower[at : at + 1] and lower[at] in DIGITS[:base]:
        number = (number * base + DIGITS.index(lower[at])) % (1 << 64)
        at += 1
    unit = UNITS.get(lower[at : at + 1], 0)
    return (number << unit) % (1 << 64), text[at + bool(unit) :]


# What ends a word: Linux, lib/cmdline.c next_arg(), which also takes a quote off, and
# isspace() of lib/ctype.c, which is Latin-1
_SPACES = bytes.maketrans(b"\t\n\v\f\r\xa0", b"      ")


def plain(line: bytes) -> list[bytes]:
    """The words of a line, as Linux finds them; quotes are left where they are."""
    return line.translate(_SPACES).split(b" ")


def mem_words(line: bytes) -> list[str]:
    """The values of its mem= words, as Linux finds them."""
    words = line.translate(_SPACES).decode("latin-1").replace('"', "").split(" ")
    return [w[len("mem=") :] for w in words if w.startswith("mem=")]
