# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The code that enters an arm64 kernel, run instruction by instruction on a machine
of our own; hashlib's SHA-256 is the judge. tests/system/test_verify.py runs it on
QEMU's.
"""

import hashlib
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from a64_machine import Machine, Waiting

from pyfdtx.kexec.arch.arm64.start import trampoline
from pyfdtx.kexec.arch.arm64.verify import BLOCK, verifying

KERNEL, DTB, ENTRY = 0x4008_0000, 0x1_2345_6788_1000, 0xFFFF_F000_0040


def entered(machine):
    """Documentation/arch/arm64/booting.rst: x0 is the tree, x1 to x3 are zero."""
    assert machine.run(ENTRY, {KERNEL}) == KERNEL
    assert machine.x[:4] == [DTB, 0, 0, 0]


def test_the_trampoline_hands_over_the_tree():
    code = trampoline(KERNEL, DTB)
    assert len(code) == 40
    entered(Machine([(ENTRY, code)]))


def memory_of(lengths):
    """Pieces of so many blocks; the first one lies above 4 GiB."""
    dice = random.Random(str(lengths))
    places = [0x1_8000_0000 - 0x1234_5678 * i for i in range(len(lengths))]
    return [
        (place & -BLOCK, dice.randbytes(BLOCK * n)) for place, n in zip(places, lengths)
    ]


@pytest.mark.parametrize(
    "lengths",
    [(1,), (2,), (3, 1), (1, 1, 1, 1), (2, 1, 4), (1,) * 15, (16,)],
    ids=lambda n: "+".join(map(str, n)),
)
def test_sound_memory_is_entered_and_any_other_stops(lengths):
    memory = memory_of(lengths)
    digest = hashlib.sha256(b"".join(data for _, data in memory)).digest()
    pieces = [(start, len(data)) for start, data in memory]
    code = verifying(KERNEL, DTB, ENTRY, pieces, digest)
    assert len(code) % BLOCK == 0
    entered(Machine([(ENTRY, code), *memory]))

    dice = random.Random(len(code))
    for piece in range(min(len(memory), 4)):
        for bit in (0, 8 * len(memory[piece][1]) - 1, dice.randrange(512)):
            machine = Machine([(ENTRY, code), *memory])
            machine.memory[pieces[piece][0]][bit // 8] ^= 1 << bit % 8
            with pytest.raises(Waiting):
                machine.run(ENTRY, {KERNEL})


@pytest.mark.parametrize("byte", range(0, 32, 3))
def test_every_part_of_the_sum_counts(byte):
    memory = memory_of((1,))
    digest = bytearray(hashlib.sha256(memory[0][1]).digest())
    digest[byte] ^= 0x10
    code = verifying(KERNEL, DTB, ENTRY, [(memory[0][0], BLOCK)], digest)
    machine = Machine([(ENTRY, code), *memory])
    with pytest.raises(Waiting):
        machine.run(ENTRY, {KERNEL})


def test_what_stops_stays_stopped():
    """wfi may end by itself; the loop begins again."""
    code = verifying(KERNEL, DTB, ENTRY, [], bytes(32))
    machine = Machine([(ENTRY, code)])
    pc = ENTRY
    for _ in range(100_000):
        word = machine.load(pc, 4)
        if word == 0xD503_207F:
            break
        pc = machine.step(pc, word)
    behind = machine.step(pc + 4, machine.load(pc + 4, 4))
    assert behind == pc
