# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An Fdt against a model of plain Python objects, over random operations.

The model knows what libfdt documents: new nodes and properties go in front of
their siblings, appended reservations behind. Handles are kept for ever, those
of deleted nodes too.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyfdtx import (
    Fdt,
    FdtBadParameter,
    FdtExists,
    FdtNotFound,
    FdtStale,
    pure,
)

NAMES = ["a", "b", "a@1", "a@2", "memory", "memory@0", "n" * 33, "abc", "abcd"]
PROPS = ["p", "reg", "a-long-property-name", "name", "long-property-name"]


DEAD_ACTS = [
    lambda n: n.path,
    lambda n: n.add("a"),
    lambda n: n.rename("a"),
    lambda n: n.delete(),
    lambda n: n.get("p"),
    lambda n: n.append("p", b"x"),
    lambda n: n.pop("p"),
]


class ModelNode:
    def __init__(self, name, parent):
        self.name = name
        self.parent = parent
        self.props = []
        self.children = []
        self.alive = True

    @property
    def path(self):
        if self.parent is None:
            return "/"
        return self.parent.path.rstrip("/") + "/" + self.name

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name):
        return next((v for n, v in self.props if n == name), None)

    def set(self, name, value):
        for i, (n, _) in enumerate(self.props):
            if n == name:
                self.props[i] = (name, value)
                return
        self.props.insert(0, (name, value))


class Pair:
    """The model and the Fdt, driven by the same draws."""

    def __init__(self, draw):
        self.draw = draw
        self.fdt = Fdt.empty()
        self.root = ModelNode("", None)
        self.rsv = []
        self.handles = [(self.root, self.fdt.root)]

    def pick(self, items):
        return items[self.draw(len(items))]

    def value(self):
        return bytes([self.draw(256)]) * self.pick([0, 1, 2, 3, 4, 5, 8, 31, 700])

    def step(self):
        model, node = self.pick(self.handles)
        if not model.alive:
            with pytest.raises(FdtStale):
                self.pick(DEAD_ACTS)(node)
            return
        self.pick(self.ACTS)(self, model, node)

    def add(self, model, node):
        name = self.pick(NAMES)
        if name in [c.name for c in model.children]:
            with pytest.raises(FdtExists):
                node.add(name)
            return
        child = ModelNode(name, model)
        model.children.insert(0, child)
        self.handles.append((child, node.add(name)))

    def delete(self, model, node):
        if node is self.fdt.root:
            with pytest.raises(FdtBadParameter):
                node.delete()
            return
        node.delete()
        for gone in model.walk():
            gone.alive = False
        model.parent.children.remove(model)

    def rename(self, model, node):
        name = self.pick(NAMES)
        if node is self.fdt.root:
            with pytest.raises(FdtBadParameter):
                node.rename(name)
        elif name != model.name and name in [c.name for c in model.parent.children]:
            with pytest.raises(FdtExists):
                node.rename(name)
        else:
            node.rename(name)
            model.name = name

    def set(self, model, node):
        name, value = self.pick(PROPS), self.value()
        node[name] = value
        model.set(name, value)

    def append(self, model, node):
        name, value = self.pick(PROPS), self.value()
        node.append(name, value)
        model.set(name, (model.find(name) or b"") + value)

    def delprop(self, model, node):
        name = self.pick(PROPS)
        if model.find(name) is None:
            with pytest.raises(FdtNotFound):
                del node[name]
            return
        del node[name]
        model.props = [(n, v) for n, v in model.props if n != name]

    def getprop(self, model, node):
        name = self.pick(PROPS)
        assert node.get(name) == model.find(name)

    def look_up(self, model, node):
        assert node.path == model.path
        assert self.fdt[model.path] is node

    def reserve(self, model, node):
        if self.rsv and self.draw(2):
            i = self.draw(len(self.rsv))
            del self.fdt.memreserve[i], self.rsv[i]
        else:
            entry = (self.draw(1 << 32), 1 + self.draw(1 << 16))
            self.fdt.memreserve.append(*entry)
            self.rsv.append(entry)

    def housekeeping(self, model, node):
        # squeeze() is rare: it makes the tree forget where nodes have moved to
        rare = [self.fdt.squeeze]
        self.pick([self.fdt.pack, self.fdt.to_bytes] * 30 + rare)()

    ACTS = (
        add, add, add, rename, set, set, append, delprop, getprop, look_up,
        reserve, housekeeping, delete,
    )  # fmt: skip

    def check(self):
        for fdt in (self.fdt, Fdt(self.fdt.to_bytes()), self.fdt.duplicate()):
            assert [(n.path, list(n.items())) for n in fdt] == [
                (m.path, m.props) for m in self.root.walk()
            ]
            assert list(fdt.memreserve) == self.rsv
        for model, node in self.handles:
            if model.alive:
                assert node.path == model.path
                assert list(node.items()) == model.props
                assert node.depth == model.path.count("/") - (model is self.root)
            else:
                with pytest.raises(FdtStale):
                    node.path  # noqa: B018
        blob = self.fdt.to_bytes()
        assert Fdt(blob).to_bytes() == blob == pure.canonicalise(blob)


@settings(max_examples=max(150, settings.default.max_examples))
@given(st.data())
def test_short_sequences(data):
    pair = Pair(lambda n: data.draw(st.integers(0, n - 1)))
    for _ in range(data.draw(st.integers(0, 25))):
        pair.step()
    pair.check()


@pytest.mark.parametrize("seed", range(12))
def test_long_sequences(seed):
    """Far more edits than offsets are kept up to date over."""
    rng = random.Random(seed)
    pair = Pair(rng.randrange)
    for i in range(1500):
        pair.step()
        if i % 250 == 0:
            pair.check()
    pair.check()
    dead = sum(not model.alive for model, _ in pair.handles)
    assert 0 < dead < len(pair.handles)


NUMBER = st.integers(0, (1 << 64) - 1)
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))


@given(
    u32=st.integers(0, (1 << 32) - 1),
    u64=NUMBER,
    text=TEXT,
    texts=st.lists(TEXT),
    cells=st.lists(st.integers(0, (1 << 32) - 1)),
    raw=st.binary(),
)
def test_what_is_set_is_what_is_got(u32, u64, text, texts, cells, raw):
    node = Fdt.empty().root.add("n")
    for kind, value in (
        ("u32", u32), ("u64", u64), ("string", text), ("stringlist", texts),
        ("cells", cells),
    ):  # fmt: skip
        getattr(node, f"set_{kind}")(kind, value)
        assert getattr(Fdt(node.fdt.to_bytes())["/n"], f"get_{kind}")(kind) == value
    node["raw"] = raw
    assert Fdt(node.fdt.to_bytes())["/n"]["raw"] == raw


@given(
    ac=st.integers(1, 4),
    sc=st.integers(0, 4),
    entries=st.lists(st.tuples(NUMBER, NUMBER)),
)
def test_ranges_go_through_or_are_refused(ac, sc, entries):
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", ac)
    fdt.root.set_u32("#size-cells", sc)
    top, most = 1 << min(32 * ac, 64), 1 << min(32 * sc, 64)
    fits = all(a < top and s < most and a + s <= top for a, s in entries)
    before = fdt.to_bytes()
    if fits:
        fdt.root.set_reg("reg", entries)
        assert fdt.root.reg() == entries
        assert len(fdt.root["reg"]) == 4 * (ac + sc) * len(entries)
    else:
        with pytest.raises(FdtBadParameter, match=r"entry [0-9]+ "):
            fdt.root.set_reg("reg", entries)
        assert fdt.to_bytes() == before
