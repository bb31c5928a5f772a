# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump on ppc64le (pseries), for real: a kernel panics, and its crash kernel,
loaded by pyfdtx inside the guest, shows the dead kernel's memory.
"""

import gzip
import re
from pathlib import Path

import pytest
from conftest import archive_of
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL
from guest.python import add_files, root_file_system

pytestmark = pytest.mark.kernel("ppc64le")
HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-ppc64"
TIMEOUT = 400
PSERIES = ("-M", "pseries", "-m", "2G")
COMMON = "console=hvc0 panic=-1 quiet"
REGION = 512 << 20
# Both kernels start here; only the second has a dead one to look at
INIT = (
    INIT_HEAD
    + console.SEND
    + f"""\
echo  # ends what the firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
	dd if=/proc/vmcore bs=65536 skip=1 count=1 2>/dev/null | send notes
	/sbin/vmcore-dmesg /proc/vmcore | tail -n 60 | send dmesg
	send iomem </proc/iomem
	send fdt </sys/firmware/fdt
	echo "@@@ all sent"
else
	send first-iomem </proc/iomem
	python3 /kdump_guest.py first "{COMMON} maxcpus=1"
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def archive():
    return archive_of("ppc64el", QEMU)


@pytest.fixture(scope="module")
def kernel(archive):
    package = archive.unpack(archive.kernel("linux-image-powerpc64le"))
    return next(package.glob("boot/vmlinux-*"))


@pytest.fixture(scope="module")
def userland(archive, tmp_path_factory):
    try:
        ramfs = root_file_system(archive, tmp_path_factory.mktemp("python"))
        add_files(ramfs, archive.unpack("python3-pyelftools"))
        add_files(ramfs, archive.unpack("kexec-tools"))
    except GuestError as e:
        pytest.skip(str(e))
    return ramfs


@pytest.fixture(scope="module")
def guest_initrd(kernel, userland, tmp_path_factory):
    """For the first kernel; carries the second one and its own initrd."""
    ramfs = userland.copy()
    ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
    ramfs.file("init", INIT.encode())
    ramfs.file("boot/crash.cpio.gz", gzip.compress(ramfs.to_bytes(), 1, mtime=0))
    ramfs.file("boot/vmlinuz", kernel.read_bytes())
    place = tmp_path_factory.mktemp("guest") / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    return place


def boot(hardware, kernel, initrd, cmdline, folder):
    files = qemu.kernel_args(kernel, initrd, cmdline)
    log = qemu.run(QEMU, (*hardware, *files), TIMEOUT, log=folder / "console.log")
    return log, f": {folder}/console.log" + qemu.end_of(log)


def memory_of(iomem):
    """Bytes of System RAM; ppc64's iomem does not show crash regions."""
    rows = re.findall(r"(?m)^(\w+)-(\w+) : System RAM$", iomem.decode())
    return sum(int(last, 16) + 1 - int(first, 16) for first, last in rows)


MACHINES = {
    "power9-1-cpu": ("-cpu", "power9", "-smp", "1"),
    "power9-4-cpus": ("-cpu", "power9", "-smp", "4"),
    # a hash table instead of radix trees, an older interrupt controller
    "power8-4-cpus": ("-cpu", "power8", "-smp", "4"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_crash_kernel_shows_the_dead_kernels_memory(
    name, kernel, guest_initrd, boot_folder
):
    cmdline = f"{COMMON} crashkernel={REGION >> 20}M"
    hardware = (*PSERIES, *MACHINES[name])
    log, end = boot(hardware, kernel, guest_initrd, cmdline, boot_folder)
    assert "@@@ panic" in log, "the first kernel did not come to its panic" + end
    assert "@@@ all sent" in log, "the crash kernel stopped early" + end
    sent = console.received(log)

    assert "crash kernel: not loaded" in log.partition("$ pyfdtx load")[0]
    assert "crash kernel: loaded" in log.partition("$ pyfdtx load")[2]
    assert "@@@ marker found in 1 of 1\n" in log, end
    dmesg = sent["dmesg"].decode()
    assert "pyfdtx: these are the last words" in dmesg
    assert "sysrq triggered crash" in dmesg
    # all of the first kernel's memory but its crash region is in the dump; RTAS
    # lies inside the region, and is the dead kernel's too
    dumped = sum(m.size for m in vmcore.loads(sent["head"]))
    assert dumped == memory_of(sent["first-iomem"]) - REGION + (64 << 10)
