# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump on 32-bit arm, for real: a kernel panics, and its crash kernel, loaded by
pyfdtx inside the guest, shows the dead kernel's memory. With and without LPAE.
"""

import gzip
import re
from pathlib import Path

import pytest
from conftest import archive_of
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs
from guest.python import root_file_system

from pyfdtx import Fdt

HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-arm"
# QEMU 7.2's for 32 bits keeps 32 bits of where page tables lie (target_ulong);
# the other one has the same 32-bit CPUs
WIDE_QEMU = "qemu-system-aarch64"
TIMEOUT = 300
META = {"armmp": "linux-image-armmp", "armmp-lpae": "linux-image-armmp-lpae"}
VIRT = ("-M", "virt", "-cpu", "cortex-a15", "-smp", "2")
COMMON = "console=ttyAMA0 panic=-1 quiet"
GIB = 1 << 30
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
	/sbin/vmcore-dmesg /proc/vmcore | tail -n 60 | send dmesg
	send iomem </proc/iomem
	echo "@@@ all sent"
else
	send first-iomem </proc/iomem
	export MARK_FROM=$(sed -n 's/.*mark_from=//p' /proc/cmdline)
	python3 /kdump_guest.py first "console=ttyAMA0 panic=-1 quiet maxcpus=1"
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def archive():
    return archive_of("armhf", QEMU)


@pytest.fixture(scope="module")
def userland(archive, tmp_path_factory):
    try:
        return root_file_system(archive, tmp_path_factory.mktemp("python"))
    except GuestError as e:
        pytest.skip(str(e))


def kernel_of(archive, name):
    return next(archive.unpack(archive.kernel(META[name])).glob("boot/vmlinuz-*"))


@pytest.fixture(scope="module")
def guest_of(archive, userland, tmp_path_factory):
    """(kernel, initrd) of the first kernel, by its name; the initrd carries the
    same kernel once more, and its own initrd."""
    made = {}

    def make(name):
        if name not in made:
            kernel, ramfs = kernel_of(archive, name), userland.copy()
            dmesg = archive.unpack("kexec-tools") / "sbin/vmcore-dmesg"
            ramfs.file("usr/sbin/vmcore-dmesg", dmesg.read_bytes())
            ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
            ramfs.file("init", INIT.encode())
            crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
            ramfs.file("boot/crash.cpio.gz", crash)
            ramfs.file("boot/vmlinuz", kernel.read_bytes())
            place = tmp_path_factory.mktemp(name) / "first.cpio"
            place.write_bytes(ramfs.to_bytes())
            made[name] = kernel, place
        return made[name]

    return make


def sizes(iomem):
    """Bytes by name of /proc/iomem's memory."""
    rows = re.findall(r"(?m)^ *(\w+)-(\w+) : (System RAM|Crash kernel)$", iomem)
    found = {"System RAM": 0, "Crash kernel": 0}
    for first, last, what in rows:
        found[what] += int(last, 16) + 1 - int(first, 16)
    return found


CASES = [
    pytest.param(name, memory, region, marks=pytest.mark.kernel(name), id=case)
    for case, name, memory, region in (
        ("armmp", "armmp", 1, "128M"),
        ("lpae", "armmp-lpae", 1, "128M"),
        # from 1 GiB on without a gap: two of the five lie above 4 GiB
        ("lpae-5G", "armmp-lpae", 5, "128M"),
        # starts at no multiple of 128 MiB: the kernel takes its start from the tree
        ("armmp-at-100M", "armmp", 1, "96M@0x64000000"),
    )
]


@pytest.mark.parametrize(("name", "memory", "region"), CASES)
def test_the_crash_kernel_shows_the_dead_kernels_memory(
    name, memory, region, guest_of, boot_folder
):
    kernel, initrd = guest_of(name)
    mark_from = 4 * GIB if memory > 3 else GIB
    cmdline = f"{COMMON} crashkernel={region} mark_from={mark_from:#x}"
    files = qemu.kernel_args(kernel, initrd, cmdline)
    log = qemu.run(
        QEMU if memory <= 3 else WIDE_QEMU,
        (*VIRT, "-m", f"{memory}G", *files),
        TIMEOUT,
        log=boot_folder / "console.log",
    )
    end = f": {boot_folder}/console.log" + qemu.end_of(log)
    assert "@@@ panic" in log, "the first kernel did not come to its panic" + end
    assert "@@@ all sent" in log, "the crash kernel stopped early" + end
    sent = console.received(log)

    assert "crash kernel: not loaded" in log.partition("$ pyfdtx load")[0]
    assert "crash kernel: loaded" in log.partition("$ pyfdtx load")[2]
    assert "@@@ marker found in 1 of 1\n" in log, end
    marker = int(re.search(r" marker=(0x\w+):", log)[1], 0)
    assert marker >= mark_from
    assert re.search(r"@@@ log of \d{3} lines as vmcore-dmesg has it\n", log)
    dmesg = sent["dmesg"].decode()
    assert "pyfdtx: these are the last words" in dmesg
    assert "sysrq triggered crash" in dmesg
    # all of the first kernel's memory but its crash region is in the dump
    first = sizes(sent["first-iomem"].decode())
    pieces = vmcore.loads(sent["head"])
    assert sum(m.size for m in pieces) == first["System RAM"] - first["Crash kernel"]
    # a 32-bit header: the highest piece starts in the last page below 4 GiB
    assert max(m.paddr + m.size for m in pieces) == (1 + memory) * GIB
    assert pieces[-1].paddr < 4 * GIB


NEXT = (
    INIT_HEAD
    + console.SEND
    + f"""\
if grep -q generation=2 /proc/cmdline
then
	send fdt </sys/firmware/fdt
	send iomem </proc/iomem
	echo "@@@ all sent"
else
	send first-iomem </proc/iomem
	python3 -m pyfdtx load /boot/vmlinuz --initrd /boot/next.cpio \\
		--cmdline "{COMMON} generation=2"
	python3 -m pyfdtx exec --now
fi
"""
    + INIT_TAIL
)


@pytest.mark.kernel("armmp")
def test_a_kernel_hands_over_to_the_next_one_without_a_crash(
    archive, userland, boot_folder
):
    """All of memory is the next kernel's; its tree is the first one's."""
    kernel = kernel_of(archive, "armmp")
    last = Initramfs()
    busybox = archive.unpack("busybox-static") / "bin/busybox"
    last.file("/bin/busybox", busybox.read_bytes())
    last.file("/init", NEXT.encode())
    ramfs = userland.copy()
    ramfs.file("init", NEXT.encode())
    ramfs.file("boot/next.cpio", last.to_bytes())
    ramfs.file("boot/vmlinuz", kernel.read_bytes())
    place = boot_folder / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    files = qemu.kernel_args(kernel, place, f"{COMMON} generation=1")
    log = qemu.run(
        QEMU, (*VIRT, "-m", "1G", *files), TIMEOUT, log=boot_folder / "console.log"
    )
    assert "@@@ all sent" in log, qemu.end_of(log)
    sent = console.received(log)
    assert sizes(sent["iomem"].decode()) == sizes(sent["first-iomem"].decode())
    tree = Fdt(sent["fdt"])
    assert "linux,booted-from-kexec" in tree["/chosen"]
    assert len(tree.memreserve) == 1  # its initrd
