# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files of a dtc tree as they change from patch to patch, in memory."""

from __future__ import annotations

from pathlib import Path

from .errors import ProposalError
from .places import NoPlace

__all__ = ["Patch", "Stage", "data", "fragment"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .checkout import Checkout

HERE = Path(__file__).resolve().parent


def data(folder: str, name: str) -> str:
    """A text of ours that stands beside this file."""
    return (HERE / folder / name).read_text(encoding="ascii")


def fragment(name: str, suffix: str = ".c") -> str:
    """What goes into a file of dtc, without the line on the licence."""
    return data("fragments", f"{name}{suffix}").split("\n", 1)[1]


class Patch:
    """One logical change: files with their new texts, subject and message."""

    def __init__(self, key: str, files: dict[str, str]):
        self.key = key
        self.files = files
        self.subject, _, self.message = data("messages", f"{key}.txt").partition("\n\n")


class Stage:
    """A tree on which patches are prepared one after the other."""

    def __init__(self, checkout: Checkout, below: Stage | None = None):
        self.checkout = checkout
        self.base: dict[str, str] = {}
        self.created: list[str] = []
        self.patches: list[Patch] = []
        self._now: dict[str, str] = {}
        self._changed: dict[str, str] = {}
        # A tree on which another stage's patches are applied
        self._below = dict(below._now) if below else {}

    def __getitem__(self, path: str) -> str:
        if path not in self._now:
            text = self._below.get(path)
            self._now[path] = self.base[path] = (
                self.checkout.read(path) if text is None else text
            )
        return self._now[path]

    def edit(self, path: str, edit: Callable[..., str], *arguments: Any) -> None:
        """Change a file with a function of places.py."""
        try:
            new = edit(self[path], *arguments)
        except NoPlace as e:
            raise ProposalError(
                self.checkout.op,
                str(self.checkout.path / path),
                f"does not match what the series knows (v1.6.1 and later): no {e}; "
                "the series has to be adapted to this tree",
            ) from None
        if new != self._now[path]:
            self._now[path] = self._changed[path] = new

    def create(self, path: str, text: str) -> None:
        self.created.append(path)
        self._now[path] = self._changed[path] = text

    def patch(self, key: str) -> None:
        """Make a patch of everything since the last one."""
        self.patches.append(Patch(key, self._changed))
        self._changed = {}
