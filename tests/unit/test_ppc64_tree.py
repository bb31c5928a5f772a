# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel's tree on ppc64le.

What is expected is what Linux arch/powerpc/kexec/file_load_64.c and kexec-tools
2.0.25 write for the same machine, and how arch/powerpc/kernel/prom.c and
arch/powerpc/mm/drmem.c read it; reader() below reads it so, on its own.
tests/system/test_ppc64le.py holds it against kexec-tools in a guest.
"""

import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ppc64_machine import (
    CRASH,
    GIB,
    KIB,
    MIB,
    RTAS,
    machine,
    tree,
    vmlinux,
)

from pyfdtx import Fdt
from pyfdtx.errors import FdtBadBlob, FdtBadContent, FdtBadParameter
from pyfdtx.kexec.arch import ppc64
from pyfdtx.kexec.arch.ppc64.tree import (
    CrashPlaces,
    lmb_sets,
    second_kernel_tree,
)
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

HEADER, BACKUP, DTB = (0x3FFF_0000, 4096), 0x2288_0000, 0x228A_0000
INITRD = (0x228B_0000, 0x13_C308)
PLACES = CrashPlaces(region=CRASH, elfcorehdr=HEADER, backup=BACKUP)
DRCONF = "/ibm,dynamic-reconfiguration-memory"


def crash_tree(fdt, **changed):
    arguments = {
        "cmdline": "console=hvc0 maxcpus=1",
        "dtb": DTB,
        "initrd": INITRD,
        "crash": PLACES,
        "rng_seed": None,
        **changed,
    }
    return Fdt(second_kernel_tree(fdt.to_bytes(), **arguments))


def numbers(value):
    return list(struct.unpack(f">{len(value) // 8}Q", value))


def test_memory_from_0_to_the_end_of_the_region_may_be_used():
    """file_load_64.c get_usable_memory_ranges(): from 0, where vectors live."""
    out = crash_tree(tree())
    assert numbers(out["/memory@0"]["linux,usable-memory"]) == [0, sum(CRASH)]


def test_a_memory_node_outside_says_that_none_of_it_may_be_used():
    """One entry of (0, 0): a node without the property is used as a whole."""
    out = crash_tree(tree([(0, 2 * GIB), (2 * GIB, GIB)]))
    assert numbers(out["/memory@80000000"]["linux,usable-memory"]) == [0, 0]


def test_a_region_over_two_memory_nodes_is_usable_in_both():
    """256 MiB in the first node, as the first block of memory is on pHyp."""
    out = crash_tree(tree([(0, 768 * MIB), (768 * MIB, GIB)]))
    first, second = (
        numbers(out[f"/memory@{start}"]["linux,usable-memory"])
        for start in ("0", "30000000")
    )
    assert first == [0, 768 * MIB]
    assert second == [768 * MIB, 256 * MIB]


def test_firmware_above_the_region_stays_usable_memory():
    """The next kernel maps RTAS and OPAL as memory: file_load_64.c
    get_usable_memory_ranges()."""
    fdt = tree()
    fdt["/rtas"].set_u32("linux,rtas-base", 0x6000_0000)
    out = crash_tree(fdt)
    assert numbers(out["/memory@0"]["linux,usable-memory"]) == [
        *(0, sum(CRASH)),
        *(0x6000_0000, RTAS[1]),
    ]


def test_the_reservations_are_what_must_not_be_overwritten():
    """The dead kernel but for its first 64 KiB, the copy of these, core header,
    initrd, firmware and the tree itself."""
    fdt = tree()
    # of this boot: not kept
    fdt.memreserve.append(0x2C9_0000, 0x34E_0000)
    opal = fdt.add_node("/ibm,opal")
    opal.set_u64("opal-base-address", 0x3000_0000)
    opal.set_u64("opal-runtime-size", 0x20_0000)
    vio = fdt.add_node("/vio-host")
    vio.set_u64("linux,tce-base", 0x7000_0000)
    vio.set_u32("linux,tce-size", 0x1_0000)
    out = crash_tree(fdt)
    assert sorted(out.memreserve) == sorted(
        [
            (64 * KIB, CRASH[0] - 64 * KIB),
            (BACKUP, 64 * KIB),
            HEADER,
            INITRD,
            RTAS,
            (0x3000_0000, 0x20_0000),
            (0x7000_0000, 0x1_0000),
            (DTB, len(out.to_bytes())),
        ]
    )


@pytest.mark.parametrize(
    "name",
    [
        # numbers that Linux writes big-endian and reads in its own order:
        # prom.c early_init_dt_scan_chosen_ppc()
        *("linux,crashkernel-base", "linux,crashkernel-size", "linux,memory-limit"),
        "linux,kernel-end",
        # of another boot; drivers/of/kexec.c removes them
        *("linux,elfcorehdr", "linux,usable-memory-range", "kaslr-seed"),
    ],
)
def test_what_was_true_for_the_last_boot_alone_is_gone(name):
    fdt = tree()
    fdt["/chosen"][name] = bytes(range(16))
    assert name not in crash_tree(fdt)["/chosen"]
    assert name not in crash_tree(fdt, crash=None)["/chosen"]


def test_the_command_line_says_where_the_core_header_is():
    """prom.c scans /chosen before it knows the root's cells, so linux,elfcorehdr
    cannot be read: elfcorehdr= is what counts."""
    out = crash_tree(tree())
    assert out["/chosen"].get_string("bootargs") == (
        "elfcorehdr=0x3fff0000 console=hvc0 maxcpus=1"
    )
    assert crash_tree(tree(), cmdline="")["/chosen"].get_string("bootargs") == (
        "elfcorehdr=0x3fff0000"
    )
    assert "bootargs" not in crash_tree(tree(), cmdline="", crash=None)["/chosen"]


@pytest.mark.parametrize("crash", [PLACES, None], ids=["crash", "kexec"])
def test_the_longest_command_line_is_the_kernels_buffer_without_the_nul(crash):
    """arch/powerpc/include/uapi/asm/setup.h: COMMAND_LINE_SIZE is 2048."""
    word = len("elfcorehdr=0x3fff0000 ") if crash else 0
    longest = "x" * (2047 - word)
    out = crash_tree(tree(), cmdline=longest, crash=crash)
    assert len(out["/chosen"]["bootargs"]) == 2048
    with pytest.raises(FdtBadParameter, match=r"cmdline.*2048 bytes.*keeps 2047"):
        crash_tree(tree(), cmdline=longest + "x", crash=crash)


def test_a_core_header_of_the_callers_own_is_refused():
    with pytest.raises(FdtBadParameter, match="elfcorehdr=1M"):
        crash_tree(tree(), cmdline="quiet elfcorehdr=1M")


def test_the_initrds_end_is_the_first_byte_behind_it():
    chosen = crash_tree(tree())["/chosen"]
    assert chosen.get_u64("linux,initrd-start") == INITRD[0]
    assert chosen.get_u64("linux,initrd-end") == sum(INITRD)
    without = crash_tree(tree(), initrd=None)["/chosen"]
    assert "linux,initrd-start" not in without
    assert "linux,initrd-end" not in without


def test_seeds_and_where_we_come_from():
    """drivers/of/kexec.c writes 128 random bytes; ppc64 reads no kaslr-seed."""
    one, two = (crash_tree(tree(), rng_seed="random")["/chosen"] for _ in range(2))
    assert len(one["rng-seed"]) == 128
    assert one["rng-seed"] != two["rng-seed"]
    assert one["linux,booted-from-kexec"] == b""
    assert "rng-seed" not in crash_tree(tree(), rng_seed=None)["/chosen"]


def test_a_plain_kexec_gives_all_memory_back():
    """Out of a crash kernel, too, when the dump is saved."""
    fdt = crash_tree(with_drconf(tree(), [(0, 0x08)]))
    assert "linux,usable-memory" in fdt["/memory@0"]
    out = crash_tree(fdt, crash=None)
    assert "linux,usable-memory" not in out["/memory@0"]
    assert "linux,drconf-usable-memory" not in out[DRCONF]
    assert list(out.memreserve)[:2] == [INITRD, RTAS]
    assert len(out.memreserve) == 3


def test_everything_else_stays_as_it_was():
    fdt = tree()
    out = crash_tree(fdt)
    for node in fdt:
        if node.path != "/chosen":
            assert node.items() <= out[node.path].items()
    assert out["/chosen"]["stdout-path"] == fdt["/chosen"]["stdout-path"]
    assert [n.path for n in out] == [n.path for n in fdt]


def test_the_input_is_not_changed_and_the_same_input_gives_the_same_bytes():
    blob = bytearray(tree().to_bytes())
    before = bytes(blob)
    arguments = {"cmdline": "", "dtb": DTB, "crash": PLACES, "rng_seed": None}
    first = second_kernel_tree(blob, **arguments)
    assert second_kernel_tree(blob, **arguments) == first
    assert blob == before


def test_the_tree_does_not_grow_from_one_kexec_to_the_next():
    first = crash_tree(tree(), rng_seed="random")
    assert len(crash_tree(first, rng_seed="random").to_bytes()) == len(first.to_bytes())


def test_the_size_does_not_depend_on_the_places():
    near = crash_tree(tree())
    far = crash_tree(tree(), dtb=(1 << 60) + DTB, initrd=((1 << 60), 1))
    assert near.totalsize == far.totalsize


def test_the_boot_cpu_is_kept_or_set():
    fdt = tree()
    fdt.boot_cpuid_phys = 8
    assert crash_tree(fdt).boot_cpuid_phys == 8
    assert crash_tree(fdt, boot_cpu=16).boot_cpuid_phys == 16


def test_a_region_in_the_first_64_kib_is_refused():
    for start, fits in ((64 * KIB, True), (60 * KIB, False)):
        arguments = {"region": (start, MIB), "elfcorehdr": HEADER, "backup": BACKUP}
        if fits:
            out = crash_tree(tree(), crash=CrashPlaces(**arguments))
            assert out.memreserve[0] == (BACKUP, 64 * KIB)
        else:
            with pytest.raises(FdtBadParameter, match="first 64 KiB"):
                CrashPlaces(**arguments)


# Memory that is plugged in and out: Linux on Power Architecture Reference;
# arch/powerpc/include/asm/drmem.h

ASSIGNED, RESERVED = 0x08, 0x80


def with_drconf(fdt, blocks, second=False, size=256 * MIB):
    """blocks: (number, flags); the second form counts equal neighbours."""
    node = fdt.add_node(DRCONF)
    node.set_u64("ibm,lmb-size", size)
    if second:
        rows = [
            struct.pack(">IQ3I", n, start * size, 0, 0, f) for start, n, f in blocks
        ]
    else:
        rows = [struct.pack(">Q4I", n * size, 0, 0, 0, flags) for n, flags in blocks]
    name = "ibm,dynamic-memory-v2" if second else "ibm,dynamic-memory"
    node[name] = struct.pack(">I", len(rows)) + b"".join(rows)
    return fdt


def reader(fdt, second=False):
    """What Linux takes: prom.c early_init_drmem_lmb() steps over blocks that are
    reserved or not assigned before it looks at linux,drconf-usable-memory."""
    node = fdt[DRCONF]
    words = iter(numbers(node["linux,drconf-usable-memory"]))
    value = node["ibm,dynamic-memory-v2" if second else "ibm,dynamic-memory"]
    size = node.get_u64("ibm,lmb-size")
    flags, found = [], []
    if second:
        for n, _, _, _, flag in struct.iter_unpack(">IQ3I", value[4:]):
            flags += [flag] * n
    else:
        flags = [row[4] for row in struct.iter_unpack(">Q4I", value[4:])]
    assert size
    for flag in flags:
        if flag & RESERVED or not flag & ASSIGNED:
            continue
        for _ in range(next(words)):
            found.append((next(words), next(words)))
    assert list(words) == []
    return found


@pytest.mark.parametrize("second", [False, True], ids=["v1", "v2"])
def test_only_blocks_that_linux_looks_at_are_counted(second):
    """kexec-tools and Linux's own writer count blocks that are not assigned too;
    the reader does not skip these counts and goes astray."""
    flags = [RESERVED, 0, ASSIGNED, ASSIGNED, ASSIGNED, 0, ASSIGNED]
    blocks = list(enumerate(flags))
    if second:
        blocks = [(n, 1, flag) for n, flag in blocks]
    fdt = with_drconf(tree([(0, 256 * MIB)]), blocks, second)
    assert sum(s.blocks for s in lmb_sets(fdt)) == len(flags)
    # the region is blocks 2 and 3; block 4 and 6 are the dead kernel's
    assert reader(crash_tree(fdt), second) == [
        (512 * MIB, 256 * MIB),
        (768 * MIB, 256 * MIB),
    ]


def test_a_region_inside_blocks_is_cut_out_of_them():
    places = CrashPlaces(
        region=(128 * MIB, 256 * MIB), elfcorehdr=HEADER, backup=BACKUP
    )
    fdt = with_drconf(tree([(0, 128 * MIB)]), [(n, ASSIGNED) for n in range(4)])
    assert reader(crash_tree(fdt, crash=places)) == [
        (0, 256 * MIB),
        (256 * MIB, 128 * MIB),
        # RTAS, in the fourth block's memory
        RTAS,
    ]


def test_64_tib_in_blocks_of_256_mib():
    """Big memory: what a 2024 kernel refused with FDT_ERR_NOSPACE, for it had
    guessed the tree's size. Nothing is guessed here; and it takes no time that
    grows faster than the number of blocks."""
    count = (64 << 40) // (256 * MIB)
    fdt = with_drconf(tree([(0, 256 * MIB)]), [(0, count, ASSIGNED)], second=True)
    out = crash_tree(fdt)
    assert reader(out, second=True) == [
        (n * 256 * MIB, 256 * MIB) for n in range(sum(CRASH) // (256 * MIB))
    ]
    words = len(out[DRCONF]["linux,drconf-usable-memory"]) // 8
    assert words == count + 2 * 4


def test_a_thousand_memory_nodes():
    pieces = [(n * GIB, GIB) for n in range(1000)]
    out = crash_tree(tree(pieces))
    for start, size in pieces:
        want = [0, GIB] if start == 0 else [0, 0]
        got = numbers(out[f"/memory@{start:x}"]["linux,usable-memory"])
        assert got == want, f"{start:#x}, {size:#x}"


def test_is_there_a_third_copy_of_the_same_code(tmp_path):
    """ "(assuming there isn't a powerpc-kdump series out there adding a third copy
    of this)", the review said in 2018 of the core header; and of one range that
    is written with somebody else's cells. ppc64 brings its facts alone: the
    header is what the one writer for all architectures makes of them, and the
    ranges go through set_reg()."""
    m = machine(tmp_path)
    plan = make_plan(m, parse_image(vmlinux(), "vmlinux"))
    made = core_header_of(
        m,
        keep=[(RTAS[0], 64 * KIB)],
        backup=[((0, 64 * KIB), plan["backup"].start)],
    )
    assert bytes(plan["elfcorehdr"].data) == made
    for source in Path(ppc64.__file__).parent.glob("*.py"):
        assert "e_phnum" not in source.read_text()


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda f: f["/rtas"].set_bytes("rtas-size", b"123"), "/rtas:rtas-size"),
        (
            lambda f: f.root.set_bytes("reserved-ranges", bytes(24)),
            "/:reserved-ranges",
        ),
        (
            lambda f: with_drconf(f, [(0, 8)])[DRCONF].set_u32("ibm,dynamic-memory", 2),
            "ibm,dynamic-memory",
        ),
    ],
    ids=["rtas-size", "reserved-ranges", "dynamic-memory"],
)
def test_a_property_that_makes_no_sense_is_named(spoil, where, tmp_path):
    fdt = tree()
    spoil(fdt)
    with pytest.raises(FdtBadContent, match=where):
        make_plan(machine(tmp_path, fdt), parse_image(vmlinux(), "vmlinux"))


def test_what_is_no_tree_is_refused():
    with pytest.raises(FdtBadBlob):
        second_kernel_tree(b"\xd0\x0d\xfe\xed" + bytes(60), cmdline="", dtb=DTB)
