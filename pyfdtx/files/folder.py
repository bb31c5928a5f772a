# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An open folder, and what is done with names in it.

POSIX opens a folder once and names all else relative to it, so nobody can put
another folder, or a link, in its place meanwhile. Windows has no such calls: there a
Folder is a path, links are looked for before each step, and whoever may rename the
folders above can still step in between.
"""

from __future__ import annotations

import errno
import os
import stat

from . import ignoring

__all__ = ["Folder", "flags"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BY_DESCRIPTOR = os.open in os.supports_dir_fd


def flags(names: str) -> int:
    """The flags of open(2) with these names, as far as this system has them."""
    bits = 0
    for name in names.split():
        bits |= getattr(os, f"O_{name}", 0)
    return bits


# O_PATH: it need not be readable; macOS has none
REACH = flags("RDONLY PATH DIRECTORY CLOEXEC")
READ = flags("RDONLY DIRECTORY CLOEXEC")
NOFOLLOW = flags("NOFOLLOW")


class Folder:
    """A folder by its path; with inside by its name in another folder, and then not
    through a link.

    Args:
        read: it will be listed or synced, not only passed through.
    Raises:
        OSError: it cannot be opened, or is no folder.
    """

    __slots__ = ("_fd", "_path")

    def __init__(self, path: str, inside: Folder | None = None, *, read: bool = False):
        self._fd: int | None = None
        self._path = path
        if inside is not None:
            self._path, at = inside._at(path)
        if BY_DESCRIPTOR:
            how = (READ if read else REACH) | (NOFOLLOW if inside is not None else 0)
            at = None if inside is None else inside._fd
            self._fd = os.open(path, how, dir_fd=at)
            return
        mode = os.stat(self._path, follow_symlinks=inside is None).st_mode
        if not stat.S_ISDIR(mode):
            number = errno.ELOOP if stat.S_ISLNK(mode) else errno.ENOTDIR
            raise OSError(number, os.strerror(number), path)

    def _at(self, name: str) -> tuple[str, int | None]:
        """name as system calls want it, and their dir_fd."""
        if self._fd is not None:
            return name, self._fd
        if any(c in name for c in "/\\:"):  # another folder, drive or stream
            raise OSError(errno.EINVAL, "is no name of a file on this system", name)
        return os.path.join(self._path, name), None

    def open(self, name: str, how: int, mode: int = 0o600) -> int:
        path, at = self._at(name)
        return os.open(path, how, mode, dir_fd=at)

    def stat(self, name: str = "", *, follow: bool = False) -> os.stat_result:
        """Of what is in it, a link itself unless follow; of itself without a name."""
        if not name:
            return os.stat(self._path if self._fd is None else self._fd)
        path, at = self._at(name)
        return os.stat(path, dir_fd=at, follow_symlinks=follow)

    def target(self, name: str) -> str:
        """Where a link leads."""
        path, at = self._at(name)
        return os.readlink(path, dir_fd=at)

    def writable(self, name: str) -> bool:
        path, at = self._at(name)
        return os.access(path, os.W_OK, dir_fd=at)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self._path if self._fd is None else self._fd) as found:
            yield from found

    def make(self, name: str) -> None:
        """A folder in it that nobody else may enter."""
        path, at = self._at(name)
        os.mkdir(path, 0o700, dir_fd=at)

    def rename(self, old: str, new: str) -> None:
        """In place of a file of that name, if there is one."""
        source, at = self._at(old)
        target, _ = self._at(new)
        os.replace(source, target, src_dir_fd=at, dst_dir_fd=at)

    def unlink(self, name: str) -> None:
        path, at = self._at(name)
        os.unlink(path, dir_fd=at)

    def remove(self, name: str) -> None:
        """An empty folder in it."""
        path, at = self._at(name)
        os.rmdir(path, dir_fd=at)

    def sync(self) -> None:
        """Make a rename last. Not every system can do this, and none of its
        failures undoes the rename."""
        if self._fd is None:
            return
        with ignoring(OSError):
            fd = os.open(".", READ, dir_fd=self._fd)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def again(self) -> Folder:
        """The same one, to be closed by itself."""
        other = Folder.__new__(Folder)
        other._path = self._path
        other._fd = None if self._fd is None else os.dup(self._fd)
        return other

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
