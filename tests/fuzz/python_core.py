# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Cores of dead kernels with a log in them, of every shape, spoilt."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from python_input import Input

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
import dead_kernel as dead

from pyfdtx import kexec
from pyfdtx.errors import FdtMachineError

# Printable ASCII and white space
PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\v\f\r"


def _log(source: Input) -> bytes:
    """A sound core; the messages, the sizes and where the log begins are given."""
    how = source.byte()
    machine = dead.Machine(
        bits=64 if how & 1 else 32,
        big=bool(how & 2),
        caller=bool(how & 4),
        gap=source.byte() % 9,
        file_bits=64 if how & 8 else 0,
    )
    messages = [
        dead.Message(source.number(), source.bytes(source.byte() % 40), n, n % 4)
        for n in range(1 + source.byte() % 12)
    ]
    if how & 16:
        dead.Ring(
            machine,
            count_bits=1 + source.byte() % 4,
            size_bits=8,
            first_id=source.number(),
            text_at=source.number() & -8,
            exact_end=bool(how & 32),
        ).write(messages)
    else:
        dead.LogBuffer(machine, size=1024, first=source.byte() * 8 % 256).write(
            messages[:8]
        )
    return dead.core(machine, pieces=1 + source.byte() % 4)


def dmesg(source: Input) -> None:
    """The log of any core: it ends, and has no more text than the file."""
    blob = bytearray(_log(source))
    while source.left:
        at = int.from_bytes(source.bytes(2), "big") % max(len(blob), 1)
        new = source.bytes(source.byte() % 9)
        if source.byte() % 16:
            blob[at : at + len(new)] = new
        else:
            del blob[at:]
            blob += new
    fd = os.memfd_create("core")
    try:
        os.write(fd, blob)
        path = f"/proc/self/fd/{fd}"
        said: list[str] = []
        try:
            log = kexec.dmesg(path, damaged=said.append)
        except FdtMachineError as e:
            str(e)
            return
        text = 0
        for record in log:
            text += len(record.text)
            repr(record)
            assert not record.line().translate(None, PLAIN)
        assert text <= len(blob)
        assert len(said) <= 9
    finally:
        os.close(fd)
