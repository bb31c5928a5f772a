# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Crash kernels of 32-bit arm that start from our plan, every segment put in its
place by QEMU, no first kernel: /proc/vmcore is what header and memory give. And
the same plans spoiled: what Linux 6.1 makes of them, and what `check` said.
"""

import hashlib
import random
import struct
import subprocess

import pytest
from conftest import archive_of
from guest import console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs

from pyfdtx import Fdt
from pyfdtx.kexec import check_tree
from pyfdtx.kexec.elfcore import elf_core_header
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec.place.plan import make_plan

pytestmark = pytest.mark.kernel("armmp")
QEMU = "qemu-system-arm"
HARDWARE = ("-M", "virt", "-cpu", "cortex-a15", "-m", "1G", "-smp", "1")
PAGE, MIB = 4096, 1 << 20
TIMEOUT = 120
CMDLINE = "console=ttyAMA0 panic=-1 maxcpus=1"
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
test ! -e /proc/vmcore || sha256sum /proc/vmcore | send sum
send iomem </proc/iomem
echo "@@@ all sent"
"""
    + INIT_TAIL
)
# As such a machine shows itself with crashkernel=128M
FILES = {
    "proc/iomem": """\
40000000-7fffffff : System RAM
  40208000-411fffff : Kernel code
  41400000-41607587 : Kernel data
  60000000-67ffffff : Crash kernel
""",
    "proc/sys/kernel/arch": "armv7l\n",
    "proc/cmdline": "crashkernel=128M\n",
    "proc/kallsyms": "c0300000 T _stext\n",
    "sys/kernel/vmcoreinfo": "0x0000000041700000 1024\n",
    "sys/devices/system/cpu/possible": "0\n",
    "sys/devices/system/cpu/present": "0\n",
    "sys/devices/system/cpu/cpu0/crash_notes": "7e000000\n",
    "sys/devices/system/cpu/cpu0/crash_notes_size": "180\n",
}
# Memory of the dead machine: (start, size) of what is dumped. Both notes, a
# piece with ends inside pages, and the last bytes below the crash region.
DUMPED = ((0x4170_0000, 2 * PAGE), (0x5000_0123, MIB + 0x77), (0x5FF0_0000, MIB))
NOTES = (0x7E00_0000, PAGE)
# What it says in such a guest without --image-size (test_arm_kexec_tools.py)
KEXEC_TOOLS_INITRD = 0x618E_D000


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    root = tmp_path_factory.mktemp("machine")
    for name, text in FILES.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    tree = root / "sys/firmware/fdt"
    tree.parent.mkdir()
    dump = (QEMU, "-nographic", "-nodefaults", *HARDWARE, "-M", f"virt,dumpdtb={tree}")
    subprocess.run(dump, check=True, capture_output=True, timeout=60)
    return Machine(root)


@pytest.fixture(scope="module")
def image():
    archive = archive_of("armhf", QEMU)
    package = archive.unpack(archive.kernel("linux-image-armmp"))
    return read_image(next(package.glob("boot/vmlinuz-*")))


@pytest.fixture(scope="module")
def initrd():
    ramfs = Initramfs()
    busybox = archive_of("armhf", QEMU).unpack("busybox-static") / "bin/busybox"
    ramfs.file("/bin/busybox", busybox.read_bytes())
    ramfs.file("/init", INIT.encode())
    return ramfs.to_bytes()


@pytest.fixture
def plan(machine, image, initrd):
    dumped = Ranges([*DUMPED, NOTES])
    exclude = machine.ram.exclude(dumped)
    return make_plan(machine, image, initrd=initrd, cmdline=CMDLINE, exclude=exclude)


