# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Handles and edits that have Python's methods alone: C does what is plain, and the
two must be the same. What C has and Python does not has no twin."""

import weakref

from pyfdtx import Fdt, _core
from pyfdtx.tree.edit import Changes
from pyfdtx.tree.fdt import Handle


def twins(fast, slow):
    return [n for n in vars(fast) if hasattr(slow, n) and not hasattr(object, n)]


class SlowNode(_core.Node, Handle):
    __slots__ = ()


class SlowEdit(_core.Edit, Changes):
    __slots__ = ()

    def _collect(self, *args):
        return False

    def __exit__(self, kind, exception, trace):
        if kind is None and self._changes >= 0:
            self.commit()
        elif self._changes >= 0:
            self._take()


NODE_TWINS = twins(_core.Node, Handle)
EDIT_TWINS = twins(_core.Edit, Changes)
for name in NODE_TWINS:
    setattr(SlowNode, name, getattr(Handle, name))
SlowNode._find_path = lambda self, path: NotImplemented
for name in EDIT_TWINS:
    setattr(SlowEdit, name, getattr(Changes, name))


class SlowFdt(Fdt):
    """A tree whose handles and edits are all slow."""

    @property
    def root(self):
        node = self._root() if self._root is not None else None
        if node is None:
            node = SlowNode(self, self._blob)
            self._root = weakref.ref(node)
        return node

    def edit(self):
        return SlowEdit(self, self._blob)
