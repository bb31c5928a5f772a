# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash tree with pylibfdt: IN OUT. Does the least that is right for a tree
with cells of 2 and 2 or fewer, /chosen or not, and no reservation to remove."""

import sys

import libfdt

with open(sys.argv[1], "rb") as f:
    blob = f.read()
fdt = libfdt.Fdt(blob)
fdt.resize(len(blob) + 1024)
raw = fdt._fdt
quiet = (libfdt.NOTFOUND,)
address = 4 * libfdt.fdt_address_cells(raw, 0)
size = 4 * libfdt.fdt_size_cells(raw, 0)
chosen = fdt.path_offset("/chosen", quiet)
if chosen < 0:
    chosen = fdt.add_subnode(0, "chosen")
libfdt.check_err(libfdt.fdt_add_mem_rsv(raw, 0x6C6B0000, 0x214000))
libfdt.check_err(libfdt.fdt_add_mem_rsv(raw, 0x7ABFF000, 0x400))


def reg(*entries):
    return b"".join(
        a.to_bytes(address, "big") + s.to_bytes(size, "big") for a, s in entries
    )


usable = reg((0x6AC00000, 0x10000000), (0x50000000, 0x8000000))
fdt.setprop_u64(chosen, "linux,initrd-start", 0x6C6B0000)
fdt.setprop_u64(chosen, "linux,initrd-end", 0x6C6B0000 + 0x214000)
fdt.setprop(chosen, "linux,elfcorehdr", reg((0x7ABFF000, 0x400)))
fdt.setprop(chosen, "linux,usable-memory-range", usable)
fdt.setprop_str(
    chosen,
    "bootargs",
    "console=ttyAMA0,115200 root=/dev/vda1 ro maxcpus=1 reset_devices",
)
fdt.setprop_u64(chosen, "kaslr-seed", 0x0123456789ABCDEF)
fdt.setprop(chosen, "rng-seed", bytes(range(128)))
fdt.setprop(chosen, "linux,booted-from-kexec", b"")
fdt.pack()
with open(sys.argv[2], "wb") as f:
    f.write(fdt.as_bytearray())
