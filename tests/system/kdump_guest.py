# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Runs inside the guests that crash for the tests, with the guest's own Python.

first CMDLINE [OPTION ...]
                in the first kernel: mark a page (from MARK_FROM on), load the
                crash kernel, panic
second          in the crash kernel: find the page again in /proc/vmcore, and hold
                the dead kernel's log against kexec-tools', where the guest has it
"""

import ctypes
import hashlib
import mmap
import os
import struct
import subprocess
import sys

PAGE = mmap.PAGESIZE


COMPACT = "/proc/sys/vm/compact_unevictable_allowed"


def physical(page):
    """Where a page lies. Linux Documentation/admin-guide/mm/pagemap.rst."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    with open("/proc/self/pagemap", "rb") as f:
        f.seek(address // PAGE * 8)
        (entry,) = struct.unpack("<Q", f.read(8))
    return (entry & (1 << 55) - 1) * PAGE


def marked_page(lowest=0):
    """A page of random bytes that stays where it is, at lowest or above: (the page,
    its physical address). mlock(2) alone lets it move: compaction takes locked
    pages too, unless told not to (Linux Documentation/admin-guide/sysctl/vm.rst)."""
    if os.path.exists(COMPACT):
        with open(COMPACT, "w") as f:
            f.write("0")
    libc = ctypes.CDLL(None, use_errno=True)
    others = []  # too low, and taken, so that the next one is another
    while True:
        page = mmap.mmap(-1, PAGE)
        page[:] = os.urandom(PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(PAGE)):
            raise OSError(ctypes.get_errno(), "mlock")
        if physical(page) >= lowest:
            return page, physical(page)
        others.append(page)


def pyfdtx(*words):
    print("$ pyfdtx", *words, flush=True)
    subprocess.run([sys.executable, "-m", "pyfdtx", *words], check=True)


def first(cmdline, *options):
    page, address = marked_page(int(os.environ.get("MARK_FROM", "0"), 0))
    digest = hashlib.sha256(page).hexdigest()
    pyfdtx("status")
    pyfdtx(
        *("load", "--crash", "/boot/vmlinuz", "--initrd", "/boot/crash.cpio.gz"),
        *options,
        *("--cmdline", f"{cmdline} marker={address:#x}:{digest}"),
    )
    pyfdtx("status")
    if os.path.exists("/before_panic"):  # of the test
        subprocess.run(["/bin/sh", "/before_panic"], check=True)
    if physical(page) != address:
        sys.exit(f"the marked page moved from {address:#x} to {physical(page):#x}")
    with open("/dev/kmsg", "w") as log:
        log.write("pyfdtx: these are the last words\n")
    print("@@@ panic", flush=True)
    with open("/proc/sysrq-trigger", "w") as trigger:
        trigger.write("c")


def program_headers(core):
    """[(type, offset, physical address, size in the file)]; elf(5)."""
    head = core.read(64)
    if head[4] == 2:  # ELFCLASS64
        (start,), form = struct.unpack_from("<Q", head, 32), "<I4xQ8x2Q"
        size, count = struct.unpack_from("<2H", head, 54)
    else:
        (start,), form = struct.unpack_from("<I", head, 28), "<2I4x2I"
        size, count = struct.unpack_from("<2H", head, 42)
    core.seek(start)
    table = core.read(size * count)
    return [struct.unpack_from(form, table, i * size) for i in range(count)]


def second():
    with open("/proc/cmdline") as f:
        (word,) = (w for w in f.read().split() if w.startswith("marker="))
    address, digest = word[len("marker=") :].split(":")
    address = int(address, 0)
    with open("/proc/vmcore", "rb") as core:
        pieces = found = 0
        for kind, offset, paddr, length in program_headers(core):
            if kind == 1 and paddr <= address < paddr + length:
                pieces += 1
                core.seek(offset + address - paddr)
                found += hashlib.sha256(core.read(PAGE)).hexdigest() == digest
    print(f"@@@ marker found in {found} of {pieces}", flush=True)
    if os.path.exists("/sbin/vmcore-dmesg"):
        same_log()


def same_log():
    from pyfdtx.kexec import dmesg

    theirs = subprocess.run(
        ["/sbin/vmcore-dmesg", "/proc/vmcore"], stdout=subprocess.PIPE, check=True
    ).stdout.splitlines()
    ours = [record.line() for record in dmesg("/proc/vmcore", damaged=print)]
    # A message may have several lines
    ours = b"\n".join(ours).split(b"\n")
    if ours == theirs:
        print(f"@@@ log of {len(ours)} lines as vmcore-dmesg has it", flush=True)
    else:
        pairs = zip(ours, theirs)
        print(len(ours), len(theirs), next((p for p in pairs if p[0] != p[1]), "end"))


if __name__ == "__main__":
    {"first": first, "second": second}[sys.argv[1]](*sys.argv[2:])
