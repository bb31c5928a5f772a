# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Writing: what appears is whole, and nobody else has a hand in it.

New content goes into a file, or a folder, of an unpredictable name that is made
here and nowhere else, readable by its owner alone. It is renamed into place,
relative to a descriptor of the folder that was named. The last part of a name is
never followed if it is a link, and nothing is deleted but what was made here.

Private content (seeds, addresses, all that a dump or a capture has) stays
readable by its owner alone, whatever was there before.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from . import write_all

__all__ = ["NewFolder", "TerminalError", "write_file"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LINK = "is a symbolic link, which is not followed; name what it leads to"


class TerminalError(OSError):
    """Binary data was about to be written to a terminal."""


def _fresh_name() -> str:
    return f".pyfdtx-{os.urandom(16).hex()}"


def _open_parent(path: str) -> tuple[int, str]:
    """A descriptor of the folder that path lies in, and its last part."""
    folder, name = os.path.split(path)
    try:
        fd = os.open(folder or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as e:
        raise _cannot_create(path, e) from None
    return fd, name


def _cannot_create(path: str, e: OSError) -> OSError:
    folder = os.path.realpath(os.path.dirname(path))
    return OSError(e.errno, f"cannot create a file in {folder}: {e.strerror}")


def _stat(name: str, folder: int) -> os.stat_result | None:
    """Of what is there, a link itself; None if nothing is."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _forget(name: str, folder: int) -> None:
    with suppress(OSError):  # not created, or renamed already
        os.unlink(name, dir_fd=folder)


def _sync(folder: int) -> None:
    """Make a rename last. Not every file system can do this, and none of its
    failures undoes the rename."""
    with suppress(OSError):
        fd = os.open(".", FOLDER, dir_fd=folder)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _of_the_system(folder: str) -> bool:
    """Whether the links in it are the system's: /dev/stderr, /dev/fd/3."""
    real = os.path.realpath(folder)
    return real == "/dev" or real.startswith("/proc/")


def write_file(path: str, data: bytes, *, private: bool) -> None:
    """Put data into a file.

    A regular file is replaced as a whole. The new one has mode 0600 until it is
    complete. Then, if private, it keeps that mode, less what the old one did not
    have, and belongs to the caller; else it gets mode and, where allowed, owner
    of the old one. Without an old one it is what the umask leaves.

    Pipes and devices are written to, also by the system's own links in /dev.

    Raises:
        OSError: it cannot be written, or path is a link.
    """
    if path.endswith("/"):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder, name = _open_parent(path)
    try:
        old = _stat(name, folder)
        if old is not None and not stat.S_ISREG(old.st_mode):
            _write_through(path, name, folder, data)
        elif old is not None and not os.access(name, os.W_OK, dir_fd=folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            _replace(path, folder, old, data, private)
    finally:
        os.close(folder)


def _write_through(path: str, name: str, folder: int, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY
    if not _of_the_system(os.path.dirname(path)):
        flags |= os.O_NOFOLLOW
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, LINK) from None
        raise
    try:
        if flags & os.O_NOFOLLOW and stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EAGAIN, "was replaced meanwhile; try again")
        if os.isatty(fd):
            raise TerminalError(errno.EINVAL, "a terminal is no place for a binary")
        write_all(fd, data)
    finally:
        os.close(fd)


def _replace(
    path: str, folder: int, old: os.stat_result | None, data: bytes, private: bool
) -> None:
    name, temporary = os.path.basename(path), _fresh_name()
    try:
        # 0o666: the umask takes away what it takes from any new file
        mode = 0o600 if private or old else 0o666
        try:
            fd = os.open(temporary, CREATE, mode, dir_fd=folder)
        except OSError as e:
            raise _cannot_create(path, e) from None
        try:
            write_all(fd, data)
            if old:
                _inherit(fd, old, private)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _forget(temporary, folder)
        raise
    _sync(folder)


def _inherit(fd: int, old: os.stat_result, private: bool) -> None:
    if not private:
        with suppress(OSError):  # only root may give files away
            os.fchown(fd, old.st_uid, old.st_gid)
    os.fchmod(fd, stat.S_IMODE(old.st_mode) & (0o600 if private else 0o777))


class NewFolder:
    """A folder that appears with all that was written into it, or not at all.

    Used by `with`: it is renamed into place when the block ends, and removed if
    the block raises. It has mode 0700, its files 0600.

    Raises:
        FileExistsError: target exists.
        OSError: it cannot be made or renamed.
    """

    def __init__(self, target: str):
        self._parent, self._name = _open_parent(target.rstrip("/") or target)
        self._partial = _fresh_name()
        self._fd = -1
        self._files: list[str] = []
        self._folders: dict[str, None] = {}

    def __enter__(self) -> NewFolder:
        try:
            if not self._name or _stat(self._name, self._parent) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.mkdir(self._partial, 0o700, dir_fd=self._parent)
            self._fd = os.open(self._partial, FOLDER, dir_fd=self._parent)
            self._must_be_ours()
        except BaseException:
            self._undo()
            raise
        return self

    def _must_be_ours(self) -> None:
        """Where all may rename, another one can be in its place."""
        found = os.fstat(self._fd)
        if found.st_uid != os.geteuid() or os.listdir(self._fd):
            raise OSError(errno.EAGAIN, "somebody else writes to its folder")

    def write(self, name: str, data: bytes) -> None:
        """A new file. name: relative; folders on the way are made."""
        folder, _, last = name.rpartition("/")
        self._make(folder)
        at = self._open(folder)
        try:
            self._files.append(name)
            fd = os.open(last, CREATE, 0o600, dir_fd=at)
        finally:
            os.close(at)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)

    def _make(self, folder: str) -> None:
        if not folder or folder in self._folders:
            return
        above, _, last = folder.rpartition("/")
        self._make(above)
        at = self._open(above)
        try:
            self._folders[folder] = None
            os.mkdir(last, 0o700, dir_fd=at)
        finally:
            os.close(at)

    def _open(self, folder: str) -> int:
        """A descriptor of a folder inside; no part of the way is a link."""
        fd = os.dup(self._fd)
        for part in folder.split("/") if folder else ():
            above = fd
            try:
                fd = os.open(part, FOLDER, dir_fd=above)
            finally:
                os.close(above)
        return fd

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._undo()
            return
        try:
            self._commit()
        except BaseException:
            self._undo()
            raise
        self._close()

    def _commit(self) -> None:
        if _stat(self._name, self._parent) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        at = self._parent
        os.rename(self._partial, self._name, src_dir_fd=at, dst_dir_fd=at)
        _sync(at)
        ours, there = os.fstat(self._fd), _stat(self._name, at)
        if there is None or not os.path.samestat(ours, there):
            raise OSError(errno.EAGAIN, "somebody else writes to its folder")

    def _undo(self) -> None:
        """Delete what was made, and nothing through a link."""
        if self._fd >= 0:
            for name in self._files:
                self._delete(name, os.unlink)
            for name in reversed(self._folders):
                self._delete(name, os.rmdir)
            ours = os.fstat(self._fd)
            for name in (self._partial, self._name):
                there = _stat(name, self._parent)
                if there is not None and os.path.samestat(ours, there):
                    _remove(name, self._parent)
        else:  # it is not known to be ours, but can only be empty
            _remove(self._partial, self._parent)
        self._close()

    def _delete(self, name: str, how: Callable[..., None]) -> None:
        folder, _, last = name.rpartition("/")
        try:
            at = self._open(folder)
        except OSError:  # not made, or no longer ours
            return
        with suppress(OSError):
            how(last, dir_fd=at)
        os.close(at)

    def _close(self) -> None:
        for fd in (self._fd, self._parent):
            if fd >= 0:
                os.close(fd)
        self._fd = self._parent = -1


def _remove(name: str, folder: int) -> None:
    with suppress(OSError):  # not created, or not empty: not ours
        os.rmdir(name, dir_fd=folder)
