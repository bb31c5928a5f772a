# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A Node and an Edit do what is plain in C, and leave the rest to the Python class
behind, which can do all of it. The same random operations on two trees, one of
which has Python's methods alone: results, errors and bytes must be the same."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from slow_twins import EDIT_TWINS, NODE_TWINS, SlowEdit, SlowFdt

from pyfdtx import Fdt, FdtError, _core
from pyfdtx.tree.edit import Changes
from pyfdtx.tree.fdt import Handle, Node

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


def a_change(rnd):
    """Something to do with an edit, and one of the tree's nodes or a path."""
    prop, value, cells = rnd.choice(PROPS), rnd.choice(VALUES), rnd.randrange(5)
    entries, name = some_entries(rnd), rnd.choice(NODES[:5])
    path = "/" * rnd.randrange(2) + "/".join(
        rnd.choice(NODES) for _ in range(rnd.randrange(4))
    )

    def at(node):
        return node if cells else path

    return rnd.choice(
        [
            lambda t, e, n: e.set(at(n), prop, value),
            lambda t, e, n: e.set(at(n), prop, b"" if cells else b"x" * 40),
            lambda t, e, n: e.append(at(n), prop, value),
            lambda t, e, n: e.append(at(n), name=prop, value=b"abc"),
            lambda t, e, n: e.set_u32(at(n), prop, value),
            lambda t, e, n: e.set_u64(at(n), prop, value),
            lambda t, e, n: e.set_string(at(n), prop, value),
            lambda t, e, n: e.set_cells(at(n), prop, [cells, 7]),
            lambda t, e, n: e.set_u32(at(n), "#address-cells", cells),
            lambda t, e, n: e.set_u32(at(n), "#size-cells", cells),
            lambda t, e, n: e.append(at(n), "#size-cells", b"odd"),
            lambda t, e, n: e.set_reg(at(n), prop, entries),
            lambda t, e, n: e.append_reg(at(n), prop, entries),
            lambda t, e, n: e.delete(at(n), prop),
            lambda t, e, n: e.add_node(path, parents=cells > 2),
            lambda t, e, n: e.delete_node(at(n)) if not cells else None,
            lambda t, e, n: e.reserve((value, 7)),
            # Of the tree itself, while changes wait
            lambda t, e, n: n.set_u32(prop, 7),
            lambda t, e, n: n.delete() if cells == 4 else n.add(prop),
            lambda t, e, n: n.rename(name) if cells == 4 else None,
            lambda t, e, n: repr(e),
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


def told_twice(do, mine, twin):
    """What do(tree, ...) came to with C, once that is what it comes to without."""
    wanted = told(lambda t, rest: do(t, *rest), *twin)
    got = told(lambda t, rest: do(t, *rest), *mine)
    assert got == wanted.replace("SlowNode", "Node").replace("SlowEdit", "Edit")
    return got


@pytest.mark.parametrize("seed", range(40))
def test_python_and_c_make_the_same_changes(seed):
    """Mostly a few of them: those are written where they stand, or not."""
    rnd = random.Random(seed)
    fast, slow = Fdt.empty(), SlowFdt.empty()
    for tree in fast, slow:
        tree.add_node("/a/b/a@1", parents=True)
        tree.add_node("/memory@0").set_u32("p", 1)
    handles = [*zip(fast.walk(), slow.walk())]
    ends = [
        lambda t, e: e.commit(),
        lambda t, e: e.__enter__() and e.__exit__(None, None, None),
        lambda t, e: e.__exit__(KeyError, KeyError(), None),
    ]
    for _ in range(60):
        one, other = fast.edit(), slow.edit()
        for _ in range(rnd.choice([0, 1, 1, 1, 2, 2, 5, 12])):
            mine, twin = rnd.choice(handles)
            told_twice(a_change(rnd), (fast, (one, mine)), (slow, (other, twin)))
        told_twice(rnd.choice(ends), (fast, (one,)), (slow, (other,)))
        assert fast.to_bytes() == slow.to_bytes()
        handles = [*handles[-6:], *zip(fast.walk(), slow.walk())]
    assert fast._blob.strays == slow._blob.strays == 0
    Fdt(fast.to_bytes())


def test_a_few_properties_are_written_where_they_stand(monkeypatch):
    """Without a plan, which would go over the whole tree: by node, by path, with a
    tree that has changed meanwhile, and in an edit that was filled from Python."""
    fdt = Fdt.empty()
    soc = fdt.add_node("/soc/uart@0", parents=True)

    def no_plan(self, ops):
        raise AssertionError("a plan")

    monkeypatch.setattr(Changes, "_make", no_plan)
    for fill in (
        lambda e: e.set_u32(soc, "p", 1),
        lambda e: e.set_u32("/soc/uart@0", "p", 2),
        lambda e: e.append(soc, "p", b"x"),
        lambda e: e.set_string(soc, "q", "text"),
        lambda e: e.set(soc, "q", b"v"),
        lambda e: e.set_u64(soc, "q", 3),
        lambda e: e.set_cells("/soc/uart@0", "cells", [3]),
        lambda e: (e.set_u32(soc, "p", 5), fdt.root.set_u32("moves", 1)),
        lambda e: e.set_u32("/soc", "#size-cells", 0),
        lambda e: [e.append(n, "tail", b"abc") for n in (soc, "/", "/soc", soc)],
        lambda e: (e.delete(soc, "cells"), e.delete("/", "moves")),
    ):
        with fdt.edit() as edit:
            fill(edit)
    assert list(soc.items()) == [
        ("tail", b"abcabc"),
        ("q", b"\0\0\0\0\0\0\0\3"),
        ("p", b"\0\0\0\5"),
    ]
    for fill in (
        lambda e: [e.set_u32(soc, "p", i) for i in range(9)],
        lambda e: e.set_u32("/soc/uart", "p", 1),
        lambda e: (e.set_u32("/soc", "p", 1), e.add_node("/soc/x")),
        lambda e: (e.set_u32("/soc", "p", 1), e.delete("/soc", "none")),
    ):
        edit, before = fdt.edit(), fdt.to_bytes()
        fill(edit)
        with pytest.raises(AssertionError, match="a plan"):
            edit.commit()
        assert fdt.to_bytes() == before


def test_handles_are_right_after_changes_that_were_taken_back():
    fdt = Fdt.empty()
    names = [f"n{i}" for i in range(5)]
    nodes = [fdt.root.add(name, last=True) for name in names]
    for node in nodes:
        node.set_string("name-of", node.name)
    edit = fdt.edit()
    for node in nodes:
        edit.set(node, "more", b"x" * 100)
    edit.delete(nodes[3], "none")
    before = fdt.to_bytes()
    with pytest.raises(FdtError, match="change 6 of 6; none has been made"):
        edit.commit()
    assert fdt.to_bytes() == before
    assert [node.get_string("name-of") for node in nodes] == names


def test_changes_are_of_the_place_that_a_node_had_when_they_were_noted():
    fdt = Fdt.empty()
    node = fdt.root.add("old")
    edit = fdt.edit()
    edit.set_u32(node, "p", 1)
    node.rename("new")
    with pytest.raises(FdtError, match="/ has no child 'old'"):
        edit.commit()
    assert "p" not in node


def test_what_python_packs_wrongly_is_refused():
    edit = Fdt.empty().edit()
    for change in (b"", bytes(15), bytes(17), b"\xff" * 16):
        with pytest.raises(ValueError, match="no change"):
            edit._note(change)
    with pytest.raises(TypeError):
        edit._note("text")
    for args in ((99, "/", "p", b""), (0, "/", "p"), (0, "/", "p", bytearray())):
        with pytest.raises(TypeError, match="_collect"):
            edit._collect(*args)
    with pytest.raises(TypeError, match="made by its tree"):
        _core.Edit(Fdt.empty(), None)
    assert edit._changes == 0


def test_the_twins_are_what_they_are_thought_to_be():
    assert {"add", "child", "delete", "get_u32", "set_u32", "append_reg"} <= set(
        NODE_TWINS
    )
    assert {"__getitem__", "__setitem__", "__contains__", "__iter__"} <= set(NODE_TWINS)
    assert {"set", "append", "set_u32", "set_string", "commit"} <= set(EDIT_TWINS)
    fdt, slow = Fdt.empty(), SlowFdt.empty()
    for name in NODE_TWINS:
        assert getattr(type(fdt.root), name) is vars(_core.Node)[name]
        assert getattr(type(slow.root), name) is getattr(Handle, name)
    for name in EDIT_TWINS:
        assert getattr(type(fdt.edit()), name) is vars(_core.Edit)[name]
        assert getattr(SlowEdit, name) is getattr(Changes, name)
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
