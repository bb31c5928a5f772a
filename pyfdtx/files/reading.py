# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Reading: regular files alone, never more than a limit, never out of a root."""

from __future__ import annotations

import errno
import os
import stat

from .folder import NOFOLLOW, Folder, flags

__all__ = [
    "LIMITS",
    "Root",
    "is_running",
    "open_regular",
    "read_file",
    "read_some",
    "read_whole",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# kind of a file: bytes that it has at most. More is damage, a mistake or an attack.
LIMITS = {
    # One line of /proc or /sys. The longest is a command line: 64 KiB on powerpc
    "line": 64 * KIB,
    # /proc/iomem: the largest machines have some thousand lines of 60 bytes; and the
    # rows of /proc/kcore, of which e_phnum counts 65,535
    "table": 4 * MIB,
    # /proc/cpuinfo: 8192 CPUs of x86 write 16 MiB
    "cpus": 16 * MIB,
    # /proc/kallsyms: about 60 bytes a symbol
    "symbols": 64 * MIB,
    # A kernel's configuration: some 300 KB
    "config": 4 * MIB,
    # The text of VMCOREINFO: the kernel has one page for it
    "note": 1 * MIB,
    # One property of /proc/device-tree, and all that a captured tree has
    "property": 16 * MIB,
    "tree": 64 * MIB,
    # A blob given by its path: FIT images carry kernels and initrds
    "blob": 1 * GIB,
    # A kernel's file: vmlinux with debugging information has some 600 MiB
    "image": 1 * GIB,
    # An initrd out of a pipe; that of a regular file is its own limit
    "initrd": 2 * GIB,
    # 65534 program headers and the ELF header, in pages
    "core header": 4 * MIB,
}
PIECE = 1 << 20
# As Linux, include/linux/namei.h MAXSYMLINKS
MAX_LINKS = 40
# Opening a FIFO must not wait for a writer
NONBLOCK = flags("NONBLOCK")
# Windows makes other bytes of what is not BINARY
FLAGS = NONBLOCK | flags("RDONLY CLOEXEC NOCTTY BINARY")

NAMES = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def _accept(mode: int, pipes: bool) -> None:
    if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
        return
    kind = next((name for test, name in NAMES if test(mode)), "no file")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, f"is {kind}, not a regular file")


def open_regular(
    path: str, *, inside: Folder | None = None, pipes: bool = False
) -> int:
    """A descriptor to read from; at once, whatever path names.

    Args:
        path: with inside a name in that folder, and not a link.
        pipes: take a pipe as well; one that nobody writes to is empty.
    Raises:
        OSError: it cannot be opened, or is something else.
    """
    # Opening a device can do things, so look first
    if inside is None:
        _accept(os.stat(path).st_mode, pipes)
        fd = os.open(path, FLAGS)
    else:
        _accept(inside.stat(path).st_mode, pipes)
        fd = inside.open(path, FLAGS | NOFOLLOW)
    try:
        _accept(os.fstat(fd).st_mode, pipes)
        if NONBLOCK:
            os.set_blocking(fd, True)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read_some(fd: int, size: int) -> bytes:
    """At most size bytes, less only where the file ends."""
    pieces: list[bytes] = []
    most = max(PIECE, os.fstat(fd).st_size)  # a regular file comes in one piece
    while size:
        piece = os.read(fd, min(size, most))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def read_whole(fd: int, limit: int) -> bytes:
    """All that is in a file; files of /proc say that they have 0 bytes.

    Raises:
        OSError: it cannot be read, or has more than limit bytes.
    """
    if os.fstat(fd).st_size <= limit:
        data = read_some(fd, limit + 1)
        if len(data) <= limit:
            return data
    unit, name = (MIB, "MiB") if limit >= MIB else (KIB, "KiB")
    raise OSError(errno.EFBIG, f"has more than {limit // unit} {name}")


