# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files that others may have prepared: read up to a limit, written by descriptor.

Everything here raises OSError, with words of ours as its strerror where the
system has none. Callers name the file and the operation.
"""

from __future__ import annotations

import os

__all__ = ["ignoring", "write_all"]


class ignoring:
    """contextlib's suppress(); the package around that is dear to import."""

    __slots__ = ("kind",)

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self.kind)


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
