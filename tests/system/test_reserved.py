# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory that a board reserves, in the way of the next kernel: it boots, and the
reserved bytes are what they were. Tables that a GICv3 goes on writing to. Pools whose
memory a crash kernel does not have.

Memory is a file that the host fills before the first kernel starts, and reads when the
last one is off. Only when asked for: make test-system KERNELS=reserved
"""

import gzip
import random
import re
import subprocess
from pathlib import Path

import pytest
from conftest import archive_of
from guest import GuestError, console, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs
from guest.python import root_file_system

from pyfdtx import Fdt

pytestmark = pytest.mark.kernel("reserved")
HERE = Path(__file__).resolve().parent
TIMEOUT = 300
RAM, SIZE, MIB = 0x4000_0000, 1 << 30, 1 << 20
CMDLINE = "console=ttyAMA0 panic=-1 quiet"
ARM64 = ("qemu-system-aarch64", ("-M", "virt", "-cpu", "cortex-a57", "-smp", "2"))
GIC_V3 = ("-M", "virt,gic-version=3", "-cpu", "cortex-a57", "-smp", "2")
ARM = ("qemu-system-arm", ("-M", "virt", "-cpu", "cortex-a15", "-smp", "2"))
GENERATION = (
    INIT_HEAD
    + console.SEND
    + f"""\
generation=$(sed -n 's/.*generation=//p' /proc/cmdline)
echo "@@@ generation $generation"
dmesg | grep -e 'LPI' -e reserv -e 'GICv3: ' | send $generation-log
send $generation-fdt </sys/firmware/fdt
send $generation-iomem </proc/iomem
if test -e /boot/next.cpio
then
	python3 -m pyfdtx load /boot/vmlinuz --initrd /boot/next.cpio -v \\
		--cmdline "{CMDLINE} generation=$((generation + 1))"
	python3 -m pyfdtx exec --now
fi
echo "@@@ all sent"
"""
    + INIT_TAIL
)


def machine_tree(program, hardware, place):
    """The tree that QEMU makes for its machine."""
    names = list(hardware)
    names[1] += f",dumpdtb={place}"
    command = (program, *names, "-m", "1G", "-nographic", "-nodefaults")
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return Fdt(place.read_bytes())


def reserve(fdt, name, start, size, **props):
    """props: other properties, _ for -."""
    if "/reserved-memory" not in fdt:
        home = fdt.add_node("/reserved-memory")
        home.set_u32("#address-cells", 2)
        home.set_u32("#size-cells", 2)
        home.set_empty("ranges")
    node = fdt["/reserved-memory"].add(f"{name}@{start:x}")
    for prop, value in props.items():
        node[prop.replace("_", "-")] = value
    node.set_reg("reg", [(start, size)])


class Board:
    """A machine with a file for memory, and a tree of its own."""

    def __init__(self, program, hardware, folder):
        self.program, self.hardware, self.folder = program, hardware, folder
        self.fdt = machine_tree(program, hardware, folder / "machine.dtb")
        self.memory = folder / "memory"
        with self.memory.open("wb") as f:
            f.truncate(SIZE)

    def fill(self, start, data):
        with self.memory.open("r+b") as f:
            f.seek(start - RAM)
            f.write(data)

    def read(self, start, size):
        with self.memory.open("rb") as f:
            f.seek(start - RAM)
            return f.read(size)

    def run(self, kernel, initrd, line):
        tree, ramfs = self.folder / "board.dtb", self.folder / "first.cpio"
        tree.write_bytes(self.fdt.to_bytes())
        ramfs.write_bytes(initrd)
        hardware = list(self.hardware)
        hardware[1] += ",memory-backend=ram"
        memory = f"memory-backend-file,id=ram,size=1G,share=on,mem-path={self.memory}"
        files = (*qemu.kernel_args(kernel, ramfs, line), "-dtb", str(tree))
        args = (*hardware, "-m", "1G", "-object", memory, *files)
        log = qemu.run(self.program, args, TIMEOUT, log=self.folder / "console.log")
        ramfs.unlink()
        end = f": {self.folder}/console.log" + qemu.end_of(log)
        assert "@@@ all sent" in log, "stopped early" + end
        return log


@pytest.fixture
def arm64_initrd(arm64_busybox, arm64_kernel, arm64_python):
    return chain(arm64_busybox.read_bytes(), arm64_kernel, arm64_python, 2)


def chain(busybox, kernel, python, starts):
    """The first initrd; each carries the next one and the kernel, the last nothing."""
    last = Initramfs()
    last.file("/bin/busybox", busybox)
    last.file("/init", GENERATION.encode())
    initrd = last.to_bytes()
    for _ in range(starts):
        ramfs = python.copy()
        ramfs.file("init", GENERATION.encode())
        ramfs.file("boot/vmlinuz", kernel.read_bytes())
        ramfs.file("boot/next.cpio", initrd)
        initrd = ramfs.to_bytes()
    return initrd


def generations(log):
    return [int(n) for n in re.findall(r"(?m)^@@@ generation (\d+)$", log)]


def test_a_plain_kexec_on_a_gicv3_comes_up_twice_in_a_row(
    arm64_initrd, arm64_kernel, boot_folder
):
    """Died each time before: the kernel was put on the tables of LPIs. The next one
    takes them over, as it says itself (its_setup_lpi_prop_table())."""
    board = Board(ARM64[0], GIC_V3, boot_folder)
    log = board.run(arm64_kernel, arm64_initrd, f"{CMDLINE} generation=0")
    board.memory.unlink()
    assert generations(log) == [0, 1, 2]
    sent = console.received(log)
    tables = [re.findall(rb"table @(0x\w+)", sent[f"{n}-log"]) for n in range(3)]
    assert len(tables[0]) == 3  # of properties; of each CPU's pending ones
    assert tables[0] == tables[1] == tables[2]
    for n in (1, 2):
        assert b"sing preallocated redistributor tables" in sent[f"{n}-log"]
        assert b"memory probably corrupted" not in sent[f"{n}-log"]
        reserved = list(Fdt(sent[f"{n}-fdt"]).memreserve)
        assert {r.start for r in reserved} >= {int(t, 0) for t in tables[0]}
        # once each, and the initrd's
        assert len(reserved) == len(set(reserved)) == 4


# Over the places that a plan without them takes: lowest memory behind the kernel
RAMOOPS = [(0x4280_0000 + i * 16 * MIB, MIB) for i in range(5)]
NO_MAP = [(0x4300_0000 + i * 16 * MIB, MIB) for i in range(4)]
HEADER = [(0x47C0_0000, MIB)]


def kept(board, kernel, initrd):
    """Each region's bytes are the same after two kexecs."""
    source = random.Random(7)
    want = {}
    for start, size in RAMOOPS:
        # no console, no records: what nobody writes to
        reserve(board.fdt, "ramoops", start, size)
    for start, size in NO_MAP:
        reserve(board.fdt, "secure", start, size, no_map=b"")
    for start, size in HEADER:
        board.fdt.memreserve.append(start, size)
    for start, size in (*RAMOOPS, *NO_MAP, *HEADER):
        want[start] = source.randbytes(size)
        board.fill(start, want[start])
    log = board.run(kernel, initrd, f"{CMDLINE} generation=0")
    assert generations(log) == [0, 1, 2]
    same = {start: board.read(start, len(data)) == data for start, data in want.items()}
    board.memory.unlink()
    assert all(same.values()), {hex(start) for start, good in same.items() if not good}


