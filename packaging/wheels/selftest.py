# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""One small job of each kind; prints a checksum of all results, the same one on every
platform: selftest.py EXAMPLE, a folder that `pyfdtx capture` made."""

import hashlib
import os
import sys
import tempfile

from pyfdtx import Fdt, libfdt, to_dict
from pyfdtx.cli import main
from pyfdtx.kexec import Crash, Machine, core_header_of, second_kernel_dtb

root = sys.argv[1]
digest = hashlib.sha256()


def add(name, data):
    digest.update(f"{name} {len(data)}\n".encode())
    digest.update(data)


with open(os.path.join(root, "sys/firmware/fdt"), "rb") as f:
    boot = f.read()

tree = Fdt(boot)
chosen = tree["/chosen"]
chosen.set_string("bootargs", "quiet panic=1")
chosen.set_reg("linux,elfcorehdr", [(0x1_2345_6000, 0x1000)])
tree.add_node("/added")
added = tree.add_node("/added/below")
added.set_u32("u32", 0xFFFF_FFFF)
added.set_u64("u64", (1 << 64) - 2)
for i in range(200):
    added.set_bytes(f"property,{i}", bytes(i))
with tree.edit() as edit:
    edit.set("/added", "status", b"okay\0")
del added["property,7"]
add("edited", tree.to_bytes())


add("view", repr(to_dict(boot)).encode())

again = libfdt.Fdt(tree.to_bytes())
add("drop-in", bytes(again.getprop(again.path_offset("/added/below"), "u64")))

crash = Crash(elfcorehdr=(0x7ABF_F000, 0x400), usable=[(0x6AC0_0000, 256 << 20)])
add("crash", second_kernel_dtb(boot, crash=crash, kaslr_seed=1, rng_seed=b"seed"))

add("core", core_header_of(Machine(root)))

with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "crash.dtb")
    words = [os.path.join(root, "sys/firmware/fdt"), "-o", out]
    words += ["--elfcorehdr", "0x7abff000,0x400", "--usable", "0x6ac00000,256M"]
    if main(["crash-dtb", *words, "--kaslr-seed", "none", "--rng-seed", "none"]):
        sys.exit("selftest: crash-dtb failed")
    with open(out, "rb") as f:
        add("crash-dtb", f.read())

print("selftest", digest.hexdigest())
