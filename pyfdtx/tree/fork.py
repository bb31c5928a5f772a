# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Trees in a process that forks: the child gets whole trees and free locks.

A child has one thread. A lock that another thread held at the fork would stay
locked there for ever, and the tree would be as that thread had half changed it.
So a fork waits until no thread works on a tree, and holds all locks meanwhile.
"""

from __future__ import annotations

import os
from _thread import get_ident
from _weakref import ref

from ..errors import FdtInternal

__all__ = ["watch"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    from .._core import Lock

    class Locked(Protocol):
        """What has to be whole in a child."""

        lock: Lock


_trees: set[ref[Locked]] = set()
# By the thread that forks: its trees, and whether their locks were its before
_held: dict[int, list[tuple[Locked, bool]]] = {}


def watch(blob: Locked) -> None:
    """Keep a tree whole in every child from now on."""
    _trees.add(ref(blob, _trees.discard))


class _Torn:
    """The lock of a tree that another thread was busy with at the fork.

    It was made after all others had been locked: nobody could wait for it.
    """

    __slots__ = ()

    def acquire(self, *_: object) -> NoReturn:
        raise FdtInternal(
            "fork",
            "",
            "another thread was at work on this tree when the process forked, and "
            "left it unfinished in the child; open it again there",
        )

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        """`with` asks for it, and never gets here."""


def _before() -> None:
    held: list[tuple[Locked, bool]] = []
    _held[get_ident()] = held
    # Two threads that fork take them in one order
    blobs = [blob for known in _trees.copy() if (blob := known()) is not None]
    for blob in sorted(blobs, key=id):
        lock: Any = blob.lock
        was_ours = lock._is_owned()
        lock.acquire()
        held.append((blob, was_ours))


def _in_parent() -> None:
    for blob, _ in _held.pop(get_ident(), ()):
        blob.lock.release()


def _in_child() -> None:
    held = _held.pop(get_ident(), [])
    _held.clear()
    for blob, was_ours in held:
        lock: Any = blob.lock
        if was_ours:
            lock.release()
        else:
            # No waiting thread exists in the child
            lock._at_fork_reinit()
    known = {id(blob) for blob, _ in held}
    for other in _trees.copy():
        late: Any = other()
        if late is None or id(late) in known:
            continue
        if late.lock.acquire(blocking=False):
            late.lock.release()
        else:
            late.lock = _Torn()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_in_parent, after_in_child=_in_child
    )
