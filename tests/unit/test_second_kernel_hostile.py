# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Canonical results from any sound input, typed errors from any other."""

import itertools
import random
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import Parsed, assemble, u32, u64

from pyfdtx import FdtBadBlob, FdtError
from pyfdtx._native import ffi, lib
from pyfdtx.kexec import Crash, second_kernel_dtb

pytestmark = pytest.mark.filterwarnings("ignore::pyfdtx.FdtWarning")

CELLS = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
CRASH = Crash(elfcorehdr=(0x7ABFF000, 0x1000), usable=[(0x6AC00000, 0x10000000)])
ARM_WORDS = lib.FDTX_HEADER_WORD | lib.FDTX_MEM_WORD
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}
SEEDS = {"kaslr_seed": 0x0123456789ABCDEF, "rng_seed": b"\xa5" * 128}

# A boot tree as a kernel that was itself started by kexec leaves it: used
# seeds, an old core header, an old initrd reserved in whole pages
TREE = (
    "",
    [*CELLS, ("model", b"m\0")],
    [
        ("memory@40000000", [("reg", u64(0x40000000, 0x40000000))], []),
        ("soc", [("ranges", b"")], [("uart@9000000", [("reg", u64(1, 2))], [])]),
        (
            "chosen",
            [
                ("kaslr-seed", bytes(8)),
                ("linux,elfcorehdr", u64(0x5000, 0x1000)),
                ("bootargs", b"quiet elfcorehdr=0x5000 mem=9K x\0"),
                ("linux,initrd-start", u64(0x8000)),
                ("linux,initrd-end", u64(0x8123)),
                ("rng-seed", b"\x5a" * 33),
                ("stdout-path", b"/soc\0"),
            ],
            [("framebuffer", [], [])],
        ),
    ],
)
RESERVED = [(0x5000, 0x1000), (0x8000, 0x1000), (0x1000, 0x2000)]
BLOB = assemble(TREE, RESERVED, boot_cpu=7)


def test_a_whole_boot_tree():
    out = Parsed(second_kernel_dtb(BLOB, initrd=(0x9000, 5), crash=CRASH, **SEEDS))
    assert out.boot_cpu == 7
    assert out.reserved == [(0x1000, 0x2000), (0x9000, 5), (0x7ABFF000, 0x1000)]
    name, root, (memory, soc, chosen) = out.tree
    assert (name, root, memory, soc) == ("", TREE[1], *TREE[2][:2])
    assert chosen == (
        "chosen",
        [
            ("linux,booted-from-kexec", b""),
            ("rng-seed", b"\xa5" * 128),
            ("kaslr-seed", u64(0x0123456789ABCDEF)),
            ("bootargs", b"quiet mem=9K x\0"),
            ("linux,usable-memory-range", u64(0x6AC00000, 0x10000000)),
            ("linux,elfcorehdr", u64(0x7ABFF000, 0x1000)),
            ("linux,initrd-end", u64(0x9005)),
            ("linux,initrd-start", u64(0x9000)),
            ("stdout-path", b"/soc\0"),
        ],
        [("framebuffer", [], [])],
    )


# --- one tree, one serialisation

JOBS = [
    {"crash": crash, "initrd": initrd, "arch": arch, "root_cells": cells, **seeds}
    for crash, initrd, arch, cells, seeds in itertools.product(
        (None, CRASH),
        (None, (0x9000, 0x1001)),
        ("arm64", "arm", "riscv"),
        ("keep", "2/2"),
        (NO_SEEDS, SEEDS),
    )
]
LINES = [{}, {"cmdline": ""}, {"cmdline": "a  b "}]
INPUTS = [
    BLOB,
    assemble(TREE, RESERVED, nops=True),
    assemble(("", CELLS, []), [(7, 8)]),
    assemble(("", [], [("chosen", [], []), ("a", [], [])])),
    assemble(("", CELLS[:1], [("a", CELLS, [("b", [("reg", u64(1, 2))], [])])])),
]


@pytest.mark.parametrize("n", range(len(INPUTS)))
@pytest.mark.parametrize("line", LINES)
def test_twice_is_once(n, line):
    done, refusals = 0, set()
    for job in JOBS:
        try:
            once = second_kernel_dtb(INPUTS[n], **job, **line)
        except FdtError as e:
            refusals.add(e.name)
            continue
        assert second_kernel_dtb(once, **job, **line) == once, job
        Parsed(once)
        done += 1
    assert done >= len(JOBS) // 2
    assert refusals <= {"FDT_ERR_BADNCELLS"}  # where root's cells are missing


