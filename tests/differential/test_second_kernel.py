# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Both C ways against plain Python on generated trees, options and damage.

Three implementations of one text (docs/second-kernel.md), the engine, the way
through libfdt and pyfdtx.pure: the same bytes or the same class and code of
error, for every blob and every set of options.
"""

import struct
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyfdtx import FdtError, pure
from pyfdtx._native import validate
from pyfdtx.kexec import Crash, second_kernel_dtb
from pyfdtx.kexec.dtb import native as long_way
from pyfdtx.kexec.dtb import second_kernel

BEGIN, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
thorough = settings(max_examples=max(300, settings.default.max_examples))


def be(width, *values):
    return b"".join(v.to_bytes(width, "big") for v in values)


# Few starts and sizes, so that reservations meet the ranges of properties.
# Sizes: around the roundings of step 3, and ends at 2^32 and 2^64.
STARTS = [0x1000, 0x100000, 0xFFFFF000, (1 << 64) - 0x1000]
SIZES = [0x400, 0x1000, 0x4000, 0x10000]
ODD = [0, 1, 0xFFF, 0x1001, 0x3001, 1 << 32]
ranges = st.one_of(
    st.tuples(st.sampled_from(STARTS[:2]), st.sampled_from(SIZES)),
    st.tuples(st.sampled_from([0, *STARTS]), st.sampled_from(SIZES + ODD[1:])),
).filter(lambda r: sum(r) <= 1 << 64)
pairs = st.one_of(ranges, ranges, st.tuples(st.sampled_from(STARTS), st.just(0)))
u32s = st.sampled_from([0, 1, 2, 3, 4, 5, 1 << 31]).map(lambda n: be(4, n))
junk = st.binary(max_size=9)
narrow = pairs.filter(lambda p: max(p) < 1 << 32)
encoded = st.one_of(
    pairs.map(lambda p: be(8, *p)),
    st.lists(pairs, min_size=1, max_size=18).map(lambda p: be(8, *sum(p, ()))),
    st.lists(narrow, min_size=1, max_size=3).map(lambda p: be(4, *sum(p, ()))),
    narrow.map(lambda p: be(8, p[0]) + be(4, p[1])),
)
# linux,initrd-start and -end of one range, or of two
initrds = st.one_of(pairs.map(lambda p: (p, p)), st.tuples(pairs, pairs)).map(
    lambda p: [
        ("linux,initrd-start", be(8 if p[0][0] >> 32 else 4, p[0][0])),
        ("linux,initrd-end", be(8, min(sum(p[1]), (1 << 64) - 1))),
    ]
)
WORDS = ["quiet", "elfcorehdr=0x1", "elfcorehdr=", "xelfcorehdr=2", "elfcorehdr",
         "mem=64M", "mem=", "root=/dev/vda", "\xe4"]  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from([" ", "  ", "\t", " \t "])),
    max_size=7,
).map("".join)
old_lines = st.tuples(texts, st.sampled_from(["", "\0", "\0tail\0"])).map(
    lambda t: "".join(t).encode()
)
CHOSEN = {
    "linux,elfcorehdr": encoded,
    "linux,usable-memory-range": encoded,
    "linux,dmcryptkeys": encoded,
    "linux,ima-kexec-buffer": encoded,
    "linux,kho-fdt": encoded,
    "linux,kho-scratch": encoded,
    "linux,initrd-start": junk,
    "linux,initrd-end": junk,
    "bootargs": old_lines,
    "kaslr-seed": junk,
    "rng-seed": junk,
    "linux,booted-from-kexec": st.just(b""),
    "stdout-path": junk,
    "x,kaslr-seed": junk,
    "#address-cells": u32s,
}
GOVERNED = ["reg", "ranges", "dma-ranges", "linux,usable-memory", "assigned-addresses"]


def prop_of(pool):
    return st.sampled_from(sorted(pool)).flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(pool[name], pool[name], junk))
    )


chosen_props = st.tuples(
    st.lists(prop_of(CHOSEN), max_size=6), st.one_of(st.just([]), initrds)
).map(lambda t: t[1] + t[0])
sound = st.tuples(st.integers(1, 4), st.integers(0, 4)).map(
    lambda c: [("#address-cells", be(4, c[0])), ("#size-cells", be(4, c[1]))]
)
any_cells = st.lists(
    prop_of({"#address-cells": u32s, "#size-cells": u32s, "model": junk}), max_size=4
)
usual = st.just([("#address-cells", be(4, 2)), ("#size-cells", be(4, 2))])
root_props = st.one_of(usual, usual, sound, any_cells)
other_props = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(GOVERNED), junk),
        st.tuples(st.sampled_from(["#address-cells", "#size-cells", "model"]), u32s),
    ),
    max_size=3,
)
other_nodes = st.recursive(
    st.tuples(
        st.sampled_from(["a", "soc@0", "chosen", "reserved-memory"]),
        other_props,
        st.just([]),
    ),
    lambda inner: st.tuples(
        st.sampled_from(["soc", "b@1", "reserved-memory@0"]),
        other_props,
        st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)
chosen_nodes = st.tuples(
    st.sampled_from(["chosen", "chosen@0", "chosenx", "cho"]),
    chosen_props,
    st.lists(other_nodes, max_size=1),
)
trees = st.tuples(
    st.just(""),
    root_props,
    st.lists(st.one_of(chosen_nodes, other_nodes), max_size=3),
)


def serialise(tree, memreserve, choose):
    """A blob with whatever the format allows: NOPs, dirty padding, block order,
    gaps, shared names, both versions. choose(n) draws one of range(n)."""
    strings = bytearray([b"", b"model\0", b"my-bootargs\0"][choose(3)])
    out = bytearray()

    def tag(*values):
        while choose(8) == 1:
            out.extend(struct.pack(">I", NOP))
        out.extend(struct.pack(f">{len(values)}I", *values))

    def pad():
        dirt = b"\xee" if choose(4) == 1 else b"\0"
        out.extend(dirt * (-len(out) % 4))

    def node(name, props, children):
        tag(BEGIN)
        out.extend(name.encode() + b"\0")
        pad()
        for prop, value in props:
            raw = prop.encode() + b"\0"
            at = -1 if choose(4) == 1 else strings.find(raw)
            if at < 0:
                at = len(strings)
                strings.extend(raw)
            tag(PROP, len(value), at)
            out.extend(value)
            pad()
        for child in children:
            node(*child)
        tag(END_NODE)

    node(*tree)
    tag(END)
    version = 17 - (choose(6) == 1)
    if version == 17:
        out += b"behind"[: choose(7)]
    rsv = b"".join(struct.pack(">2Q", *r) for r in memreserve)
    blocks = {"rsv": rsv + be(8, choose(2), 0), "struct": bytes(out),
              "strings": bytes(strings)}  # fmt: skip
    blob, at = bytearray(40), {}
    order = sorted(blocks) if choose(2) else ["rsv", "struct", "strings"]
    for name in order:
        blob += bytes(-len(blob) % 8 + 8 * (choose(4) == 1))
        at[name] = len(blob)
        blob += blocks[name]
    blob += b"slack"[: choose(6)]
    struct.pack_into(
        ">10I", blob, 0, 0xD00DFEED, len(blob), at["struct"], at["strings"], at["rsv"],
        version, 16, choose(3), len(strings), len(out),
    )  # fmt: skip
    return bytes(blob + b"not ours"[: choose(9)])


@st.composite
def blobs(draw):
    memreserve = draw(st.lists(ranges, max_size=6))
    return serialise(
        draw(trees), memreserve, lambda n: draw(st.integers(0, n - 1), label="choice")
    )


clean = texts.filter(lambda t: not any(w.startswith("elfcorehdr=") for w in t.split()))
lines = st.one_of(
    st.just({}),
    clean.map(lambda t: {"cmdline": t}),
    clean.map(lambda t: {"append": t}),
)
crashes = st.one_of(
    st.none(),
    st.tuples(ranges, st.lists(ranges, min_size=1, max_size=2)),
    # arm wants the header above the first usable range
    st.tuples(st.just((0x100000, 0x1000)), st.just([(0, 0x100000)])),
)
options = st.builds(
    lambda line, more: {"kaslr_seed": 1, "rng_seed": b"seed", **line, **more},
    lines,
    st.fixed_dictionaries(
        {"crash": crashes},
        optional={
            "initrd": ranges.filter(lambda r: sum(r) < 1 << 64),
            "kaslr_seed": st.one_of(st.none(), st.integers(0, (1 << 64) - 1)),
            "rng_seed": st.one_of(st.none(), st.binary(min_size=1, max_size=9)),
            "arch": st.sampled_from(["arm64", "arm", "riscv"]),
            "root_cells": st.just("2/2"),
            "old_dtb": ranges,
            "load_address": st.just(0x40000000),
        },
    ),
)
broken_options = st.fixed_dictionaries(
    {
        "kaslr_seed": st.sampled_from([0, None]),
        "rng_seed": st.sampled_from([b"", b"s"]),
    },
    optional={
        "cmdline": texts,
        "append": texts,
        "initrd": pairs,
        "crash": st.tuples(pairs, st.lists(pairs, max_size=3)),
        "arch": st.sampled_from(["arm", "riscv", "x86"]),
        "max_usable": st.integers(1, 3),
        "root_cells": st.sampled_from(["keep", "2/2", "1/1"]),
        "old_dtb": pairs,
        "load_address": st.sampled_from([0, 8, 12]),
    },
)


def outcome(job, *args, **kwargs):
    try:
        return job(*args, **kwargs)
    except FdtError as e:
        return type(e).__name__, e.name


def native(blob, **args):
    if args.get("crash"):
        elfcorehdr, usable = args["crash"]
        args["crash"] = Crash(elfcorehdr=elfcorehdr, usable=usable)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return second_kernel_dtb(blob, **args)


def by(way, blob, **args):
    """Not the short way for plain arguments, but one of the two ways in C."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_kernel, "_plain", lambda *_args: None)
        patch.setattr(long_way, "_way", way)
        return native(blob, **args)


