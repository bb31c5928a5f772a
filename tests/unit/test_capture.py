# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The parts of examples/capture.py that need no guest: what it takes apart, and
that it refuses what it does not understand rather than store it."""

import base64
import gzip
import importlib.util
import struct
import sys
from pathlib import Path

import pytest

CAPTURE = Path(__file__).resolve().parents[2] / "examples" / "capture.py"


@pytest.fixture(scope="module")
def capture():
    spec = importlib.util.spec_from_file_location("capture", CAPTURE)
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    sys.modules["capture"] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = path
        del sys.modules["capture"]


def blob(slack, rsvmap=1):
    """Header, reservations, structure {root node}, one string, slack."""
    structure = 40 + 16 * rsvmap
    strings = structure + 16
    total = strings + 4 + len(slack)
    return (
        struct.pack(
            *(">10I", 0xD00DFEED, total, structure, strings, 40),
            *(17, 16, 0, 4, 16),
        )
        + struct.pack(">2Q", 0, 4096) * (rsvmap - 1)
        + bytes(16)
        + struct.pack(">4I", 1, 0, 2, 9)
        + b"abc\0"
        + slack
    )


@pytest.mark.parametrize("rsvmap", [1, 2])
@pytest.mark.parametrize("slack", [0, 1, 4096])
def test_zero_slack_is_cut_off_and_nothing_else(capture, slack, rsvmap):
    assert capture.trimmed(blob(bytes(slack), rsvmap)) == blob(b"", rsvmap)


@pytest.mark.parametrize("at", [0, 1, 4095])
def test_slack_that_is_not_zero_is_not_thrown_away(capture, at):
    slack = bytearray(4096)
    slack[at] = 1
    with pytest.raises(capture.GuestError, match="not zero slack"):
        capture.trimmed(blob(bytes(slack)))


def core(*notes):
    """An ELF64 little-endian core with the notes in one PT_NOTE, behind a
    PT_LOAD, as in elf(5): e_phoff at 32, e_phentsize and e_phnum at 54."""
    packed = b"".join(
        struct.pack("<3I", len(name), len(desc), 0)
        + name.ljust(-(-len(name) // 4) * 4, b"\0")
        + desc.ljust(-(-len(desc) // 4) * 4, b"\0")
        for name, desc in notes
    )
    head = bytearray(64)
    head[:7] = b"\x7fELF\2\1\1"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<2H", head, 54, 56, 2)
    load = struct.pack("<2I6Q", 1, 7, 4096, 0, 0, 4096, 4096, 0)
    note = struct.pack("<2I6Q", 4, 0, 64 + 2 * 56, 0, 0, len(packed), 0, 0)
    return bytes(head) + load + note + packed


def test_the_vmcoreinfo_note_is_found_behind_others_of_odd_length(capture):
    found = capture.kcore_vmcoreinfo(
        core((b"CORE\0", b"x" * 5), (b"VMCOREINFO\0", b"PAGESIZE=4096\n\0\0"))
    )
    assert found == b"PAGESIZE=4096\n"


@pytest.mark.parametrize("keep", [176, 177, 188, 195])
def test_a_core_without_a_whole_vmcoreinfo_note_is_refused(capture, keep):
    whole = core((b"CORE\0", b"x" * 5), (b"VMCOREINFO\0", b"PAGESIZE=4096\n"))
    with pytest.raises(capture.GuestError, match="no VMCOREINFO note"):
        capture.kcore_vmcoreinfo(whole[:keep])
    with pytest.raises(capture.GuestError, match="no VMCOREINFO note"):
        capture.kcore_vmcoreinfo(core((b"CORE\0", b"x" * 5)))


def sent(name, data):
    packed = base64.encodebytes(gzip.compress(data)).decode()
    return f"@@@ begin {name}\n{packed}@@@ end {name}\n"


def test_files_arrive_as_they_were_sent_whatever_stands_between(capture):
    data = bytes(range(256)) * 8
    log = f"[ 0.0] boot\n{sent('/a', data)}[ 0.1] noise\n{sent('/b', b'')}off\n"
    files = {"/a": data, "/b": b""}
    assert capture.console.received(log) == files
    assert capture.console.received(log.replace("\n", "\r\n")) == files


def test_every_damage_to_a_file_on_the_console_is_noticed(capture):
    log = sent("/a", bytes(range(64)))
    begin, end = log.index("\n") + 1, log.index("@@@ end")
    for at in range(begin, end):
        for damaged in (
            log[:at] + "[ 1.0] kernel message" + log[at:],
            log[:at] + log[end:],
        ):
            with pytest.raises(capture.GuestError, match=r"/a"):
                capture.console.received(damaged)


def test_a_file_that_was_cut_short_is_noticed(capture):
    log = sent("/a", b"data") + sent("/b", b"data")
    with pytest.raises(capture.GuestError, match=r"did not arrive whole: /b"):
        capture.console.received(log[: log.index("@@@ end /b")])


def test_an_unknown_machine_is_a_usage_error_that_lists_the_known_ones(capture, capsys):
    with pytest.raises(SystemExit) as stop:
        capture.main(["no-such-machine"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "no-such-machine" in message
    assert all(name in message for name in capture.MACHINES)


def test_a_missing_program_is_named_with_its_package(capture, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        capture.GuestError, match=r"qemu-system-aarch64.*install qemu-system-arm"
    ):
        capture.qemu.version(capture.ARM64.qemu)
