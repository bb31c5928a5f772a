# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A Node does what is plain in C, and leaves the rest to Python's Handle, which can
do all of it. The same random operations on two trees, one of whose nodes have
Python's methods alone: results, errors and bytes must be the same."""

import random
import weakref

import pytest

from pyfdtx import Fdt, FdtError, _core
from pyfdtx.tree.fdt import Handle, Node

# What C and Python both have; what else is in C has no twin
TWINS = [
    name
    for name in vars(_core.Node)
    if hasattr(Handle, name) and not hasattr(object, name)
]


class SlowNode(_core.Node, Handle):
    __slots__ = ()


for name in TWINS:
    setattr(SlowNode, name, getattr(Handle, name))
SlowNode._find_path = lambda self, path: NotImplemented


class SlowFdt(Fdt):
    """A tree whose handles are all made by a SlowNode."""

    @property
    def root(self):
        node = self._root() if self._root is not None else None
        if node is None:
            node = SlowNode(self, self._blob)
            self._root = weakref.ref(node)
        return node


NODES = ["a", "b", "a@1", "memory", "memory@0", "a/b", "", "n\0", "\xe9", "\udc80z"]
PROPS = ["p", "q", "reg", "p", "a-longer,name", "", "no\0", "\xe9", "\udcffp"]
VALUES = [b"", b"abc", b"x" * 70, bytearray(b"ab"), 7, 1 << 32, -1, True, "text"]
VALUES += ["nul\0", "", "\udc80", 1.5, 1 << 64]
NUMBERS = [0, 1, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, 1 << 64, -1]


def some_entries(rnd):
    """Also more than C takes in one call."""
    return [
        (rnd.choice([*NUMBERS, 1 << 20]), rnd.randrange(1 << 20))
        if rnd.random() < 0.2
        else (rnd.randrange(1 << 30), rnd.randrange(1 << 20))
        for _ in range(rnd.choice([0, 1, 2, 3, 16, 17]))
    ]


def an_operation(rnd):
    """Something to do with a tree and one of its nodes."""
    node, prop, value = rnd.choice(NODES), rnd.choice(PROPS), rnd.choice(VALUES)
    entries, cells = some_entries(rnd), rnd.randrange(5)
    last = rnd.random() < 0.5
    path = "/" + "/".join(rnd.choice(NODES[:5]) for _ in range(rnd.randrange(4)))
    return rnd.choice(
        [
            lambda t, n: n.add(node),
            lambda t, n: n.add(node, last=last),
            lambda t, n: [n.add(f"k{i}", last=last).name for i in range(20)],
            lambda t, n: n.child(node),
            lambda t, n: n.delete() if last else None,
            lambda t, n: n.rename(node),
            lambda t, n: n[prop],
            lambda t, n: prop in n,
            lambda t, n: n.get(prop, 5),
            lambda t, n: n.get_u32(prop),
            lambda t, n: n.get_u32(prop, default=3),
            lambda t, n: n.get_u64(prop, 4),
            lambda t, n: n.get_string(prop),
            lambda t, n: n.__setitem__(prop, value),
            lambda t, n: n.__delitem__(prop),
            lambda t, n: n.set_u32(prop, value),
            lambda t, n: n.set_u64(name=prop, value=value),
            lambda t, n: n.set_u64(prop, value),
            lambda t, n: n.set_string(prop, value),
            lambda t, n: n.append(prop, value),
            lambda t, n: n.set_u32("#address-cells", cells),
            lambda t, n: n.set_u32("#size-cells", cells),
            lambda t, n: n.__setitem__("#size-cells", b"odd"),
            lambda t, n: n.set_reg("reg", entries),
            lambda t, n: n.append_reg("reg", entries),
            lambda t, n: n.append_reg(prop, tuple(entries)),
            lambda t, n: n.append_reg(prop, entries, parent="/"),
            lambda t, n: n.reg(),
            lambda t, n: list(n),
            lambda t, n: list(n.items()),
            lambda t, n: [n.set_u32(f"m{i}", i) for i in range(70)],
            lambda t, n: [n.get(name) for name in n],
            lambda t, n: list(n.walk()),
            lambda t, n: list(n.children()),
            lambda t, n: [n.path, n.name, n.depth, n.parent],
            lambda t, n: t[path],
            lambda t, n: t.get(path),
            lambda t, n: t.add_node(path, parents=True),
            lambda t, n: t.squeeze(),
            lambda t, n: t.memreserve.append(7, 1 + cells),
        ]
    )


