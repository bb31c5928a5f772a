# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A machine of 32-bit arm with room for a crash kernel, and a zImage for it."""

import struct

from pyfdtx import Fdt
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image

# /proc/iomem of Debian's 6.1 armmp on QEMU's virt machine, 1 GiB, crashkernel=128M
IOMEM = """\
09000000-09000fff : pl011@9000000
40000000-7fffffff : System RAM
  40208000-411fffff : Kernel code
  41400000-41607587 : Kernel data
  60000000-67ffffff : Crash kernel
"""
# of the KLSZ tag of that kernel's zImage
INFLATED, BSS, TEXT_OFFSET, MALLOC = 0x13A10B4, 0x5E4D4, 0x208000, 0x10000


def zimage(length=5_000_000, inflated=INFLATED, text_offset=TEXT_OFFSET):
    """Magic, start, end, byte order, 0x45454545, the table's place: head.S."""
    data = bytearray(length)
    head = (0x016F2818, 0, length, 0x04030201, 0x45454545, 0x60)
    struct.pack_into("<6I", data, 0x24, *head)
    tag = (6, 0x5A534C4B, 0x90, BSS, text_offset, MALLOC)
    struct.pack_into("<6I", data, 0x60, *tag)
    struct.pack_into("<I", data, 0x90, inflated)
    return parse_image(bytes(data), "zImage")


def machine_with(root, iomem=IOMEM, cells=2):
    files = {
        "proc/iomem": iomem,
        "proc/sys/kernel/arch": "armv7l\n",
        "proc/cmdline": "console=ttyAMA0 crashkernel=128M\n",
        "proc/kallsyms": "c0208000 T _text\nc0300000 T _stext\n",
        "sys/kernel/vmcoreinfo": "0x0000000041700000 1024\n",
        "sys/devices/system/cpu/possible": "0\n",
        "sys/devices/system/cpu/present": "0\n",
        "sys/devices/system/cpu/cpu0/crash_notes": "7e000000\n",
        "sys/devices/system/cpu/cpu0/crash_notes_size": "180\n",
    }
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", cells)
    fdt.root.set_u32("#size-cells", cells)
    fdt.add_node("/chosen")
    memory = fdt.add_node("/memory@40000000")
    memory["device_type"] = b"memory\0"
    memory.set_reg("reg", [(0x4000_0000, 1 << 30)])
    (root / "sys/firmware").mkdir(parents=True)
    (root / "sys/firmware/fdt").write_bytes(fdt.to_bytes())
    return Machine(root)


def with_region(root, start, size):
    new = f"{start:08x}-{start + size - 1:08x} : Crash kernel"
    return machine_with(root, IOMEM.replace("60000000-67ffffff : Crash kernel", new))
