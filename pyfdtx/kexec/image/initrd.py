# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An initrd that is read only when it has its place."""

from __future__ import annotations

import os

from ...errors import FdtBadParameter
from ...files.reading import open_regular, read_some

__all__ = ["InitrdFile"]

OP = "plan"


class InitrdFile:
    """A regular file; its length is what it is now, its content is read later.

    Raises:
        FdtBadParameter: it cannot be looked at, or is no regular file.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        try:
            fd = open_regular(self.path)
            self._size = os.fstat(fd).st_size
            os.close(fd)
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
            fd = open_regular(self.path)
            try:
                data = read_some(fd, self._size + 1)
            finally:
                os.close(fd)
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
