# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump for real: a kernel panics, and its crash kernel, loaded by pyfdtx inside
the guest, shows the dead kernel's memory.

The programs in the guests are those of Debian 12 for arm64, whatever the kernel;
for riscv64 those of the release that its kernel is from.
"""

import gzip
import re
from pathlib import Path

import pytest
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL

HERE = Path(__file__).resolve().parent
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
	# LOAD_OPTIONS: what the command line sets and the kernel has no use for
	python3 /kdump_guest.py first "console=CONSOLE panic=-1 quiet maxcpus=1" \\
		$LOAD_OPTIONS
fi
"""
    + INIT_TAIL
)


VIRT = ("-M", "virt", "-cpu", "cortex-a57")
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
    "linux-6.12": ((*VIRT, "-m", "1G", "-smp", "2"), "crashkernel=256M"),
    # Debian's kernel from 7.0 on sets 128M of it aside for DMA
    "riscv64": (("-M", "virt", "-m", "1G", "-smp", "2"), "crashkernel=384M"),
}
# What starts there, where it is not Debian 12's kernel for arm64
KERNELS = {"linux-6.12": "arm64_linux_6_12", "riscv64": "riscv64_kernel"}
# Entered at EL1 and at EL2
LOAD_OPTIONS = {"linux-6.12": "--verify", "4-cpus-gicv3-el2": "--verify"}


def machine(name):
    kernel = {"linux-6.12": "arm64-6.12", "riscv64": "riscv64"}.get(name, "arm64")
    return pytest.param(name, marks=pytest.mark.kernel(kernel))


class System:
    """A kernel and an initrd for it, which carries the crash kernel's.

    machine: of MACHINES.
    """

    def __init__(self, machine, fixture):
        self.arch = "riscv64" if machine == "riscv64" else "arm64"
        self.qemu = {"arm64": "qemu-system-aarch64"}.get(
            self.arch, f"qemu-system-{self.arch}"
        )
        self.console = {"arm64": "ttyAMA0"}.get(self.arch, "ttyS0")
        self.kernel = fixture(KERNELS.get(machine, "arm64_kernel"))
        self.root = fixture(f"{self.arch}_python")
        self.archive = fixture(f"{self.arch}_archive")

    def initrd(self):
        ramfs = self.root.copy()
        try:
            tools = self.archive.unpack("kexec-tools")
        except GuestError as e:
            pytest.skip(str(e))
        dmesg = next(p for p in tools.rglob("vmcore-dmesg") if p.is_file())
        ramfs.file("usr/sbin/vmcore-dmesg", dmesg.read_bytes())
        ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
        ramfs.file("init", INIT.replace("CONSOLE", self.console).encode())
        crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
        ramfs.file("boot/crash.cpio.gz", crash)
        ramfs.file("boot/vmlinuz", self.kernel.read_bytes())
        return ramfs.to_bytes()


@pytest.fixture(scope="session")
def initrds(tmp_path_factory):
    """Of each kernel, once: (its initrd's place)."""
    made = {}

    def initrd_for(system):
        if system.kernel not in made:
            place = tmp_path_factory.mktemp("guest") / "first.cpio"
            place.write_bytes(system.initrd())
            made[system.kernel] = place
        return made[system.kernel]

    return initrd_for


@pytest.mark.parametrize("name", [machine(name) for name in MACHINES])
def test_the_crash_kernel_shows_the_dead_kernels_memory(
    name, initrds, boot_folder, request
):
    hardware, crashkernel = MACHINES[name]
    if UEFI[1] in hardware and not Path(UEFI[1]).exists():
        pytest.skip(f"{UEFI[1]} is missing (Debian: qemu-efi-aarch64)")
    system = System(name, request.getfixturevalue)
    line = f"console={system.console} panic=-1 quiet {crashkernel}"
    options = LOAD_OPTIONS.get(name, "")
    line += f" LOAD_OPTIONS={options}"
    files = qemu.kernel_args(system.kernel, initrds(system), line)
    log = qemu.run(
        system.qemu, (*hardware, *files), TIMEOUT, log=boot_folder / "console.log"
    )
    end = f": {boot_folder}/console.log" + qemu.end_of(log)
    assert "@@@ panic" in log, "the first kernel did not come to its panic" + end
    assert "@@@ all sent" in log, "the crash kernel stopped early" + end
    sent = console.received(log)

    assert ("--verify" in re.search(r"\$ pyfdtx load .*", log)[0]) == bool(options)
    assert "crash kernel: not loaded" in log.partition("$ pyfdtx load")[0]
    assert "crash kernel: loaded" in log.partition("$ pyfdtx load")[2]
    # One piece is all memory around it; the kernel's own image is another one,
    # and what it frees behind its start may have become that page
    found = re.search(r"@@@ marker found in (\d) of (\d)\n", log)
    assert found, end
    assert found[1] == found[2] != "0", found[0] + end
    assert re.search(r"@@@ log of \d{3} lines as vmcore-dmesg has it\n", log)
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