@pytest.fixture(scope="module")
def dead():
    """Whole pages of random bytes by address; the notes are the kernel's: CPU 0's
    registers (struct elf_prstatus of arm), VMCOREINFO."""
    source = random.Random(5)
    pages = {}
    for start, size in (*DUMPED, NOTES):
        first = start // PAGE * PAGE
        pages[first] = source.randbytes(-(-(start + size) // PAGE) * PAGE - first)

    def note(name, kind, desc):
        name += b"\0"
        padded = name + bytes(-len(name) % 4) + desc + bytes(-len(desc) % 4)
        return struct.pack("<3I", len(name), len(desc), kind) + padded

    for start, data in (
        (DUMPED[0][0], note(b"VMCOREINFO", 0, b"OSRELEASE=6.1\n")),
        (NOTES[0], note(b"CORE", 1, source.randbytes(148))),
    ):
        pages[start] = data.ljust(1024, b"\0") + pages[start][1024:]
    return pages


def start_code(kernel, dtb):
    """What the kernel that is left behind does at last: r0 = 0, r1 = ~0, r2 = the
    tree, pc = the image (Linux arch/arm/kernel/relocate_kernel.S)."""
    words = (
        0xE3A0_0000,  # mov r0, #0
        0xE3E0_1000,  # mvn r1, #0
        0xE59F_2000,  # ldr r2, [pc]: two words behind the next one
        0xE59F_F000,  # ldr pc, [pc]: the same
    )
    return struct.pack("<6I", *words, dtb, kernel)


def run(plan, dead, folder):
    args = []

    def loader(name, data, address, more=""):
        place = folder / name
        place.write_bytes(data)
        args.extend(
            ("-device", f"loader,file={place},addr={address:#x},force-raw=on{more}")
        )

    for s in plan.segments:
        loader(s.name, bytes(s.data), s.start)
    for start, data in dead.items():
        loader(f"old-{start:x}", data, start)
    code = start_code(plan.entry, plan["dtb"].start)
    loader("start", code, 0x4800_0000, ",cpu-num=0")
    return qemu.run(QEMU, (*HARDWARE, *args), TIMEOUT, log=folder / "console.log")


def findings(plan, machine, image):
    """Rules that say error, with all that `check` can be told."""
    header = plan["elfcorehdr"]
    found = check_tree(
        plan["dtb"].data,
        machine=machine,
        kernel="6.1",
        elfcorehdr=(header.start, header.data),
        image=image,
        load_address=plan["dtb"].start,
    )
    return {f.rule for f in found if f.severity == "error"}


def read_from(dead):
    def read(start, size):
        for base, data in dead.items():
            if base <= start and start + size <= base + len(data):
                return data[start - base : start - base + size]
        raise AssertionError(f"{start:#x} +{size:#x} is not in the dead memory")

    return read


def test_vmcore_is_what_header_and_memory_give(plan, dead, machine, image, boot_folder):
    assert findings(plan, machine, image) == set()
    log = run(plan, dead, boot_folder)
    assert "@@@ all sent" in log, qemu.end_of(log)
    sent = console.received(log)
    want = vmcore.expected(plan["elfcorehdr"].data, read_from(dead))
    assert "sum" in sent, "there is no /proc/vmcore" + qemu.end_of(log)
    assert sent["sum"].split()[0].decode() == hashlib.sha256(want).hexdigest()
    # the kernel has the memory it was told to use, and no other
    (usable,) = plan.usable
    ram = f"{usable.start:08x}-{usable.last:08x} : System RAM"
    assert [w for w in sent["iomem"].decode().splitlines() if "System" in w] == [ram]


# Spoiled: (change of plan, what `check` says, what the kernel does)


def words_without(chosen, *starts):
    words = chosen.get_string("bootargs").split(" ")
    return " ".join(w for w in words if not w.startswith(starts))


def header_is_memory(chosen, plan):
    """ioremap() refuses the kernel's own memory, and there the header is."""
    main = plan.area[0]
    chosen.set_reg("linux,usable-memory-range", [main], parent="/")
    chosen["bootargs"] = words_without(chosen, "mem=").encode() + b"\0"


def mem_counts_too_far(chosen, plan):
    """mem= replaces what the property says."""
    line = words_without(chosen, "mem=") + f" mem={plan.area[0].size >> 10}K"
    chosen["bootargs"] = line.encode() + b"\0"


def nothing_limits_memory(chosen, _):
    """The kernel takes all memory from its own start on; reading the dump, which
    is its own memory then, fails."""
    del chosen["linux,usable-memory-range"]
    chosen["bootargs"] = words_without(chosen, "mem=").encode() + b"\0"


def no_header(chosen, _):
    del chosen["linux,elfcorehdr"]
    chosen["bootargs"] = words_without(chosen, "elfcorehdr=").encode() + b"\0"


def header_of_64_bits(_, plan):
    """Also refused with LPAE (arch/arm/include/asm/elf.h)."""
    header = plan["elfcorehdr"]
    header.data = elf_core_header(
        "arm", bits=64, notes=[(NOTES[0], 180)], ram=DUMPED, virtual_offset=1 << 31
    )


def initrd_where_the_kernel_unpacks(chosen, plan):
    """Where kexec-tools 2.0.25 puts it, which does not look at TEXT_OFFSET."""
    initrd = plan["initrd"]
    size = chosen.get_u64("linux,initrd-end") - initrd.start
    initrd.start = KEXEC_TOOLS_INITRD
    chosen.set_u64("linux,initrd-start", initrd.start)
    chosen.set_u64("linux,initrd-end", initrd.start + size)
    reserved = chosen.fdt.memreserve
    (_, header) = list(reserved)
    reserved.clear()
    for entry in ((initrd.start, size), header):
        reserved.append(*entry)


NOT_INITIALIZED = "Kdump: vmcore not initialized"
SPOILED = {
    header_is_memory: ("elfcorehdr-inside-usable", NOT_INITIALIZED),
    mem_counts_too_far: ("elfcorehdr-inside-usable", NOT_INITIALIZED),
    nothing_limits_memory: ("usable-missing", NOT_INITIALIZED),
    no_header: ("elfcorehdr-missing", None),
    header_of_64_bits: ("core-class", "Core image elf header is not sane"),
    initrd_where_the_kernel_unpacks: ("image-does-not-fit", "Unable to mount root fs"),
}


@pytest.mark.parametrize("change", SPOILED, ids=lambda c: c.__name__)
def test_spoiled_trees_are_found_by_check_and_by_the_kernel(
    change, plan, dead, machine, image, boot_folder
):
    rule, said = SPOILED[change]
    fdt = Fdt(plan["dtb"].data)
    change(fdt["/chosen"], plan)
    plan["dtb"].data = fdt.to_bytes()
    assert rule in findings(plan, machine, image)

    log = run(plan, dead, boot_folder)
    if said is not None:
        assert said in log, qemu.end_of(log)
    if change is initrd_where_the_kernel_unpacks:
        assert "@@@ all sent" not in log
    else:
        assert "sum" not in console.received(log)
