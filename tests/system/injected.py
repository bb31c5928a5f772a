# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash kernel without a first kernel: QEMU puts every segment of a plan, and
what a dead kernel would have left in memory, into their places."""

import random
import re
import struct

from guest.initramfs import Initramfs

QEMU = "qemu-system-aarch64"
PAGE = 4096
VIRT = ("-M", "virt", "-cpu", "cortex-a57")
# as in each capture's RECIPE.txt
HARDWARE = {
    "arm64-dt": (*VIRT, "-m", "1G", "-smp", "2"),
    "arm64-high-low": (*VIRT, "-m", "4G", "-smp", "4"),
}


def initramfs(busybox, init, **files):
    ramfs = Initramfs()
    ramfs.file("/bin/busybox", busybox.read_bytes())
    ramfs.file("/init", init.encode())
    for name, text in files.items():
        ramfs.file(f"/{name}", text.encode())
    return ramfs.to_bytes()


class DeadMemory:
    """Random bytes in some pages of the dead machine."""

    def __init__(self, ranges, seed):
        source = random.Random(seed)
        self.pieces = {}
        for r in ranges:
            start, size = pages(r)
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


def pages(r):
    """(start, size) of the whole pages around a range."""
    start = r.start // PAGE * PAGE
    return start, -(-r.stop // PAGE) * PAGE - start


def note(name, kind, desc):
    """elf(5): name size with its NUL, description size, type; padded to 4."""
    name += b"\0"
    head = struct.pack("<3I", len(name), len(desc), kind)
    return head + name + bytes(-len(name) % 4) + desc + bytes(-len(desc) % 4)


def dead_memory(machine, dumped):
    """What a panicking kernel leaves: CPU 0's registers, none of the others
    (they were not running), VMCOREINFO; the rest random."""
    places = [machine.vmcoreinfo_note, *machine.crash_notes.values()]
    memory = DeadMemory(dumped.merge([pages(r) for r in places]), seed=7)
    for place in places:
        memory.write(place.start, bytes(place.size))
    text = machine.vmcoreinfo.text.encode()
    memory.write(machine.vmcoreinfo_note.start, note(b"VMCOREINFO", 0, text))
    registers = random.Random(8).randbytes(392)  # struct elf_prstatus of arm64
    memory.write(machine.crash_notes[0].start, note(b"CORE", 1, registers))
    return memory


def arguments(segments, entry, memory, hardware, folder):
    """For QEMU, to start at entry; segments: (name, bytes, address)."""
    old = [(f"old-{start:x}", data, start) for start, data in memory.pieces.items()]
    args = []
    for name, data, address in (*segments, *old):
        place = folder / name
        place.write_bytes(data)
        where = f"loader,file={place},addr={address:#x},force-raw=on"
        args += ["-device", where + ",cpu-num=0" * (address == entry)]
    return (*hardware, *args)


def memory_of(iomem):
    """[(start, stop)] of System RAM."""
    ram = re.findall(r"(?m)^(\w+)-(\w+) : System RAM", iomem.decode())
    return [(int(a, 16), int(b, 16) + 1) for a, b in ram]
