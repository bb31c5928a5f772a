# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash tree with pyfdtx.pure: IN OUT."""

import sys

from pyfdtx.pure import second_kernel_dtb

with open(sys.argv[1], "rb") as f:
    blob = f.read()
out = second_kernel_dtb(
    blob,
    cmdline="console=ttyAMA0,115200 root=/dev/vda1 ro maxcpus=1 reset_devices",
    initrd=(0x6C6B0000, 0x214000),
    crash=(
        (0x7ABFF000, 0x400),
        [(0x6AC00000, 0x10000000), (0x50000000, 0x8000000)],
    ),
    kaslr_seed=0x0123456789ABCDEF,
    rng_seed=bytes(range(128)),
)
with open(sys.argv[2], "wb") as f:
    f.write(out)
