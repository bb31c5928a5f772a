# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What an Fdt takes in, and the one form that comes out."""

import array
import copy
import mmap
import pickle
import sys
from itertools import permutations
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, canonical, cells

from pyfdtx import Fdt, FdtBadBlob, FdtBadParameter, FdtWarning, pure
from pyfdtx._native import copy_in, ffi
from pyfdtx.tree import flat

TREE = (
    [("compatible", b"vnd,board\0"), ("odd", b"abcde")],
    [
        ("chosen", [("bootargs", b"quiet\0")], []),
        ("soc", [], [("uart@1000", [("reg", cells(0x1000))], [])]),
    ],
)
RSV = [(0x4800_0000, 0x1000), (1, 2)]
WANTED = canonical(*TREE, rsv=RSV, boot_cpu=7)


def mapped(data):
    m = mmap.mmap(-1, len(data))
    m[:] = data
    return m


BUFFERS = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "odd alignment": lambda d: memoryview(b"x" + d)[1:],
    "every second byte": lambda d: memoryview(
        bytes(b for pair in zip(d, bytes(len(d))) for b in pair)
    )[::2],
    "backwards": lambda d: memoryview(d[::-1])[::-1],
    "mmap": mapped,
    "array of bytes": lambda d: array.array("B", d),
    "array of words": lambda d: array.array("I", d + bytes(-len(d) % 4)),
}


@pytest.mark.parametrize("kind", BUFFERS)
def test_any_buffer_is_copied_and_never_changed(kind):
    data = BUFFERS[kind](WANTED)
    before = bytes(data)
    fdt = Fdt(data)
    fdt["/chosen"]["bootargs"] = b"debug\0"
    del fdt["/soc"]
    assert bytes(data) == before
    assert Fdt(data).to_bytes() == WANTED


