# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Error codes, the exception and what turns one into the other."""

from __future__ import annotations

from .. import _libfdt as raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any, TypeVar

    T = TypeVar("T")

NOTFOUND = raw.FDT_ERR_NOTFOUND
EXISTS = raw.FDT_ERR_EXISTS
NOSPACE = raw.FDT_ERR_NOSPACE
BADOFFSET = raw.FDT_ERR_BADOFFSET
BADPATH = raw.FDT_ERR_BADPATH
BADPHANDLE = raw.FDT_ERR_BADPHANDLE
BADSTATE = raw.FDT_ERR_BADSTATE
TRUNCATED = raw.FDT_ERR_TRUNCATED
BADMAGIC = raw.FDT_ERR_BADMAGIC
BADVERSION = raw.FDT_ERR_BADVERSION
BADSTRUCTURE = raw.FDT_ERR_BADSTRUCTURE
BADLAYOUT = raw.FDT_ERR_BADLAYOUT
INTERNAL = raw.FDT_ERR_INTERNAL
BADNCELLS = raw.FDT_ERR_BADNCELLS
BADVALUE = raw.FDT_ERR_BADVALUE
BADOVERLAY = raw.FDT_ERR_BADOVERLAY
NOPHANDLES = raw.FDT_ERR_NOPHANDLES

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
        return f"pylibfdt error {self.err}: {raw.fdt_strerror(self.err)}"


def strerror(fdt_err: int) -> str:
    """Name of a negative error code."""
    return raw.fdt_strerror(fdt_err)


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
    if not isinstance(val, list):
        val = [None, val]
    if val[0] is None and -val[1] not in quiet:
        raise FdtException(val[1])
    return val
