# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An initrd that is not read before there is a place for it."""

from __future__ import annotations

import os

from ...errors import FdtBadParameter

__all__ = ["InitrdFile"]

OP = "plan"


class InitrdFile:
    """A regular file; its length is what it is now, its content is read later.

    Raises:
        FdtBadParameter: it cannot be looked at.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        try:
            self._size = os.stat(self.path).st_size
        except (OSError, ValueError) as e:
            raise self._refusal(e) from None

    def __len__(self) -> int:
        return self._size

    def read(self) -> bytes:
        """All of it.

        Raises:
            FdtBadParameter: it cannot be read, or has another length now.
        """
        try:
            with open(self.path, "rb") as f:
                data = f.read(self._size + 1)
        except OSError as e:
            raise self._refusal(e) from None
        if len(data) != self._size:
            raise FdtBadParameter(
                OP, f"initrd {self.path}", "changed while it was looked at; try again"
            )
        return data

    def _refusal(self, e: Exception) -> FdtBadParameter:
        cause = (e.strerror if isinstance(e, OSError) else None) or str(e)
        return FdtBadParameter(OP, f"initrd {self.path}", cause)
