# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash tree with the package `fdt`: IN OUT. Does the least that is right for
a tree with no reservation to remove."""

import sys

import fdt

with open(sys.argv[1], "rb") as f:
    tree = fdt.parse_dtb(f.read())
root = tree.root
address = root.get_property("#address-cells").value
size = root.get_property("#size-cells").value
chosen = root.get_subnode("chosen")
if chosen is None:
    chosen = fdt.Node("chosen")
    root.append(chosen)
tree.entries = [
    *tree.entries,
    {"address": 0x6C6B0000, "size": 0x214000},
    {"address": 0x7ABFF000, "size": 0x400},
]


def words(*pairs):
    found = []
    for number, cells in pairs:
        found += [number >> 32 * i & 0xFFFFFFFF for i in reversed(range(cells))]
    return found


chosen.set_property("linux,initrd-start", words((0x6C6B0000, 2)))
chosen.set_property("linux,initrd-end", words((0x6C6B0000 + 0x214000, 2)))
chosen.set_property("linux,elfcorehdr", words((0x7ABFF000, address), (0x400, size)))
chosen.set_property(
    "linux,usable-memory-range",
    words((0x6AC00000, address), (0x10000000, size), (0x50000000, address),
          (0x8000000, size)),
)  # fmt: skip
chosen.set_property(
    "bootargs", "console=ttyAMA0,115200 root=/dev/vda1 ro maxcpus=1 reset_devices"
)
chosen.set_property("kaslr-seed", words((0x0123456789ABCDEF, 2)))
chosen.set_property("rng-seed", bytes(range(128)))
chosen.set_property("linux,booted-from-kexec", None)
with open(sys.argv[2], "wb") as f:
    f.write(tree.to_dtb())