@pytest.mark.parametrize("crash", [None, CRASH])
def test_generations_do_not_grow(crash):
    # Linux turns rng-seed into FDT_NOPs at each boot and never drops them:
    # 140 bytes per generation with its own kexec_file_load()
    blob = assemble(("", CELLS, [("chosen", [], [])]))
    sizes = []
    for _ in range(5):
        blob = second_kernel_dtb(blob, crash=crash, cmdline="x")
        sizes.append(len(blob))
        work = bytearray(blob)
        with ffi.from_buffer(work, require_writable=True) as p:
            at = lib.fdt_path_offset_namelen(p, b"/chosen", 7)
            assert lib.fdt_nop_property(p, at, b"rng-seed") == 0
        assert work != blob
        blob = bytes(work)
    assert len(set(sizes)) == 1, sizes


def test_layout_version_nops_and_slack_of_the_input_do_not_show():
    want = second_kernel_dtb(BLOB, crash=CRASH, **SEEDS)
    for version, nops, misordered in itertools.product((16, 17), (0, 1), (0, 1)):
        blob = assemble(
            TREE,
            RESERVED,
            boot_cpu=7,
            version=version,
            nops=nops,
            misordered=misordered,
        )
        for slack in (b"", b"\xff" * 5, bytes(4096)):
            got = second_kernel_dtb(blob + slack, crash=CRASH, **SEEDS)
            assert got == want, (version, nops, misordered, len(slack))


def test_dirty_padding_of_the_input_does_not_show():
    tree = ("", [("p", b"12345")], [("node", [], [])])
    blob = assemble(tree)
    at = blob.index(b"12345\0\0\0")
    name = blob.index(b"node\0\0\0\0")
    dirty = bytearray(blob)
    dirty[at + 5 : at + 8] = dirty[name + 5 : name + 8] = b"\xee\xee\xee"
    assert second_kernel_dtb(dirty, **SEEDS) == second_kernel_dtb(blob, **SEEDS)


def test_no_old_secret_is_left_in_the_result():
    out = second_kernel_dtb(BLOB, crash=CRASH, cmdline="", **NO_SEEDS)
    assert b"\x5a\x5a" not in out
    assert b"quiet" not in out


# --- hostile input


def result(blob, **job):
    """The result, sound and exactly long; None for a typed error."""
    try:
        out = second_kernel_dtb(blob, **job)
    except FdtError as e:
        told = e
    else:
        fault = ffi.new("struct fdtx_fault *")
        assert lib.fdtx_check(out, len(out), fault) == 0, bytes(blob).hex()
        assert int.from_bytes(out[4:8], "big") == len(out)
        assert out[20:28] == u32(17, 16)
        return out
    assert told.code < 0, told
    assert str(told).startswith("second_kernel_dtb"), told
    return None


@pytest.mark.parametrize("job", [{}, {"crash": CRASH, "root_cells": "2/2"}])
def test_every_truncation_is_refused(job):
    for length in range(len(BLOB)):
        with pytest.raises(FdtBadBlob):
            second_kernel_dtb(BLOB[:length], **job)


@pytest.mark.parametrize("job", [{}, {"crash": CRASH, "root_cells": "2/2"}])
def test_every_flipped_byte_gives_a_tree_or_a_typed_error(job):
    good = 0
    for at in range(len(BLOB)):
        for flip in (0x01, 0x80, 0xFF):
            blob = bytearray(BLOB)
            blob[at] ^= flip
            good += result(blob, **job) is not None
    assert good > len(BLOB)  # names, values and numbers may have any content


def test_random_damage_gives_a_tree_or_a_typed_error():
    rng = random.Random(2018)
    good = 0
    for _ in range(3000):
        blob = bytearray(BLOB)
        for _ in range(rng.randrange(1, 12)):
            blob[rng.randrange(40, len(blob))] = rng.choice((0, 1, 2, 3, 4, 9, 255))
        good += (
            result(blob, crash=CRASH, root_cells="2/2", arch="arm", **SEEDS) is not None
        )
    assert 100 < good < 2900  # both ways were gone


def test_a_bad_blob_is_told_with_place_and_cause():
    with pytest.raises(FdtBadBlob, match=r"magic.*at byte 0 .*FDT_ERR_BADMAGIC"):
        second_kernel_dtb(bytes(64))


