# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash kernel that starts from our plan, every segment put in its place by
QEMU: no kexec, no first kernel. Its /proc/vmcore is, byte for byte, the file
that the plan and the dead machine's memory must give.

The dead machine is a captured one; its memory is random bytes.
"""

import hashlib
import random
import re
import struct
from pathlib import Path

import pytest
from guest import console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs

from pyfdtx import Fdt
from pyfdtx.kexec.image import read_image
from pyfdtx.kexec.machine import Machine
from pyfdtx.kexec.plan import make_plan
from pyfdtx.kexec.ranges import Ranges

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIB, PAGE = 1 << 20, 4096
TIMEOUT = 120
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
if test -e /proc/vmcore
then
	sha256sum /proc/vmcore | send sum
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
fi
send iomem </proc/iomem
send cmdline </proc/cmdline
send fdt </sys/firmware/fdt
echo "@@@ all sent"
"""
    + INIT_TAIL
)


def initramfs(busybox):
    ramfs = Initramfs()
    ramfs.file("/bin/busybox", busybox.read_bytes())
    ramfs.file("/init", INIT.encode())
    return ramfs.to_bytes()


class DeadMemory:
    """Random bytes in some pages of the dead machine."""

    def __init__(self, ranges, seed):
        source = random.Random(seed)
        self.pieces = {}
        for r in ranges:
            start = r.start // PAGE * PAGE
            size = -(-r.stop // PAGE) * PAGE - start
            self.pieces[start] = bytearray(source.randbytes(size))

    def _piece(self, start, size):
        for base, data in self.pieces.items():
            if base <= start and start + size <= base + len(data):
                return data, start - base
        raise AssertionError(f"{start:#x} +{size:#x} is not in the dead memory")

    def read(self, start, size):
        data, at = self._piece(start, size)
        return bytes(data[at : at + size])

    def write(self, start, new):
        data, at = self._piece(start, len(new))
        data[at : at + len(new)] = new


def note(name, kind, desc):
    """elf(5): name size with its NUL, description size, type; padded to 4."""
    name += b"\0"
    head = struct.pack("<3I", len(name), len(desc), kind)
    return head + name + bytes(-len(name) % 4) + desc + bytes(-len(desc) % 4)


def dead_memory(machine, dumped):
    """What a panicking kernel leaves: CPU 0's registers, none of the others
    (they were not running), VMCOREINFO; the rest random."""
    places = [machine.vmcoreinfo_note, *machine.crash_notes.values()]
    memory = DeadMemory(dumped.merge([_pages(r) for r in places]), seed=7)
    for place in places:
        memory.write(place.start, bytes(place.size))
    text = machine.vmcoreinfo.text.encode()
    memory.write(machine.vmcoreinfo_note.start, note(b"VMCOREINFO", 0, text))
    registers = random.Random(8).randbytes(392)  # struct elf_prstatus of arm64
    memory.write(machine.crash_notes[0].start, note(b"CORE", 1, registers))
    return memory


def _pages(r):
    start = r.start // PAGE * PAGE
    return start, -(-r.stop // PAGE) * PAGE - start


def loader(name, data, address, folder, more=""):
    place = folder / name
    place.write_bytes(data)
    return ("-device", f"loader,file={place},addr={address:#x},force-raw=on{more}")


def boot(plan, memory, hardware, folder):
    """What the crash kernel sent."""
    args = []
    for s in plan.segments:
        more = ",cpu-num=0" if s.start == plan.entry else ""
        args += loader(s.name, bytes(s.data), s.start, folder, more)
    for start, data in memory.pieces.items():
        args += loader(f"old-{start:x}", data, start, folder)
    log = qemu.run(
        "qemu-system-aarch64", (*hardware, *args), TIMEOUT, log=folder / "console.log"
    )
    assert "@@@ all sent" in log, f"stopped early: {folder}/console.log" + qemu.end_of(
        log
    )
    return console.received(log)


VIRT = ("-M", "virt", "-cpu", "cortex-a57")
# as in each capture's RECIPE.txt
HARDWARE = {
    "arm64-dt": (*VIRT, "-m", "1G", "-smp", "2"),
    "arm64-high-low": (*VIRT, "-m", "4G", "-smp", "4"),
}


def dumped_part(machine):
    """Some of the memory: the old kernel, a piece with ends inside pages, and
    the last bytes in front of the crash region. The rest would only cost time;
    at its start lies what QEMU puts there."""
    text, _ = machine.mapping.text
    middle = 0x6000_0123, 3 * MIB + 0x77
    below = machine.crash_main.start - MIB, MIB
    return Ranges([text, middle, below])


@pytest.mark.parametrize("name", HARDWARE)
def test_vmcore_is_what_header_and_memory_give(
    name, arm64_kernel, arm64_busybox, boot_folder
):
    machine = Machine(EXAMPLES / name)
    dumped = dumped_part(machine)
    plan = make_plan(
        machine,
        read_image(arm64_kernel),
        initrd=initramfs(arm64_busybox),
        cmdline="console=ttyAMA0 panic=-1 quiet maxcpus=1",
        exclude=machine.ram.exclude(dumped),
    )
    memory = dead_memory(machine, dumped)
    sent = boot(plan, memory, HARDWARE[name], boot_folder)

    want = vmcore.expected(plan["elfcorehdr"].data, memory.read)
    assert "sum" in sent, "there is no /proc/vmcore"
    head = sent["head"]
    assert head == want[: len(head)], "the first pages, ELF header and notes, differ"
    assert sent["sum"].split()[0].decode() == hashlib.sha256(want).hexdigest()

    # the kernel has the memory it was told to use, and no other
    ram = re.findall(r"(?m)^(\w+)-(\w+) : System RAM", sent["iomem"].decode())
    spans = [(int(a, 16), int(b, 16) + 1) for a, b in ram]
    assert spans == sorted((r.start, r.stop) for r in machine.crash_ranges)
    assert sent["cmdline"] == b"console=ttyAMA0 panic=-1 quiet maxcpus=1\n"
    # and the tree it was given; it zeroed the one seed and removed the other
    ours, its = Fdt(plan["dtb"].data)["/chosen"], Fdt(sent["fdt"])["/chosen"]
    for prop in ("linux,elfcorehdr", "linux,usable-memory-range", "bootargs"):
        assert its[prop] == ours[prop]
    assert its["kaslr-seed"] == bytes(8) != ours["kaslr-seed"]
    assert "rng-seed" not in its
