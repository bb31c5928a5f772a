# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The plain Python second kernel's tree, step by step.

Every expected tree is written out by hand from docs/second-kernel.md;
encodings follow dt-schema's chosen.yaml.
"""

import struct

import pytest

from pyfdtx import FdtBadContent, FdtBadParameter, pure

FIXED = {"kaslr_seed": None, "rng_seed": None}
BOOTED = ("linux,booted-from-kexec", b"")
HEADER = (0x7ABFF000, 0x400)
MAIN, LOW = (0x6AC00000, 0x10000000), (0x40000000, 0x4000000)
CRASH = (HEADER, [MAIN])
MIB = 1 << 20


def u32(*values):
    return struct.pack(f">{len(values)}I", *values)


def u64(*values):
    return struct.pack(f">{len(values)}Q", *values)


def cells(ac=2, sc=2):
    return [("#address-cells", u32(ac)), ("#size-cells", u32(sc))]


def tree(chosen=(), root=None, children=(), name="chosen"):
    root = cells() if root is None else root
    return ("", root, [("cpus", [], []), (name, list(chosen), []), *children])


def blob(*args, memreserve=(), **kwargs):
    return pure.flatten(tree(*args, **kwargs), list(memreserve))


def chosen_of(out):
    children = pure.unflatten(out)[2]
    return next(props for name, props, _ in children if name.startswith("chosen"))


def second(data, **kwargs):
    return pure.second_kernel_dtb(data, **{**FIXED, **kwargs})


# Step 1


def test_a_missing_chosen_is_added_before_the_other_children():
    data = pure.flatten(("", cells(), [("cpus", [], []), ("memory@0", [], [])]))
    root = pure.unflatten(second(data))
    assert root[1] == cells()
    assert root[2] == [("chosen", [BOOTED], []), ("cpus", [], []), ("memory@0", [], [])]


def test_a_missing_chosen_is_added_to_a_root_without_children_or_properties():
    assert pure.unflatten(second(pure.flatten(("", [], [])))) == (
        "", [], [("chosen", [BOOTED], [])]
    )  # fmt: skip


@pytest.mark.parametrize("name", ["chosen", "chosen@0", "chosen@"])
def test_the_first_chosen_with_or_without_unit_address_is_used(name):
    data = blob(name=name, children=[("chosen", [("stdout-path", b"x\0")], [])])
    children = pure.unflatten(second(data))[2]
    assert children[1:] == [(name, [BOOTED], []),
                            ("chosen", [("stdout-path", b"x\0")], [])]  # fmt: skip


@pytest.mark.parametrize("name", ["chosenx", "choose", "chosen,x"])
def test_other_names_are_not_chosen(name):
    children = pure.unflatten(second(blob(name=name)))[2]
    assert [c[0] for c in children] == ["chosen", "cpus", name]


# Steps 4 and 6


def test_a_crash_tree_has_all_properties_in_front_newest_first():
    old = [("bootargs", b"quiet\0"), ("stdout-path", b"serial0\0")]
    out = pure.second_kernel_dtb(
        blob(old),
        cmdline="maxcpus=1",
        initrd=(0x6C6B0000, 0x214000),
        crash=(HEADER, [MAIN, LOW]),
        kaslr_seed=0x1122334455667788,
        rng_seed=b"seed",
    )
    assert chosen_of(out) == [
        BOOTED,
        ("rng-seed", b"seed"),
        ("kaslr-seed", u64(0x1122334455667788)),
        ("bootargs", b"maxcpus=1\0"),
        ("linux,usable-memory-range", u64(*MAIN, *LOW)),
        ("linux,elfcorehdr", u64(*HEADER)),
        ("linux,initrd-end", u64(0x6C6B0000 + 0x214000)),
        ("linux,initrd-start", u64(0x6C6B0000)),
        ("stdout-path", b"serial0\0"),
    ]
    assert pure.memreserve(out) == [(0x6C6B0000, 0x214000), HEADER]
    assert pure.canonicalise(out, squeeze=True) == out


@pytest.mark.parametrize(
    "name",
    [
        "linux,elfcorehdr",
        "linux,usable-memory-range",
        "linux,initrd-start",
        "linux,initrd-end",
        "linux,dmcryptkeys",
        "linux,kho-fdt",
        "linux,kho-scratch",
        "linux,ima-kexec-buffer",
        "bootargs",
        "kaslr-seed",
        "rng-seed",
        "linux,booted-from-kexec",
    ],
)
def test_every_occurrence_of_a_stale_property_goes(name):
    dirty = [(name, b"abc"), ("keep", b"1"), (name, b"d"), (name, b"")]
    expected = [BOOTED, ("keep", b"1")]
    if name == "bootargs":  # kept, from the first one
        expected = [BOOTED, ("bootargs", b"abc\0"), ("keep", b"1")]
    assert chosen_of(second(blob(dirty))) == expected


def test_dirt_behind_values_goes_with_them_or_is_cleaned():
    data = blob([("bootargs", b"abcde"), ("model", b"fghij"), ("rng-seed", b"k")])
    for value in (b"abcde", b"fghij", b"k"):
        # the padding of a value starts behind it, up to the next cell
        data = data.replace(value + bytes(3), value + b"\x99" * 3)
    out = second(data)
    assert b"\x99" not in out
    assert chosen_of(out) == [BOOTED, ("bootargs", b"abcde\0"), ("model", b"fghij")]


def test_properties_of_those_names_elsewhere_stay():
    stay = ("cpus2", [("bootargs", b"x\0")], [("chosen", [("rng-seed", b"s")], [])])
    assert stay in pure.unflatten(second(blob(children=[stay])))[2]


def test_random_seeds_have_the_kernels_lengths_and_differ():
    one, two = (dict(chosen_of(pure.second_kernel_dtb(blob()))) for _ in "12")
    assert (len(one["kaslr-seed"]), len(one["rng-seed"])) == (8, 128)
    assert one["kaslr-seed"] != two["kaslr-seed"]
    assert one["rng-seed"] != two["rng-seed"]


def test_new_names_are_shared_with_tails_of_old_ones():
    # "bootargs" is the tail of "my-bootargs", and first stands in "xbootargs"
    data = blob([("xbootargs", b""), ("my-bootargs", b"")])
    out = second(data, cmdline="a")
    size = struct.unpack_from(">I", out, 32)[0] - struct.unpack_from(">I", data, 32)[0]
    assert size == len(b"linux,booted-from-kexec\0")
    assert ("bootargs", b"a\0") in chosen_of(out)


# Step 2


@pytest.mark.parametrize("ac", range(1, 5))
@pytest.mark.parametrize("sc", range(1, 5))
def test_ranges_use_the_roots_cells_left_padded(ac, sc):
    # chosen's own cells are for its children
    data = blob(cells(1, 1), root=cells(ac, sc))
    got = dict(chosen_of(second(data, crash=((0x1000, 0x20), [(0x0, 0x8000)]))))
    entry = [0] * (ac - 1) + [0x1000] + [0] * (sc - 1) + [0x20]
    assert got["linux,elfcorehdr"] == u32(*entry)
    entry = [0] * (ac - 1) + [0] + [0] * (sc - 1) + [0x8000]
    assert got["linux,usable-memory-range"] == u32(*entry)


@pytest.mark.parametrize(
    ("ac", "sc", "entry", "fits"),
    [
        (1, 1, (0xFFFFF000, 0x1000), True),  # ends at 2^32
        (1, 1, (0xFFFFF000, 0x1001), False),
        (1, 1, (1 << 32, 1), False),
        (1, 2, (0, 1 << 32), True),
        (1, 2, (1, 1 << 32), False),
        (1, 1, (0, 1 << 32), False),
        (2, 1, (1 << 40, (1 << 32) - 1), True),
        (2, 1, (0, 1 << 32), False),
        (2, 2, ((1 << 64) - 1, 1), True),  # ends at 2^64
        (2, 0, (0x1000, 1), False),
        (3, 4, (0, (1 << 64) - 1), True),
    ],
)
def test_a_range_that_does_not_fit_the_cells_is_refused(ac, sc, entry, fits):
    data = blob(root=cells(ac, sc))
    for crash in ((entry, [(0, 1)]), ((0, 1), [(0, 1), entry])):
        if fits:
            assert second(data, crash=crash)
            continue
        with pytest.raises(FdtBadContent, match="BADVALUE"):
            second(data, crash=crash)


UNSOUND = [
    [("#address-cells", u32(0)), ("#size-cells", u32(1))],
    [("#address-cells", u32(5)), ("#size-cells", u32(1))],
    [("#address-cells", u32(2)), ("#size-cells", u32(5))],
    [("#address-cells", b"\0\0\2"), ("#size-cells", u32(1))],
    [("#address-cells", u64(2)), ("#size-cells", u32(1))],
    [("#address-cells", u32(2)), ("#size-cells", b"")],
    [("#size-cells", u32(5))],
]


@pytest.mark.parametrize("root", UNSOUND)
@pytest.mark.parametrize("choice", ["keep", "2/2"])
def test_unsound_cells_are_refused_for_a_crash_tree_only(root, choice):
    with pytest.raises(FdtBadContent, match="BADNCELLS"):
        second(blob(root=root), crash=CRASH, root_cells=choice)
    assert pure.unflatten(second(blob(root=root), root_cells=choice))[1] == root


@pytest.mark.parametrize("root", [[], cells()[:1], cells()[1:]])
def test_missing_cells_are_refused_unless_the_caller_chose(root):
    model = [("model", b"m\0")]
    data = blob(root=root + model)
    with pytest.raises(FdtBadContent, match="BADNCELLS"):
        second(data, crash=CRASH)
    out = second(data, crash=CRASH, root_cells="2/2")
    added = [c for c in cells() if c not in root]
    assert pure.unflatten(out)[1] == added + root + model
    assert dict(chosen_of(out))["linux,elfcorehdr"] == u64(*HEADER)


def test_other_cells_are_rewritten_in_place_when_chosen():
    root = [("model", b"m\0"), ("#size-cells", u32(1)), ("#address-cells", u32(1))]
    out = second(blob(root=root), crash=CRASH, root_cells="2/2")
    assert pure.unflatten(out)[1] == [
        ("model", b"m\0"), ("#size-cells", u32(2)), ("#address-cells", u32(2))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["reg", "ranges", "dma-ranges", "linux,usable-memory", "assigned-addresses"]
)
def test_rewriting_cells_must_not_change_what_they_govern(name):
    def try_it(children, root=None):
        root = cells(1, 1) if root is None else root
        data = blob(root=root, children=children)
        return second(data, crash=CRASH, root_cells="2/2")

    user = ("memory@0", [(name, u32(0, 1))], [])
    for governed in (
        [user],
        [("soc", [], [user])],
        [("soc", cells()[:1], [user])],
        [("soc", [*cells(), (name, b"x")], [])],
    ):
        with pytest.raises(FdtBadContent, match="BADNCELLS"):
            try_it(governed)
    assert try_it([("memory@0", [(name, b"")], [])])
    # the first of equal names is the one that is read
    assert try_it([("memory@0", [(name, b""), (name, b"x")], [])])
    with pytest.raises(FdtBadContent, match="BADNCELLS"):
        try_it([("memory@0", [(name, b"x"), (name, b"")], [])])
    assert try_it([("soc", cells(), [user])])
    assert try_it([("soc", cells(), [("bus", [], [user])])])
    assert try_it([user], root=cells()), "2/2 already: nothing changes"


@pytest.mark.parametrize("name", ["reserved-memory", "reserved-memory@0"])
def test_rewriting_cells_must_not_lose_reserved_memory(name):
    # Linux, __reserved_mem_check_root(): other cells than the root's, ignored
    def try_it(*props):
        data = blob(root=cells(1, 1), children=[(name, list(props), [])])
        return second(data, crash=CRASH, root_cells="2/2")

    for props in (cells(1, 1), cells(2, 1), cells(1, 2), cells(1, 1) + cells()):
        with pytest.raises(FdtBadContent, match=f"/{name}:#.*BADNCELLS"):
            try_it(*props)
    assert try_it(*cells())
    assert try_it(*cells(), *cells(1, 1)), "the first of equal names is read"
    assert try_it()


# Steps 3 and 5


def kept(props, entries, root=None, **kwargs):
    """Reservations that a normal tree leaves of (address, size) entries."""
    return pure.memreserve(
        second(blob(props, root=root, memreserve=entries), **kwargs)
    )  # fmt: skip


A, B, C = (0x1000, 0x200), (0x5000, 0x300), (0x9000, 0x400)


def test_the_old_dtbs_reservations_go_and_the_others_keep_their_order():
    assert kept([], [C, A, B, A, A]) == [C, A, B, A, A]
    assert kept([], [C, A, B, A, A], old_dtb=A) == [C, B]


@pytest.mark.parametrize(
    "name", ["linux,elfcorehdr", "linux,ima-kexec-buffer", "linux,dmcryptkeys"]
)
def test_reservations_of_old_ranges_go(name):
    def left(value, root):
        return kept([(name, value)], [A, B, C], root=root)

    assert left(u64(*A), cells()) == [B, C]
    assert left(u64(*A, *C), cells()) == [B]
    sixteen = u64(*A, *[0] * 30)
    assert left(sixteen + u64(*C), cells()) == [B, C], "the first 16 entries count"
    assert left(sixteen[16:] + u64(*C), cells()) == [A, B]
    assert left(u64(*A) + b"x", cells()) == [A, B, C], "ragged"
    assert left(u32(*A), cells(1, 1)) == [B, C]
    assert left(u32(0, 0, *A[:1], 0, 0, 0, A[1]), cells(3, 4)) == [B, C]
    assert left(u32(1, 0, A[0], A[1]), cells(3, 1)) == [A, B, C], "beyond 64 bits"
    for root in ([], cells()[:1], cells()[1:]):
        assert left(u32(*A), root) == [B, C]
        assert left(u32(0, *A), root) == [B, C]
        assert left(u64(*A), root) == [B, C]
        assert left(u64(*A, *C), root) == [A, B, C]
    for root in UNSOUND:
        assert left(u64(*A), root) == [A, B, C]


@pytest.mark.parametrize("form", [u32, u64])
def test_the_old_initrds_reservation_goes_exact_or_rounded(form):
    def left(start, end, *entries):
        props = [("linux,initrd-start", form(start)), ("linux,initrd-end", u64(end))]
        return kept(props, [*entries, B])

    start, end = 0x100000, 0x100000 + 0x12345
    sizes = [0x12345, 0x13000, 0x14000, 0x20000]
    # only the first of these that is there goes
    for i in range(len(sizes)):
        there = [(start, n) for n in sizes[i:]]
        assert left(start, end, *there) == [*there[1:], B]
        assert left(start, end, *there, there[0]) == [*there[1:], B]
    assert left(start, start, (start, 0x1000)) == [(start, 0x1000), B]
    assert left(start, start - 1, (start, 0x1000)) == [(start, 0x1000), B]
    assert left(start, end, (start, 0x12346)) == [(start, 0x12346), B]


@pytest.mark.parametrize(
    "props",
    [
        [("linux,initrd-start", u64(A[0]))],
        [("linux,initrd-end", u64(sum(A)))],
        [("linux,initrd-start", u64(A[0])), ("linux,initrd-end", u64(sum(A)) + b"x")],
        [("linux,initrd-start", b""), ("linux,initrd-end", u64(sum(A)))],
    ],
)
def test_half_or_misshaped_initrd_properties_name_no_reservation(props):
    assert kept(props, [A]) == [A]


def test_a_second_run_gives_the_same_bytes():
    data = blob([("bootargs", b"quiet\0")], memreserve=[A, HEADER, (0x8000000, 5000)])
    args = {"initrd": (0x8000000, 5000), "crash": CRASH, "append": None}
    once = second(data, **args)
    assert pure.memreserve(once) == [A, (0x8000000, 5000), HEADER]
    # names stay in the strings block, so the second run adds none
    assert second(once, **args) == once
    assert pure.memreserve(second(once)) == [A]


# The command line


def line(old=None, **kwargs):
    props = [] if old is None else [("bootargs", old)]
    return dict(chosen_of(second(blob(props), **kwargs))).get("bootargs")


@pytest.mark.parametrize(
    ("old", "arguments", "expected"),
    [
        (None, {}, None),
        (b"", {}, None),
        (b"\0", {}, None),
        (b"quiet\0", {}, b"quiet\0"),
        (b"quiet", {}, b"quiet\0"),
        (b"quiet\0more\0", {}, b"quiet\0"),
        (b" a\t b  \0", {}, b" a\t b  \0"),
        (b"\xc3\xa4\xff\0", {}, b"\xc3\xa4\xff\0"),
        (b"quiet\0", {"cmdline": "root=/dev/vda"}, b"root=/dev/vda\0"),
        (None, {"cmdline": "a  b"}, b"a  b\0"),
        (None, {"cmdline": "\xe4\udcff"}, b"\xc3\xa4\xff\0"),
        (b"quiet\0", {"cmdline": ""}, None),
        (b"quiet\0", {"append": "maxcpus=1"}, b"quiet maxcpus=1\0"),
        (b"quiet \0", {"append": "maxcpus=1"}, b"quiet  maxcpus=1\0"),
        (b"quiet\0", {"append": ""}, b"quiet\0"),
        (None, {"append": "maxcpus=1"}, b"maxcpus=1\0"),
        (b"\0", {"append": "maxcpus=1"}, b"maxcpus=1\0"),
        # a word of an older boot is cut out with the blanks behind it
        (b"elfcorehdr=0x1 quiet\0", {}, b"quiet\0"),
        (b"quiet elfcorehdr=0x1\0", {}, b"quiet\0"),
        (b"a \telfcorehdr=1@2 \t b  \0", {}, b"a \tb\0"),
        (b"elfcorehdr=\telfcorehdr=2\0", {}, None),
        (b"elfcorehdr=0x1 \0", {"append": "b"}, b"b\0"),
        (b"a elfcorehdr=0x1\0", {"append": "b"}, b"a b\0"),
        (b"a\n elfcorehdr=0x1\0", {}, b"a\0"),  # a newline is white space
        (b"xelfcorehdr=1 elfcorehdr \0", {}, b"xelfcorehdr=1 elfcorehdr \0"),
        (b"mem=1G a\0", {}, b"mem=1G a\0"),
        (b"mem=1G a memx=1\0", {"arch": "arm"}, b"a memx=1\0"),
        (b"a", {"arch": "arm", "cmdline": "mem=1G"}, b"mem=1G\0"),
        # a crash tree says it once more for riscv and arm
        (b"a\0", {"crash": CRASH}, b"a\0"),
        (b"a\0", {"crash": CRASH, "arch": "riscv"}, b"elfcorehdr=0x7abff000 a\0"),
        (None, {"crash": CRASH, "arch": "riscv"}, b"elfcorehdr=0x7abff000\0"),
        # (0x7abff000 - 0x6ac00000) / 1024 = 262140
        (b"a\0", {"crash": CRASH, "arch": "arm"},
         b"a elfcorehdr=0x7abff000 mem=262140K\0"),
        (b"mem=1G elfcorehdr=1\0", {"crash": CRASH, "arch": "arm"},
         b"elfcorehdr=0x7abff000 mem=262140K\0"),
        (b"a\0", {"crash": ((0x6AC007FF, 1), [MAIN]), "arch": "arm"},
         b"a elfcorehdr=0x6ac007ff mem=1K\0"),
    ],
)  # fmt: skip
def test_command_line(old, arguments, expected):
    assert line(old, **arguments) == expected


# Refusals


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("initrd", {"initrd": (0x1000, 0)}),
        ("initrd", {"initrd": ((1 << 64) - 1, 1)}),  # its end is no u64
        ("initrd", {"initrd": ((1 << 64) - 1, 2)}),
        ("initrd", {"initrd": (-1, 2)}),
        ("elfcorehdr", {"crash": ((0x1000, 0), [MAIN])}),
        ("elfcorehdr", {"crash": ((1 << 63, (1 << 63) + 1), [MAIN])}),
        ("usable[1]", {"crash": (HEADER, [MAIN, (0, 0)])}),
        ("usable", {"crash": (HEADER, [])}),
        ("usable", {"crash": (HEADER, [MAIN, LOW, (0, 1)])}),
        ("elfcorehdr", {"crash": ((MAIN[0] - 1, 1), [MAIN]), "arch": "arm"}),
        ("elfcorehdr", {"crash": ((MAIN[0] + 1023, 1), [MAIN]), "arch": "arm"}),
        ("append", {"cmdline": "", "append": ""}),
        ("cmdline", {"cmdline": "a elfcorehdr=1"}),
        ("append", {"append": "elfcorehdr="}),
        ("cmdline", {"cmdline": "a\0"}),
        ("cmdline", {"cmdline": "\ud800"}),
        ("load_address", {"load_address": 0x40000004}),
        ("arch", {"arch": "x86"}),
        ("root_cells", {"root_cells": "1/1"}),
        ("kaslr_seed", {"kaslr_seed": 1 << 64}),
        ("rng_seed", {"rng_seed": b""}),
        ("old_dtb", {"old_dtb": (0x1000, 0)}),
        ("old_dtb", {"old_dtb": ((1 << 64) - 1, 2)}),
    ],
)
def test_a_bad_argument_is_refused_by_name_before_the_blob_is_read(argument, arguments):
    with pytest.raises(FdtBadParameter) as e:
        pure.second_kernel_dtb(b"no blob", **arguments)
    assert e.value.where == argument


def test_max_usable_is_the_callers():
    many = [(i << 30, 0x1000) for i in range(6)]
    out = second(blob(), crash=(HEADER, many), max_usable=6)
    flat = [n for r in many for n in r]
    assert dict(chosen_of(out))["linux,usable-memory-range"] == u64(*flat)


def test_arm64_and_riscv_take_two_mib_and_no_byte_more():
    def size(name, pad, **kwargs):
        big = ("x", [(name, bytes(pad))], [])
        return len(second(blob(children=[big]), **kwargs))

    # Values grow by cells, names by bytes: the name makes it exact
    name = "n" * (1 + -size("n", 4) % 4)
    fill = 2 * MIB - size(name, 4) + 4
    assert size(name, fill) == 2 * MIB
    for arch in ("arm64", "riscv"):
        with pytest.raises(FdtBadContent, match=f"more than the {2 * MIB} of {arch}"):
            size(name + "n", fill, arch=arch)
