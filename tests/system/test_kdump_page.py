# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""docs/kdump.md, followed in a guest: what it says is typed, the unit's commands
run, the machine panics, and the page's script saves the dump with Debian's
makedumpfile.

Not here: the package manager, the boot loader, systemd, mkinitramfs. The guest's
own initramfs has the page's files instead.
"""

import gzip
import re
import shlex
import sys
from pathlib import Path

import pytest
from guest import GuestError, console, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs
from guest.python import add_files

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kdump_page import commands, files

pytestmark = pytest.mark.kernel("arm64")
HARDWARE = ("-M", "virt", "-cpu", "cortex-a57", "-m", "1G", "-smp", "2")
LINE = "console=ttyAMA0 panic=-1 quiet crashkernel=256M"
TIMEOUT = 300
PYFDTX = '#!/bin/sh\nexec python3 -m pyfdtx "$@"\n'
FIRST = """\
export PATH=$PATH:/opt/pyfdtx/bin
typed() {
	echo "$ $*"
	"$@"
}
mkdir -p /work
cd /work
echo "the last words" >/dev/kmsg
"""
# /tmp and $rootmnt are initramfs-tools'; the file system stands in for a disk.
# What was saved is shown where the script would reboot.
CRASH = (
    console.SEND
    + """\
mkdir -p /tmp
mount -t tmpfs none /root
rootmnt=/root
reboot() {
	test "$1" = -f
	cd /root/var/crash/*
	ls | send names
	send dmesg <dmesg
	head -c 4096 vmcore | send head
	makedumpfile --dump-dmesg vmcore /again >/dev/null
	send again </again
	echo "@@@ all sent"
	echo o >/proc/sysrq-trigger
	sleep 60
}
. /scripts/local-bottom/vmcore
"""
)


def base():
    ramfs = Initramfs()
    for name in ("bin", "sbin", "lib"):
        ramfs.directory(f"usr/{name}")
        ramfs.symlink(name, f"usr/{name}")
    return ramfs


@pytest.fixture(scope="module")
def crash_initrd(arm64_archive, arm64_busybox):
    ramfs = base()
    try:
        for top in arm64_archive.with_libraries("makedumpfile").values():
            add_files(ramfs, top)
    except GuestError as e:
        pytest.skip(str(e))
    ramfs.file("usr/bin/busybox", arm64_busybox.read_bytes())
    saver = files()["/etc/kdump-initramfs/scripts/local-bottom/vmcore"]
    ramfs.file("scripts/local-bottom/vmcore", saver.encode())
    ramfs.directory("root")
    ramfs.file("init", (INIT_HEAD + CRASH).encode())
    return gzip.compress(ramfs.to_bytes(), 1, mtime=0)


def script():
    """What is typed from step 3 on, and what systemd runs of the unit."""
    lines = commands()
    steps = lines[lines.index("pyfdtx status") :]
    end = next(i for i, line in enumerate(steps) if line.startswith("systemctl"))
    by_hand = [line for line in steps[:end] if line.startswith("pyfdtx ")]
    unit = files()["/etc/systemd/system/pyfdtx-kdump.service"]
    started, stopped = (
        re.search(f"(?m)^{word}=(.*)$", unit)[1].replace("%v", "$(uname -r)")
        for word in ("ExecStart", "ExecStop")
    )
    at_last = steps[end:]
    at_last = at_last[at_last.index("pyfdtx status") :][:3]
    assert at_last[-1] == "echo c >/proc/sysrq-trigger"
    typed = [f"typed {line}" for line in (*by_hand, stopped, started, *at_last[:2])]
    return "\n".join([FIRST, *typed, 'echo "@@@ panic"', at_last[-1], ""])


@pytest.fixture(scope="module")
def log(arm64_python, arm64_kernel, crash_initrd, module_boot_folder):
    release = arm64_kernel.name.partition("-")[2]
    ramfs = arm64_python.copy()
    ramfs.file("init", (INIT_HEAD + script() + INIT_TAIL).encode())
    ramfs.file("opt/pyfdtx/bin/pyfdtx", PYFDTX.encode())
    ramfs.file(f"boot/vmlinuz-{release}", arm64_kernel.read_bytes())
    for name in ("kdump.img", "initrd.img"):
        ramfs.file(f"boot/{name}-{release}", crash_initrd)
    place = module_boot_folder / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    args = (*HARDWARE, *qemu.kernel_args(arm64_kernel, place, LINE))
    log = module_boot_folder / "console.log"
    said = qemu.run("qemu-system-aarch64", args, TIMEOUT, log=log)
    assert "@@@ all sent" in said, f"stopped early: {log}{qemu.end_of(said)}"
    return said


def test_what_is_typed_does_what_the_page_says(log):
    first = log.partition("@@@ panic")[0]
    shown = re.findall(r"(?ms)^\$ (.*?)\n(.*?)(?=^\$ |\Z)", first)
    words = [shlex.split(line)[:2] for line, _ in shown]
    assert [w[1] for w in words if len(w) > 1] == [
        *("status", "capture", "plan", "load", "status", "load", "check"),
        *("unload", "load", "status"),
    ]
    states = [
        re.search("crash kernel: (.*)", said)[1]
        for line, said in shown
        if line.endswith("status")
    ]
    assert states == ["not loaded", "loaded", "loaded"]
    plan = next(said for line, said in shown if " plan " in line)
    assert "initrd" in plan
    (judged,) = (said for line, said in shown if " check " in line)
    assert judged == "made/dtb: nothing found\n"


def test_the_script_of_the_page_saves_the_dump(log):
    sent = console.received(log.partition("@@@ panic")[2])
    assert sent["names"] == b"dmesg\nvmcore\n", "makedumpfile failed"
    assert b"the last words" in sent["dmesg"]
    assert b"sysrq: Trigger a crash" in sent["dmesg"]
    # the file is one that makedumpfile and crash read: IMPLEMENTATION of
    # makedumpfile, "KDUMP   " in the first block; and it has the same log
    assert sent["head"].startswith(b"KDUMP   ")
    assert sent["again"] == sent["dmesg"]
