# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What second_kernel_dtb() does to /chosen, the reservations and root's cells.

Inputs come from the assembler in second_kernel_blobs.py, results are read by
its parser. Expected values are those of docs/second-kernel.md, whose
steps the tests name.
"""

import itertools
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import Parsed, assemble, u32, u64

from pyfdtx import FdtBadContent, FdtBadParameter, FdtWarning
from pyfdtx.kexec import Crash, MemRange, second_kernel_dtb

pytestmark = pytest.mark.filterwarnings("error::pyfdtx.FdtWarning")

PAIRS = list(itertools.product(range(1, 5), range(5)))
CELLS_2_2 = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
MEMORY = ("memory@40000000", [("reg", u64(0x40000000, 0x40000000))], [])
BOOTED = ("linux,booted-from-kexec", b"")
CRASH = Crash(elfcorehdr=(0x7ABFF000, 0x1000), usable=[(0x6AC00000, 0x10000000)])
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}
SEEDS = {"kaslr_seed": 0x0123456789ABCDEF, "rng_seed": b"\xa5" * 128}


def root(*children, props=CELLS_2_2):
    return ("", list(props), list(children))


def chosen(*props, name="chosen"):
    return (name, list(props), [])


def make(tree, reserved=(), *, assembling=(), **job):
    return Parsed(
        second_kernel_dtb(assemble(tree, reserved, **dict(assembling)), **job)
    )


# --- step 1: /chosen


def test_an_existing_chosen_is_used_and_its_other_properties_stay():
    out = make(root(MEMORY, chosen(("stdout-path", b"/pl011\0"))), **NO_SEEDS)
    assert out.tree[2] == [MEMORY, chosen(BOOTED, ("stdout-path", b"/pl011\0"))]


@pytest.mark.parametrize("name", ["chosen@0", "chosen@"])
def test_chosen_with_a_unit_address_is_chosen(name):
    # drivers/of/fdt.c early_init_dt_scan_chosen() reads /chosen or /chosen@0;
    # fdt_path_offset() finds any unit address
    out = make(root(chosen(name=name)), **NO_SEEDS)
    assert out.tree[2] == [chosen(BOOTED, name=name)]


def test_the_first_of_several_is_chosen():
    out = make(
        root(chosen(name="chosenx"), chosen(name="chosen@0"), chosen()), **NO_SEEDS
    )
    assert out.tree[2] == [
        chosen(name="chosenx"),
        chosen(BOOTED, name="chosen@0"),
        chosen(),
    ]


def test_a_chosen_below_another_node_is_not_chosen():
    bus = ("bus", [], [chosen(("bootargs", b"not this\0"))])
    out = make(root(bus), **NO_SEEDS)
    assert out.tree[2] == [chosen(BOOTED), bus]


def test_a_missing_chosen_is_made_before_the_first_child():
    out = make(root(MEMORY), **NO_SEEDS)
    assert out.tree == root(chosen(BOOTED), MEMORY)


def test_a_missing_chosen_is_made_in_a_bare_root():
    assert make(root(props=[]), **NO_SEEDS).tree == root(chosen(BOOTED), props=[])


def test_an_efi_stub_tree_gains_no_root_node():
    # arch/arm64/kernel/acpi.c dt_is_stub(): any root child but chosen (and
    # hypervisor) switches ACPI off
    uefi = [("linux,uefi-system-table", u64(0x7F000000)), ("bootargs", b"a b\0")]
    out = make(root(chosen(*uefi)), initrd=(0x48000000, 0x1000), crash=CRASH)
    assert [name for name, _, _ in out.tree[2]] == ["chosen"]
    assert out.prop("linux,uefi-system-table") == u64(0x7F000000)


# --- steps 4 and 6: properties of /chosen


STALE = (
    "linux,elfcorehdr", "linux,usable-memory-range", "linux,initrd-start",
    "linux,initrd-end", "linux,dmcryptkeys", "linux,kho-fdt", "linux,kho-scratch",
    "linux,ima-kexec-buffer", "kaslr-seed", "rng-seed", "linux,booted-from-kexec",
)  # fmt: skip


@pytest.mark.parametrize("name", STALE)
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("value", [b"", b"\1", u64(1, 2), bytes(140)])
def test_every_stale_property_goes_in_every_occurrence(name, times, value):
    keep = [("a", b"1"), ("b", b"22"), ("c", b"333")]
    props = []
    for other in keep:
        props += [(name, value)] * times + [other]
    out = make(root(chosen(*props), MEMORY), **NO_SEEDS)
    assert out.tree == root(chosen(BOOTED, *keep), MEMORY)


@pytest.mark.parametrize("name", [n + "x" for n in STALE] + [n[:-1] for n in STALE])
def test_a_property_that_only_looks_stale_stays(name):
    out = make(root(chosen((name, b"kept"))), **NO_SEEDS)
    assert out.prop(name) == b"kept"


def test_stale_names_outside_chosen_stay():
    tree = root(("bus", [(n, u32(1)) for n in STALE], []), chosen())
    assert make(tree, **NO_SEEDS).tree[2][0] == tree[2][0]


def test_properties_stand_in_the_documented_order():
    out = make(
        root(chosen(("stdout-path", b"x\0")), MEMORY),
        cmdline="maxcpus=1",
        initrd=(0x6C6B0000, 0x214001),
        crash=Crash(
            elfcorehdr=(0x7ABFF000, 0x400),
            usable=[(0x6AC00000, 0x10000000), (0x40000000, 0x100000)],
        ),
        **SEEDS,
    )
    # Each in front of the one before: the reverse of step 6. initrd-end is
    # exclusive, the main range stands before the low one.
    assert out.chosen == [
        ("linux,booted-from-kexec", b""),
        ("rng-seed", b"\xa5" * 128),
        ("kaslr-seed", bytes.fromhex("0123456789abcdef")),
        ("bootargs", b"maxcpus=1\0"),
        (
            "linux,usable-memory-range",
            u64(0x6AC00000, 0x10000000, 0x40000000, 0x100000),
        ),
        ("linux,elfcorehdr", u64(0x7ABFF000, 0x400)),
        ("linux,initrd-end", u64(0x6C8C4001)),
        ("linux,initrd-start", u64(0x6C6B0000)),
        ("stdout-path", b"x\0"),
    ]


def test_new_names_enter_the_strings_in_the_order_of_writing():
    out = make(root(MEMORY, props=[]), cmdline="x", initrd=(1, 2), **SEEDS)
    assert out.strings == (
        b"reg\0linux,initrd-start\0linux,initrd-end\0bootargs\0kaslr-seed\0"
        b"rng-seed\0linux,booted-from-kexec\0"
    )


def test_a_name_that_is_the_tail_of_another_is_not_written_again():
    strings = b"my-rng-seed\0old-bootargs\0"
    out = make(
        root(props=[]),
        assembling={"strings": strings},
        cmdline="x",
        kaslr_seed=None,
        rng_seed=b"1234",
    )
    assert out.strings == strings + b"linux,booted-from-kexec\0"
    assert out.prop("rng-seed") == b"1234"


def test_the_strings_block_keeps_names_that_nobody_uses():
    tree = root(chosen(("kaslr-seed", u64(0))), props=[])
    assert make(tree, **NO_SEEDS).strings == b"kaslr-seed\0linux,booted-from-kexec\0"


# --- step 5 and 3: reservations


ALIEN = (0x1000, 0x2000)


def stale(value, name="linux,elfcorehdr", props=CELLS_2_2):
    return root(chosen((name, value)), props=props)


def test_initrd_and_core_header_are_reserved_behind_the_others():
    out = make(root(), [ALIEN, (5, 6)], initrd=(0x48000000, 0x1001), crash=CRASH)
    assert out.reserved == [ALIEN, (5, 6), (0x48000000, 0x1001), (0x7ABFF000, 0x1000)]


def test_a_plain_kexec_without_initrd_reserves_nothing():
    assert make(root(), [ALIEN]).reserved == [ALIEN]


@pytest.mark.parametrize("new", ["initrd", "crash"])
def test_a_reservation_equal_to_a_new_one_moves_to_the_end(new):
    job = {"initrd": (0x9000, 0x10)} if new == "initrd" else {"crash": CRASH}
    same = (0x9000, 0x10) if new == "initrd" else tuple(CRASH.elfcorehdr)
    near = [(same[0], same[1] + 1), (same[0] + 1, same[1])]
    out = make(root(), [same, near[0], same, near[1], same], **job)
    assert out.reserved == [*near, same]


def test_the_old_trees_reservation_goes_where_the_caller_says_so():
    reserved = [(0x4000, 0x3000), ALIEN, (0x4000, 0x3000), (0x4000, 0x3001)]
    out = make(root(), reserved, old_dtb=(0x4000, 0x3000))
    assert out.reserved == [ALIEN, (0x4000, 0x3001)]
    assert make(root(), reserved).reserved == reserved


@pytest.mark.parametrize(
    "name", ["linux,elfcorehdr", "linux,ima-kexec-buffer", "linux,dmcryptkeys"]
)
def test_the_reservation_of_each_stale_range_goes(name):
    reserved = [(7, 8), ALIEN, (9, 10), (7, 8), (7, 9)]
    out = make(stale(u64(7, 8, 9, 10), name), reserved)
    assert out.reserved == [ALIEN, (7, 9)]


@pytest.mark.parametrize(
    "name", ["linux,usable-memory-range", "linux,kho-fdt", "linux,kho-scratch"]
)
def test_ranges_that_no_loader_reserves_leave_reservations_alone(name):
    # Linux drivers/of/kexec.c adds no reservation for these
    assert make(stale(u64(7, 8), name), [(7, 8)]).reserved == [(7, 8)]


def test_only_the_first_of_equal_names_counts():
    tree = root(chosen(*[("linux,elfcorehdr", u64(n, 8)) for n in (7, 9)]))
    assert make(tree, [(7, 8), (9, 8)]).reserved == [(9, 8)]


@pytest.mark.parametrize(("ac", "sc"), PAIRS)
def test_stale_ranges_are_read_with_roots_cells(ac, sc):
    props = [("#address-cells", u32(ac)), ("#size-cells", u32(sc))]
    size = 8 if sc else 0
    value = (7).to_bytes(4 * ac, "big") + size.to_bytes(4 * sc, "big")
    out = make(stale(value * 2, props=props), [(7, 8), ALIEN])
    # no size cells: size 0, which no reservation has
    assert out.reserved == ([ALIEN] if sc else [(7, 8), ALIEN])


@pytest.mark.parametrize("ac", [3, 4])
def test_a_stale_range_beyond_64_bits_matches_nothing(ac):
    props = [("#address-cells", u32(ac)), ("#size-cells", u32(2))]
    beyond = (7 + (1 << 64)).to_bytes(4 * ac, "big") + u64(8)
    exact = (9).to_bytes(4 * ac, "big") + u64(8)
    out = make(stale(beyond + exact, props=props), [(7, 8), (9, 8)])
    assert out.reserved == [(7, 8)]


@pytest.mark.parametrize("missing", ["#address-cells", "#size-cells", "both"])
@pytest.mark.parametrize("words", range(9))
def test_without_root_cells_a_stale_range_is_read_by_its_length(missing, words):
    # 8, 12, 16 bytes: 1/1 (Linux's reader), 2/1 (libfdt), 2/2
    props = [p for p in CELLS_2_2 if p[0] != missing and missing != "both"]
    value = {2: u32(7, 8), 3: u32(0, 7, 8), 4: u64(7, 8)}.get(words, u32(*[7] * words))
    out = make(stale(value, props=props), [(7, 8), (7, 7)])
    assert out.reserved == ([(7, 7)] if words in (2, 3, 4) else [(7, 8), (7, 7)])


UNSOUND = [
    [("#address-cells", value), ("#size-cells", u32(1))]
    for value in (b"", u32(0), u32(5), u32(0xFFFFFFFF), u64(1), b"\0\0\1")
] + [
    [("#address-cells", u32(1)), ("#size-cells", value)]
    for value in (b"", u32(5), u32(0x80000000), u64(1), b"\0\0\1")
]


@pytest.mark.parametrize("props", [*UNSOUND, UNSOUND[0][:1], UNSOUND[-1][1:]])
def test_with_unsound_root_cells_no_stale_range_is_read(props):
    out = make(stale(u32(7, 8), props=props), [(7, 8)])
    assert out.reserved == [(7, 8)]
    assert out.root == props


@pytest.mark.parametrize("length", range(1, 16))
def test_a_ragged_stale_range_is_not_read(length):
    out = make(stale((u64(7, 8) * 2)[: 16 + length]), [(7, 8)])
    assert out.reserved == [(7, 8)]


def test_sixteen_stale_entries_are_looked_at():
    value = b"".join(u64(n, 1) for n in range(1, 19))
    out = make(stale(value), [(n, 1) for n in range(1, 19)])
    assert out.reserved == [(17, 1), (18, 1)]


def initrd(start, end):
    return root(chosen(("linux,initrd-start", start), ("linux,initrd-end", end)))


@pytest.mark.parametrize("first", [u32, u64])
@pytest.mark.parametrize("last", [u32, u64])
def test_the_old_initrds_reservation_goes(first, last):
    # drivers/of/fdt.c reads as many cells as there are; kexec-tools writes 4
    # bytes on arm, the kernel 8; the end is exclusive
    out = make(initrd(first(0x5000), last(0x5123)), [(0x5000, 0x123), ALIEN])
    assert out.reserved == [ALIEN]


SIZES = [0x4001, 0x5000, 0x8000, 0x10000]  # exact, and up to 4, 16, 64 KiB


@pytest.mark.parametrize("n", range(len(SIZES) + 1))
def test_the_old_initrds_reservation_may_be_whole_pages(n):
    # An exact entry wins over rounded ones, a smaller page over a larger one
    others = [(0x5000, SIZES[-1] + 1), (0x5001, SIZES[0]), (0x5000, 0x4000)]
    entries = [(0x5000, size) for size in reversed(SIZES[n:])] * 2
    out = make(initrd(u64(0x5000), u64(0x5000 + SIZES[0])), entries + others)
    left = [e for e in entries if n == len(SIZES) or e[1] != SIZES[n]]
    assert out.reserved == left + others


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (u64(0x5000), u64(0x4FFF)),  # ends before it starts
        (u64(0x5000), u64(0x5000)),  # empty
        (b"", u64(0x5008)),
        (u64(0x5000), b""),
        (u32(0, 0, 0x5000), u64(0x5008)),  # 12 bytes
        (u64(0x5000), b"\0\0\x50\x08\0"),  # 5 bytes
    ],
)
def test_an_unsound_old_initrd_leaves_reservations_alone(start, end):
    reserved = [(0x5000, 8), (0x5000, 0x1000), (0x5000, (1 << 64) - 1)]
    assert make(initrd(start, end), reserved).reserved == reserved


@pytest.mark.parametrize("alone", ["linux,initrd-start", "linux,initrd-end"])
def test_half_an_old_initrd_leaves_reservations_alone(alone):
    out = make(root(chosen((alone, u64(8)))), [(8, 8), (0, 8)])
    assert out.reserved == [(8, 8), (0, 8)]


def test_an_old_initrd_at_the_end_of_memory_does_not_wrap():
    top = (1 << 64) - 1
    out = make(initrd(u64(0), u64(top)), [(0, top), (0, 1)])
    assert out.reserved == [(0, 1)]
    # rounding up gives 2**64, which no entry can have
    out = make(initrd(u64(0), u64(top)), [(0, top - 1), (0, 4096)])
    assert out.reserved == [(0, top - 1), (0, 4096)]


def test_every_rule_looks_at_the_reservations_of_the_input():
    # The elfcorehdr rule removes the initrd's exact entry; that it was there
    # still keeps the rounded one from going
    tree = root(
        chosen(
            ("linux,elfcorehdr", u64(0x5000, 0x10)),
            ("linux,initrd-start", u64(0x5000)),
            ("linux,initrd-end", u64(0x5010)),
        )
    )
    out = make(tree, [(0x5000, 0x10), (0x5000, 0x1000)])
    assert out.reserved == [(0x5000, 0x1000)]


# --- step 2: root's cells


def encode(value, cells):
    return value.to_bytes(4 * cells, "big")


@pytest.mark.parametrize(("ac", "sc"), PAIRS)
def test_ranges_are_written_with_roots_cells(ac, sc):
    props = [("#address-cells", u32(ac)), ("#size-cells", u32(sc))]
    if sc == 0:
        with pytest.raises(FdtBadContent, match="#size-cells is 0"):
            make(root(props=props), crash=CRASH)
        return
    low = MemRange(0x40000000, 0x100000)
    crash = Crash(elfcorehdr=CRASH.elfcorehdr, usable=[*CRASH.usable, low])
    out = make(root(props=props), crash=crash)
    header, (main, _) = crash
    assert out.root == props
    assert out.prop("linux,elfcorehdr") == (
        encode(header.start, ac) + encode(header.size, sc)
    )
    assert out.prop("linux,usable-memory-range") == b"".join(
        encode(r.start, ac) + encode(r.size, sc) for r in (main, low)
    )


def test_cells_of_chosen_itself_do_not_count():
    # dt-schema chosen.yaml: these cells serve framebuffer children
    own = [("#address-cells", u32(1)), ("#size-cells", u32(1))]
    out = make(root(chosen(*own)), crash=CRASH)
    assert out.prop("linux,elfcorehdr") == u64(*CRASH.elfcorehdr)


@pytest.mark.parametrize("props", UNSOUND)
@pytest.mark.parametrize("root_cells", ["keep", "2/2"])
def test_unsound_root_cells_are_refused_whatever_the_caller_chose(props, root_cells):
    with pytest.raises(FdtBadContent) as e:
        make(root(props=props), crash=CRASH, root_cells=root_cells)
    bad = "#address-cells" if props[1][1] == u32(1) else "#size-cells"
    assert e.value.name == "FDT_ERR_BADNCELLS"
    assert e.value.where == f"/:{bad}"


@pytest.mark.parametrize("missing", ["#address-cells", "#size-cells", "both"])
def test_missing_root_cells_are_refused_with_the_way_out(missing):
    props = [p for p in CELLS_2_2 if p[0] != missing and missing != "both"]
    with pytest.raises(FdtBadContent) as e:
        make(root(props=props), crash=CRASH)
    name = "#address-cells" if missing == "both" else missing
    assert (e.value.name, e.value.where) == ("FDT_ERR_BADNCELLS", f"/:{name}")
    assert 'root_cells="2/2"' in str(e.value)


@pytest.mark.parametrize("props", [[], CELLS_2_2[:1], *UNSOUND])
@pytest.mark.parametrize("root_cells", ["keep", "2/2"])
def test_a_plain_kexec_neither_needs_nor_changes_root_cells(props, root_cells):
    out = make(root(props=props), root_cells=root_cells, initrd=(1 << 40, 4))
    assert out.root == props


MODEL = ("model", b"m\0")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # #size-cells is added first, so that #address-cells stands before it
        ([MODEL], [*CELLS_2_2, MODEL]),
        ([MODEL, ("#address-cells", u32(1))], [CELLS_2_2[1], MODEL, CELLS_2_2[0]]),
        ([MODEL, ("#size-cells", u32(1))], [CELLS_2_2[0], MODEL, CELLS_2_2[1]]),
        (
            [("#size-cells", u32(0)), MODEL, ("#address-cells", u32(4))],
            [CELLS_2_2[1], MODEL, CELLS_2_2[0]],
        ),
        ([MODEL, *CELLS_2_2], [MODEL, *CELLS_2_2]),
    ],
)
@pytest.mark.parametrize("has_chosen", [True, False])
def test_root_cells_can_be_written_as_2_2(before, after, has_chosen):
    children = [("cpus", [("reg", b"")], []), *([chosen()] if has_chosen else [])]
    high = MemRange(0x8_0000_0000, 1 << 33)
    crash = Crash(elfcorehdr=(0x8_0000_1000, 0x1000), usable=[high])
    out = make(root(*children, props=before), crash=crash, root_cells="2/2")
    assert out.root == after
    assert out.prop("linux,elfcorehdr") == u64(0x8_0000_1000, 0x1000)
    assert out.prop("linux,usable-memory-range") == u64(*high)
    assert len(out.tree[2]) == 2


OWN = [("#address-cells", u32(1)), ("#size-cells", u32(1))]
USERS = [
    "reg", "ranges", "dma-ranges", "linux,usable-memory", "assigned-addresses",
]  # fmt: skip


def refused(tree, path, prop):
    with pytest.raises(FdtBadContent) as e:
        make(tree, crash=CRASH, root_cells="2/2")
    assert (e.value.name, e.value.where) == ("FDT_ERR_BADNCELLS", f"{path}:{prop}")
    assert 'root_cells="2/2"' in str(e.value)
    of_cells = prop in ("#address-cells", "#size-cells")
    assert ("would change what it means" in str(e.value)) != of_cells


def allowed(tree):
    out = make(tree, crash=CRASH, root_cells="2/2")
    assert dict(out.root)["#address-cells"] == dict(out.root)["#size-cells"] == u32(2)


@pytest.mark.parametrize("prop", USERS)
def test_2_2_is_refused_where_it_would_change_a_property(prop):
    leaf = ("leaf@0", [MODEL, (prop, u32(0, 1))], [])
    refused(root(leaf, props=OWN), "/leaf@0", prop)
    refused(root(chosen(), ("a", [], [leaf]), props=OWN), "/a/leaf@0", prop)
    # one of the two cells does not shield: the other is still the root's
    for half in OWN:
        refused(root(("a", [half], [leaf]), props=[]), "/a/leaf@0", prop)


@pytest.mark.parametrize("prop", USERS)
def test_2_2_is_allowed_where_nothing_depends_on_root_cells(prop):
    leaf = ("leaf@0", [(prop, u32(0, 1))], [])
    # empty values have no meaning to change
    allowed(root(("a", [(prop, b"")], []), props=OWN))
    # of equal names only the first is ever read
    allowed(root(("a", [(prop, b""), (prop, u32(0, 1))], []), props=OWN))
    # below a node with both cells of its own, at any depth
    allowed(root(("a", OWN, [leaf]), props=OWN))
    allowed(root(("a", OWN, [("b", [], [("c", OWN[:1], [leaf])])]), props=OWN))
    # of the root itself, and nodes without such properties
    allowed(root(("a", [MODEL], []), props=[*OWN, (prop, u32(0, 1))]))
    # cells are 2 and 2 already: nothing changes
    make(root(leaf), crash=CRASH, root_cells="2/2")


@pytest.mark.parametrize("name", ["reserved-memory", "reserved-memory@0"])
def test_2_2_is_refused_where_reserved_memory_has_other_cells_of_its_own(name):
    # Linux, __reserved_mem_check_root(): cells other than the root's, and the
    # whole node is ignored. fdt_path_offset() finds any unit address.
    area = ("area@0", [("reg", u32(0, 1))], [])
    where = "/" + name
    wrong = [u32(n) for n in (0, 1, 3, 4)] + [b"", b"\2", u64(2), u32(2) + b"\0"]
    for value in wrong:
        for i, (prop, _) in enumerate(CELLS_2_2):
            own = list(CELLS_2_2)
            own[i] = (prop, value)
            for cells in ([], OWN):
                node = (name, [*own, ("ranges", b"")], [area])
                refused(root(node, props=cells), where, prop)
                refused(root(chosen(), node, props=cells), where, prop)
    # of equal names only the first is ever read
    twice = [*OWN[:1], *CELLS_2_2]
    refused(root((name, twice, []), props=OWN), where, "#address-cells")


def test_2_2_is_allowed_where_reserved_memory_has_them_already():
    area = ("area@0", [("reg", u64(0, 1))], [])
    node = ("reserved-memory", [*CELLS_2_2, ("ranges", b"")], [area])
    for cells in ([], OWN):
        allowed(root(node, props=cells))
        allowed(root(("reserved-memory", [*CELLS_2_2, *OWN], [area]), props=cells))
    # only the root's child of exactly this name is what Linux reads
    for other in ("reserved-memoryx", "reserved-memor", "xreserved-memory"):
        allowed(root((other, OWN, [area]), props=OWN))
    allowed(root(("a", [], [("reserved-memory", OWN, [area])]), props=OWN))
    allowed(root(("reserved-memory", [], [("a", OWN, [area])]), props=OWN))
    # nothing is written where the root's are 2/2 already
    make(root(("reserved-memory", OWN, [area])), crash=CRASH, root_cells="2/2")


def test_the_refusal_says_what_linux_does_with_reserved_memory():
    tree = root(("reserved-memory", OWN, []), props=OWN)
    with pytest.raises(FdtBadContent) as e:
        make(tree, crash=CRASH, root_cells="2/2")
    assert "Linux ignores /reserved-memory" in str(e.value)


def test_the_shield_ends_with_its_node():
    leaf = ("leaf@0", [("reg", u32(0, 1))], [])
    refused(root(("a", OWN, [leaf]), leaf, props=OWN), "/leaf@0", "reg")
    nest = ("a", [], [("b", OWN, [leaf, leaf]), ("c", [], [leaf])])
    refused(root(nest, props=OWN), "/a/c/leaf@0", "reg")
    # a node's own cells are for its children, not for itself
    refused(root(("a", [*OWN, ("reg", u32(0, 1))], []), props=OWN), "/a", "reg")
    # a shielded sibling's cells do not leak to the next node
    refused(root(("a", OWN, []), ("b", [], [leaf]), props=OWN), "/b/leaf@0", "reg")
    refused(root(("a", [], [("b", OWN, []), leaf]), props=OWN), "/a/leaf@0", "reg")


def test_names_that_only_look_like_users_of_cells_are_no_hindrance():
    props = [(n + "x", u32(1)) for n in USERS] + [("reg-names", b"a\0")]
    allowed(root(("a", props, []), props=OWN))


# --- values at the limits


LIMITS_1 = [  # (start, size) with one cell each, and whether it fits
    ((0, (1 << 32) - 1), True),
    ((1, (1 << 32) - 1), True),  # ends exactly at 2**32
    ((2, (1 << 32) - 1), False),
    ((0, 1 << 32), False),
    (((1 << 32) - 1, 1), True),
    (((1 << 32) - 1, 2), False),
    ((1 << 32, 1), False),
    ((1 << 63, 1), False),
]


@pytest.mark.parametrize(("pair", "fits"), LIMITS_1)
@pytest.mark.parametrize("which", ["elfcorehdr", "usable[0]", "usable[1]"])
def test_one_cell_holds_what_ends_at_2_32(pair, fits, which):
    good = MemRange(0x1000, 0x1000)
    header = pair if which == "elfcorehdr" else good
    usable = [pair if which == f"usable[{i}]" else good for i in range(2)]
    crash = Crash(elfcorehdr=header, usable=usable)
    tree = root(MEMORY, props=OWN)
    if fits:
        with warnings.catch_warnings():
            # the header need not lie well to be encoded well
            warnings.simplefilter("ignore", FdtWarning)
            out = make(tree, crash=crash)
        assert out.prop("linux,elfcorehdr") == u32(*header)
        assert out.prop("linux,usable-memory-range") == u32(*usable[0], *usable[1])
        return
    prop = "elfcorehdr" if which == "elfcorehdr" else "usable-memory-range"
    with pytest.raises(FdtBadContent) as e:
        make(tree, crash=crash)
    text = str(e.value)
    if pair[0] >= 1 << 32:
        assert f"start {pair[0]:#x} is 2**32 or more" in text
    assert e.value.name == "FDT_ERR_BADVALUE"
    assert e.value.where == f"/chosen:linux,{prop}"
    for part in (
        f"crash.{which}",
        repr(MemRange.of(pair)),
        "cells is 1",
        'root_cells="2/2"',
    ):
        assert part in text, text


@pytest.mark.parametrize("ac", [2, 3, 4])
def test_two_cells_hold_what_ends_at_2_64(ac):
    props = [("#address-cells", u32(ac)), ("#size-cells", u32(2))]
    top = MemRange((1 << 64) - 0x1000, 0x1000)
    out = make(root(props=props), crash=Crash(elfcorehdr=top, usable=[top]))
    assert out.prop("linux,elfcorehdr") == encode(top.start, ac) + u64(0x1000)


def test_a_size_that_needs_two_cells_is_refused_by_name():
    props = [("#address-cells", u32(2)), ("#size-cells", u32(1))]
    crash = Crash(elfcorehdr=(0, 1), usable=[(0, 1 << 32)])
    with pytest.raises(FdtBadContent, match=r"size 0x100000000 .* #size-cells is 1"):
        make(root(props=props), crash=crash)


def test_the_initrds_end_is_exclusive_and_needs_no_cells():
    top = (1 << 64) - 1
    out = make(root(props=OWN), initrd=(top - 1, 1))
    assert out.prop("linux,initrd-start") == u64(top - 1)
    assert out.prop("linux,initrd-end") == u64(top)
    with pytest.raises(FdtBadParameter, match=r"initrd.*0xffffffffffffffff, 0x1"):
        make(root(), initrd=(top, 1))
