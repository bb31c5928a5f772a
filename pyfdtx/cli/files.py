# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Blobs in, results out. An output file appears whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from .trouble import Killed, Trouble, UsageError, because, out, write_all

__all__ = ["called", "read_blob", "write_blob"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Restore = Callable[[], None]

MAGIC = b"\xd0\x0d\xfe\xed"
HEAD = 64  # more than a header, so that a wrong one is judged as such


def called(path: str) -> str:
    """A file as messages name it."""
    return "stdin" if path == "-" else path or "''"


def read_blob(path: str) -> bytes:
    """A device tree blob from a file, or from stdin for "-".

    Reads no more than the header promises, so that /dev/zero or a disk by
    mistake is no trouble. Validates nothing.
    """
    if path == "-" and sys.stdin is None:
        raise Trouble("stdin: closed")
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            return _blob(file)
    except OSError as e:
        raise Trouble(f"{called(path)}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{called(path)}: {e}") from None


def _blob(file: BinaryIO) -> bytes:
    head = file.read(HEAD)
    totalsize = int.from_bytes(head[4:8], "big")
    if head[:4] != MAGIC or totalsize >= 1 << 31:
        return head
    return head + file.read(max(0, totalsize - HEAD))


def write_blob(path: str, data: bytes) -> None:
    """A blob to a file, or to stdout for "-"; not to a terminal.

    A regular file is written beside its target and renamed over it; it keeps
    the permission bits and, where allowed, the owner of what it replaces, and
    a symbolic link stays one. Anything else (pipe, device) is written to.
    """
    if path in ("-", "/dev/stdout"):
        if sys.stdout is not None and os.isatty(1):
            raise UsageError("stdout: a terminal is no place for a binary; use -o FILE")
        return out(data)
    if not path:
        raise UsageError("the name of the output file is empty")
    try:
        try:
            old = os.stat(path)
        except FileNotFoundError:
            old = None
        if old and (not stat.S_ISREG(old.st_mode) or path.startswith("/dev/fd/")):
            return _write_through(path, data)
        if path.endswith("/"):
            raise Trouble(f"{path}: Is a directory")
        if old and not os.access(path, os.W_OK):
            raise Trouble(f"{path}: Permission denied")
        return _replace(path, old, data)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise Trouble(f"{path}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{path}: {e}") from None


def _write_through(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if os.isatty(fd):
            raise UsageError(f"{path}: a terminal is no place for a binary")
        write_all(fd, data)
    finally:
        os.close(fd)


def _replace(path: str, old: os.stat_result | None, data: bytes) -> None:
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".pyfdtx-{os.urandom(8).hex()}")
    restore = _tidy_up_on_signals()
    try:
        # 0o666: the umask takes away what it takes from any new file
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            fd = os.open(temporary, flags, 0o666)
        except OSError as e:
            raise Trouble(
                f"{path}: cannot create a file in {folder}: {because(e)}"
            ) from None
        try:
            if old:
                _inherit(fd, old)
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, target)
    except BaseException:
        with suppress(OSError):  # not created, or renamed already
            os.unlink(temporary)
        raise
    finally:
        restore()
    _sync_folder(folder)


def _inherit(fd: int, old: os.stat_result) -> None:
    with suppress(OSError):  # only root may give files away
        os.fchown(fd, old.st_uid, old.st_gid)
    os.fchmod(fd, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: str) -> None:
    """Make the rename last. The file is complete: not every file system can
    do this, and none of its failures undoes the rename."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _tidy_up_on_signals() -> Restore:
    """SIGTERM and SIGHUP become an exception until the result is called;
    where they are ignored (nohup) or handled they stay so."""
    import signal

    def handler(number: int, _: object) -> None:
        raise Killed(signal.Signals(number).name)

    changed = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            try:
                signal.signal(number, handler)
            except ValueError:
                break  # not the main thread
            changed.append(number)

    def restore() -> None:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)

    return restore