def told(do, tree, node):
    try:
        return repr(do(tree, node))
    except Exception as e:
        return f"{type(e).__name__}: {e}"


@pytest.mark.parametrize("seed", range(60))
def test_python_and_c_do_the_same(seed):
    rnd = random.Random(seed)
    fast, slow = Fdt.empty(), SlowFdt.empty()
    handles = [(fast.root, slow.root)]
    for _ in range(150):
        do, at = an_operation(rnd), rnd.randrange(len(handles))
        mine, twin = handles[at]
        wanted = told(do, slow, twin).replace("SlowNode", "Node")
        assert told(do, fast, mine) == wanted
        assert fast.to_bytes() == slow.to_bytes()
        # Handles stay, deleted ones among them
        pair = rnd.choice([*zip(fast.walk(), slow.walk())])
        handles[rnd.randrange(1, 9) if len(handles) > 9 else len(handles) :] = [
            pair,
            *handles[10:],
        ]
    assert fast._blob.strays == slow._blob.strays == 0
    Fdt(fast.to_bytes())


def test_the_twins_are_what_they_are_thought_to_be():
    assert {"add", "child", "delete", "get_u32", "set_u32", "append_reg"} <= set(TWINS)
    assert {"__getitem__", "__setitem__", "__contains__", "__iter__"} <= set(TWINS)
    fdt, slow = Fdt.empty(), SlowFdt.empty()
    for name in TWINS:
        assert getattr(type(fdt.root), name) is vars(_core.Node)[name]
        assert getattr(type(slow.root), name) is getattr(Handle, name)
    assert type(fdt.root.add("b")) is Node


# ---- last=True -----------------------------------------------------------


def test_a_node_can_be_added_behind_its_siblings():
    fdt = Fdt.empty()
    soc = fdt.root.add("soc")
    fdt.root.add("behind", last=True)
    for i in range(300):
        soc.add(f"n{i}", last=True).set_u32("reg", i)
    soc.add("first")
    soc["p"] = b"in front of all"
    soc.add("end", last=True)
    names = [n.name for n in soc.children()]
    assert names == ["first", *(f"n{i}" for i in range(300)), "end"]
    assert [n.name for n in fdt.root.children()] == ["soc", "behind"]
    again = Fdt(fdt.to_bytes())
    assert [n.name for n in again["/soc"].children()] == names
    assert [again[f"/soc/n{i}"].get_u32("reg") for i in range(300)] == list(range(300))


def test_the_end_is_found_again_after_whatever_was_done_meanwhile():
    fdt = Fdt.empty()
    soc, other = fdt.root.add("soc"), fdt.root.add("other")
    wanted = []
    for i in range(40):
        soc.add(f"n{i}", last=True)
        wanted.append(f"n{i}")
        if i % 5 == 0:
            soc.child(f"n{i}").delete()
            wanted.remove(f"n{i}")
        if i % 7 == 0:
            # More moves than are remembered
            for k in range(300):
                other[f"p{k}"] = bytes(k % 9)
        if i % 11 == 0:
            fdt.squeeze()
        if i % 13 == 0:
            with fdt.edit() as edit:
                edit.add_node(f"/soc/e{i}")
            wanted.insert(0, f"e{i}")
    assert [n.name for n in soc.children()] == wanted


@pytest.mark.parametrize("last", [False, True])
def test_the_same_name_is_refused_wherever_the_first_one_stands(last):
    node = Fdt.empty().root.add("many")
    for i in range(40):
        node.add(f"n{i}", last=i % 2 == 0)
        with pytest.raises(FdtError, match=f"/many/n{i // 2}: exists already"):
            node.add(f"n{i // 2}", last=last)
    with pytest.raises(TypeError):
        node.add("n", True)
