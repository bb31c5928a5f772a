# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""x86_64: the running kernel makes the crash kernel's core header and memory map.
Ours, from the same facts, are held against them, field by field; and a crash
kernel runs in the memory that our memmap= words leave it.
"""

import gzip
import io
import re
import tarfile
from pathlib import Path

import pytest
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL

from pyfdtx.kexec import Machine, Ranges, core_header_of, crash_memory_map

pytestmark = pytest.mark.kernel("amd64")
HERE = Path(__file__).resolve().parent
# KASLR is on in the first kernel; two crash regions, one below 4 GiB
HARDWARE = ("-M", "q35", "-cpu", "qemu64", "-m", "4G", "-smp", "2")
LINE = "console=ttyS0 panic=-1 quiet crashkernel=256M,high crashkernel=72M,low"
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
echo  # ends what the firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
	send cmdline </proc/cmdline
	send iomem </proc/iomem
	cd /sys/firmware/memmap
	for n in *
	do
		echo "$(cat $n/start) $(cat $n/end) $(cat $n/type)"
	done | send memmap
	echo "@@@ all sent"
else
	python3 -m pyfdtx capture /copy
	tar -c -C /copy . | send copy
	python3 /x86_64_guest.py
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def log(amd64_archive, amd64_kernel, amd64_python, module_boot_folder):
    ramfs = amd64_python.copy()
    try:
        tools = amd64_archive.unpack("kexec-tools")
    except GuestError as e:
        pytest.skip(str(e))
    dmesg = next(p for p in tools.rglob("vmcore-dmesg") if p.is_file())
    ramfs.file("usr/sbin/vmcore-dmesg", dmesg.read_bytes())
    for name in ("kdump_guest.py", "x86_64_guest.py"):
        ramfs.file(name, (HERE / name).read_bytes())
    ramfs.file("init", INIT.encode())
    crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
    ramfs.file("boot/crash.cpio.gz", crash)
    ramfs.file("boot/vmlinuz", amd64_kernel.read_bytes())
    place = module_boot_folder / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    said = qemu.run(
        "qemu-system-x86_64",
        (*HARDWARE, *qemu.kernel_args(amd64_kernel, place, LINE)),
        300,
        log=module_boot_folder / "console.log",
    )
    assert "@@@ all sent" in said, qemu.end_of(said)
    return said


@pytest.fixture(scope="module")
def sent(log):
    return console.received(log)


@pytest.fixture(scope="module")
def machine(sent, tmp_path_factory):
    """The first kernel's facts, as it captured them."""
    root = tmp_path_factory.mktemp("machine")
    with tarfile.open(fileobj=io.BytesIO(sent["copy"])) as tar:
        for member in tar:
            if member.isfile():
                place = root / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(tar.extractfile(member).read())
    return Machine(root)


def header_place(sent):
    """Where the running kernel put its core header: it says so to the next one."""
    (word,) = re.findall(r"(?:^| )elfcorehdr=(\w+)", sent["cmdline"].decode())
    return int(word, 0)


def test_the_dead_kernels_memory_is_found(log):
    found = re.search(r"@@@ marker found in (\d) of (\d)\n", log)
    assert found[1] == found[2] != "0", found[0]


def test_the_dead_kernels_log_is_as_kexec_tools_shows_it(log):
    assert re.search(r"@@@ log of \d{3} lines as vmcore-dmesg has it\n", log)


def test_the_core_header_is_the_running_kernels_own_in_every_field(sent, machine):
    ours, theirs = core_header_of(machine), sent["head"]
    assert ours[:56] == theirs[:56], "ELF header up to e_phnum"
    # Linux merges the notes and moves the rest in the file; all else it leaves
    mine = [p for p in vmcore.program_headers(ours) if p[0] == vmcore.PT_LOAD]
    its = [p for p in vmcore.program_headers(theirs) if p[0] == vmcore.PT_LOAD]
    assert [(p[1], *p[3:]) for p in mine] == [(p[1], *p[3:]) for p in its]
    # the notes, merged: as many bytes as two CPUs and VMCOREINFO have at most
    notes = [p for p in vmcore.program_headers(ours) if p[0] == vmcore.PT_NOTE]
    (merged,) = (p for p in vmcore.program_headers(theirs) if p[0] == vmcore.PT_NOTE)
    assert len(notes) == 3
    assert 0 < merged[5] <= sum(p[5] for p in notes)


KINDS = {
    "System RAM": "ram",
    "Reserved": "reserved",
    "ACPI Tables": "acpi",
    "ACPI Non-volatile Storage": "nvs",
}


def test_the_memory_map_is_the_running_kernels_own(sent, machine):
    """What the crash kernel was given, before its command line changed it
    (Documentation/ABI/testing/sysfs-firmware-memmap)."""
    start = header_place(sent)
    assert start == machine.crash_main.start
    header = start, len(core_header_of(machine))
    given = set()
    for line in sent["memmap"].decode().splitlines():
        first, last, kind = line.split(" ", 2)
        given.add(((int(first, 0), int(last, 0) + 1 - int(first, 0)), KINDS[kind]))
    assert set(crash_memory_map(machine, elfcorehdr=header)) == given


def test_the_crash_kernel_ran_in_what_the_words_of_the_map_say(sent, machine):
    """exactmap: arch/x86/kernel/e820.c forgets the given map for the words."""
    assert " memmap=exactmap memmap=" in sent["cmdline"].decode()
    rows = re.findall(r"(?m)^(\w+)-(\w+) : System RAM", sent["iomem"].decode())
    # cut where the boot parameters lie
    ram = Ranges.union([(int(a, 16), int(b, 16) + 1 - int(a, 16)) for a, b in rows])
    header = header_place(sent), len(core_header_of(machine))
    entries = crash_memory_map(machine, elfcorehdr=header)
    assert ram == Ranges([r for r, kind in entries if kind == "ram"])