def assert_alike(blob, args):
    expected = outcome(pure.second_kernel_dtb, blob, **args)
    got = outcome(native, blob, **args)
    assert got == expected, f"native (left) and pure differ for {blob.hex()} {args}"
    for way in (long_way.run_engine, long_way.run_libfdt):
        got = outcome(by, way, blob, **args)
        assert got == expected, (
            f"{way.__name__} (left) and pure differ for {blob.hex()} {args}"
        )


def assert_checked_alike(blob):
    expected = outcome(pure.check, blob)
    assert outcome(validate, bytearray(blob)) == expected, blob.hex()


@thorough
@given(blobs(), options)
def test_the_same_bytes_or_the_same_error(blob, args):
    pure.check(blob)
    assert_alike(blob, args)


@thorough
@given(blobs(), broken_options)
def test_broken_arguments_are_refused_alike(blob, args):
    assert_alike(blob, args)


@thorough
@given(blobs(), options)
def test_a_second_run_is_alike_too(blob, args):
    once = outcome(native, blob, **args)
    if isinstance(once, bytes):
        assert_alike(once, args)


@thorough
@given(blobs(), st.data())
def test_damaged_blobs_are_judged_alike(blob, data):
    damaged = bytearray(blob)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(blob) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(len(blob) - 40, len(blob)))]
    assert_checked_alike(bytes(damaged))
    assert_alike(bytes(damaged), {"kaslr_seed": 1, "rng_seed": b"s", "cmdline": "a"})


