# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files that others may have prepared: read up to a limit, written by descriptor.

Everything here raises OSError, with words of ours as its strerror where the
system has none. Callers name the file and the operation.
"""

from __future__ import annotations

import os

__all__ = ["write_all"]


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
