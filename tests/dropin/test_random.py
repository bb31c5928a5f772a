# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Long random sequences of operations on real trees: upstream's module and
ours give equal results and leave equal bytes, step by step."""

import random

import peers
import pytest

STEPS = 2000
# One in so many steps compares all bytes; every step compares its result
COMPARE = 10

TREES = list(peers.real_trees())
CORPUS = [p for p in TREES if p.suffix == ".dtb"]
# All captured trees, and some of the corpus, small ones and large ones
CHOSEN = [p for p in TREES if p.suffix != ".dtb"] + CORPUS[:: len(CORPUS) // 24 + 1]

NAMES = [
    "reg",
    "status",
    "compatible",
    "#address-cells",
    "new",
    "ew",
    "x" * 40,
    "é",
    "",
]
NODES = ["soc", "cpus", "chosen", "new@1", "new", "a/b", "", "y" * 90]


class Operations:
    """Arguments are drawn once and given to both modules."""

    def __init__(self, rng, module, fdt):
        self.rng = rng
        self.module = module
        self.fdt = fdt
        self.look()

    def look(self):
        """Offsets of nodes, properties and names that exist now."""
        module, fdt = self.module, self.fdt
        self.nodes, self.props, self.names = [], [], []
        node, depth = 0, 0
        while node >= 0 and depth >= 0:
            self.nodes.append(node)
            # A property behind a subnode gives no name, and None crashes upstream
            self.names.append(module.fdt_get_name(fdt, node)[0] or "")
            prop = module.fdt_first_property_offset(fdt, node)
            while prop >= 0:
                self.props.append(prop)
                self.names.append(module.fdt_get_property_by_offset(fdt, prop)[0])
                prop = module.fdt_next_property_offset(fdt, prop)
            node, depth = module.fdt_next_node(fdt, node, depth)

    def node(self):
        if not self.nodes or self.rng.random() < 0.05:
            return self.rng.choice([-1, 1, 2, 3, 4, 8, 10**6, -(2**31), 2**31 - 1])
        return self.rng.choice(self.nodes)

    def prop(self):
        if not self.props or self.rng.random() < 0.1:
            return self.node()
        return self.rng.choice(self.props)

    def name(self):
        return self.rng.choice(
            NAMES if self.rng.random() < 0.5 else self.names or NAMES
        )

    def child(self):
        return self.rng.choice(
            NODES if self.rng.random() < 0.5 else self.names or NODES
        )

    def value(self):
        size = self.rng.choice([0, 1, 2, 3, 4, 5, 8, 16, 100, 700])
        return bytes(self.rng.randrange(256) for _ in range(size))

    def path(self):
        path = self.module.fdt_get_path(self.fdt, self.node(), 4096)[1]
        return (
            path if self.rng.random() < 0.8 else self.rng.choice(["", "//", "serial0"])
        )

    def number(self, bits):
        return self.rng.getrandbits(bits)

    def draw(self):
        """(function, arguments, whether the tree may have changed)"""
        rng = self.rng
        value = self.value()
        reads = [
            ("fdt_getprop", self.node(), self.name()),
            ("fdt_get_property", self.node(), self.name()),
            ("fdt_get_property_by_offset", self.prop()),
            ("fdt_next_property_offset", self.prop()),
            ("fdt_first_property_offset", self.node()),
            ("fdt_next_node", self.node(), rng.randrange(-2, 9)),
            ("fdt_first_subnode", self.node()),
            ("fdt_next_subnode", self.node()),
            ("fdt_get_name", self.node()),
            ("fdt_node_depth", self.node()),
            ("fdt_parent_offset", self.node()),
            ("fdt_supernode_atdepth_offset", self.node(), rng.randrange(-1, 5), None),
            ("fdt_subnode_offset", self.node(), self.child()),
            ("fdt_path_offset", self.path()),
            ("fdt_get_phandle", self.node()),
            ("fdt_node_offset_by_phandle", rng.randrange(200)),
            ("fdt_get_max_phandle",),
            ("fdt_get_alias", self.name()),
            ("fdt_get_string", rng.randrange(-5, 4000)),
            ("fdt_stringlist_count", self.node(), self.name()),
            ("fdt_stringlist_get", self.node(), self.name(), rng.randrange(-1, 3)),
            ("fdt_stringlist_search", self.node(), self.name(), "okay"),
            ("fdt_node_check_compatible", self.node(), "simple-bus"),
            ("fdt_node_offset_by_compatible", self.node(), "simple-bus"),
            ("fdt_num_mem_rsv",),
            ("fdt_address_cells", self.node()),
            ("fdt_size_cells", self.node()),
            ("fdt_check_header",),
        ]
        writes = [
            ("fdt_setprop", self.node(), self.name(), value, len(value)),
            ("fdt_setprop", self.node(), self.name(), value, len(value) + 1),
            ("fdt_setprop_u32", self.node(), self.name(), self.number(32)),
            ("fdt_setprop_u64", self.node(), self.name(), self.number(64)),
            ("fdt_setprop_inplace_u32", self.node(), self.name(), self.number(32)),
            ("fdt_setprop_inplace_u64", self.node(), self.name(), self.number(64)),
            ("fdt_appendprop", self.node(), self.name(), value, len(value)),
            ("fdt_appendprop_u64", self.node(), self.name(), self.number(64)),
            (
                "fdt_appendprop_addrrange",
                self.node(),
                self.node(),
                self.name(),
                self.number(40),
                self.number(20),
            ),
            ("fdt_delprop", self.node(), self.name()),
            ("fdt_nop_property", self.node(), self.name()),
            ("fdt_add_subnode", self.node(), self.child()),
            ("fdt_set_name", self.node(), self.child()),
            ("fdt_add_mem_rsv", self.number(64), self.number(64)),
            ("fdt_del_mem_rsv", rng.randrange(0, 4)),
        ]
        rare = [
            ("fdt_pack",),
            ("fdt_del_node", self.node()),
            ("fdt_nop_node", self.node()),
            ("fdt_set_boot_cpuid_phys", self.number(32)),
        ]
        kind = rng.random()
        if kind < 0.5:
            return (*rng.choice(reads),), False
        return (*rng.choice(writes if kind < 0.98 else rare),), True


def call(module, fdt, name, args):
    try:
        return getattr(module, name)(fdt, *args)
    except (TypeError, ValueError, OverflowError) as e:
        return type(e), str(e)


@pytest.mark.parametrize("path", CHOSEN, ids=lambda p: "-".join(p.parts[-4:]))
def test_random_sequences_on_a_real_tree(path, upstream, ours):
    rng = random.Random(path.name)
    data = path.read_bytes()
    theirs, mine = bytearray(data), bytearray(data)
    for step in range(STEPS):
        # Room for a while: NOSPACE happens too
        if step % 100 == 0:
            size = len(theirs) + 2000
            bigger = bytearray(size), bytearray(size)
            assert upstream.fdt_open_into(theirs, bigger[0], size) == 0
            assert ours.fdt_open_into(mine, bigger[1], size) == 0
            theirs, mine = bigger
            operations = Operations(rng, upstream, theirs)
        (name, *args), changes = operations.draw()
        got = call(ours, mine, name, args)
        # A stale offset may show a property without a name: crashes upstream
        by_offset = name == "fdt_get_property_by_offset" and isinstance(got, int)
        if by_offset and ours.fdt_next_tag(mine, args[0])[0] == ours.FDT_PROP:
            continue
        want = call(upstream, theirs, name, args)
        where = f"step {step} of {path.name}: {name}{tuple(args)}"
        assert (type(got), got) == (type(want), want), where
        if changes or step % COMPARE == 0:
            # pack leaves what is behind alone; so do both
            assert mine == theirs, where
        if changes and step % COMPARE == 0:
            operations.look()
    assert mine == theirs


@pytest.mark.parametrize("path", CHOSEN, ids=lambda p: "-".join(p.parts[-4:]))
def test_a_walk_over_a_real_tree_sees_the_same(path, upstream, ours):
    def walk(module):
        fdt = module.FdtRo(path.read_bytes())
        node, depth = 0, 0
        while depth >= 0:
            yield fdt.get_name(node), fdt.get_path(node), fdt.get_phandle(node), depth
            prop = fdt.first_property_offset(node, module.QUIET_NOTFOUND)
            while prop >= 0:
                value = fdt.get_property_by_offset(prop)
                yield value.name, bytes(value), fdt.getprop(node, value.name)
                prop = fdt.next_property_offset(prop, module.QUIET_NOTFOUND)
            node, depth = fdt.next_node(node, depth)

    theirs = list(walk(upstream)) if path.stat().st_size < 60000 else None
    if theirs is None:
        # get_path is quadratic over a walk: look at large trees by their bytes
        fdt, mine = (m.FdtRo(path.read_bytes()) for m in (upstream, ours))
        assert mine.as_bytearray() == fdt.as_bytearray()
    else:
        assert list(walk(ours)) == theirs
        assert len(theirs) > 10


SW_NAMES = ["reg", "eg", "compatible", "x" * 60, "a", ""]


@pytest.mark.parametrize("seed", range(40))
def test_random_trees_written_from_front_to_back(seed, upstream, ours):
    """Sizes too: they are what upstream's steps of INC_SIZE lead to."""
    rng = random.Random(seed)
    hint = rng.choice([None, 48, 64, 100, 5000])
    theirs, mine = upstream.FdtSw(hint), ours.FdtSw(hint)
    theirs.INC_SIZE = mine.INC_SIZE = rng.choice([1024, 1024, 4, 12, 500])
    depth = 0

    def both(name, *args):
        results = []
        for module, sw in ((upstream, theirs), (ours, mine)):
            try:
                results.append(getattr(sw, name)(*args))
            except module.FdtException as e:
                results.append(e.err)
        assert results[0] == results[1], (name, args)
        assert mine._fdt == theirs._fdt, (name, args)

    for _ in range(rng.randrange(5)):
        both("add_reservemap_entry", rng.getrandbits(64), rng.getrandbits(64))
    both("finish_reservemap")
    both("begin_node", "")
    for step in range(150):
        kind = rng.randrange(9)
        name = rng.choice(SW_NAMES) + str(rng.randrange(20))
        # Names shorter than header and root: upstream writes in front of the
        # buffer else
        if kind == 0:
            both("begin_node", name)
            depth += 1
        elif kind == 1 and depth:
            both("end_node")
            depth -= 1
        elif kind == 2:
            both("property_u32", name, rng.getrandbits(32))
        elif kind == 3:
            both("property_u64", name, rng.getrandbits(64))
        elif kind == 4:
            both("property_cell", name, rng.getrandbits(32))
        elif kind == 5:
            both("property_string", name, "é" * rng.randrange(600))
        elif kind == 6:
            both("property", name, bytes(rng.choice([0, 1, 2, 3, 4, 5000])))
        elif kind == 7:
            both("totalsize")
        elif step % 10 == 0:
            both("resize", len(theirs._fdt) + rng.choice([0, 8, 100]))
    while depth >= 0:
        both("end_node")
        depth -= 1
    finished = []
    for module, sw in ((upstream, theirs), (ours, mine)):
        try:
            finished.append(bytes(sw.as_fdt()._fdt))
        except module.FdtException as e:
            finished.append(e.err)
    assert finished[0] == finished[1]
