# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec-tools and pyfdtx in one guest, on one state of one machine: kexec-tools
loads and starts the crash kernel; what it was given is held against what
pyfdtx planned a moment before. docs/kexec-tools.md explains the differences.
"""

import gzip
import json

import pytest
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL
from guest.python import add_kexec_tools

from pyfdtx import Fdt

pytestmark = pytest.mark.kernel("arm64")
HARDWARE = ("-M", "virt", "-cpu", "cortex-a57", "-smp", "2")
MACHINES = {
    "device-tree": ("-m", "1G", "crashkernel=256M"),
    "high-and-low": ("-m", "4G", "crashkernel=256M,high crashkernel=64M,low"),
}
PAGE_OFFSET = 0xFFFF << 48
LINE = "console=ttyAMA0 panic=-1 quiet maxcpus=1"
INIT = (
    INIT_HEAD
    + console.SEND
    + f"""\
if test -e /proc/vmcore
then
	dd if=/proc/vmcore bs=4096 count=1 2>/dev/null | send head
	send fdt </sys/firmware/fdt
	echo "@@@ all sent"
else
	python3 -m pyfdtx load --crash /boot/vmlinuz --initrd /boot/crash.cpio.gz \\
		--cmdline "{LINE}" --dry-run --output-dir /ours
	dd if=/proc/kcore bs=4096 count=1 2>/dev/null | send kcore
	for name in dtb elfcorehdr plan.json
	do
		send $name </ours/$name
	done
	/sbin/kexec -p /boot/vmlinuz --initrd=/boot/crash.cpio.gz --command-line="{LINE}"
	echo c >/proc/sysrq-trigger
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def initrd(arm64_archive, arm64_python, arm64_kernel, tmp_path_factory):
    crash, first = arm64_python.copy(), arm64_python.copy()
    try:
        add_kexec_tools(arm64_archive, first)
    except GuestError as e:
        pytest.skip(str(e))
    for ramfs in (crash, first):
        ramfs.file("init", INIT.encode())
    first.file("boot/crash.cpio.gz", gzip.compress(crash.to_bytes(), 1, mtime=0))
    first.file("boot/vmlinuz", arm64_kernel.read_bytes())
    place = tmp_path_factory.mktemp("kexec-tools") / "first.cpio"
    place.write_bytes(first.to_bytes())
    return place


def loads(core):
    return [(m.paddr, m.vaddr, m.size) for m in vmcore.loads(core)]


@pytest.mark.parametrize("name", MACHINES)
def test_kexec_tools_and_pyfdtx_say_the_same_but_for_known_differences(
    name, arm64_kernel, initrd, boot_folder
):
    *memory, crashkernel = MACHINES[name]
    line = f"console=ttyAMA0 panic=-1 quiet {crashkernel}"
    log = qemu.run(
        "qemu-system-aarch64",
        (*HARDWARE, *memory, *qemu.kernel_args(arm64_kernel, initrd, line)),
        240,
        log=boot_folder / "console.log",
    )
    assert "@@@ all sent" in log, qemu.end_of(log)
    sent = console.received(log)

    # The core header: all memory, the same pieces. The kernel's own segment
    # comes first and is not compared: kexec-tools 2.0.25 finds no _text in
    # kallsyms of this kernel and writes addresses far outside of memory.
    ours, theirs = loads(sent["elfcorehdr"]), loads(sent["head"])
    assert len(ours) == len(theirs)
    for (paddr, vaddr, size), their in zip(ours[1:], theirs[1:]):
        assert (paddr, size) == (their[0], their[2])
        # it also leaves out PAGE_OFFSET, here that of 48 bits
        assert (vaddr - their[1]) % (1 << 64) in (0, PAGE_OFFSET)
    # who is right says the first kernel itself
    mapped = {p: v for p, v, _ in loads(sent["kcore"]) if p}
    assert mapped[ours[1][0]] == ours[1][1]

    # The tree
    plan = {s["name"]: s for s in json.loads(sent["plan.json"])["segments"]}
    ours, theirs = (Fdt(sent[n])["/chosen"] for n in ("dtb", "fdt"))
    usable = "linux,usable-memory-range"
    assert ours[usable] == theirs[usable]
    # kexec-tools pads the text to words
    assert ours["bootargs"] == theirs["bootargs"].rstrip(b"\0") + b"\0"
    our_header, their_header = (
        t.reg("linux,elfcorehdr", parent="/")[0] for t in (ours, theirs)
    )
    # both in the last page of the region; rounded to 4096 and 1024 bytes
    assert our_header.start == their_header.start == plan["elfcorehdr"]["start"]
    assert (our_header.size % 4096, their_header.size % 1024) == (0, 0)
    # same initrd at the same place: behind the kernel
    for prop in ("linux,initrd-start", "linux,initrd-end"):
        assert ours.get_u64(prop) == theirs.get_u64(prop)
    # only ours: what Linux's own loader writes too
    assert sorted(set(ours) - set(theirs)) == ["linux,booted-from-kexec", "rng-seed"]
    assert set(theirs) <= set(ours)
    assert len(ours.fdt.memreserve) == 2  # initrd and header
    assert len(theirs.fdt.memreserve) == 0
    # everything outside /chosen is the same
    for tree in (ours.fdt, theirs.fdt):
        del tree["/chosen"]
        tree.squeeze()
    assert {n.path: dict(n) for n in ours.fdt} == {n.path: dict(n) for n in theirs.fdt}