# --- the buffer of the C function


def job_of(usable, **fields):
    job = ffi.new("struct fdtx_second_kernel *", {"keep_cmdline": 1, **fields})
    job.usable = usable
    job.usable_len = len(usable) if job.elfcorehdr.size else 0
    return job


def sweep(blob, job, most):
    """Every buffer size: NOSPACE, then the same result; nothing beyond it."""
    room = lib.fdtx_second_kernel_size(blob, len(blob), job)
    assert 0 < room <= most
    fault = ffi.new("struct fdtx_second_kernel_fault *")
    results = set()
    for size in range(room + 9):
        buf = ffi.new("char[]", b"\xcc" * (room + 32))
        got = lib.fdtx_second_kernel(blob, len(blob), job, buf, size, fault)
        assert bytes(ffi.buffer(buf)[size:-1]) == b"\xcc" * (room + 32 - size), size
        if got < 0:
            assert got == -lib.FDT_ERR_NOSPACE, (size, got)
            assert not results, f"room for {size - 1}, none for {size}"
            assert fault.step == lib.FDTX_STEP_EDIT
        else:
            assert got <= size
            results.add(bytes(ffi.buffer(buf, got)))
    assert len(results) == 1
    return results.pop()


@pytest.mark.parametrize("n", range(len(INPUTS)))
def test_every_buffer_size_gives_the_tree_or_nospace(n):
    usable = ffi.new("struct fdt_reg[]", [(0x6AC00000, 0x10000000)])
    text = ffi.new("char[]", b"console=ttyAMA0")
    rng = ffi.new("char[]", SEEDS["rng_seed"])
    job = job_of(
        usable,
        words=lib.FDTX_HEADER_WORD | lib.FDTX_WORDS_FIRST,
        root_cells_2_2=1,
        cmdline=text,
        cmdline_len=15,
        initrd=(0x9000, 5),
        elfcorehdr=tuple(CRASH.elfcorehdr),
        has_kaslr_seed=1,
        kaslr_seed=SEEDS["kaslr_seed"],
        rng_seed=rng,
        rng_seed_len=128,
    )
    got = sweep(INPUTS[n], job, len(INPUTS[n]) + 1024)
    assert got == second_kernel_dtb(
        INPUTS[n],
        append="console=ttyAMA0",
        initrd=(0x9000, 5),
        crash=CRASH,
        arch="riscv",
        root_cells="2/2",
        **SEEDS,
    )


def test_the_room_needed_is_exact_but_for_header_nul_and_spaces():
    # Nothing of what is written is there: no cells, no /chosen, no names
    blob = assemble(("", [], []))
    usable = ffi.new("struct fdt_reg[]", [(0x1000, 0x2000), (0, 1)])
    text = ffi.new("char[]", b"x" * 8)
    job = job_of(
        usable,
        root_cells_2_2=1,
        cmdline=text,
        initrd=(0x9000, 5),
        elfcorehdr=(0x2000, 0x1000),
        has_kaslr_seed=1,
        rng_seed=text,
        rng_seed_len=7,
    )
    for length in range(1, 9):
        job.cmdline_len = length
        got = sweep(blob, job, len(blob) + 1024)
        room = lib.fdtx_second_kernel_size(blob, len(blob), job)
        # 4 bytes of header, two spaces that may need another word
        assert 4 <= room - len(got) <= 8, length


def test_the_room_for_the_longest_words_is_there():
    blob = assemble(("", [], []))
    top = (1 << 64) - 0x1000
    usable = ffi.new("struct fdt_reg[]", [(0, 0x1000)])
    job = job_of(usable, words=ARM_WORDS, root_cells_2_2=1, elfcorehdr=(top, 1))
    got = Parsed(sweep(blob, job, len(blob) + 512)).prop("bootargs")
    assert got == f"elfcorehdr={top:#x} mem={top // 1024}K\0".encode()


@pytest.mark.parametrize("version", [16, 17])
def test_the_smallest_job_sweeps_too(version):
    usable = ffi.new("struct fdt_reg[]", 0)
    blob = assemble(("", [], []), version=version, misordered=True)
    sweep(blob, job_of(usable), len(blob) + 512)


