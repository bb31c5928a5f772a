# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Exceptions, in the groups of libfdt.h, and the table of error codes.

Every error carries what failed (`op`), where (`where`: node path and, after a
colon, the property) and why (`cause`, with the way out). Imports nothing from
the package.
"""

from __future__ import annotations

__all__ = [
    "FdtBadBlob",
    "FdtBadContent",
    "FdtBadParameter",
    "FdtError",
    "FdtExists",
    "FdtImageError",
    "FdtInternal",
    "FdtLoadError",
    "FdtMachineError",
    "FdtNoRoom",
    "FdtNoSpace",
    "FdtNotFound",
    "FdtStale",
    "FdtWarning",
    "error",
    "warn",
]


class FdtError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: negative, as libfdt gives it; 0 if libfdt has no code for it.
        name: libfdt's name of the code, "FDT_ERR_NOSPACE"; "" for code 0.
        op: the operation, "fdt_setprop".
        where: "/chosen:linux,elfcorehdr", "/chosen", a file, or "".
        cause: one sentence: the value, what is wrong with it, the way out.
    """

    def __init__(self, op: str, where: str = "", cause: str = "", code: int = 0):
        super().__init__(op, where, cause, code)
        self.op = op
        self.where = where
        self.cause = cause
        self.code = code

    @property
    def name(self) -> str:
        known = 0 < -self.code <= len(_CODES)
        return "FDT_ERR_" + _CODES[-self.code - 1][0] if known else ""

    def __str__(self) -> str:
        head = f"{self.op} {self.where}" if self.where else self.op
        why = self.cause
        if self.name:
            why = f"{why} ({self.name})" if why else self.name
        text = f"{head}: {why or f'error {self.code}'}"
        # Names may hold any bytes, as surrogates, which no stream takes
        return text.encode("utf-8", "backslashreplace").decode()


class FdtNotFound(FdtError, LookupError):
    """A node, property, label, alias or phandle does not exist."""


class FdtStale(FdtNotFound):
    """A node handle whose node has been deleted."""


class FdtExists(FdtError):
    """A node or property of that name exists already."""


class FdtNoSpace(FdtError):
    """The tree does not fit: only the drop-in module reports this."""


class FdtBadParameter(FdtError, ValueError):
    """An argument of the caller is wrong."""


class FdtBadBlob(FdtError, ValueError):
    """The blob is not a sound device tree."""


class FdtBadContent(FdtError, ValueError):
    """The tree is sound, its content does not allow the operation."""


class FdtInternal(FdtError, RuntimeError):
    """libfdt found itself in an impossible state."""


class FdtMachineError(FdtError):
    """A fact of the machine is missing, unreadable or contradicts another."""


class FdtImageError(FdtError, ValueError):
    """A file is not a kernel image that can be loaded."""


class FdtNoRoom(FdtError):
    """The memory of the machine has no place for what is to be loaded."""


class FdtLoadError(FdtError):
    """A kernel cannot be loaded, unloaded or started.

    Attributes:
        errno: what the running kernel answered, as in the module errno; 0 if it was
            not asked.
        call: the system call that it refused: "kexec_load", "kexec_file_load" or
            "reboot"; "" if it was not asked.
    """

    def __init__(
        self,
        op: str,
        where: str = "",
        cause: str = "",
        code: int = 0,
        errno: int = 0,
    ):
        super().__init__(op, where, cause, code)
        self.args = (op, where, cause, code, errno)
        self.errno = errno

    @property
    def call(self) -> str:
        return self.op if self.errno else ""


class FdtWarning(UserWarning):
    """The tree is made, but the kernel that reads it will not do as asked."""


def warn(text: str) -> None:
    """An FdtWarning at the line, outside of this package, that called it."""
    import sys
    import warnings

    package = __name__.partition(".")[0]
    frame, level = sys._getframe(), 1
    while str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        if frame.f_back is None:
            break
        frame, level = frame.f_back, level + 1
    warnings.warn(text, FdtWarning, stacklevel=level)


# In the order of libfdt.h: the code of an entry is minus its place, from 1.
# A test holds names and places against the compiler's values.
_CODES: tuple[tuple[str, type[FdtError], str], ...] = (
    ("NOTFOUND", FdtNotFound, "does not exist"),
    ("EXISTS", FdtExists, "exists already"),
    ("NOSPACE", FdtNoSpace, "does not fit into the buffer"),
    ("BADOFFSET", FdtBadParameter, "no node or property at this offset"),
    ("BADPATH", FdtBadParameter, "not a path: it must start with '/' or an alias"),
    ("BADPHANDLE", FdtBadParameter, "not a valid phandle"),
    ("BADSTATE", FdtBadParameter, "the tree is not complete"),
    ("TRUNCATED", FdtBadBlob, "the blob is cut off"),
    ("BADMAGIC", FdtBadBlob, "not a device tree blob"),
    ("BADVERSION", FdtBadBlob, "unsupported format version"),
    ("BADSTRUCTURE", FdtBadBlob, "the structure block is damaged"),
    ("BADLAYOUT", FdtBadBlob, "the blocks are not where they should be"),
    ("INTERNAL", FdtInternal, "internal error of libfdt"),
    ("BADNCELLS", FdtBadContent, "bad #address-cells or #size-cells"),
    ("BADVALUE", FdtBadContent, "a value does not fit or has the wrong form"),
    ("BADOVERLAY", FdtBadContent, "the overlay cannot be applied to this tree"),
    ("NOPHANDLES", FdtBadContent, "no free phandle is left"),
    ("BADFLAGS", FdtBadParameter, "invalid flags"),
    ("ALIGNMENT", FdtBadBlob, "not aligned"),
)


def error(code: int, op: str, where: str = "", cause: str = "") -> FdtError:
    """The exception for a negative libfdt code; an unknown code gives FdtError."""
    if 0 < -code <= len(_CODES):
        _, cls, text = _CODES[-code - 1]
        return cls(op, where, cause or text, code)
    return FdtError(op, where, cause, code)
