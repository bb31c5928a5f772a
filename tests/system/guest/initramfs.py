# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An initramfs in memory: the "newc" cpio format, reproducible, without root.

Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat

# What every init starts with. The kernel's built-in initramfs has /dev/console.
# An init that fails panics the kernel; with panic=-1 that ends QEMU.
INIT_HEAD = """\
#!/bin/busybox sh
set -e
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox --install -s /bin
export PATH=/bin
dmesg -n 1
"""
INIT_TAIL = """\
echo o >/proc/sysrq-trigger
sleep 60
"""


class Initramfs:
    """Collects files; to_bytes() gives the archive. Parents come by themselves."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes]] = {}

    def copy(self) -> Initramfs:
        other = Initramfs()
        other._entries.update(self._entries)
        return other

    def file(self, path: str, data: bytes, mode: int = 0o755) -> None:
        self._add(path, stat.S_IFREG | mode, data)

    def files(self, below: str) -> list[tuple[str, bytes]]:
        """Of a directory, "usr/lib/": (path, content) of all regular files."""
        return [
            (path, data)
            for path, (mode, data) in self._entries.items()
            if path.startswith(below) and stat.S_ISREG(mode)
        ]

    def remove(self, path: str) -> None:
        del self._entries[path]

    def symlink(self, path: str, target: str) -> None:
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def directory(self, path: str) -> None:
        self._add(path, stat.S_IFDIR | 0o755, b"")

    def _add(self, path: str, mode: int, data: bytes) -> None:
        path = path.strip("/")
        parent = path.rpartition("/")[0]
        if parent and parent not in self._entries:
            self.directory(parent)
        self._entries[path] = mode, data

    def to_bytes(self) -> bytes:
        out = bytearray()
        entries = list(self._entries.items())
        for inode, (path, (mode, data)) in enumerate(entries, 1):
            out += _member(path, mode, data, inode)
        return bytes(out + _member("TRAILER!!!", 0, b"", 0))


def _member(path: str, mode: int, data: bytes, inode: int) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # ino mode uid gid nlink mtime filesize dev(2) rdev(2) namesize check
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
