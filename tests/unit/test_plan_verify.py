# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Plans whose trampoline checks SHA-256 first. What that code does is seen in
tests/system/test_verify.py."""

import hashlib
import struct
from pathlib import Path

import pytest

from pyfdtx.errors import FdtBadParameter, FdtNoRoom
from pyfdtx.kexec.arch.arm64.verify import (
    CONSTANTS,
    INITIAL,
    verifying,
)
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURES = sorted(p.parent for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None, "cmdline": "quiet"}
MIB = 1 << 20


def image(size=20 * MIB):
    """A header of Linux Documentation/arch/arm64/booting.rst, and some bytes."""
    head = struct.pack("<2I6Q4sI", 0, 0, 0, size, 10, 0, 0, 0, b"ARM\x64", 0)
    return parse_image(head + bytes(range(256)) * 5, "Image")


def memory_of(plan):
    """What SHA-256 goes over: what lies there, up to whole blocks of 64 bytes."""
    pieces = [s for s in plan.segments if s.name != "trampoline"]
    # in the order of placement, as the plan's own table has them
    order = ("kernel", "elfcorehdr", "initrd", "dtb")
    pieces.sort(key=lambda s: order.index(s.name))
    return b"".join(
        bytes(s.data).ljust(-(-len(s.data) // 64) * 64, b"\0") for s in pieces
    )


@pytest.mark.parametrize("root", CAPTURES, ids=lambda p: p.name)
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("initrd", [None, bytes(1), bytes(64), bytes(4097)])
def test_the_trampoline_knows_the_sum_of_all_that_was_placed(root, crash, initrd):
    words = {"crash": crash, "initrd": initrd, **NO_SEEDS}
    machine = Machine(root)
    plain = make_plan(machine, image(), **words)
    plan = make_plan(machine, image(), verify=True, **words)
    for ours, its in zip(plan.segments, plain.segments):
        assert (ours.name, ours.start) == (its.name, its.start)
        if ours.name != "trampoline":
            assert (bytes(ours.data), ours.size) == (bytes(its.data), its.size)
    code = plan["trampoline"]
    assert plan.entry == code.start
    digest = hashlib.sha256(memory_of(plan)).digest()
    assert struct.pack("<8I", *struct.unpack(">8I", digest)) in code.data
    # every piece, once, and where to go then
    table = [
        struct.pack("<2Q", s.start, s.start + -(-len(s.data) // 64) * 64)
        for s in plan.segments
        if s is not code
    ]
    assert [code.data.count(row) for row in table] == [1] * len(table)
    assert struct.pack("<2Q", plan["kernel"].start, plan["dtb"].start) in code.data


def test_the_codes_length_depends_on_the_number_of_pieces_alone():
    for count in range(1, 17):
        lengths = {
            len(verifying(a, a, a, [(a, 64 * n)] * count, bytes([n] * 32)))
            for a, n in ((0, 1), ((1 << 48) - 64, 200))
        }
        assert len(lengths) == 1
        assert lengths.pop() % 64 == 0


def test_the_constants_are_those_of_the_standard():
    """FIPS 180-4, 5.3.3 and 4.2.2: the first and the last of each table."""
    assert (INITIAL[0], INITIAL[7]) == (0x6A09E667, 0x5BE0CD19)
    assert (CONSTANTS[0], CONSTANTS[63]) == (0x428A2F98, 0xC67178F2)
    assert (len(INITIAL), len(CONSTANTS)) == (8, 64)


def test_where_there_is_no_such_code_it_is_refused(tmp_path):
    machine = Machine(tmp_path, arch="riscv64")
    head = struct.pack(
        "<2I3Q2IQ8s4sI",
        *(0, 0, 0x200000, 20 * MIB, 0, 2, 0, 0),
        *(b"RISCV\0\0\0", b"RSC\x05", 0),
    )
    with pytest.raises(
        FdtBadParameter, match=r"verify: .* arm64 alone, not on riscv64"
    ):
        make_plan(machine, parse_image(head, "Image"), verify=True)


def test_the_longer_code_needs_its_own_room():
    """8 KiB where the other trampoline takes 4."""
    machine = Machine(EXAMPLES / "arm64-dt")
    missing = []
    for verify in (False, True):
        with pytest.raises(FdtNoRoom) as caught:
            make_plan(machine, image(300 * MIB), verify=verify, **NO_SEEDS)
        missing.append(int(caught.value.cause.split(": ")[1].split(" ")[0]))
    assert missing[1] - missing[0] == 4096
