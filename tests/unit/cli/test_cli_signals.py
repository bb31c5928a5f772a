# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A command that is ended by a signal leaves nothing half done, and ends as a process
does that does not catch it; files of one output are in test_cli_files."""

import shutil
import signal
import struct
import time
from pathlib import Path

import pytest

DT = Path(__file__).resolve().parents[3] / "examples" / "arm64-dt"
MIB = 1 << 20
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


@pytest.fixture
def machine(cli):
    """A machine whose tree has many files, an image, a large initrd."""
    root = cli.folder / "machine"
    shutil.copytree(DT, root)
    shutil.copytree(DT, cli.folder / "large")
    (cli.folder / "large/sys/firmware/fdt").unlink()
    for number in range(200):
        node = cli.folder / f"large/proc/device-tree/n{number}"
        node.mkdir(parents=True)
        for prop in range(20):
            (node / f"p{prop}").write_bytes(b"x")
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 * MIB, 10, 0, 0, 0, b"ARM\x64", 0)
    (cli.folder / "Image").write_bytes(head + bytes(5000))
    with (cli.folder / "initrd").open("wb") as f:
        f.truncate(200 * MIB)
    return cli


WAYS = {
    "capture": ("capture", "new", "--root", "large"),
    "load": (
        *("load", "-q", "--crash", "Image", "--initrd", "initrd", "--root", "machine"),
        *("--dry-run", "--output-dir", "new"),
    ),
}


def hit(cli, args, numbers):
    """Exit status of a run that gets signals as soon as it has begun to write."""
    before = cli.names()
    process = cli.start(*args)
    deadline = time.monotonic() + 60
    while cli.names() == before and process.poll() is None:
        assert time.monotonic() < deadline
    for number in numbers:
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert err == b"", err.decode()
    return process.returncode


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", WAYS)
def test_a_folder_that_is_half_written_goes(machine, command, number):
    before = machine.names()
    for _ in range(10):
        if hit(machine, WAYS[command], [number]) == -number:
            assert machine.names() == before
            return
        shutil.rmtree(machine.folder / "new")
    pytest.fail("the folder was complete before the signal came, ten times")


@pytest.mark.parametrize("command", WAYS)
def test_a_second_signal_does_not_stop_the_tidying(machine, command):
    before = machine.names()
    numbers = [signal.SIGTERM, signal.SIGHUP, signal.SIGTERM]
    for _ in range(10):
        if -hit(machine, WAYS[command], numbers) in numbers:
            assert machine.names() == before
            return
        shutil.rmtree(machine.folder / "new")
    pytest.fail("the folder was complete before the signal came, ten times")


def test_a_signal_that_is_ignored_stays_so(machine):
    """nohup."""

    def ignoring():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    before = machine.names()
    process = machine.start(*WAYS["capture"], preexec_fn=ignoring)
    while machine.names() == before and process.poll() is None:
        pass
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"new: 40")
    assert machine.names() == sorted([*before, "new"])