def read_file(path: str, limit: int, *, pipes: bool = False) -> bytes:
    """open_regular() and read_whole()."""
    fd = open_regular(path, pipes=pipes)
    try:
        return read_whole(fd, limit)
    finally:
        os.close(fd)


def is_running(root: str) -> bool:
    """Whether it is the root of the running system."""
    return os.path.realpath(root) == os.path.realpath("/")


class _Walk:
    """A way through a root, each folder on it open."""

    def __init__(self, root: str):
        self.root = root
        self.names: list[str] = []
        self.folders = [Folder(root)]
        self.link = ""  # the last link, and where it leads

    def to(self, name: str) -> str:
        """Go to the folder of name and say its last part, which is no link; "."
        for the folder itself.

        Raises:
            OSError: it is missing or cannot be looked at; EXDEV: a link leads out.
        """
        todo = [part for part in name.split("/") if part not in ("", ".")][::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                self._up()
                continue
            target = self._target(part)
            if target is None:
                if not todo:
                    return part
                self._down(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, f"{self.link}: too many links")
            if target.startswith("/"):
                self.close(keep=1)
            todo += [p for p in target.split("/") if p not in ("", ".")][::-1]
        return "."

    def _target(self, part: str) -> str | None:
        """Where a link leads; None if part is none."""
        here = self.folders[-1]
        try:
            mode = here.stat(part).st_mode
        except FileNotFoundError:
            if " -> /" in self.link and not self._running:
                raise self._outside() from None
            raise
        if not stat.S_ISLNK(mode):
            return None
        target = here.target(part)
        self.link = f"link {'/'.join([*self.names, part])} -> {target}"
        return target

    def _down(self, part: str) -> None:
        self.folders.append(Folder(part, self.folders[-1]))
        self.names.append(part)

    def _up(self) -> None:
        if self.names:
            self.names.pop()
            self.folders.pop().close()
        elif not self._running:
            raise self._outside()

    @property
    def _running(self) -> bool:
        """Then nothing is outside of it."""
        return is_running(self.root)

    def _outside(self) -> OSError:
        return OSError(errno.EXDEV, f"its {self.link} leads out of {self.root}")

    def close(self, keep: int = 0) -> None:
        while len(self.folders) > keep:
            self.folders.pop().close()
        self.names.clear()


class Root:
    """A directory that is read as if it were the system's root.

    Links are followed inside of it alone, by hand, part after part; an absolute
    one starts at the root again. So does openat2(RESOLVE_IN_ROOT), which Linux
    has since 5.6; but here a link that leads out is an error that names it. The
    filename of an OSError is that below the root.
    """

    def __init__(self, path: str):
        self.path = path

    def open(self, name: str) -> int:
        """A descriptor of a regular file, to read from."""
        return self._at(name, lambda last, at: open_regular(last, inside=at))

    def read(self, name: str, limit: int) -> bytes:
        """All of a regular file, at most limit bytes."""
        fd = self.open(name)
        try:
            return read_whole(fd, limit)
        except OSError as e:
            e.filename = name
            raise
        finally:
            os.close(fd)

    def entries(self, name: str) -> tuple[list[str], list[str], list[str]]:
        """The names of the folders, of the regular files, and of all else in a
        folder, sorted."""
        folder = self._at(name, lambda last, at: Folder(last, at, read=True))
        folders, files, others = [], [], []
        try:
            for entry in folder.entries():
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.name)
                else:
                    others.append(entry.name)
        except OSError as e:
            e.filename = name
            raise
        finally:
            folder.close()
        return sorted(folders), sorted(files), sorted(others)

    def exists(self, name: str) -> bool:
        """Whether something is there, even if it cannot be read."""
        try:
            self._at(name, lambda last, at: at.stat(last, follow=True))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        except OSError:  # reading it says why
            return True
        return True

    def _at(self, name: str, do: Callable[[str, Folder], T]) -> T:
        try:
            walk = _Walk(self.path)
            try:
                return do(walk.to(name), walk.folders[-1])
            finally:
                walk.close()
        except OSError as e:
            e.filename = name
            raise
