# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Blobs in, results out. An output file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from stat import S_ISREG

from ..files.kinds import MAGIC, kind_of, other_version, trees_in
from ..files.reading import LIMITS, open_regular, read_some, read_whole
from ..files.writing import TerminalError, write_file
from ..tree.names import without_root_name
from .trouble import Killed, Trouble, UsageError, because, detail, out
from .trouble import note as say_note

__all__ = [
    "called",
    "is_private",
    "read_all",
    "read_blob",
    "tidy_on_signals",
    "write_blob",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# As many zeros behind a tree are not mentioned
PADDING = 1 << 20
HEAD = 64  # more than a header, so that a wrong one is judged as such


def called(path: str) -> str:
    """A file as messages name it."""
    return "stdin" if path == "-" else path or "''"


def read_blob(path: str, index: int | None = None, *, note: bool = True) -> bytes:
    """A device tree blob from a file or a pipe, or from stdin for "-".

    Reads no more than the header promises. Validates nothing.

    Args:
        index: which of several that are joined, or in Android's table, from 0; None:
            the first, and a table is refused.
        note: say so if a file has more.
    """
    found = _reading(
        path, lambda fd: _blob(fd) if index is None else _indexed(fd, index)
    )
    blob, behind = found
    if index is not None and not blob:
        raise Trouble(
            f"{called(path)}: has no device tree of index {index}; "
            "pyfdtx show --list names those it has"
        )
    kind = other_version(blob)
    if blob[:4] != MAGIC:
        kind = kind_of(blob)
    if kind:
        what, helps = kind
        raise Trouble(f"{called(path)}: is {what}; {helps.format(file=called(path))}")
    promised = int.from_bytes(blob[4:8], "big")
    if blob[:4] == MAGIC and len(blob) < promised < 1 << 31:
        raise Trouble(
            f"{called(path)}: its header says {promised} bytes, there are {len(blob)}: "
            "it is cut off; take it again from where it came"
        )
    detail(f"{called(path)}: read, {len(blob)} bytes")
    without = without_root_name(blob)
    if without is not None:
        say_note(
            f"note: {called(path)}: the root's name is left out, it must have none"
        )
        blob = without
    if behind and note:
        say_note(
            f"note: {called(path)}: {behind} bytes behind the tree are left out "
            "(pyfdtx show --list names trees among them)"
        )
    return blob


def read_all(path: str) -> bytes:
    """All of a file."""
    return _reading(path, lambda fd: read_whole(fd, LIMITS["blob"]))


def _reading(path: str, read: Callable[[int], T]) -> T:
    if path == "-" and sys.stdin is None:
        raise Trouble("stdin: closed")
    try:
        if path == "-":
            return read(0)
        fd = open_regular(path, pipes=True)
        try:
            return read(fd)
        finally:
            os.close(fd)
    except OSError as e:
        raise Trouble(f"{called(path)}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{called(path)}: {e}") from None


def _blob(fd: int) -> tuple[bytes, int]:
    """What the header promises, and how many bytes a file has behind it."""
    head = read_some(fd, HEAD)
    totalsize = int.from_bytes(head[4:8], "big")
    if head[:4] != MAGIC or totalsize >= 1 << 31:
        return head, 0
    limit = LIMITS["blob"]
    if totalsize > limit:
        raise OSError(errno.EFBIG, f"says it has {totalsize} bytes, more than {limit}")
    stat = os.fstat(fd)
    regular = S_ISREG(stat.st_mode) and os.lseek(fd, 0, os.SEEK_CUR) == len(head)
    if regular:  # in one piece, for it may be large
        os.lseek(fd, 0, os.SEEK_SET)
        blob = read_some(fd, max(totalsize, HEAD))
    else:
        blob = head + read_some(fd, max(0, totalsize - HEAD))
    behind = stat.st_size - len(blob) if regular else 0
    # Zeros are padding, of a partition for one
    if behind <= 0 or (behind <= PADDING and not read_some(fd, PADDING).strip(b"\0")):
        return blob, 0
    return blob, behind


def _indexed(fd: int, index: int) -> tuple[bytes, int]:
    data = memoryview(read_whole(fd, LIMITS["blob"]))
    trees = trees_in(data)
    if index >= len(trees):
        return b"", 0
    start, size = trees[index]
    return bytes(data[start : start + size]), 0


def is_private(path: str) -> bool:
    """Whether a file is readable by its owner alone."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # gone meanwhile
        return True
    return S_ISREG(mode) and not mode & 0o044


def write_blob(path: str, data: bytes, *, private: bool) -> None:
    """A blob to a file, or to stdout for "-"; not to a terminal.

    private: it has seeds, addresses or memory, so that only its owner may read
    it. write_file() says what becomes of an existing file.
    """
    if path in ("-", "/dev/stdout"):
        if sys.stdout is not None and os.isatty(1):
            raise UsageError("stdout: a terminal is no place for a binary; use -o FILE")
        out(data)
        return
    if not path:
        raise UsageError("the name of the output file is empty")
    try:
        with tidy_on_signals():
            write_file(path, data, private=private)
    except BrokenPipeError:
        raise
    except TerminalError as e:
        raise UsageError(f"{path}: {because(e)}") from None
    except OSError as e:
        raise Trouble(f"{path}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{path}: {e}") from None
    detail(f"{path}: written, {len(data)} bytes")


class tidy_on_signals:
    """In its `with` block SIGTERM and SIGHUP raise, so that what is half done is
    removed; the process then ends by the signal. If they are ignored (nohup) or
    handled already, nothing changes."""

    def __enter__(self) -> None:
        import signal

        self._changed: list[int] = []
        self._killed = False
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                try:
                    signal.signal(number, self._kill)
                except ValueError:
                    return  # not the main thread
                self._changed.append(number)

    def _kill(self, number: int, _: object) -> None:
        import signal

        if not self._killed:  # a second one must not stop the tidying
            self._killed = True
            raise Killed(signal.Signals(number).name)

    def __exit__(self, *_: object) -> None:
        import signal

        if self._killed:  # the process is about to end
            return
        for number in self._changed:
            signal.signal(number, signal.SIG_DFL)
