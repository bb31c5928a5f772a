# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash kernel that starts from our plan, every segment put in its place by
QEMU: no kexec, no first kernel. Its /proc/vmcore is, byte for byte, the file
that the plan and the dead machine's memory must give.

The dead machine is a captured one; its memory is random bytes.
"""

import hashlib
from pathlib import Path

import pytest
from guest import console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL
from injected import HARDWARE, QEMU, arguments, dead_memory, initramfs, memory_of

from pyfdtx import Fdt
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec.place.plan import make_plan

pytestmark = pytest.mark.kernel("arm64")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIB = 1 << 20
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


def boot(plan, memory, hardware, folder):
    """What the crash kernel sent."""
    segments = [(s.name, bytes(s.data), s.start) for s in plan.segments]
    args = arguments(segments, plan.entry, memory, hardware, folder)
    log = qemu.run(QEMU, args, TIMEOUT, log=folder / "console.log")
    assert "@@@ all sent" in log, f"stopped early: {folder}/console.log" + qemu.end_of(
        log
    )
    return console.received(log)


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
        initrd=initramfs(busybox, INIT),
        cmdline=CMDLINE,
        exclude=machine.ram.exclude(dumped),
    )


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
