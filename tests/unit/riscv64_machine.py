# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A riscv64 machine as files, and an Image for it."""

import struct

from pyfdtx import Fdt
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image

MIB = 1 << 20

# QEMU's virt machine with crashkernel=128M; names and depths: Linux
# arch/riscv/kernel/setup.c init_resources(), arch/riscv/kernel/vmcore_info.c
FILES = {
    "proc/iomem": """\
80000000-8005ffff : Reserved
80060000-9fffffff : System RAM
  80200000-81ffffff : Kernel image
    80202000-80ffffff : Kernel code
    81800000-81afffff : Kernel data
  8c000000-93ffffff : Crash kernel
""",
    "proc/sys/kernel/arch": "riscv64\n",
    "proc/cmdline": "console=ttyS0 crashkernel=128M\n",
    "proc/kcore.vmcoreinfo": """\
OSRELEASE=6.12.0
PAGESIZE=4096
NUMBER(phys_ram_base)=0x80000000
NUMBER(PAGE_OFFSET)=0xff60000000000000
NUMBER(va_kernel_pa_offset)=0xffffffff00000000
KERNELOFFSET=0
""",
    "sys/kernel/vmcoreinfo": "0x0000000081b00000 1024\n",
    "sys/devices/system/cpu/possible": "0\n",
    "sys/devices/system/cpu/present": "0\n",
    "sys/devices/system/cpu/cpu0/crash_notes": "9e000000\n",
    "sys/devices/system/cpu/cpu0/crash_notes_size": "424\n",
}


def riscv(image_size=20 * MIB):
    head = struct.pack(
        "<2I3Q2IQ8s4sI",
        *(0, 0, 0x200000, image_size, 0, 2, 0, 0),
        *(b"RISCV\0\0\0", b"RSC\x05", 0),
    )
    return parse_image(head + bytes(1000), "Image")


def machine(root, **changed):
    """Machine of a directory; changed: other content of files, by name."""
    for name, text in {**FILES, **changed}.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    fdt.add_node("/chosen")
    memory = fdt.add_node("/memory@80000000")
    memory["device_type"] = b"memory\0"
    memory.set_reg("reg", [(0x8000_0000, 512 * MIB)])
    (root / "sys/firmware").mkdir(parents=True)
    (root / "sys/firmware/fdt").write_bytes(fdt.to_bytes())
    return Machine(root)
