# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Numbers as the kernel prints them. int() takes more: signs, blanks, underscores,
the digits of other scripts, and any length."""

from __future__ import annotations

__all__ = ["amount", "decimal", "hexadecimal"]

# Of 64 bits
MAX_HEX, MAX_DECIMAL = 16, 20


def hexadecimal(text: str) -> int:
    """1 to 16 hexadecimal digits, nothing else.

    Raises:
        ValueError: it is something else.
    """
    plain = text.isascii() and text.isalnum() and text[1:2] not in ("x", "X")
    if not plain or len(text) > MAX_HEX:
        raise ValueError(f"{text[:80]!r} is not hexadecimal")
    return int(text, 16)


def decimal(text: str) -> int:
    """1 to 20 decimal digits, nothing else.

    Raises:
        ValueError: it is something else.
    """
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DECIMAL:
        raise ValueError(f"{text[:80]!r} is not a number")
    return int(text)


UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def amount(size: int) -> str:
    """ "26.7 MiB", "40 bytes"."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