def test_reserved_bytes_stay_on_arm64(arm64_initrd, arm64_kernel, boot_folder):
    kept(Board(*ARM64, boot_folder), arm64_kernel, arm64_initrd)


def test_reserved_bytes_stay_on_arm(boot_folder, tmp_path):
    """/proc/iomem shows no reservation there."""
    archive = archive_of("armhf", ARM[0])
    try:
        python = root_file_system(archive, tmp_path / "python")
    except GuestError as e:
        pytest.skip(str(e))
    package = archive.unpack(archive.kernel("linux-image-armmp"))
    kernel = next(package.glob("boot/vmlinuz-*"))
    busybox = (archive.unpack("busybox-static") / "bin/busybox").read_bytes()
    initrd = chain(busybox, kernel, python, 2)
    kept(Board(*ARM, boot_folder), kernel, initrd)


CRASH = (
    INIT_HEAD
    + console.SEND
    + f"""\
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	send fdt </sys/firmware/fdt
	echo "@@@ all sent"
else
	dmesg | grep -i cma | send first-cma
	python3 /kdump_guest.py first "{CMDLINE} maxcpus=1"
fi
"""
    + INIT_TAIL
)


def test_a_crash_kernel_comes_up_without_a_pool(
    arm64_kernel, arm64_python, boot_folder
):
    """A fixed pool of 16 MiB, as 16 of Debian's armhf trees have; before, the crash
    kernel died in cma_init_reserved_areas() without a word."""
    board = Board(*ARM64, boot_folder)
    pool = (0x5000_0000, 16 * MIB)
    reserve(board.fdt, "pool", *pool, compatible=b"shared-dma-pool\0", reusable=b"")
    ramfs = arm64_python.copy()
    ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
    ramfs.file("init", CRASH.encode())
    ramfs.file("boot/crash.cpio.gz", gzip.compress(ramfs.to_bytes(), 1, mtime=0))
    ramfs.file("boot/vmlinuz", arm64_kernel.read_bytes())
    line = f"{CMDLINE} crashkernel=256M"
    log = board.run(arm64_kernel, ramfs.to_bytes(), line)
    board.memory.unlink()
    sent = console.received(log)
    # the first kernel has it
    assert b"created CMA memory pool at 0x0000000050000000" in sent["first-cma"]
    assert re.search(r"@@@ marker found in ([1-9]) of \1\n", log)
    tree = Fdt(sent["fdt"])
    assert tree["/reserved-memory/pool@50000000"].get_string("status") == "disabled"