def test_the_room_needed_is_the_longest_case_of_an_old_command_line():
    # unterminated, so that a NUL comes on top; parts that need every space
    usable = ffi.new("struct fdt_reg[]", [(0x1000, 0x1000)])
    text = ffi.new("char[]", b"z")
    for length in range(9):
        blob = assemble(("", CELLS, [("chosen", [("bootargs", b"x" * length)], [])]))
        job = job_of(
            usable,
            words=ARM_WORDS,
            cmdline=text,
            cmdline_len=1,
            elfcorehdr=((1 << 64) - 0x1000, 0x1000),
        )
        sweep(blob, job, len(blob) + 512)


@pytest.mark.parametrize(
    "fields",
    [
        {"cmdline_len": -1},
        {"rng_seed_len": -1},
        {"elfcorehdr": (1, 1)},  # no usable range
        {"initrd": ((1 << 64) - 1, 1)},
        {"words": ARM_WORDS, "elfcorehdr": (0x13FF, 1), "usable_len": 1},
        {"words": ARM_WORDS, "elfcorehdr": (0xFFF, 1), "usable_len": 1},
    ],
)
def test_a_nonsense_job_is_refused_in_c_too(fields):
    usable = ffi.new("struct fdt_reg[]", [(0x1000, 0x400)])
    job = ffi.new("struct fdtx_second_kernel *", {"usable": usable, **fields})
    fault = ffi.new("struct fdtx_second_kernel_fault *")
    buf = ffi.new("char[]", 4096)
    got = lib.fdtx_second_kernel(BLOB, len(BLOB), job, buf, 4096, fault)
    assert (got, fault.step) == (-lib.FDT_ERR_BADVALUE, lib.FDTX_STEP_JOB)
    assert fault.prop != ffi.NULL


@pytest.mark.parametrize(
    "fields",
    [
        {"cmdline_len": (1 << 31) - 1},
        {"rng_seed_len": (1 << 31) - 1},
        {"cmdline_len": 1 << 30, "rng_seed_len": 1 << 30},
        {"cmdline_len": -1},
        {"rng_seed_len": -1},
        {"elfcorehdr": (1, 1), "usable_len": -1},
        {"elfcorehdr": (1, 1), "usable_len": (1 << 31) - 1},
    ],
)
def test_the_room_needed_is_never_a_wrapped_sum(fields):
    job = ffi.new("struct fdtx_second_kernel *", fields)
    got = lib.fdtx_second_kernel_size(BLOB, len(BLOB), job)
    assert got == -lib.FDT_ERR_BADVALUE


def test_the_room_needed_stays_below_what_libfdt_can_count():
    # libfdt refuses a totalsize of INT32_MAX and calculates with int
    job = ffi.new("struct fdtx_second_kernel *")
    rooms = []
    for length in range((1 << 31) - 4096, 1 << 31):
        job.cmdline_len = length
        rooms.append(lib.fdtx_second_kernel_size(BLOB, len(BLOB), job))
    assert rooms[0] > (1 << 31) - 4096
    assert max(rooms) <= (1 << 31) - 1 - 64
    assert rooms == [r for r in rooms if r > 0] + [r for r in rooms if r < 0]
    assert rooms[-1] == -lib.FDT_ERR_BADVALUE


def test_a_blob_beyond_2_gib_is_refused_by_its_size_alone():
    job = ffi.new("struct fdtx_second_kernel *")
    huge = assemble(("", [], []))
    huge = huge[:4] + u32(0xFFFFFFFF) + huge[8:]
    got = lib.fdtx_second_kernel_size(huge, 1 << 32, job)
    assert got == -lib.FDT_ERR_BADVALUE


# --- much of it
#
# Every step is one pass over the blob, and a reservation is compared with at
# most 3 x 16 + 4 ranges. A quadratic step at these sizes is 10**10
# operations, minutes; linear ones are milliseconds. The bound is generous.

N = 100_000
SECONDS = 10


def flat(props, reserved=()):
    return assemble(("", CELLS, [("chosen", props, [])]), reserved)


