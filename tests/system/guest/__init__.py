# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Real kernels under QEMU: packages, initramfs, boot, files over the console.

Standard library only; needs no root and touches nothing of the host's own
package state. `examples/capture.py` and the system tests stand on it.
"""

from __future__ import annotations

import shutil

# Where each program that we start comes from (Debian package names).
PACKAGE_OF = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-system-ppc64": "qemu-system-ppc",
    "qemu-system-riscv64": "qemu-system-misc",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-aarch64-static": "qemu-user-static",
    "aarch64-linux-gnu-as": "binutils-aarch64-linux-gnu",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "powerpc64le-linux-gnu-gcc": "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross",
    "riscv64-linux-gnu-gcc": "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
    "x86_64-linux-gnu-gcc": "gcc libc6-dev",
}


class GuestError(Exception):
    """What failed and the way out; for a guest, with the end of its console."""


def need(*programs: str) -> None:
    """Raise GuestError, naming the packages, if a program is not installed."""
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        packages = " ".join(sorted({PACKAGE_OF.get(p, p) for p in missing}))
        raise GuestError(
            f"not installed: {', '.join(missing)} (Debian: apt-get install {packages})"
        )
