# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An initrd that is a file: of what length is enough to place it, and it is read
when all else is known to be good."""

import os
import struct
from pathlib import Path

import pytest

from pyfdtx.errors import FdtBadParameter, FdtImageError, FdtMachineError, FdtNoRoom
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.initrd import InitrdFile
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

DT = Path(__file__).resolve().parents[2] / "examples" / "arm64-dt"
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}
MIB, TIB = 1 << 20, 1 << 40


def image(magic=b"ARM\x64"):
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 * MIB, 10, 0, 0, 0, magic, 0)
    return parse_image(head + bytes(1000), "Image")


@pytest.fixture
def huge(tmp_path):
    """More than any memory has: reading it would end in a MemoryError."""
    place = tmp_path / "huge"
    with place.open("wb") as f:
        f.truncate(TIB)
    return place


def test_the_plan_is_the_same_as_for_its_bytes(tmp_path):
    place = tmp_path / "initrd"
    place.write_bytes(os.urandom(70_001))
    machine = Machine(DT)
    for verify in (False, True):
        words = {"verify": verify, **NO_SEEDS}
        plans = [
            make_plan(machine, image(), initrd=initrd, **words)
            for initrd in (InitrdFile(place), place.read_bytes())
        ]
        ours, want = (
            [(s.name, s.start, s.size, bytes(s.data)) for s in p.segments]
            for p in plans
        )
        assert ours == want


def test_one_that_does_not_fit_is_not_read(huge):
    with pytest.raises(FdtNoRoom, match=f"initrd: {TIB} bytes do not fit"):
        make_plan(Machine(DT), image(), initrd=InitrdFile(huge))
    with pytest.raises(FdtNoRoom, match=f"{TIB} bytes do not fit"):
        make_plan(Machine(DT), image(), crash=False, initrd=InitrdFile(huge))


def test_what_else_is_wrong_is_said_first(huge, tmp_path):
    initrd = InitrdFile(huge)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/iomem").write_text("40000000-7fffffff : System RAM\n")
    machine = Machine(tmp_path, arch="arm64")
    with pytest.raises(FdtMachineError, match="boot with crashkernel="):
        make_plan(machine, image(), initrd=initrd, cmdline="quiet")
    with pytest.raises(FdtImageError, match="the machine is riscv64"):
        make_plan(Machine(DT, arch="riscv64"), image(), initrd=initrd)


def test_one_that_changes_or_goes_away_is_named(tmp_path):
    place = tmp_path / "initrd"
    for change in (b"", b"short", b"longer" * 3):
        place.write_bytes(b"0123456789")
        initrd = InitrdFile(place)
        place.write_bytes(change)
        with pytest.raises(FdtBadParameter, match=f"initrd {place}: changed while"):
            make_plan(Machine(DT), image(), initrd=initrd)
    place.unlink()
    with pytest.raises(FdtBadParameter, match=f"initrd {place}: No such file"):
        make_plan(Machine(DT), image(), initrd=initrd)
    with pytest.raises(FdtBadParameter, match=f"initrd {place}: No such file"):
        InitrdFile(place)


def test_an_empty_one_is_refused(tmp_path):
    place = tmp_path / "initrd"
    place.touch()
    with pytest.raises(FdtBadParameter, match="initrd: is empty"):
        make_plan(Machine(DT), image(), initrd=InitrdFile(place))
