# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec-tools and pyfdtx in one guest of 32-bit arm, on one state of one machine:
kexec-tools loads and starts the crash kernel; what it was given is held against
what pyfdtx planned a moment before. docs/kexec-tools.md explains the differences.
"""

import gzip
import json
import re

import pytest
from conftest import archive_of
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL
from guest.python import add_kexec_tools, root_file_system

from pyfdtx import Fdt
from pyfdtx.kexec import check_tree
from pyfdtx.kexec.image.kernel import read_image

pytestmark = pytest.mark.kernel("armmp")
QEMU = "qemu-system-arm"
HARDWARE = ("-M", "virt", "-cpu", "cortex-a15", "-smp", "2", "-m", "1G")
LINE = "console=ttyAMA0 panic=-1 quiet maxcpus=1"
INIT = (
    INIT_HEAD
    + console.SEND
    + f"""\
if test -e /proc/vmcore
then
	dd if=/proc/vmcore bs=4096 count=1 2>/dev/null | send head
	send fdt </sys/firmware/fdt
	send cmdline </proc/cmdline
	send iomem </proc/iomem
	echo "@@@ all sent"
else
	send first-fdt </sys/firmware/fdt
	python3 -m pyfdtx load --crash /boot/vmlinuz --initrd /boot/crash.cpio.gz \\
		--cmdline "{LINE}" --dry-run --output-dir /ours
	for name in dtb elfcorehdr plan.json
	do
		send $name </ours/$name
	done
	# without the size, it lets the kernel unpack itself over its initrd
	for size in "" --image-size=0x2000000
	do
		/sbin/kexec -d -p /boot/vmlinuz --initrd=/boot/crash.cpio.gz $size \\
			--command-line="{LINE}" >>/kexec.log 2>&1
	done
	send kexec.log </kexec.log
	echo c >/proc/sysrq-trigger
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def archive():
    return archive_of("armhf", QEMU)


@pytest.fixture(scope="module")
def kernel(archive):
    package = archive.unpack(archive.kernel("linux-image-armmp"))
    return next(package.glob("boot/vmlinuz-*"))


@pytest.fixture(scope="module")
def image(kernel):
    return read_image(kernel)


@pytest.fixture(scope="module")
def booted(archive, kernel, tmp_path_factory, module_boot_folder):
    """What both kernels sent."""
    try:
        crash = root_file_system(archive, tmp_path_factory.mktemp("python"))
        first = crash.copy()
        add_kexec_tools(archive, first)
    except GuestError as e:
        pytest.skip(str(e))
    for ramfs in (crash, first):
        ramfs.file("init", INIT.encode())
    first.file("boot/crash.cpio.gz", gzip.compress(crash.to_bytes(), 1, mtime=0))
    first.file("boot/vmlinuz", kernel.read_bytes())
    place = module_boot_folder / "first.cpio"
    place.write_bytes(first.to_bytes())
    line = "console=ttyAMA0 panic=-1 quiet crashkernel=128M"
    log = qemu.run(
        QEMU,
        (*HARDWARE, *qemu.kernel_args(kernel, place, line)),
        300,
        log=module_boot_folder / "console.log",
    )
    assert "@@@ all sent" in log, qemu.end_of(log)
    return console.received(log)


def phdrs_said(log):
    """The core header's rows that kexec-tools says it writes, in order: type,
    offset, vaddr, paddr, filesz, memsz."""
    names = ("type", "offset", "paddr", "vaddr", "filesz", "memsz")
    row = " ".join(rf"p_{n} = (\w+),?" for n in names)
    found = [[int(n, 0) for n in m] for m in re.findall(f"header: {row}", log)]
    return [(k, offset, v, p, f, m) for k, offset, p, v, f, m in found]


@pytest.fixture(scope="module")
def log(booted):
    return booted["kexec.log"].decode()


