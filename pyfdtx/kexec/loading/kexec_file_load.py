# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec_file_load(2): load a kernel from its files.

The running kernel reads the image, and checks its signature if it is configured or
locked down to. It places the segments and makes the next kernel's tree or boot
parameters, and the core header, itself: nothing of pyfdtx is in them. A locked-down
kernel takes nothing else. Debian's kernels have it on x86_64, not on arm64, arm and
riscv64.
"""

from __future__ import annotations

import errno
import os
import stat

from ..._native import ffi, lib
from ...errors import FdtBadParameter, FdtLoadError
from ..architecture import arches
from .kexec_load import arch_if_known, need_kexec, not_permitted, refuse_loaded

__all__ = ["load_files"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..facts.machine import Machine

OP = "kexec_file_load"


def load_files(
    machine: Machine,
    kernel: str,
    *,
    crash: bool,
    cmdline: str,
    initrd: str | None = None,
    replace: bool = False,
    no_cma: bool = False,
    force_dtb: bool = False,
) -> None:
    """Have the running kernel load another one from its files.

    Args:
        machine: the running system.
        kernel: path of the image, as the kernel itself wants it: bzImage on x86,
            an Image on arm64 and riscv64, not compressed.
        crash: for kdump; the kernel adds elfcorehdr= where it needs it.
        cmdline: the command line.
        initrd: path of the initrd.
        replace: load even if a kernel is loaded already; that one goes.
        no_cma: keep the segments out of the kernel's CMA areas (Linux 6.17).
        force_dtb: hand the tree over where that is not usual (x86, Linux 6.18).
    Raises:
        FdtMachineError: no memory is reserved for a crash kernel.
        FdtLoadError: a file cannot be opened, a kernel is loaded already, or the
            kernel refused; the message says why, as far as the system tells.
        FdtBadParameter: a command line with a NUL.
    """
    need_kexec(OP)
    line = os.fsencode(cmdline)
    if b"\0" in line:
        raise FdtBadParameter(OP, "cmdline", "has a NUL")
    if not replace:
        refuse_loaded(OP, machine, crash=crash)
    flags = 0
    if crash:
        _ = machine.crash_main  # says so if nothing is reserved
        flags = lib.KEXEC_FILE_ON_CRASH
    flags |= lib.KEXEC_FILE_NO_CMA if no_cma else 0
    flags |= lib.KEXEC_FILE_FORCE_DTB if force_dtb else 0
    if initrd is None:
        flags |= lib.KEXEC_FILE_NO_INITRAMFS
    opened: list[int] = []
    try:
        for name in (kernel,) if initrd is None else (kernel, initrd):
            opened.append(_open(name))
        text = ffi.new("char[]", line)
        initrd_fd = -1 if initrd is None else opened[1]
        code = lib.fdtx_kexec_file_load(
            opened[0], initrd_fd, len(line) + 1, text, flags
        )
    finally:
        for fd in opened:
            os.close(fd)
    if code:
        raise file_refused(-code, machine, kernel, crash=crash)


def _open(name: str) -> int:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as e:
        raise FdtLoadError(OP, name, e.strerror or str(e)) from None
    except ValueError as e:  # a NUL in the name
        raise FdtLoadError(OP, name, str(e)) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise FdtLoadError(OP, name, "is no regular file, which the kernel wants")
    return fd


def _images_taken() -> str:
    """Which architecture's kernel takes what, the fewest first."""
    takers: dict[str, list[str]] = {}
    for arch in arches():
        if arch.file_image is not None:
            who, what = arch.file_image
            takers.setdefault(what, []).append(who)
    rows = sorted(takers.items(), key=lambda row: len(row[1]))
    return ", ".join(
        " and ".join(who) + (" takes " if i == 0 else " ") + what
        for i, (what, who) in enumerate(rows)
    )


def file_refused(
    number: int, machine: Machine, kernel: str, *, crash: bool
) -> FdtLoadError:
    """What an errno of kexec_file_load(2) means here, in words.

    Source: Linux kernel/kexec_file.c kimage_validate_signature(),
        kexec_image_probe_default(); crypto/asymmetric_keys/verify_pefile.c;
        kexec_file_load(2).
    """
    if number == errno.EPERM:
        locked = "could not verify a signature of this image"
        cause = not_permitted(machine, crash, locked=locked)
        return FdtLoadError(OP, kernel, cause, errno=number)
    unsigned = "the running kernel takes signed images alone, and this one "
    causes = {
        errno.ENOSYS: "this kernel has no kexec_file_load(2) (CONFIG_KEXEC_FILE); "
        "load without it, by kexec_load(2)",
        errno.ENOEXEC: "is no image that the running kernel can load: "
        + _images_taken(),
        errno.EKEYREJECTED: f"{unsigned}has a bad signature or none that it can check",
        errno.ENODATA: f"{unsigned}has no signature",
        errno.ENOKEY: f"{unsigned}is signed with a key that it does not know",
        errno.EBADMSG: f"{unsigned}has a damaged signature",
        errno.ELIBBAD: f"{unsigned}is no sound EFI program, so cannot be verified",
        errno.ENOPKG: f"{unsigned}is signed by an algorithm that it does not have",
        errno.EBUSY: "another program is loading a kernel; try again",
        errno.EADDRNOTAVAIL: "does not fit into the crash region with its initrd; "
        "boot with a larger crashkernel="
        if crash
        else "finds no free memory that is large enough",
        errno.ENOMEM: "the kernel has not enough memory for image and initrd",
        errno.ETXTBSY: "is being written to",
        errno.EFBIG: "image or initrd is too large",
        errno.EINVAL: "image, initrd or command line is not as the kernel wants it "
        "(a command line too long, an empty file, an image of another kind of this "
        "architecture)",
    }
    arch = arch_if_known(machine)
    if arch is not None and arch.by_file:
        causes[errno.ENOSYS] = (
            "this kernel has no kexec_file_load(2) (CONFIG_KEXEC_FILE), and "
            f"kexec_load(2) is not offered here for {arch.name}"
        )
    cause = causes.get(number, os.strerror(number))
    cause = f"{cause} ({errno.errorcode.get(number, number)})"
    return FdtLoadError(OP, kernel, cause, errno=number)
