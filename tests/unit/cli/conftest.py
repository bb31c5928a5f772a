# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The installed `pyfdtx` as people run it: a process with files."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyfdtx import pure

PROGRAM = Path(sys.executable).with_name("pyfdtx")
CELLS_2 = bytes([0, 0, 0, 2])
U64 = [n.to_bytes(8, "big") for n in (0x40000000, 0x10000000)]
BOOT = (
    "",
    [
        ("#address-cells", CELLS_2),
        ("#size-cells", CELLS_2),
        ("compatible", b"v,board\0v,soc\0"),
    ],
    [
        ("aliases", [("serial0", b"/soc/uart@1000\0")], []),
        (
            "chosen",
            [("bootargs", b"console=ttyAMA0 quiet\0"), ("kaslr-seed", bytes(8))],
            [],
        ),
        (
            "memory@40000000",
            [("device_type", b"memory\0"), ("reg", b"".join(U64))],
            [],
        ),
        (
            "soc",
            [("#address-cells", b"\0\0\0\1"), ("#size-cells", b"\0\0\0\1")],
            [
                (
                    "uart@1000",
                    [
                        ("reg", b"\0\0\x10\0\0\0\2\0"),
                        ("mac", bytes.fromhex("001122334455")),
                        ("flag", b""),
                        ("half", b"\x12\x34\xff\xfe\0\1"),
                    ],
                    [],
                )
            ],
        ),
        ("__symbols__", [("uart", b"/soc/uart@1000\0")], []),
    ],
)


# linux/prctl.h, linux/capability.h
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def obeying_permissions():
    """For preexec_fn: root becomes one whom permission bits bind."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for cap in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if libc.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


class Cli:
    """Runs the program in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, *args, **keywords):
        keywords = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": self.folder,
            **keywords,
        }
        return subprocess.Popen([PROGRAM, *map(str, args)], **keywords)

    def run(self, *args, stdin=None, **keywords):
        """(exit status, stdout, stderr); stderr is checked to be our lines."""
        if stdin is not None:
            keywords["stdin"] = subprocess.PIPE
        process = self.start(*args, **keywords)
        out, err = process.communicate(stdin, timeout=60)
        if err is not None:
            assert all(line.startswith(b"pyfdtx: ") for line in err.splitlines()), (
                err.decode()
            )
        return process.returncode, out, err

    def bound_by_permissions(self, *args):
        """The one line of a run that fails with 1; not even root is free."""
        return self.bad(1, *args, preexec_fn=obeying_permissions)

    def good(self, *args, **keywords):
        """stdout of a run that succeeds without a word on stderr."""
        status, out, err = self.run(*args, **keywords)
        assert (status, err) == (0, b""), (status, err)
        return out

    def bad(self, status, *args, **keywords):
        """The one line that a run says which fails with that status."""
        got, out, err = self.run(*args, **keywords)
        assert got == status, (got, out, err)
        assert not out, out
        assert err.endswith(b"\n"), err
        assert err.count(b"\n") == 1, err.decode()
        return err.decode("ascii", "backslashreplace")[len("pyfdtx: ") : -1]

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def boot():
    """The blob that boot.dtb holds."""
    return pure.flatten(BOOT, [(0x48000000, 0x1000)])


@pytest.fixture
def cli(tmp_path, boot):
    """A folder with boot.dtb in it, and the program.

    What a background job or nohup ignores, the program would ignore too; a
    handler of ours becomes the default action in it.
    """
    (tmp_path / "boot.dtb").write_bytes(boot)
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    old = {n: signal.signal(n, signal.default_int_handler) for n in numbers}
    yield Cli(tmp_path)
    for number, handler in old.items():
        signal.signal(number, handler)
