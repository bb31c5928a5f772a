# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Bytes behind the end that a file states."""

from __future__ import annotations

from ...errors import warn

__all__ = ["without_tail"]

FDT_MAGIC = b"\xd0\x0d\xfe\xed"
PIECE = 4096


def without_tail(
    data: bytes, size: int, where: str, what: str, because: str = ""
) -> bytes:
    """The first size bytes of data. What lies behind them, unless it is padding, is
    named in a warning.

    what: whose end that is. because: why it is left out.
    """
    if len(data) <= size:
        return data
    if any(any(data[at : at + PIECE]) for at in range(size, len(data), PIECE)):
        tree = data[size : size + 4] == FDT_MAGIC
        kind = "a device tree" if tree else f"{len(data) - size} bytes"
        reason = f": {because}" if because else ""
        warn(f"image {where}: {kind} behind the end of {what} left out{reason}")
    return data[:size]
