# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A ppc64le machine as files: what QEMU's pseries (-m 2G, crashkernel=512M) shows
under Debian's 6.1 kernel, as far as it matters; and a kernel for it."""

import struct

from pyfdtx import Fdt
from pyfdtx.kexec.facts.machine import Machine

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
CRASH = (512 * MIB, 512 * MIB)
RTAS = (0x2FFF_0000, 0x83C)
KERNEL_END = 0x287_C918
MIN_HEAD = 0x100

FILES = {
    "proc/iomem": "00000000-7fffffff : System RAM\n",
    "proc/sys/kernel/arch": "ppc64le\n",
    "proc/cmdline": "console=hvc0 crashkernel=512M\n",
    "proc/kcore.vmcoreinfo": "OSRELEASE=6.1.0\nPAGESIZE=65536\n",
    "sys/kernel/vmcoreinfo": "0x0000000006f60000 11000\n",
    "sys/devices/system/cpu/possible": "0-1\n",
    "sys/devices/system/cpu/present": "0-1\n",
    "sys/devices/system/cpu/cpu0/crash_notes": "7f060000\n",
    "sys/devices/system/cpu/cpu0/crash_notes_size": "432\n",
    "sys/devices/system/cpu/cpu1/crash_notes": "7f160000\n",
    "sys/devices/system/cpu/cpu1/crash_notes_size": "432\n",
}


def tree(memory=((0, 2 * GIB),)):
    """What /proc/device-tree shows; a memory node per piece."""
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    fdt.root.set_string("compatible", "qemu,pseries")
    chosen = fdt.add_node("/chosen")
    chosen.set_string("bootargs", "console=hvc0 crashkernel=512M")
    chosen.set_u64("linux,initrd-start", 0x2C9_0000)
    chosen.set_u64("linux,initrd-end", 0x616_DA4C)
    chosen.set_u64("linux,kernel-end", KERNEL_END)
    chosen.set_u64("linux,memory-limit", 0)
    chosen.set_u64("linux,crashkernel-base", CRASH[0])
    chosen.set_u64("linux,crashkernel-size", CRASH[1])
    chosen.set_string("stdout-path", "/vdevice/vty@71000000")
    for start, size in memory:
        node = fdt.add_node(f"/memory@{start:x}")
        node.set_string("device_type", "memory")
        node.set_reg("reg", [(start, size)])
    rtas = fdt.add_node("/rtas")
    rtas.set_u32("linux,rtas-base", RTAS[0])
    rtas.set_u32("linux,rtas-entry", RTAS[0])
    rtas.set_u32("rtas-size", RTAS[1])
    cpus = fdt.add_node("/cpus")
    cpus.set_u32("#address-cells", 1)
    cpus.set_u32("#size-cells", 0)
    for number in (0, 1):
        cpu = cpus.add(f"PowerPC,POWER9@{number}")
        cpu.set_string("device_type", "cpu")
        cpu.set_u32("reg", number)
    return fdt


def write(root, name, data):
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data if isinstance(data, bytes) else data.encode())


def machine(root, fdt=None, **changed):
    """Machine of a directory; changed: other content of files, by name."""
    for name, text in {**FILES, **changed}.items():
        write(root, name, text)
    for node in tree() if fdt is None else fdt:
        inside = "proc/device-tree" + node.path.rstrip("/")
        write(root, f"{inside}/name", node.name.partition("@")[0] + "\0")
        for name, value in node.items():
            write(root, f"{inside}/{name}", value)
    return Machine(root)


def head():
    """The first 0x100 bytes of a relocatable kernel: "run0" at 0x5c, as Linux
    arch/powerpc/kernel/head_64.S has it; the others random, but always the same."""
    out = bytearray((7 * i + 3) & 0xFF for i in range(MIN_HEAD))
    out[0x5C:0x60] = struct.pack("<I", 0x7275_6E30)
    return bytes(out)


EHDR, PHDR = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
VIRTUAL = 0xC000_0000_0000_0000


def vmlinux(
    loads=None,
    *,
    machine=21,
    kind=2,
    order=1,
    entry=VIRTUAL,
    bits=2,
):
    """An ELF file: loads are (physical address, bytes, size in memory); elf(5).
    21 is EM_PPC64, 2 is ET_EXEC."""
    if loads is None:
        loads = [(0, head() + bytes(range(256)) * 1024, 40 * MIB)]
    form = "<" if order == 1 else ">"
    ehdr, phdr = (
        struct.Struct(form + EHDR.format[1:]),
        struct.Struct(form + PHDR.format[1:]),
    )
    ident = b"\x7fELF" + bytes((bits, order, 1)) + bytes(9)
    at = ehdr.size + phdr.size * len(loads)
    table, body = b"", b""
    for physical, data, size in loads:
        table += phdr.pack(
            1, 7, at + len(body), VIRTUAL + physical, physical, len(data), size, 1
        )
        body += data
    out = ehdr.pack(
        *(ident, kind, machine, 1, entry, ehdr.size, 0, 2, ehdr.size, phdr.size),
        *(len(loads), 0, 0, 0),
    )
    return out + table + body
