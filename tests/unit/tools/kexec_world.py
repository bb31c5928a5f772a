# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Machines for a kexec(8) to run on, where nothing happens: any kexec(8), ours or
another one.

Each is a mount namespace with files of its own in /proc and /sys/kernel, and
fake_kernel.c in front of the C library, which answers the system calls and
writes them down.
"""

import errno
import os
import shutil
import struct
import subprocess
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
CRASH = "  2a000000-39ffffff : Crash kernel\n"
CRASH_SIZE = 0x10000000
IOMEM = f"""\
00001000-0009fbff : System RAM
00100000-3fffffff : System RAM
  01000000-01ffffff : Kernel code
  02000000-02ffffff : Kernel rodata
  03000000-033fffff : Kernel data
  03400000-037fffff : Kernel bss
{CRASH}"""
CMDLINE = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 crashkernel=256M quiet\n"

# What is loaded, (for a reboot, for a panic); None: sysfs does not say. load, file,
# reboot: the errno of kexec_load(2), kexec_file_load(2) and reboot(2)
World = namedtuple("World", "loaded crash load file reboot", defaults=(True, 0, 0, 0))
WORLDS = {
    "no kexec": World(None, False, errno.ENOSYS, errno.ENOSYS, errno.EINVAL),
    "nothing": World((0, 0)),
    "kernel": World((1, 0)),
    "panic": World((0, 1)),
    "both": World((1, 1)),
    "no crash region": World((0, 0), crash=False),
    "only file": World((1, 1), load=errno.ENOSYS),
    "only segments": World((1, 1), file=errno.ENOSYS),
    "locked": World((1, 1), load=errno.EPERM),
    "bad key": World((0, 0), file=errno.EKEYREJECTED),
    "not root": World((1, 1), load=errno.EPERM, file=errno.EPERM),
    "busy": World((0, 0), load=errno.EBUSY, file=errno.EBUSY),
    "no memory": World((0, 0), load=errno.ENOMEM, file=errno.ENOMEM),
    "invalid": World((0, 0), load=errno.EINVAL, file=errno.EINVAL),
    "not supported": World((0, 0), load=errno.ENOTSUP, file=errno.ENOTSUP),
    "no reboot": World((1, 1), reboot=errno.EPERM),
}

# The files of $FAKE cover the machine's; then the command runs
SETUP = """\
set -e
mount -t tmpfs none /run
mount -t tmpfs none /sys/kernel
if test -n "$FAKE_LOADED"
then
	set -- $FAKE_LOADED "$@"
	echo "$1" >/sys/kernel/kexec_loaded
	echo "$2" >/sys/kernel/kexec_crash_loaded
	echo "$3" >/sys/kernel/kexec_crash_size
	shift 3
fi
mount --bind "$FAKE/iomem" /proc/iomem
mount --bind "$FAKE/cmdline" /proc/cmdline
set +e
LD_PRELOAD="$FAKE/fake.so" "$@" >"$FAKE/out" 2>"$FAKE/err" </dev/null
status=$?
for name in kexec_loaded kexec_crash_loaded
do
	cat /sys/kernel/$name 2>/dev/null
done >"$FAKE/loaded"
exit $status
"""

# status; what was written to stdout and stderr; what is loaded then; the system calls
Outcome = namedtuple("Outcome", "status out err loaded calls")


def build_kernel(folder):
    """fake_kernel.c as a shared object in a folder."""
    target = folder / "fake.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-o", target, HERE / "fake_kernel.c"], check=True)
    return target


def can_run():
    """Whether machines can be made here: root, or the like of it."""
    probe = ("unshare", "--mount", "--net", "mount", "-t", "tmpfs", "none", "/mnt")
    if not all(map(shutil.which, ("unshare", "mount", "cc"))):
        return False
    return not subprocess.run(probe, capture_output=True, check=False).returncode


def bzimage():
    """64 KiB that kexec-tools and the running kernel take for a bzImage.

    Linux Documentation/arch/x86/boot.rst."""
    image = bytearray(1 << 16)
    image[0x1F1] = 4  # setup_sects
    image[0x1FE:0x206] = b"\x55\xaa\xeb\x6aHdrS"
    struct.pack_into("<H", image, 0x206, 0x20F)  # version
    image[0x211] = 1  # LOADED_HIGH
    struct.pack_into("<2IBB", image, 0x22C, 0x7FFFFFFF, 0x200000, 1, 21)
    struct.pack_into("<HI", image, 0x236, 3, 2047)  # 64 bits, above 4 GiB
    struct.pack_into("<QI", image, 0x258, 0x1000000, 0x400000)
    return bytes(image)


def run(program, args, world, folder, kernel):
    """The Outcome of a command line.

    Args:
        program: its first words.
        world: name of a machine.
        folder: ours, empty. kernel: from build_kernel().
    """
    w = WORLDS[world]
    (folder / "iomem").write_text(IOMEM if w.crash else IOMEM.replace(CRASH, ""))
    (folder / "cmdline").write_text(CMDLINE)
    (folder / "calls").touch()
    shutil.copy(kernel, folder / "fake.so")
    env = {
        **os.environ,
        "FAKE": str(folder),
        "FAKE_CALLS": str(folder / "calls"),
        "FAKE_LOAD": str(w.load),
        "FAKE_FILE": str(w.file),
        "FAKE_REBOOT": str(w.reboot),
        "LC_ALL": "C",
    }
    if w.loaded is not None:
        size = CRASH_SIZE if w.crash else 0
        env["FAKE_LOADED"] = " ".join(map(str, (*w.loaded, size)))
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", SETUP, "sh", *program, *args],
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (folder / "loaded").exists(), done.stderr.decode()
    out, err, loaded, calls = (
        (folder / name).read_bytes() for name in ("out", "err", "loaded", "calls")
    )
    return Outcome(
        done.returncode,
        out.decode(errors="replace"),
        err.decode(errors="replace"),
        " ".join(loaded.decode().split()),
        calls.decode().splitlines(),
    )
