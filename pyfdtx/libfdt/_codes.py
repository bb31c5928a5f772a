# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Error codes, the exception and what turns one into the other."""

from __future__ import annotations

from .._libfdt import (
    FDT_ERR_BADLAYOUT,
    FDT_ERR_BADMAGIC,
    FDT_ERR_BADNCELLS,
    FDT_ERR_BADOFFSET,
    FDT_ERR_BADOVERLAY,
    FDT_ERR_BADPATH,
    FDT_ERR_BADPHANDLE,
    FDT_ERR_BADSTATE,
    FDT_ERR_BADSTRUCTURE,
    FDT_ERR_BADVALUE,
    FDT_ERR_BADVERSION,
    FDT_ERR_EXISTS,
    FDT_ERR_INTERNAL,
    FDT_ERR_NOPHANDLES,
    FDT_ERR_NOSPACE,
    FDT_ERR_NOTFOUND,
    FDT_ERR_TRUNCATED,
    fdt_strerror,
)

__all__ = [
    "BADLAYOUT",
    "BADMAGIC",
    "BADNCELLS",
    "BADOFFSET",
    "BADOVERLAY",
    "BADPATH",
    "BADPHANDLE",
    "BADSTATE",
    "BADSTRUCTURE",
    "BADVALUE",
    "BADVERSION",
    "EXISTS",
    "INTERNAL",
    "NOPHANDLES",
    "NOSPACE",
    "NOTFOUND",
    "QUIET_ALL",
    "QUIET_NOSPACE",
    "QUIET_NOTFOUND",
    "TRUNCATED",
    "FdtException",
    "check_err",
    "check_err_null",
    "strerror",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any, TypeVar

    T = TypeVar("T")

NOTFOUND = FDT_ERR_NOTFOUND
EXISTS = FDT_ERR_EXISTS
NOSPACE = FDT_ERR_NOSPACE
BADOFFSET = FDT_ERR_BADOFFSET
BADPATH = FDT_ERR_BADPATH
BADPHANDLE = FDT_ERR_BADPHANDLE
BADSTATE = FDT_ERR_BADSTATE
TRUNCATED = FDT_ERR_TRUNCATED
BADMAGIC = FDT_ERR_BADMAGIC
BADVERSION = FDT_ERR_BADVERSION
BADSTRUCTURE = FDT_ERR_BADSTRUCTURE
BADLAYOUT = FDT_ERR_BADLAYOUT
INTERNAL = FDT_ERR_INTERNAL
BADNCELLS = FDT_ERR_BADNCELLS
BADVALUE = FDT_ERR_BADVALUE
BADOVERLAY = FDT_ERR_BADOVERLAY
NOPHANDLES = FDT_ERR_NOPHANDLES

# As upstream: a range, and without the two codes that came later
QUIET_ALL = range(NOTFOUND, NOPHANDLES + 1)
QUIET_NOTFOUND = (NOTFOUND,)
QUIET_NOSPACE = (NOSPACE,)


class FdtException(Exception):
    """An error of libfdt.

    Attributes:
        err: the code, negative.
    """

    def __init__(self, err: int) -> None:
        self.err = err

    def __str__(self) -> str:
        return f"pylibfdt error {self.err}: {fdt_strerror(self.err)}"


def strerror(fdt_err: int) -> str:
    """Name of a negative error code."""
    return fdt_strerror(fdt_err)


def check_err(val: T, quiet: Container[int] = ()) -> T:
    """val itself, unless it is a negative int whose code is not in quiet.

    Raises:
        FdtException: it is.
    """
    if isinstance(val, int) and val < 0 and -val not in quiet:
        raise FdtException(val)
    return val


def check_err_null(val: Any, quiet: Container[int] = ()) -> list[Any]:
    """val as a list whose first item is None on errors, then the code.

    Raises:
        FdtException: the first item is None and the code is not in quiet.
    """
    both: list[Any] = val if isinstance(val, list) else [None, val]
    if both[0] is None and -both[1] not in quiet:
        raise FdtException(both[1])
    return both
