# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a load of kexec(8) holds in memory: its images, once."""

import os
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MIB = 1 << 20
# The command on a captured machine; the system calls are answered, never made
CHILD = """
import re, sys
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.loading import kexec_load
from pyfdtx.tools import kexec, kexec_actions

class Kernel:
    def __getattr__(self, name):
        return getattr(lib, name)

    def fdtx_kexec_load(self, *_):
        return 0

lib, kexec_load.lib = kexec_load.lib, Kernel()
kexec_actions.Machine = lambda: Machine(sys.argv[1])
kexec._arch = lambda _: "arm64"
status = kexec.main(sys.argv[2:])
# Not ru_maxrss, which has what was there before exec()
(kib,) = re.findall("VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())
print(status, int(kib) * 1024)
"""


def peak(*words):
    """Bytes that a load held at most."""
    machine = ROOT / "examples" / "arm64-dt"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, machine, *words],
        cwd="/",  # the package that is installed, not the sources here
        capture_output=True,
        text=True,
        check=True,
    )
    status, size = done.stdout.split()
    assert status == "0", done.stderr
    return int(size)


def images(folder, size):
    """An Image and an initrd of so many bytes each."""
    head = struct.pack("<2I6Q4sI", *(0, 0, 0, size, 0b1010, 0, 0, 0), *(b"ARM\x64", 0))
    kernel, initrd = folder / f"Image{size}", folder / f"initrd{size}"
    kernel.write_bytes(head + os.urandom(size - len(head)))
    initrd.write_bytes(b"070701" + os.urandom(size - 6))
    return ["-c", "-p", str(kernel), f"--initrd={initrd}"]


def test_a_load_holds_kernel_and_initrd_once(tmp_path):
    small, large = MIB, 48 * MIB
    grown = peak(*images(tmp_path, large)) - peak(*images(tmp_path, small))
    assert grown <= 2 * (large - small) + 4 * MIB
