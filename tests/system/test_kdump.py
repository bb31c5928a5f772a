# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump for real: a kernel panics, and its crash kernel, loaded by pyfdtx inside
the guest, shows the dead kernel's memory."""

import gzip
import re
from pathlib import Path

import pytest
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL

pytestmark = pytest.mark.kernel("arm64")
HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-aarch64"
TIMEOUT = 240
# Both kernels start here; only the second has a dead one to look at
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
echo  # ends what a firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
	/sbin/vmcore-dmesg /proc/vmcore | tail -n 60 | send dmesg
	send iomem </proc/iomem
	echo "@@@ all sent"
else
	send first-iomem </proc/iomem
	python3 /kdump_guest.py first "console=ttyAMA0 panic=-1 quiet maxcpus=1"
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="session")
def guest_initrd(arm64_archive, arm64_python, arm64_kernel, tmp_path_factory):
    """For the first kernel; carries the second one and its own initrd."""
    ramfs = arm64_python.copy()
    try:
        tools = arm64_archive.unpack("kexec-tools")
    except GuestError as e:
        pytest.skip(str(e))
    dmesg = next(p for p in tools.rglob("vmcore-dmesg") if p.is_file())
    ramfs.file("usr/sbin/vmcore-dmesg", dmesg.read_bytes())
    ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
    ramfs.file("init", INIT.encode())
    crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
    ramfs.file("boot/crash.cpio.gz", crash)
    ramfs.file("boot/vmlinuz", arm64_kernel.read_bytes())
    place = tmp_path_factory.mktemp("guest") / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    return place


VIRT = ("-M", "virt", "-cpu", "cortex-a57")
COMMON = "console=ttyAMA0 panic=-1 quiet"
UEFI = ("-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
MACHINES = {
    "device-tree": ((*VIRT, "-m", "1G", "-smp", "2"), "crashkernel=256M"),
    "high-and-low": (
        (*VIRT, "-m", "4G", "-smp", "2"),
        "crashkernel=256M,high crashkernel=64M,low",
    ),
    "uefi-acpi": ((*VIRT, *UEFI, "-m", "1G", "-smp", "2"), "crashkernel=256M"),
    # the firmware has random numbers for KASLR from the device
    "uefi-tree-kaslr": (
        (
            *("-M", "virt,acpi=off", "-cpu", "cortex-a57", *UEFI),
            *("-device", "virtio-rng-pci", "-m", "1G", "-smp", "2"),
        ),
        "crashkernel=256M",
    ),
    "4-cpus-gicv3-el2": (
        (
            *("-M", "virt,gic-version=3,virtualization=on"),
            *("-cpu", "max,pauth-impdef=on", "-m", "1G", "-smp", "4"),
        ),
        "crashkernel=256M",
    ),
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_crash_kernel_shows_the_dead_kernels_memory(
    name, arm64_kernel, guest_initrd, boot_folder
):
    hardware, crashkernel = MACHINES[name]
    if UEFI[1] in hardware and not Path(UEFI[1]).exists():
        pytest.skip(f"{UEFI[1]} is missing (Debian: qemu-efi-aarch64)")
    files = qemu.kernel_args(arm64_kernel, guest_initrd, f"{COMMON} {crashkernel}")
    log = qemu.run(QEMU, (*hardware, *files), TIMEOUT, log=boot_folder / "console.log")
    end = f": {boot_folder}/console.log" + qemu.end_of(log)
    assert "@@@ panic" in log, "the first kernel did not come to its panic" + end
    assert "@@@ all sent" in log, "the crash kernel stopped early" + end
    sent = console.received(log)

    assert "crash kernel: not loaded" in log.partition("$ pyfdtx load")[0]
    assert "crash kernel: loaded" in log.partition("$ pyfdtx load")[2]
    # One piece is all memory around it; the kernel's own image is another one,
    # and what it frees behind its start may have become that page
    found = re.search(r"@@@ marker found in (\d) of (\d)\n", log)
    assert found, end
    assert found[1] == found[2] != "0", found[0] + end
    dmesg = sent["dmesg"].decode()
    assert "pyfdtx: these are the last words" in dmesg
    assert "sysrq triggered crash" in dmesg
    if name.endswith("kaslr"):
        offset = re.search(rb"(?m)^KERNELOFFSET=(\w+)$", sent["head"])[1]
        assert int(offset, 16), "KASLR did not move the first kernel"
    # all of the first kernel's memory but its crash regions is in the dump
    rows = re.findall(
        r"(?m)^ *(\w+)-(\w+) : (System RAM|Crash kernel)$",
        sent["first-iomem"].decode(),
    )
    size = {"System RAM": 0, "Crash kernel": 0}
    for first, last, what in rows:
        size[what] += int(last, 16) + 1 - int(first, 16)
    text, *memory = vmcore.loads(sent["head"])
    assert sum(m.size for m in memory) == size["System RAM"] - size["Crash kernel"]
    assert any(m.paddr <= text.paddr < m.paddr + m.size for m in memory)
