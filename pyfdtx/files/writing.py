# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Writing: a file appears whole or not at all, and nobody else can interfere.

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

from . import ignoring, write_all
from .folder import NOFOLLOW, Folder, flags

__all__ = ["NewFolder", "TerminalError", "write_file"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CREATE = flags("WRONLY CREAT EXCL NOFOLLOW CLOEXEC BINARY")
LINK = "is a symbolic link, which is not followed; name what it leads to"


# Windows has no owner and mode that a descriptor could change: a new file takes the
# rights that its folder hands on
OWNED = hasattr(os, "fchown")


class TerminalError(OSError):
    """Binary data was about to be written to a terminal."""


def _fresh_name() -> str:
    return f".pyfdtx-{os.urandom(16).hex()}"


def _open_parent(path: str) -> tuple[Folder, str]:
    """The folder that path lies in, and its last part."""
    folder, name = os.path.split(path)
    try:
        return Folder(folder or "."), name
    except FileNotFoundError as e:
        raise _cannot_create(path, e) from None


def _cannot_create(path: str, e: OSError) -> OSError:
    folder = os.path.realpath(os.path.dirname(path))
    return OSError(e.errno, f"cannot create a file in {folder}: {e.strerror}")


def _stat(name: str, folder: Folder) -> os.stat_result | None:
    """Of what is there, a link itself; None if nothing is."""
    try:
        return folder.stat(name)
    except FileNotFoundError:
        return None


def _forget(name: str, folder: Folder) -> None:
    with ignoring(OSError):  # not created, or renamed already
        folder.unlink(name)


def _of_the_system(folder: str) -> bool:
    """Whether the links in it are the system's: /dev/stderr, /dev/fd/3."""
    real = os.path.realpath(folder)
    return real == "/dev" or real.startswith("/proc/")


def write_file(path: str, data: bytes, *, private: bool) -> None:
    """Put data into a file.

    A regular file is replaced as a whole. The new one has mode 0600 until it is
    complete. A private file then keeps that mode, without bits that the old file did
    not have, and belongs to the caller. Any other file gets the old one's mode and,
    where allowed, owner; without an old file, the mode that the umask leaves.

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
        elif old is not None and not folder.writable(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            _replace(path, folder, old, data, private)
    finally:
        folder.close()


def _write_through(path: str, name: str, folder: Folder, data: bytes) -> None:
    follow = _of_the_system(os.path.dirname(path))
    how = flags("WRONLY CLOEXEC NOCTTY BINARY")
    try:
        if not follow and stat.S_ISLNK(folder.stat(name).st_mode):
            raise OSError(errno.ELOOP, LINK)
        fd = folder.open(name, how if follow else how | NOFOLLOW)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, LINK) from None
        raise
    try:
        if not follow and stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EAGAIN, "was replaced meanwhile; try again")
        if os.isatty(fd):
            raise TerminalError(errno.EINVAL, "a terminal is no place for a binary")
        write_all(fd, data)
    finally:
        os.close(fd)


def _replace(
    path: str, folder: Folder, old: os.stat_result | None, data: bytes, private: bool
) -> None:
    name, temporary = os.path.basename(path), _fresh_name()
    try:
        # 0o666: the umask takes away what it takes from any new file
        mode = 0o600 if private or old else 0o666
        try:
            fd = folder.open(temporary, CREATE, mode)
        except OSError as e:
            raise _cannot_create(path, e) from None
        try:
            write_all(fd, data)
            if old:
                _inherit(fd, old, private)
            os.fsync(fd)
        finally:
            os.close(fd)
        folder.rename(temporary, name)
    except BaseException:
        _forget(temporary, folder)
        raise
    folder.sync()


def _inherit(fd: int, old: os.stat_result, private: bool) -> None:
    if not OWNED:
        return
    if not private:
        with ignoring(OSError):  # only root may give files away
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
        self._folder: Folder | None = None
        self._files: list[str] = []
        self._folders: dict[str, None] = {}

    def __enter__(self) -> NewFolder:
        try:
            if not self._name or _stat(self._name, self._parent) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            self._parent.make(self._partial)
            self._folder = Folder(self._partial, self._parent, read=True)
            self._ours = self._folder.stat()
            self._must_be_ours(self._folder)
        except BaseException:
            self._undo()
            raise
        return self

    def _must_be_ours(self, folder: Folder) -> None:
        """Where all may rename, another one can be in its place."""
        other = OWNED and self._ours.st_uid != os.geteuid()
        if other or any(folder.entries()):
            raise OSError(errno.EAGAIN, "somebody else writes to its folder")

    def write(self, name: str, data: bytes) -> None:
        """A new file. name: relative; folders on the way are made."""
        folder, _, last = name.rpartition("/")
        self._make(folder)
        at = self._open(folder)
        try:
            self._files.append(name)
            fd = at.open(last, CREATE, 0o600)
        finally:
            at.close()
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
            at.make(last)
        finally:
            at.close()

    def _open(self, folder: str) -> Folder:
        """A folder inside; no part of the way is a link."""
        assert self._folder is not None
        at = self._folder.again()
        for part in folder.split("/") if folder else ():
            above = at
            try:
                at = Folder(part, above, read=True)
            finally:
                above.close()
        return at

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
        self._parent.rename(self._partial, self._name)
        self._parent.sync()
        there = _stat(self._name, self._parent)
        if there is None or not os.path.samestat(self._ours, there):
            raise OSError(errno.EAGAIN, "somebody else writes to its folder")

    def _undo(self) -> None:
        """Delete what was made, and nothing through a link."""
        if self._folder is not None:
            for name in self._files:
                self._delete(name, Folder.unlink)
            for name in reversed(self._folders):
                self._delete(name, Folder.remove)
            for name in (self._partial, self._name):
                there = _stat(name, self._parent)
                if there is not None and os.path.samestat(self._ours, there):
                    _remove(name, self._parent)
        else:  # it is not known to be ours, but can only be empty
            _remove(self._partial, self._parent)
        self._close()

    def _delete(self, name: str, how: Callable[[Folder, str], None]) -> None:
        folder, _, last = name.rpartition("/")
        try:
            at = self._open(folder)
        except OSError:  # not made, or no longer ours
            return
        with ignoring(OSError):
            how(at, last)
        at.close()

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()
        self._parent.close()


def _remove(name: str, folder: Folder) -> None:
    with ignoring(OSError):  # not created, or not empty: not ours
        folder.remove(name)
