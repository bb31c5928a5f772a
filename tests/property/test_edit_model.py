# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Changes made together give the bytes of the same changes made one by one.

Expected: Node's and MemReserve's own methods, each of which is one edit in
place through libfdt. Random trees, with what libfdt leaves alone (FDT_NOP,
doubled names, names with and without unit addresses), and random changes, many
of which the tree does not allow.
"""

import random
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import tree_blobs
from second_kernel_blobs import assemble

from pyfdtx import Fdt, FdtBadContent, FdtError, FdtExists, FdtNotFound
from pyfdtx._native import validate

# Few names, so that changes meet; tails of each other, for the strings block
NODES = ["a", "b", "b@1", "soc", "soc@0", "a-node-of-some-length"]
PROPS = ["x", "reg", "my-reg", "a-my-reg", "status", "linux,name-of-some-length"]

props = st.lists(st.tuples(st.sampled_from(PROPS), st.binary(max_size=9)), max_size=4)
trees = st.recursive(
    st.tuples(st.sampled_from(NODES), props, st.just([])),
    lambda below: st.tuples(st.sampled_from(NODES), props, st.lists(below, max_size=4)),
    max_leaves=12,
)
paths = st.lists(st.sampled_from(NODES), max_size=4).map(lambda n: "/" + "/".join(n))
entries = st.sampled_from([(0x1000, 0x10), (0x2000, 0x20), (1 << 40, 1)])
changes = st.one_of(
    st.tuples(
        st.sampled_from(["set", "append"]),
        paths,
        st.sampled_from(PROPS),
        st.binary(max_size=9),
    ),
    st.tuples(st.just("delete"), paths, st.sampled_from(PROPS)),
    st.tuples(st.just("add_node"), paths, st.booleans()),
    st.tuples(st.just("delete_node"), paths),
    st.tuples(st.sampled_from(["reserve", "unreserve"]), entries),
)


def exact(fdt, path):
    """The node of exactly these names."""
    node = fdt.root
    for name in [name for name in path.split("/") if name]:
        node = node.child(name)
        if node.name != name:
            raise FdtNotFound("exact", path)
    return node


def one(fdt, kind, *args):
    """One change, in place; LookupError, FdtExists if the tree does not allow it."""
    if kind == "reserve":
        fdt.memreserve.append(args[0])
    elif kind == "unreserve":
        if args[0] not in fdt.memreserve:
            raise LookupError
        fdt.memreserve.remove(args[0])
    elif kind == "add_node":
        path, parents = args
        names = [name for name in path.split("/") if name]
        node = fdt.root
        for depth, name in enumerate(names):
            try:
                node = exact(node.fdt, "/" + "/".join(names[: depth + 1]))
                there = True
            except FdtNotFound:
                if not parents and depth < len(names) - 1:
                    raise
                node, there = node.add(name), False
        if there:
            raise FdtExists("add_node", path)
    else:
        node = exact(fdt, args[0])
        if kind == "set":
            node[args[1]] = args[2]
        elif kind == "append":
            node.append(*args[1:])
        elif kind in ("set_reg", "append_reg"):
            name, ranges, parent = args[1:]
            by = exact(fdt, parent) if parent is not None else None
            getattr(node, kind)(name, ranges, parent=by)
        elif kind == "delete":
            del node[args[1]]
        else:
            node.delete()


def sensible(change):
    root = not change[1].strip("/") if isinstance(change[1], str) else False
    return not (root and change[0] in ("add_node", "delete_node"))


def together(fdt, wanted):
    with fdt.edit() as edit:
        for kind, *args in wanted:
            if kind in ("set_reg", "append_reg"):
                getattr(edit, kind)(*args[:3], parent=args[3])
            else:
                getattr(edit, kind)(*args)


@settings(max_examples=600, deadline=None)
@given(
    trees,
    st.lists(changes.filter(sensible), max_size=25),
    st.sampled_from([{}, {"nops": True}, {"version": 16}, {"misordered": True}]),
    st.lists(entries, max_size=3),
)
def test_together_gives_the_bytes_of_one_by_one(tree, wanted, layout, reserved):
    blob = assemble(("", *tree[1:]), reserved, **layout)
    slow, allowed = Fdt(blob), []
    for change in wanted:
        before = slow.to_bytes()
        try:
            one(slow, *change)
        except (LookupError, FdtExists) as e:
            # Up to here all at once; with it, nothing
            fast = Fdt(blob)
            try:
                together(fast, [*allowed, change])
                raised = None
            except FdtError as told:
                raised = told
            kind = FdtExists if isinstance(e, FdtExists) else FdtNotFound
            assert type(raised) is kind, (change, raised)
            assert f"change {len(allowed) + 1} of" in str(raised)
            assert fast.to_bytes() == Fdt(blob).to_bytes(), change
            # Undo what add_node with parents may have added on its way
            slow = Fdt(before)
            continue
        allowed.append(change)
    fast = Fdt(blob)
    together(fast, allowed)
    assert fast.to_bytes() == slow.to_bytes(), allowed
    validate(bytearray(fast.to_bytes()))


@settings(max_examples=50, deadline=None)
@given(trees, st.integers(0, 200), st.sampled_from([1, 7, 100]))
def test_many_new_names_stand_where_one_by_one_puts_them(tree, n, step):
    # More than the short list of names takes, tails of each other
    blob = assemble(("", *tree[1:]))
    names = ["n" * (1 + i % step) + f"-{i // step}"[: i % 3 * 2] for i in range(n)]
    slow, fast = Fdt(blob), Fdt(blob)
    for name in names:
        slow.root[name] = name.encode()
    together(fast, [("set", "/", name, name.encode()) for name in names])
    assert fast.to_bytes() == slow.to_bytes()


CELLS = ["#address-cells", "#size-cells"]
cells = st.sampled_from([b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\0", b"\0", b"\0\0\0"])
few = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(lambda n: "/" + "/".join(n))
ranges = st.lists(st.sampled_from([(0, 0), (1, 2), (1 << 32, 1)]), max_size=3)
reg_changes = st.one_of(
    st.tuples(
        st.sampled_from(["set_reg", "append_reg"]),
        few,
        st.sampled_from(["reg", *CELLS]),
        ranges,
        st.one_of(st.none(), few),
    ),
    st.tuples(st.sampled_from(["set", "append"]), few, st.sampled_from(CELLS), cells),
    st.tuples(st.just("append"), few, st.just("reg"), st.binary(max_size=9)),
    st.tuples(st.just("delete"), few, st.sampled_from(CELLS)),
    st.tuples(st.just("add_node"), few, st.just(True)),
    st.tuples(st.just("delete_node"), few),
)
two = [(name, b"\0\0\0\2") for name in CELLS]
small = st.sampled_from(
    [
        ("", two, [("a", two, [("b", two, [])]), ("b", [], [])]),
        ("", two[:1], [("a", [], [])]),
        ("", [], []),
    ]
)


def told(act, *args):
    """The class of the refusal; None if there is none."""
    try:
        act(*args)
    except FdtError as e:
        return type(e)
    return None


@settings(max_examples=600, deadline=None)
@given(small, st.lists(reg_changes.filter(sensible), max_size=20))
def test_entries_have_the_cells_that_the_changes_before_leave(tree, wanted):
    blob = assemble(tree, [])
    slow, allowed = Fdt(blob), []
    for change in wanted:
        before = slow.to_bytes()
        want = told(one, slow, *change)
        if want is None:
            allowed.append(change)
            continue
        fast = Fdt(blob)
        got = told(together, fast, [*allowed, change])
        # A node that is not there has no cells either, which is said first
        kinds = {want} | ({FdtBadContent} if want is FdtNotFound else set())
        assert got in kinds, change
        assert fast.to_bytes() == Fdt(blob).to_bytes(), change
        # Undo what add_node with parents may have added on its way
        slow = Fdt(before)
    fast = Fdt(blob)
    together(fast, allowed)
    assert fast.to_bytes() == slow.to_bytes(), allowed


def with_nops(r, depth):
    """Properties and children of a node, FDT_NOP in front, between and behind."""
    props, children = [], []
    for name in r.sample(PROPS, r.randrange(3)):
        props.append((name, r.randbytes(r.randrange(6))))
    for name in r.sample(NODES, r.randrange(4) if depth else 0):
        children.append((name, *with_nops(r, depth - 1)))
    for items in (props, children):
        for _ in range(r.randrange(4)):
            items.insert(r.randrange(len(items) + 1), "nop")
    return props, children


def some_change(r, fdt):
    """A change that the tree allows as it is; few places, so that they meet."""
    nodes = [node.path for node in fdt.walk()]
    path = r.choice(nodes)
    kind = r.randrange(8)
    if kind < 3 and len(nodes) > 1:
        return "delete_node", r.choice(nodes[1:])
    if kind < 6 and len(nodes) < 30:
        new = path.rstrip("/") + "/" + r.choice(NODES)
        if new not in nodes:
            return "add_node", new, False
    names = list(fdt[path])
    if names and r.randrange(2):
        return "delete", path, r.choice(names)
    return r.choice(["set", "append"]), path, r.choice(PROPS), r.randbytes(5)


def test_nops_stay_in_the_same_order():
    """Where an FDT_NOP lands follows from one rule (docs/trees.md, "The
    canonical form"), whichever way a change is made."""
    met = 0
    for seed in range(1500):
        r = random.Random(seed)
        data = tree_blobs.blob(*with_nops(r, 3), leading_nops=r.randrange(2))
        slow = Fdt(data)
        wanted = []
        for _ in range(r.randrange(1, 12)):
            wanted.append(some_change(r, slow))
            one(slow, *wanted[-1])
        fast = Fdt(data)
        together(fast, wanted)
        assert fast.to_bytes() == slow.to_bytes(), (seed, wanted)
        met += len({kind for kind, *_ in wanted} & {"add_node", "delete_node"}) == 2
    assert met > 300
