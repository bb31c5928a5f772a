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
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs

from pyfdtx import Fdt
from pyfdtx.kexec.arch.arm64 import trampoline
from pyfdtx.kexec.image import read_image
from pyfdtx.kexec.machine import Machine
from pyfdtx.kexec.plan import make_plan
from pyfdtx.kexec.ranges import Ranges

pytestmark = pytest.mark.kernel("arm64")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIB, PAGE = 1 << 20, 4096
TIMEOUT = 120
CMDLINE = "console=ttyAMA0 panic=-1 quiet maxcpus=1"
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


def console_of(plan, memory, hardware, folder, timeout=TIMEOUT):
    args = []
    for s in plan.segments:
        more = ",cpu-num=0" if s.start == plan.entry else ""
        args += loader(s.name, bytes(s.data), s.start, folder, more)
    for start, data in memory.pieces.items():
        args += loader(f"old-{start:x}", data, start, folder)
    log = folder / "console.log"
    return qemu.run("qemu-system-aarch64", (*hardware, *args), timeout, log=log)


def boot(plan, memory, hardware, folder):
    """What the crash kernel sent."""
    log = console_of(plan, memory, hardware, folder)
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


def injected(machine, dumped, kernel, busybox):
    return make_plan(
        machine,
        read_image(kernel),
        initrd=initramfs(busybox),
        cmdline=CMDLINE,
        exclude=machine.ram.exclude(dumped),
    )


def memory_of(iomem):
    """[(start, stop)] of System RAM."""
    ram = re.findall(r"(?m)^(\w+)-(\w+) : System RAM", iomem.decode())
    return [(int(a, 16), int(b, 16) + 1) for a, b in ram]


@pytest.mark.parametrize("name", HARDWARE)
def test_vmcore_is_what_header_and_memory_give(
    name, arm64_kernel, arm64_busybox, boot_folder
):
    machine = Machine(EXAMPLES / name)
    dumped = dumped_part(machine)
    plan = injected(machine, dumped, arm64_kernel, arm64_busybox)
    memory = dead_memory(machine, dumped)
    sent = boot(plan, memory, HARDWARE[name], boot_folder)

    want = vmcore.expected(plan["elfcorehdr"].data, memory.read)
    assert "sum" in sent, "there is no /proc/vmcore"
    head = sent["head"]
    assert head == want[: len(head)], "the first pages, ELF header and notes, differ"
    assert sent["sum"].split()[0].decode() == hashlib.sha256(want).hexdigest()

    # the kernel has the memory it was told to use, and no other
    spans = memory_of(sent["iomem"])
    assert spans == sorted((r.start, r.stop) for r in machine.crash_ranges)
    assert sent["cmdline"].decode() == f"{CMDLINE}\n"
    # and the tree it was given; it zeroed the one seed and removed the other
    ours, its = Fdt(plan["dtb"].data)["/chosen"], Fdt(sent["fdt"])["/chosen"]
    for prop in ("linux,elfcorehdr", "linux,usable-memory-range", "bootargs"):
        assert its[prop] == ours[prop]
    assert its["kaslr-seed"] == bytes(8) != ours["kaslr-seed"]
    assert "rng-seed" not in its


# The same trees spoiled: what Linux 6.1 makes of them


@pytest.fixture
def spoiled(arm64_kernel, arm64_busybox, boot_folder):
    """Boots the plan for arm64-dt after a change to its tree's /chosen."""
    machine = Machine(EXAMPLES / "arm64-dt")
    dumped = dumped_part(machine)
    plan = injected(machine, dumped, arm64_kernel, arm64_busybox)
    memory = dead_memory(machine, dumped)

    def run(change, timeout=TIMEOUT):
        fdt = Fdt(plan["dtb"].data)
        plan["dtb"].data = change(fdt["/chosen"], plan) or fdt.to_bytes()
        place = HARDWARE["arm64-dt"]
        return console_of(plan, memory, place, boot_folder, timeout), machine

    return run


def test_spoiled_without_a_header_there_is_no_vmcore(spoiled):
    """drivers/of/fdt.c early_init_dt_check_for_elfcorehdr(): says nothing."""

    def change(chosen, _):
        del chosen["linux,elfcorehdr"]

    log, _ = spoiled(change)
    assert "@@@ all sent" in log
    assert "sum" not in console.received(log)


def test_spoiled_without_usable_memory_the_crash_kernel_takes_all(spoiled):
    """early_init_dt_check_for_usable_mem_range(): says nothing; the dead
    kernel's memory is overwritten."""

    def change(chosen, _):
        del chosen["linux,usable-memory-range"]

    log, machine = spoiled(change)
    # reading the dump, which lies in its own memory, breaks it: look behind
    spans = memory_of(console.received(log[log.index("@@@ begin iomem") :])["iomem"])
    assert spans == [(r.start, r.stop) for r in machine.ram]


def test_spoiled_with_a_header_outside_usable_memory_it_dies(spoiled):
    """arch/arm64/kernel/crash_dump.c elfcorehdr_read() reads through the linear
    map, where the header then is not."""

    def change(chosen, plan):
        main = plan.usable[0]
        shorter = main.start, main.size - (4 << 20)
        chosen.set_reg("linux,usable-memory-range", [shorter], parent="/")

    log, _ = spoiled(change)
    assert "@@@ all sent" not in log
    assert "Unable to handle kernel paging request" in log
    assert "elfcorehdr_read" in log


def test_spoiled_with_an_initrd_outside_usable_memory_it_finds_no_init(spoiled):
    """arch/arm64/mm/init.c: initrd not fully accessible via the linear mapping."""

    def change(chosen, plan):
        chosen.set_u64("linux,initrd-start", plan.usable[0].stop)
        chosen.set_u64("linux,initrd-end", plan.usable[0].stop + (1 << 20))

    log, _ = spoiled(change)
    assert "@@@ all sent" not in log
    assert "Unable to mount root fs" in log


def of_size(chosen, plan, size):
    """The tree with room behind it (header: totalsize at 4), where it fits."""
    dtb, main = plan["dtb"], plan.usable[0]
    dtb.start = main.start + main.size // 2
    plan["trampoline"].data = trampoline(plan["kernel"].start, dtb.start)
    blob = chosen.fdt.to_bytes().ljust(size, b"\0")
    return blob[:4] + struct.pack(">I", size) + blob[8:]


def test_a_tree_of_2_mib_is_read(spoiled):
    log, _ = spoiled(lambda chosen, plan: of_size(chosen, plan, 2 << 20))
    assert "sum" in console.received(log)


def test_spoiled_by_8_bytes_more_it_hangs_without_a_word(spoiled):
    """arch/arm64/kernel/setup.c setup_machine_fdt() spins above 2 MiB, before
    there is a console; second_kernel_dtb() refuses to make such a tree."""
    with pytest.raises(GuestError, match="not done after 15 seconds") as hung:
        spoiled(lambda chosen, plan: of_size(chosen, plan, (2 << 20) + 8), timeout=15)
    assert "(the console is empty)" in str(hung.value)