@pytest.mark.parametrize("kind", BUFFERS)
def test_any_buffer_can_be_read_flat(kind):
    tree = flat.read(BUFFERS[kind](WANTED))
    assert [path for path, _ in tree.with_paths()] == [
        "/", "/chosen", "/soc", "/soc/uart@1000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "read",
    [Fdt, flat.read, copy_in, pure.check, pure.unflatten, pure.second_kernel_dtb],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize(
    "data", ["text", 1000, None, [0xD0, 0x0D], list(WANTED), range(4), object()]
)
def test_what_is_no_buffer_is_a_type_error(data, read):
    with pytest.raises(TypeError, match="bytes-like"):
        read(data)


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("gap", [0, 4, 24])
@pytest.mark.parametrize(
    "order", [" ".join(p) for p in permutations(["rsv", "struct", "strings"])]
)
def test_every_layout_becomes_the_canonical_one(order, gap, version):
    data = blob(*TREE, rsv=RSV, boot_cpu=7, order=order, gap=gap, version=version)
    fdt = Fdt(data)
    assert fdt.to_bytes() == WANTED
    assert fdt.version == 17
    assert fdt.boot_cpuid_phys == 7
    assert fdt.totalsize == len(WANTED)


def test_padding_tail_and_junk_do_not_come_out():
    data = blob(
        *TREE, rsv=RSV, boot_cpu=7, fill=b"\xee", tail=cells(1, 2, 3), junk=b"junk"
    )
    assert b"\xee" in data
    assert Fdt(data).to_bytes() == WANTED


@pytest.mark.parametrize("nops", [1, 2, 5])
def test_nops_in_front_of_the_root_do_not_hide_it(nops):
    fdt = Fdt(blob(*TREE, rsv=RSV, boot_cpu=7, leading_nops=nops))
    assert fdt.root["compatible"] == b"vnd,board\0"
    assert fdt.to_bytes() == WANTED


def test_nops_stay_until_they_are_squeezed_out():
    props = ["nop", ("a", b"1"), "nop", "nop", ("b", b"2")]
    children = ["nop", ("n", ["nop"], ["nop"]), "nop"]
    fdt = Fdt(blob(props, children))
    with_nops = canonical(props, children)
    assert fdt.to_bytes() == with_nops
    assert list(fdt.root.items()) == [("a", b"1"), ("b", b"2")]
    node = fdt["/n"]
    fdt.squeeze()
    squeezed = canonical([("a", b"1"), ("b", b"2")], [("n", [], [])])
    assert fdt.to_bytes() == squeezed
    node["x"] = b"the handle still finds its node"
    assert dict(fdt["/n"]) == {"x": b"the handle still finds its node"}


def test_output_read_again_gives_the_same_output():
    once = Fdt(blob(*TREE, rsv=RSV, fill=b"\x55", gap=8)).to_bytes()
    assert Fdt(once).to_bytes() == once


def test_empty_is_a_root_and_nothing_else():
    fdt = Fdt.empty()
    assert fdt.to_bytes() == canonical()
    assert [n.path for n in fdt] == ["/"]


def test_packing_changes_no_byte():
    fdt = Fdt(WANTED)
    fdt["/chosen"]["big"] = bytes(10_000)
    del fdt["/chosen"]["big"]
    before = fdt.to_bytes()
    node = fdt["/chosen"]
    fdt.pack()
    assert fdt.to_bytes() == before
    assert node.get_string("bootargs") == "quiet"


@pytest.mark.parametrize("how", ["duplicate", "copy", "deepcopy", "pickle"])
def test_a_copy_is_independent(how):
    fdt = Fdt(WANTED)
    other = {
        "duplicate": Fdt.duplicate,
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda f: pickle.loads(pickle.dumps(f)),
    }[how](fdt)
    assert other.to_bytes() == WANTED
    del other["/chosen"]
    assert fdt.to_bytes() == WANTED
    assert "/chosen" not in other


def test_a_copied_handle_belongs_to_the_copied_tree():
    fdt = Fdt(WANTED)
    node = fdt["/soc/uart"]
    assert copy.copy(node) is node
    other = copy.deepcopy(node)
    assert other.path == node.path
    assert other.fdt is not fdt


@pytest.mark.parametrize("length", range(0, len(WANTED)))
def test_every_truncation_is_a_bad_blob(length):
    with pytest.raises(FdtBadBlob, match="Fdt: "):
        Fdt(WANTED[:length])


@pytest.mark.parametrize("value", [0, 1, 0x8000_0000, 0xFFFF_FFFF])
def test_boot_cpu_is_a_header_field(value):
    fdt = Fdt(WANTED)
    fdt.boot_cpuid_phys = value
    assert fdt.boot_cpuid_phys == value
    # boot_cpuid_phys is the eighth word of the header
    assert fdt.to_bytes()[28:32] == cells(value)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_boot_cpu_beyond_32_bits_is_refused(value):
    with pytest.raises(FdtBadParameter, match=r"boot_cpuid_phys.*unsigned 32-bit"):
        Fdt(WANTED).boot_cpuid_phys = value


def test_a_boot_cpu_that_is_no_number_is_a_type_error():
    with pytest.raises(TypeError):
        Fdt(WANTED).boot_cpuid_phys = "0"


def test_bytearrays_are_aligned_however_they_grow():
    """libfdt wants blobs at multiples of 8; Blob relies on bytearray for it."""
    for size in range(1, 3000, 7):
        buf = bytearray(size)
        for grown in (0, 1, size, 4096):
            buf.extend(bytes(grown))
            assert int(ffi.cast("uintptr_t", ffi.from_buffer(buf))) % 8 == 0
        del buf[size:]
        assert int(ffi.cast("uintptr_t", ffi.from_buffer(buf))) % 8 == 0


def test_repr_is_short_and_shows_no_value():
    fdt = Fdt.empty()
    node = fdt.root.add("chosen")
    node["rng-seed"] = b"SECRETSECRET"
    node.set_u64("kaslr-seed", 0x5EC12E75EC12E7)
    shown = f"{fdt!r} {node!r} {node.keys()!r} {node.items()!r} {node.values()!r}"
    assert "SECRET" not in shown
    assert "5ec" not in shown
    assert len(shown) < 300
    assert repr(node) == "<Node /chosen>"


@pytest.mark.parametrize("name", ["r", "roo", "root", "a root of another name"])
@pytest.mark.parametrize("nops", [0, 2])
def test_a_root_with_a_name_is_read_and_written_without(name, nops):
    # vm-fdt's own example calls it "root"; libfdt's readers take it, its
    # fdt_check_full() does not. Devicetree Specification v0.4, 5.4.1: empty
    data = blob(*TREE, rsv=RSV, boot_cpu=7, leading_nops=nops)
    at = int.from_bytes(data[8:12], "big") + 4 * nops
    padded = name.encode() + bytes(4 - len(name) % 4)
    named = bytearray(data[: at + 4] + padded + data[at + 8 :])
    grown = len(padded) - 4
    for field in (4, 12, 36):  # totalsize, off_dt_strings, size_dt_struct
        old = int.from_bytes(named[field : field + 4], "big")
        named[field : field + 4] = (old + grown).to_bytes(4, "big")
    with pytest.warns(FdtWarning, match="root node has a name"):
        fdt = Fdt(named)
    fdt.squeeze()
    assert fdt.to_bytes() == WANTED
    # nothing else is forgiven
    for size in range(len(named)):
        with pytest.raises(FdtBadBlob):
            Fdt(named[:size])
