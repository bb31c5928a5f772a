# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Debian's kdump-tools, unmodified, with /sbin/kexec being ours: kdump-config shows,
tests, loads, unloads and reloads; the machine panics, and kdump-config saves the dump.
The same steps with kexec-tools' own kexec(8), in the same guest, a moment before: it
is called in the same way, ends in the same way, and leaves the same in sysfs.
"""

import gzip
import json
import re
from pathlib import Path

import pytest
from guest import console, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL
from guest.python import add_files, add_kexec_tools
from kdump_tools_guest import KEXEC, STEPS

HERE = Path(__file__).resolve().parent
TIMEOUT = 600
SYSTEMS = {
    "amd64": (
        "qemu-system-x86_64",
        ("-M", "q35", "-cpu", "qemu64", "-m", "2G", "-smp", "2"),
        "ttyS0",
    ),
    "arm64": (
        "qemu-system-aarch64",
        ("-M", "virt", "-cpu", "cortex-a57", "-m", "2G", "-smp", "2"),
        "ttyAMA0",
    ),
}
OURS = '#!/bin/sh\nexec python3 -m pyfdtx.tools.kexec "$@"\n'
# The panic kernel: what its initramfs has instead of an init system
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
export PATH=/usr/sbin:/sbin:/usr/bin:/bin
mkdir -p /tmp /run
echo  # ends what the firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	kdump-config savecore
	echo "@@@ savecore $?"
	cd /var/crash/2*
	ls | send names
	cat dmesg.* | send dmesg
	cat dump.* | head -c 4096 | send head
	cat dump.* | makedumpfile -R /core >/dev/null
	makedumpfile --dump-dmesg /core /again >/dev/null
	send again </again
	echo "@@@ all sent"
else
	python3 /kdump_tools_guest.py kexec-tools pyfdtx
fi
"""
    + INIT_TAIL
)
REPORT = f"""\
{console.SEND}
send found </found.json
"""


def initramfs(archive, python):
    """The panic kernel's; the first kernel's has more."""
    ramfs = python.copy()
    for package in ("makedumpfile", "file"):
        for top in archive.with_libraries(package).values():
            add_files(ramfs, top)
    for package in ("kdump-tools", "sysvinit-utils"):
        add_files(ramfs, archive.unpack(package))
    add_kexec_tools(archive, ramfs)
    flock = archive.unpack("util-linux") / "usr/bin/flock"
    ramfs.file("usr/bin/flock", flock.read_bytes())
    files = dict(ramfs.files("usr/sbin/"))
    ramfs.file("opt/kexec-tools/kexec", files["usr/sbin/kexec"])
    ramfs.file("opt/pyfdtx/kexec", OURS.encode())
    ramfs.file("usr/sbin/kexec", KEXEC.encode())
    conf = archive.unpack("kdump-tools") / "usr/share/kdump-tools/kdump-tools.conf"
    ramfs.file("etc/default/kdump-tools", conf.read_bytes())
    ramfs.file("report", REPORT.encode())
    ramfs.file("init", INIT.encode())
    for name in ("kdump_guest.py", "kdump_tools_guest.py"):
        ramfs.file(name, (HERE / name).read_bytes())
    return ramfs


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("amd64", marks=[pytest.mark.kernel("amd64")]),
        pytest.param("arm64", marks=[pytest.mark.kernel("arm64")]),
    ],
)
def log(request, tmp_path_factory):
    """The console of a guest, from its first kernel to the end of the second."""
    name = request.param
    program, hardware, tty = SYSTEMS[name]
    archive = request.getfixturevalue(f"{name}_archive")
    kernel = request.getfixturevalue(f"{name}_kernel")
    release = kernel.name.partition("-")[2]
    ramfs = initramfs(archive, request.getfixturevalue(f"{name}_python"))
    crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
    ramfs.file(f"boot/vmlinuz-{release}", kernel.read_bytes())
    ramfs.file(f"boot/config-{release}", b"CONFIG_RELOCATABLE=y\n")
    # As an earlier `load` left them; else it would want mkinitramfs
    ramfs.file(f"var/lib/kdump/initrd.img-{release}", crash)
    sysctls = archive.unpack("kdump-tools") / "etc/kdump/sysctl.conf"
    ramfs.file(f"var/lib/kdump/latest_sysctls-{release}", sysctls.read_bytes())
    place = tmp_path_factory.mktemp("boot") / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    line = f"console={tty} panic=-1 quiet crashkernel=448M"
    kept = qemu_log(name)
    said = qemu.run(
        program,
        (*hardware, *qemu.kernel_args(kernel, place, line)),
        TIMEOUT,
        log=kept,
    )
    place.unlink()
    assert "@@@ all sent" in said, qemu.end_of(said)
    return said


def qemu_log(name):
    folder = HERE.parents[1] / "build" / "system" / f"kdump-tools-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "console.log"


@pytest.fixture(scope="module")
def sent(log):
    return console.received(log)


@pytest.fixture(scope="module")
def found(sent):
    return json.loads(sent["found"])


pytestmark = pytest.mark.tools("kdump-tools")


def test_each_step_ends_as_with_kexec_tools(found):
    """But for a line of 2.0.25 on arm64, which finds no _text (docs/kexec-tools.md)."""
    theirs, ours = (found[name]["steps"] for name in ("kexec-tools", "pyfdtx"))
    for step in theirs:
        step["said"] = re.sub(r"(?m)^.*\b_text\b.*\n", "", step["said"])
    assert [s["step"] for s in ours] == STEPS
    assert ours == theirs


def test_kexec_is_called_and_ends_as_kexec_tools(found):
    theirs, ours = (found[name]["calls"] for name in ("kexec-tools", "pyfdtx"))
    assert ours == theirs
    # Two loads and two unloads; kdump-config itself refuses to load over a loaded one
    assert ours.count("-p\n") == len(re.findall(r"(?m)^status 0$", ours)) == 4
    assert "--command-line=" in ours
    assert set(re.findall(r"(?m)^loaded (\d)$", ours)) == {"0", "1"}


def test_the_dead_kernels_memory_is_found(log):
    (found,) = re.findall(r"@@@ marker found in (\d) of (\d)\n", log)
    assert found[0] == found[1] != "0"


def test_kdump_config_saves_a_dump_that_makedumpfile_reads(log, sent):
    assert "@@@ savecore 0\n" in log
    names = sent["names"].decode().split()
    assert [n.partition(".")[0] for n in names] == ["dmesg", "dump"]
    assert sent["head"].startswith(b"makedumpfile\0")  # flattened (-F)
    for name in ("dmesg", "again"):
        assert b"pyfdtx: these are the last words" in sent[name]
