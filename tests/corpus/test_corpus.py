# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every job over every real tree, as packaged and as a running kernel shows it.

Judges: plain Python (pyfdtx.pure) for the bytes; dtc and fdtget for what the
bytes mean.
"""

import random
import struct
import subprocess
import warnings

import pytest

from pyfdtx import Fdt, FdtError, FdtView, pure, to_dict
from pyfdtx._native import validate
from pyfdtx.kexec import Crash, second_kernel_dtb
from pyfdtx.kexec.dtb import native as long_way
from pyfdtx.kexec.dtb import second_kernel
from pyfdtx.text import dts as show

# All below 2^32, so that they fit one cell too
INITRD = (0x6C6B0000, 0x214000)
HEADER = (0x7ABFF000, 0x400)
USABLE = [(0x6AC00000, 0x10000000), (0x40000000, 0x4000000)]
FIXED = {"kaslr_seed": 0x0123456789ABCDEF, "rng_seed": bytes(range(128))}
CRASH = {"cmdline": "console=ttyAMA0 maxcpus=1", "initrd": INITRD, "crash": True}
OPTIONS = {
    "crash": CRASH,
    "append": {"append": "irqpoll", "crash": True},
    "normal": {"initrd": INITRD, "kaslr_seed": None, "rng_seed": None},
    "keep": {"old_dtb": (0x40000000, 0x80000)},
    "arm": {**CRASH, "arch": "arm"},
    "riscv": {"crash": True, "arch": "riscv"},
    "cells": {"crash": True, "root_cells": "2/2"},
}


def outcome(job, *args, **kwargs):
    try:
        return job(*args, **kwargs)
    except FdtError as e:
        return type(e).__name__, e.name


def native(blob, **options):
    options = {**FIXED, **options}
    if options.get("crash"):
        options["crash"] = Crash(elfcorehdr=HEADER, usable=USABLE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return second_kernel_dtb(blob, **options)


def plain(blob, **options):
    options = {**FIXED, **options}
    if options.get("crash"):
        options["crash"] = HEADER, USABLE
    return pure.second_kernel_dtb(blob, **options)


def test_both_accept_the_tree(tree):
    validate(bytearray(tree))
    pure.check(tree)


def test_both_judge_damage_alike(tree, dtb):
    choose = random.Random(dtb.name)
    structure = struct.unpack_from(">I", tree, 8)[0]
    for _ in range(5):
        damaged = bytearray(tree)
        # a word of the structure block and a byte anywhere
        word = structure + 4 * choose.randrange((len(tree) - structure) // 4)
        damaged[word : word + 4] = choose.choice(
            [
                b"\0\0\0\1",
                b"\0\0\0\2",
                b"\0\0\0\3",
                b"\0\0\0\4",
                b"\0\0\0\x09",
                b"\xff" * 4,
            ]
        )
        damaged[choose.randrange(len(tree))] = choose.randrange(256)
        assert outcome(validate, damaged) == outcome(pure.check, damaged), word


def test_the_canonical_form_is_stable_and_means_the_same(tree):
    kept, squeezed = pure.canonicalise(tree), pure.canonicalise(tree, squeeze=True)
    assert pure.canonicalise(kept) == kept
    assert pure.canonicalise(kept, squeeze=True) == squeezed
    assert pure.canonicalise(squeezed) == squeezed
    root, reserved = pure.unflatten(tree), pure.memreserve(tree)
    for blob in (kept, squeezed, pure.flatten(root, reserved)):
        assert pure.unflatten(blob) == root
        assert pure.memreserve(blob) == reserved


def test_fdt_writes_the_canonical_form(tree):
    fdt = Fdt(tree)
    assert fdt.to_bytes() == pure.canonicalise(tree)
    fdt.squeeze()
    assert fdt.to_bytes() == pure.canonicalise(tree, squeeze=True)


def test_a_view_and_a_dict_say_what_plain_python_reads(tree):
    expected, todo = {}, [("", pure.unflatten(tree))]
    while todo:
        path, (_, props, children) = todo.pop()
        expected[path or "/"] = props
        todo += [(f"{path}/{child[0]}", child) for child in reversed(children)]
    assert [(path, list(p.items())) for path, p in to_dict(tree).items()] == [
        (path, list(props)) for path, props in expected.items()
    ]
    view = FdtView(tree)
    assert [(node.path, list(node.items())) for node in view] == [
        (path, list(props)) for path, props in expected.items()
    ]
    assert view._index.__sizeof__() <= len(tree) / 2
    for path, props in expected.items():
        for name, value in props:
            assert view.getprop(path, name) == value


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_c_and_plain_python_make_the_same_tree(tree, options):
    expected = outcome(plain, tree, **options)
    assert outcome(native, tree, **options) == expected
    with pytest.MonkeyPatch.context() as patch:
        # Not for plain arguments alone, and the reference, all through libfdt
        patch.setattr(second_kernel, "_plain", lambda *_args: None)
        assert outcome(native, tree, **options) == expected
        patch.setattr(long_way, "_way", long_way.run_libfdt)
        assert outcome(native, tree, **options) == expected
    if isinstance(expected, bytes) and "append" not in options:
        assert native(expected, **options) == expected, "a second run changes it"


def random_changes(fdt, choose):
    """Some changes of a tree, made one by one, and what they were."""
    made = []
    nodes = choose.sample(list(fdt), min(8, len(fdt)))
    for node in nodes:
        # deleted with one above it, or hidden behind a sibling of its name
        if node not in fdt or fdt.get(node.path) is not node:
            continue
        path, names = node.path, list(node)
        value = choose.randbytes(choose.randrange(40))
        if names:
            name = choose.choice(names)
            node[name] = value
            made.append(("set", path, name, value))
            name = choose.choice(list(node))
            node.append(name, value)
            made.append(("append", path, name, value))
        name = f"new-{choose.randrange(50)}"
        node[name] = value
        made.append(("set", path, name, value))
        if names and choose.random() < 0.5:
            name = choose.choice(names)
            del node[name]
            made.append(("delete", path, name))
        if choose.random() < 0.5:
            node.add("added")["reg"] = value
            below = path.rstrip("/") + "/added"
            made += [("add_node", below), ("set", below, "reg", value)]
        if node is not fdt.root and choose.random() < 0.3:
            node.delete()
            made.append(("delete_node", path))
    fdt.memreserve.append((0x1000, 0x10))
    made.append(("reserve", (0x1000, 0x10)))
    return made


def test_changes_together_give_the_bytes_of_one_by_one(tree, dtb):
    slow, fast = Fdt(tree), Fdt(tree)
    with fast.edit() as edit:
        for kind, *args in random_changes(slow, random.Random(dtb.name)):
            getattr(edit, kind)(*args)
    assert fast.to_bytes() == slow.to_bytes()


# What the bytes mean to others


def dts(path):
    """(reservations, lines of /chosen, all other lines), as dtc reads them."""
    run = subprocess.run(
        ["dtc", "-q", "-I", "dtb", "-O", "dts", str(path)],
        capture_output=True,
        check=True,
    )
    reserved, chosen, others = [], [], []
    inside = False
    for line in run.stdout.decode("latin-1").splitlines():
        if line.startswith("/memreserve/"):
            reserved.append(tuple(int(w, 16) for w in line[12:].rstrip(";").split()))
        elif inside or (line.startswith("\tchosen") and line.endswith("{")):
            inside = line != "\t};"
            chosen.append(line)
        else:
            others.append(line)
    while "" in others:  # blank lines come and go with /chosen
        others.remove("")
    return reserved, chosen, others


def fdtget(path, node, *props):
    """Raw values of properties of one node, as fdtget reads them."""
    pairs = [word for prop in props for word in (node, prop)]
    run = subprocess.run(
        ["fdtget", "-t", "bx", str(path), *pairs],
        capture_output=True,
        check=True,
        text=True,
    )
    lines = run.stdout.splitlines()
    assert len(lines) == len(props)
    return [bytes(int(byte, 16) for byte in line.split()) for line in lines]


def in_cells(ranges, ac, sc):
    return b"".join(
        start.to_bytes(4 * ac, "big") + size.to_bytes(4 * sc, "big")
        for start, size in ranges
    )


def test_dtc_and_fdtget_read_what_was_asked_for(tree, request, dtc, tmp_path):
    before, after = tmp_path / "before.dtb", tmp_path / "after.dtb"
    before.write_bytes(tree)
    after.write_bytes(native(tree, **CRASH))

    raw = fdtget(before, "/", "#address-cells", "#size-cells")
    ac, sc = (int.from_bytes(r, "big") for r in raw)
    assert fdtget(
        after,
        "/chosen",
        "linux,elfcorehdr",
        "linux,usable-memory-range",
        "linux,initrd-start",
        "linux,initrd-end",
        "bootargs",
        "kaslr-seed",
        "rng-seed",
        "linux,booted-from-kexec",
    ) == [
        in_cells([HEADER], ac, sc),
        in_cells(USABLE, ac, sc),
        INITRD[0].to_bytes(8, "big"),
        sum(INITRD).to_bytes(8, "big"),
        b"console=ttyAMA0 maxcpus=1\0",
        FIXED["kaslr_seed"].to_bytes(8, "big"),
        FIXED["rng_seed"],
        b"",
    ]

    old_reserved, old_chosen, old_others = dts(before)
    reserved, chosen, others = dts(after)
    assert others == old_others, "something outside /chosen changed"
    # All that stood in /chosen and was not replaced stands there still
    replaced = ("\t\tlinux,", "\t\tbootargs", "\t\tkaslr-seed", "\t\trng-seed")
    assert [x for x in chosen if x and not x.startswith(replaced)] == (
        [x for x in old_chosen if x and not x.startswith(replaced)]
        or ["\tchosen {", "\t};"]
    )
    if "running" in request.node.name:
        # the old initrd's (rounded to 4 KiB) and the old header's are gone
        gone = {(0x48000000, 0x1235000), (0x5ABFF000, 0x1000)}
        assert gone < set(old_reserved)
        old_reserved = [r for r in old_reserved if r not in gone]
    assert reserved == [*old_reserved, INITRD, HEADER]


@pytest.mark.parametrize("labels", [True, False])
def test_dtc_compiles_what_is_shown(tree, dtc, labels):
    """Node by node the same, in the same order, with labels and without."""
    text = show.render(tree, labels=labels)
    options = text.splitlines()[1].partition("dtc ")[2].split()
    done = subprocess.run(
        ["dtc", "-q", "-q", *options, "-"],
        input=text.encode("ascii"), capture_output=True, check=True,
    )  # fmt: skip
    assert pure.unflatten(done.stdout) == pure.unflatten(tree)
    assert pure.memreserve(done.stdout) == pure.memreserve(tree)