MUCH = {
    "reservations that stay": flat([], [(n, 1) for n in range(N)]),
    "reservations that go": flat([("linux,elfcorehdr", u64(5, 5))], [(5, 5)] * N),
    "every other reservation goes": flat(
        [("linux,elfcorehdr", u64(5, 5))], [(5, 5), (6, 5)] * (N // 2)
    ),
    "initrd reservations": flat(
        [("linux,initrd-start", u64(5)), ("linux,initrd-end", u64(10))],
        [(5, 4096), (5, 65536)] * (N // 2),
    ),
    "stale properties": flat([("rng-seed", b"x")] * N),
    "alternating properties": flat([("rng-seed", b"x"), ("other", b"")] * (N // 2)),
    "other properties": flat([("other", b"")] * N),
    "stale entries": flat(
        [("linux,elfcorehdr", u64(*range(2 * N)))], [(n, 9) for n in range(N)]
    ),
    "stale words": flat([("bootargs", b"elfcorehdr=1 " * N)]),
    "other words": flat([("bootargs", b"a " * N)]),
    "root children": assemble(
        ("", CELLS[:1], [("a", [("x", b"")], []) for _ in range(N * 3 // 4)])
    ),
    "strings": assemble(("", CELLS, []), strings=b"linux,\0" * N),
    "no string ends": assemble(("", CELLS, []), strings=b"l" * N * 8 + b"\0"),
}


def deep(levels):
    tree = ("n", [("p", u32(1))], [])
    for _ in range(levels - 2):
        tree = ("n", [("#size-cells", u32(1))], [tree])
    return assemble(("", [], [tree]))


@pytest.mark.parametrize("what", MUCH)
def test_much_of_anything_takes_linear_time(what):
    started = time.monotonic()
    out = second_kernel_dtb(
        MUCH[what],
        initrd=(3, 3),
        crash=CRASH,
        root_cells="2/2",
        arch="riscv",
        **SEEDS,
    )
    took = time.monotonic() - started
    assert int.from_bytes(out[4:8], "big") == len(out)
    assert took < SECONDS, f"{what}: {took:.1f} s"


def test_much_that_goes_is_gone():
    job = {"kaslr_seed": None, "rng_seed": None, "arch": "riscv"}
    assert Parsed(second_kernel_dtb(MUCH["reservations that go"], **job)).reserved == []
    left = Parsed(second_kernel_dtb(MUCH["every other reservation goes"], **job))
    assert left.reserved == [(6, 5)] * (N // 2)
    left = Parsed(second_kernel_dtb(MUCH["initrd reservations"], **job))
    assert left.reserved == [(5, 65536)] * (N // 2)
    left = Parsed(second_kernel_dtb(MUCH["alternating properties"], **job))
    assert left.chosen == [
        ("linux,booted-from-kexec", b""),
        *[("other", b"")] * (N // 2),
    ]
    left = Parsed(second_kernel_dtb(MUCH["stale words"], **job))
    assert left.prop("bootargs") is None


@pytest.mark.parametrize("levels", [lib.FDTX_MAX_DEPTH - 1, lib.FDTX_MAX_DEPTH])
def test_the_deepest_tree_is_walked_without_a_deep_stack(levels):
    blob = deep(levels)
    out = second_kernel_dtb(blob, crash=CRASH, root_cells="2/2", **SEEDS)
    assert out.count(u32(1) + b"n\0\0\0") == levels - 1
    with pytest.raises(FdtBadBlob, match="too deep"):
        second_kernel_dtb(deep(lib.FDTX_MAX_DEPTH + 1))


def test_a_deep_culprit_is_named_by_its_path():
    tree = ("leaf", [("reg", u32(1))], [])
    for _ in range(lib.FDTX_MAX_DEPTH - 2):
        tree = ("a-node-name-of-some-length", [], [tree])
    blob = assemble(("", [], [tree]))
    with pytest.raises(FdtError) as e:
        second_kernel_dtb(blob, crash=CRASH, root_cells="2/2")
    path = "/a-node-name-of-some-length" * (lib.FDTX_MAX_DEPTH - 2)
    assert e.value.where == f"{path}/leaf:reg"


@pytest.mark.parametrize("version", [16, 17])
def test_a_culprit_behind_nops_is_named_by_its_path(version):
    tree = ("", [], [("a", [], [("b", [("reg", u32(1))], [])])])
    blob = assemble(tree, nops=True, version=version)
    with pytest.raises(FdtError) as e:
        second_kernel_dtb(blob, crash=CRASH, root_cells="2/2")
    assert e.value.where == "/a/b:reg"


# --- threads


def test_calls_run_in_parallel_and_do_not_meet():
    jobs = [{"cmdline": f"n={n}", "kaslr_seed": n, "rng_seed": None} for n in range(8)]
    want = [second_kernel_dtb(BLOB, **job) for job in jobs]
    wrong = []

    def run(n):
        with warnings.catch_warnings():
            for _ in range(300):
                if second_kernel_dtb(BLOB, **jobs[n]) != want[n]:
                    wrong.append(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