SMALL = serialise(
    (
        "",
        [("#address-cells", be(4, 2)), ("#size-cells", be(4, 2)), ("model", b"ab")],
        [("chosen", [("bootargs", b"quiet\0"), ("rng-seed", b"")], [("x", [], [])])],
    ),
    [(0x1000, 0x400)],
    lambda n: 0,
)


def test_the_small_tree_is_sound():
    assert pure.unflatten(SMALL)[2][0][1][0] == ("bootargs", b"quiet\0")


@pytest.mark.parametrize("at", range(len(SMALL)))
def test_every_value_of_every_byte_is_judged_alike(at):
    crash = ((0x1000, 0x400), [(0x1000, 0x10000)])
    args = {"crash": crash, "initrd": (1, 5), "kaslr_seed": 1, "rng_seed": b"s"}
    for value in range(256):
        damaged = bytearray(SMALL)
        damaged[at] = value
        assert_checked_alike(bytes(damaged))
        if value % 8 == 0 or value < 10:
            assert_alike(bytes(damaged), args)


@pytest.mark.parametrize("field", range(10))
def test_every_header_field_is_judged_alike_around_every_offset(field):
    for value in [*range(len(SMALL) + 9), 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]:
        damaged = bytearray(SMALL)
        struct.pack_into(">I", damaged, 4 * field, value)
        assert_checked_alike(bytes(damaged))


def test_every_truncation_is_judged_alike():
    for size in range(len(SMALL)):
        assert_checked_alike(SMALL[:size])
        short = bytearray(SMALL[:size])
        if size >= 8:
            struct.pack_into(">I", short, 4, size)  # totalsize says so too
            assert_checked_alike(bytes(short))