def test_the_core_headers_are_the_same_in_every_field(booted, log):
    ours = vmcore.program_headers(booted["elfcorehdr"])
    rows = [(kind, *rest) for kind, _, *rest, _ in ours]
    # kexec-tools loaded twice: without and with --image-size
    assert phdrs_said(log) == rows * 2
    # Linux merges the notes and moves the rest; all else it leaves as it was
    head = booted["head"]
    kinds = [row[0] for row in ours]
    assert kinds == [4] * (len(ours) - 2) + [1, 1]
    assert head[:44] == booted["elfcorehdr"][:44], "ELF header up to e_phnum"
    for mine, theirs in zip(ours[-2:], vmcore.program_headers(head)[-2:]):
        assert (mine[1], *mine[3:]) == (theirs[1], *theirs[3:])


def test_the_trees_differ_where_the_page_says(booted):
    first, ours, theirs = (Fdt(booted[n]) for n in ("first-fdt", "dtb", "fdt"))
    mine, its, old = (t["/chosen"] for t in (ours, theirs, first))
    segments = {s["name"]: s for s in json.loads(booted["plan.json"])["segments"]}
    header = segments["elfcorehdr"]

    # the core header: kexec-tools wants 1 MiB of its own, at the region's end
    region, stop = 0x6000_0000, 0x6800_0000
    assert mine.reg("linux,elfcorehdr", parent="/") == [(stop - 4096, 4096)]
    assert its.reg("linux,elfcorehdr", parent="/") == [(stop - (1 << 20), 1024)]
    assert header["start"] == stop - 4096
    # what is usable: ours ends below the header, theirs leaves that to mem=
    usable = "linux,usable-memory-range"
    assert mine.reg(usable, parent="/") == [(region, stop - 4096 - region)]
    assert its.reg(usable, parent="/") == [(region, stop - region)]
    words = f"{LINE} elfcorehdr={{:#x}} mem={{}}K"
    assert mine.get_string("bootargs") == words.format(stop - 4096, (128 << 10) - 4)
    assert its.get_string("bootargs") == words.format(
        stop - (1 << 20), (128 << 10) - 1024
    )
    # the initrd's ends: 8 bytes and 4; Linux reads both
    for name in ("linux,initrd-start", "linux,initrd-end"):
        assert (len(mine[name]), len(its[name])) == (8, 4)
    for tree in (mine, its):
        start, stop = (
            int.from_bytes(tree[f"linux,initrd-{end}"], "big")
            for end in ("start", "end")
        )
        assert stop - start == segments["initrd"]["bytes"]
    # the boot's seed once more; arm has no KASLR that would have zeroed it
    assert its["kaslr-seed"] == old["kaslr-seed"] != mine["kaslr-seed"]
    # only ours: what Linux's own loader writes on other architectures
    assert sorted(set(mine) - set(its)) == ["linux,booted-from-kexec", "rng-seed"]
    assert set(its) <= set(mine)
    assert mine["stdout-path"] == its["stdout-path"]
    assert len(ours.memreserve) == 2  # initrd and header
    assert len(theirs.memreserve) == len(first.memreserve) == 0
    # everything outside /chosen is the same
    for tree in (ours, theirs):
        del tree["/chosen"]
        tree.squeeze()
    assert {n.path: dict(n) for n in ours} == {n.path: dict(n) for n in theirs}


def test_without_image_size_kexec_tools_puts_the_initrd_where_the_kernel_unpacks(
    booted, log, image
):
    """It does not look at TEXT_OFFSET. What such a kernel says: test_arm_injected."""
    placed = [int(at, 0) for at in re.findall(r"Initrd: address=(\w+)", log)]
    without, with_size = placed
    end = 0x6000_0000 + image.room
    assert without < end <= with_size
    segments = {s["name"]: s for s in json.loads(booted["plan.json"])["segments"]}
    assert segments["initrd"]["start"] >= end


def test_check_takes_both_trees(booted):
    """Theirs has the header inside the usable range, but mem= keeps it out."""
    for name in ("dtb", "fdt"):
        found = check_tree(booted[name], arch="arm", kernel="6.1")
        assert [f for f in found if f.severity == "error"] == [], name
