# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The log of a dead kernel as vmcore-dmesg(8) of kexec-tools writes it: the same bytes,
of cores of every shape. The cores of the guests that crash are compared in them."""

import subprocess
import sys
from pathlib import Path

import pytest
from guest import GuestError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
from dead_kernel import LogBuffer, Machine, Message, Ring, core

# It is a program of this machine, but packages are those of a guest
pytestmark = pytest.mark.kernel("amd64")


@pytest.fixture(scope="module")
def theirs(amd64_archive):
    """kexec-tools' program, on a core; it must know what it does."""
    try:
        tools = amd64_archive.unpack("kexec-tools")
    except GuestError as e:
        pytest.skip(str(e))
    program = next(p for p in tools.rglob("vmcore-dmesg") if p.is_file())

    def run(path):
        done = subprocess.run([program, path], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        return done.stdout

    return run


def ours(path):
    done = subprocess.run(
        [sys.executable, "-m", "pyfdtx.tools.vmcore_dmesg", path],
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return done.stdout


MESSAGES = [
    Message(n * 1_234_567_891, bytes(range(n, min(256, n + n * 7 % 60))))
    for n in range(0, 256, 3)
]


# Nobody wrote it: the zeros that say that the log goes on at its start
NO_MESSAGE = b"\n[    0.000000] \n"


@pytest.mark.parametrize("caller", [False, True])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("form", [Ring, LogBuffer])
def test_both_write_the_same_bytes(theirs, tmp_path, form, bits, big, caller):
    """Messages of every byte; the ring has lost the first ones, and both wrap."""
    machine = Machine(bits, big, caller=caller)
    if form is Ring:
        log = Ring(machine, count_bits=6, size_bits=10, text_at=1000).write(MESSAGES)
        assert 10 < log.kept < 64
    else:
        LogBuffer(machine, size=8192, first=4000).write(MESSAGES)
    path = tmp_path / "core"
    # Theirs reads the log buffer in one piece
    path.write_bytes(core(machine, pieces=1))
    log = theirs(path)
    assert log.count(b"\n[") > 10
    if form is LogBuffer:
        assert log.count(NO_MESSAGE) == 1
        log = log.replace(NO_MESSAGE, b"\n")
    assert ours(path) == log
