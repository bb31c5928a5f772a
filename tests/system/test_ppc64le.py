# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump on ppc64le (pseries, PowerNV), for real: a kernel panics, and its crash kernel,
loaded by pyfdtx inside the guest, shows the dead kernel's memory.
"""

import gzip
import json
import re
from pathlib import Path

import pytest
from conftest import archive_of
from guest import GuestError, console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs
from guest.python import add_files, root_file_system

from pyfdtx import Fdt

pytestmark = pytest.mark.kernel("ppc64le")
HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-ppc64"
TIMEOUT = 400
PSERIES = ("-M", "pseries")
GIB = 1 << 30
TWO_GIB = ("-m", "2G")
# A DIMM: memory that the tree tells of in blocks, not in a memory node
PLUGGED = (
    *("-m", "2G,slots=1,maxmem=8G", "-device", "pc-dimm,memdev=more"),
    *("-object", "memory-backend-ram,id=more,size=512M"),
)
COMMON = "console=hvc0 panic=-1 quiet"
OPAL = ("opal-base-address", "opal-runtime-size")
PAGE = 64 << 10
DRCONF = "/ibm,dynamic-reconfiguration-memory"
REGION = 512 << 20
# Both kernels start here; only the second has a dead one to look at
INIT = (
    INIT_HEAD
    + console.SEND
    + f"""\
echo  # ends what the firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send head
	dd if=/proc/vmcore bs=65536 skip=1 count=1 2>/dev/null | send notes
	/sbin/vmcore-dmesg /proc/vmcore | tail -n 60 | send dmesg
	send iomem </proc/iomem
	send fdt </sys/firmware/fdt
	echo "@@@ all sent"
else
	send first-iomem </proc/iomem
	python3 /kdump_guest.py first "{COMMON} maxcpus=1"
fi
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def archive():
    return archive_of("ppc64el", QEMU)


@pytest.fixture(scope="module")
def kernel(archive):
    package = archive.unpack(archive.kernel("linux-image-powerpc64le"))
    return next(package.glob("boot/vmlinux-*"))


@pytest.fixture(scope="module")
def userland(archive, tmp_path_factory):
    try:
        ramfs = root_file_system(archive, tmp_path_factory.mktemp("python"))
        add_files(ramfs, archive.unpack("kexec-tools"))
    except GuestError as e:
        pytest.skip(str(e))
    return ramfs


@pytest.fixture(scope="module")
def guest_initrd(kernel, userland, tmp_path_factory):
    """For the first kernel; carries the second one and its own initrd."""
    ramfs = userland.copy()
    ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
    ramfs.file("init", INIT.encode())
    ramfs.file("boot/crash.cpio.gz", gzip.compress(ramfs.to_bytes(), 1, mtime=0))
    ramfs.file("boot/vmlinuz", kernel.read_bytes())
    place = tmp_path_factory.mktemp("guest") / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    return place


def boot(hardware, kernel, initrd, cmdline, folder):
    files = qemu.kernel_args(kernel, initrd, cmdline)
    log = qemu.run(QEMU, (*hardware, *files), TIMEOUT, log=folder / "console.log")
    return log, f": {folder}/console.log" + qemu.end_of(log)


def memory_of(iomem):
    """Bytes of System RAM; ppc64's iomem does not show crash regions."""
    rows = re.findall(r"(?m)^(\w+)-(\w+) : System RAM$", iomem.decode())
    return sum(int(last, 16) + 1 - int(first, 16) for first, last in rows)


# OPAL switches off by its service processor
POWERNV = (
    *("-M", "powernv9", "-device", "ipmi-bmc-sim,id=bmc"),
    *("-device", "isa-ipmi-bt,bmc=bmc,irq=10"),
)
MACHINES = {
    # no hypervisor: OPAL instead of RTAS
    "powernv9-2-cpus": (*POWERNV, *TWO_GIB, "-smp", "2"),
    "power9-1-cpu": (*PSERIES, *TWO_GIB, "-cpu", "power9", "-smp", "1"),
    "power9-4-cpus": (*PSERIES, *TWO_GIB, "-cpu", "power9", "-smp", "4"),
    # a hash table instead of radix trees, an older interrupt controller
    "power8-4-cpus": (*PSERIES, *TWO_GIB, "-cpu", "power8", "-smp", "4"),
    "power9-plugged": (*PSERIES, *PLUGGED, "-cpu", "power9", "-smp", "1"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_crash_kernel_shows_the_dead_kernels_memory(
    name, kernel, guest_initrd, boot_folder
):
    cmdline = f"{COMMON} crashkernel={REGION >> 20}M"
    log, end = boot(MACHINES[name], kernel, guest_initrd, cmdline, boot_folder)
    assert "@@@ panic" in log, "the first kernel did not come to its panic" + end
    assert "@@@ all sent" in log, "the crash kernel stopped early" + end
    sent = console.received(log)

    assert "crash kernel: not loaded" in log.partition("$ pyfdtx load")[0]
    assert "crash kernel: loaded" in log.partition("$ pyfdtx load")[2]
    assert "@@@ marker found in 1 of 1\n" in log, end
    # the tree's header names the CPU that panicked, which goes on; PowerNV counts
    # four threads for each core, whether they are there or not
    fdt = Fdt(sent["fdt"])
    cpu = re.search(r"CPU: (\d+) PID: \d+ Comm: ", log)
    cores = [n.get_u32("reg") for n in fdt["/cpus"].children() if "reg" in n]
    assert fdt.boot_cpuid_phys == sorted(cores)[int(cpu[1])]
    assert re.search(r"@@@ log of \d{3} lines as vmcore-dmesg has it\n", log)
    dmesg = sent["dmesg"].decode()
    assert "pyfdtx: these are the last words" in dmesg
    assert "sysrq triggered crash" in dmesg
    # all of the first kernel's memory but its crash region is in the dump; RTAS
    # lies inside the region, and is the dead kernel's too
    dumped = sum(m.size for m in vmcore.loads(sent["head"]))
    outside = memory_of(sent["first-iomem"]) - REGION
    # the crash kernel has what its tree lets it have, from 0 to the region's end,
    # and OPAL, which lies above it
    seen = memory_of(sent["iomem"])
    if name.startswith("powernv"):
        start, size = (fdt["/ibm,opal"].get_u64(n) for n in OPAL)
        end = int(
            re.search(r"elfcorehdr=(0x\w+)", fdt["/chosen"].get_string("bootargs"))[1],
            0,
        )
        assert start > end
        assert (dumped, seen) == (outside, end + PAGE + size)
    else:
        assert (dumped, seen) == (outside + PAGE, 2 * REGION)
    assert (DRCONF in fdt) == name.endswith("plugged")


# A guest with a small second one


@pytest.fixture(scope="module")
def small(archive):
    """busybox alone; add an /init."""
    ramfs = Initramfs()
    found = archive.unpack("busybox-static").rglob("bin/busybox")
    ramfs.file("/bin/busybox", next(found).read_bytes())
    return ramfs


def first_of(userland, small, kernel, folder, init, **files):
    """The first kernel's initrd; both kernels start with init."""
    second, ramfs = small.copy(), userland.copy()
    second.file("init", init.encode())
    ramfs.file("init", init.encode())
    ramfs.file("boot/second.cpio.gz", gzip.compress(second.to_bytes(), 1, mtime=0))
    ramfs.file("boot/vmlinux", kernel.read_bytes())
    for name, text in files.items():
        ramfs.file(f"{name}.py", text.encode())
    place = folder / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    return place


LINE = f"{COMMON} maxcpus=1"
BESIDE_KEXEC_TOOLS = (
    INIT_HEAD
    + console.SEND
    + f"""\
echo
if test -e /proc/vmcore
then
	dd if=/proc/vmcore bs=4096 count=1 2>/dev/null | send head
	send fdt </sys/firmware/fdt
	echo "@@@ all sent"
else
	python3 -m pyfdtx load --crash /boot/vmlinux --initrd /boot/second.cpio.gz \\
		--cmdline "{LINE}" --dry-run --output-dir /ours
	for name in dtb elfcorehdr plan.json
	do
		send $name </ours/$name
	done
	/sbin/kexec -p /boot/vmlinux --initrd=/boot/second.cpio.gz \\
		--command-line="{LINE}"
	echo c >/proc/sysrq-trigger
fi
"""
    + INIT_TAIL
)


def places(core):
    return sorted((m.paddr, m.vaddr, m.size) for m in vmcore.loads(core))


def test_kexec_tools_and_pyfdtx_say_the_same_but_for_known_differences(
    kernel, userland, small, boot_folder
):
    """docs/kexec-tools.md explains each difference."""
    initrd = first_of(userland, small, kernel, boot_folder, BESIDE_KEXEC_TOOLS)
    hardware = (*PSERIES, *TWO_GIB, "-cpu", "power9", "-smp", "2")
    cmdline = f"{COMMON} crashkernel={REGION >> 20}M"
    log, end = boot(hardware, kernel, initrd, cmdline, boot_folder)
    assert "@@@ all sent" in log, end
    sent = console.received(log)
    plan = {s["name"]: s for s in json.loads(sent["plan.json"])["segments"]}
    ours, theirs = Fdt(sent["dtb"]), Fdt(sent["fdt"])

    # The core header: the same pieces of memory at the same virtual addresses
    assert places(sent["elfcorehdr"]) == places(sent["head"])

    # /chosen, property by property
    our, their = dict(ours["/chosen"]), dict(theirs["/chosen"])
    word = f"elfcorehdr={plan['elfcorehdr']['start']:#x}"
    assert our.pop("bootargs") == f"{word} {LINE}\0".encode()
    line = their.pop("bootargs").decode()
    size = re.fullmatch(rf"{LINE} elfcorehdr=(\d+)K \0", line)
    assert size, line
    their_header = int(size[1]) << 10
    # behind the kernel, where trampoline and tree are before the initrd with us
    start, stop = "linux,initrd-start", "linux,initrd-end"
    starts = [int.from_bytes(t.pop(start), "big") for t in (our, their)]
    stops = [int.from_bytes(t.pop(stop), "big") for t in (our, their)]
    assert starts[0] == plan["initrd"]["start"]
    assert stops[0] - starts[0] == stops[1] - starts[1] == plan["initrd"]["bytes"]
    assert len(our.pop("rng-seed")) == 128
    # of the last boot, and read in the wrong byte order
    assert their.pop("linux,memory-limit") == bytes(8)
    assert our == their

    # Reservations, one by one
    pages = 64 << 10
    rtas = ours["/rtas"]
    kept = (rtas.get_u32("linux,rtas-base"), rtas.get_u32("rtas-size"))
    region = plan["kernel"]["start"]
    dead = (pages, region - pages)
    assert sorted(ours.memreserve) == sorted(
        [
            dead,
            kept,
            (plan["backup"]["start"], pages),
            (plan["elfcorehdr"]["start"], plan["elfcorehdr"]["bytes"]),
            (starts[0], stops[0] - starts[0]),
            (plan["dtb"]["start"], plan["dtb"]["bytes"]),
        ]
    )
    rest = sorted(theirs.memreserve)
    for entry in (dead, kept, (starts[1], stops[1] - starts[1])):
        rest.remove(entry)
    backup, header, tree = rest
    # the copy right behind the kernel, as with us
    assert backup == (plan["backup"]["start"], pages)
    assert header == (their_header, 1024)
    assert (tree[0] + pages, tree[1]) == (kept[0], len(sent["fdt"]))

    # Everything outside /chosen is the same, but for what sysfs says to be empty
    for fdt in (ours, theirs):
        del fdt["/chosen"]
    assert [n.path for n in ours] == [n.path for n in theirs]
    for node in ours:
        other = dict(theirs[node.path])
        for name, value in node.items():
            got = other.pop(name)
            if not (name.startswith("security-") and got == b""):
                assert got == value, f"{node.path}:{name}"
        assert other == {}, node.path


# Trees with one fault: `check` finds it, and the kernel does what the rule says

SPOIL = """\
import sys
from pyfdtx import Fdt
from pyfdtx.kexec import check_tree
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec import load
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.place.plan import make_plan

machine = Machine()
image = read_image("/boot/vmlinux")
with open("/boot/second.cpio.gz", "rb") as f:
    plan = make_plan(machine, image, initrd=f.read(), cmdline=sys.argv[2])
dtb, header = plan["dtb"], plan["elfcorehdr"]


def found():
    return [f.rule for f in check_tree(dtb.data, machine=machine, image=image,
            load_address=dtb.start, elfcorehdr=(header.start, header.data))]


print("@@@ good", *found())
fdt = Fdt(dtb.data)
if sys.argv[1] == "no-word":
    fdt["/chosen"].set_string("bootargs", sys.argv[2])
elif sys.argv[1] == "all-memory":
    del fdt["/memory@0"]["linux,usable-memory"]
else:
    fdt.memreserve.remove((1 << 16, machine.crash_main.start - (1 << 16)))
dtb.data = fdt.to_bytes()
print("@@@ spoiled", *found(), flush=True)
load(plan, machine)
"""
LOUD = LINE.replace(" quiet", "")
SPOILED = (
    INIT_HEAD
    + console.SEND
    + f"""\
echo
if test -e /boot/vmlinux
then
	fault=$(sed -n 's/.*fault=//p' /proc/cmdline)
	python3 /spoil.py $fault "{LOUD}"
	echo c >/proc/sysrq-trigger
fi
echo "@@@ second"
test -e /proc/vmcore && echo "@@@ vmcore"
echo "@@@ all sent"
"""
    + INIT_TAIL
)
FAULTS = {
    "no-word": {"ppc64-elfcorehdr-missing"},
    "all-memory": {"ppc64-usable-missing"},
    "dead-kernel-free": {"ppc64-dead-kernel-unreserved"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spoiled_tree_is_found_by_check_and_by_the_kernel(
    fault, kernel, userland, small, boot_folder
):
    initrd = first_of(userland, small, kernel, boot_folder, SPOILED, spoil=SPOIL)
    hardware = (*PSERIES, *TWO_GIB, "-cpu", "power9", "-smp", "1")
    cmdline = f"{COMMON} crashkernel={REGION >> 20}M fault={fault}"
    try:
        log, end = boot(hardware, kernel, initrd, cmdline, boot_folder)
    except GuestError as e:  # how it ends is luck, see below
        log = (boot_folder / "console.log").read_text(errors="replace")
        log, end = log.replace("\r", ""), f"\n{e}"
    assert "@@@ good\n" in log, "there is something against the good tree" + end
    rules = re.search(r"@@@ spoiled(.*)\n", log)
    assert rules, end
    assert set(rules[1].split()) == FAULTS[fault]
    # The spoiled kernel's own words; it is the one that is loud
    said = re.findall(r"Memory: \d+K/(\d+)K available .* (\d+)K reserved", log)
    assert len(said) == 1, end
    memory, reserved = (int(n) << 10 for n in said[0])
    dead = REGION - (64 << 10)  # from 64 KiB to the region, which is in the middle
    assert (reserved < dead) == (fault == "dead-kernel-free")
    assert memory == (2 * GIB if fault == "all-memory" else 2 * REGION)
    if fault == "no-word":
        second = log.partition("@@@ second\n")[2]
        assert "@@@ all sent\n" in second, "it did not come up" + end
        assert "@@@ vmcore\n" not in second
    # The others use memory that the dead kernel gave to the hypervisor and to
    # devices, which still write there: whether they come up is luck


KEXEC = (
    INIT_HEAD
    + console.SEND
    + f"""\
echo
if test -e /boot/vmlinux
then
	python3 -m pyfdtx load /boot/vmlinux --initrd /boot/second.cpio.gz \\
		--cmdline "{COMMON} second"
	python3 -c '
from pyfdtx.kexec.loading.kexec_load import reboot_into_loaded
from pyfdtx.kexec.facts.machine import Machine
reboot_into_loaded(Machine())'
fi
send cmdline </proc/cmdline
send iomem </proc/iomem
send online </sys/devices/system/cpu/online
send fdt </sys/firmware/fdt
echo "@@@ all sent"
"""
    + INIT_TAIL
)


@pytest.mark.parametrize("cpu", ["power9", "power8", "powernv9"])
def test_kexec_without_a_crash_gives_all_memory_and_all_cpus(
    cpu, kernel, userland, small, boot_folder
):
    initrd = first_of(userland, small, kernel, boot_folder, KEXEC)
    board = POWERNV if cpu == "powernv9" else (*PSERIES, "-cpu", cpu)
    hardware = (*board, *TWO_GIB, "-smp", "4")
    cmdline = f"{COMMON} crashkernel=256M"
    log, end = boot(hardware, kernel, initrd, cmdline, boot_folder)
    assert "@@@ all sent" in log, end
    sent = console.received(log)
    assert sent["cmdline"].decode() == f"{COMMON} second\n"
    assert memory_of(sent["iomem"]) == 2 * GIB
    assert sent["online"] == b"0-3\n"
    fdt = Fdt(sent["fdt"])
    assert "linux,booted-from-kexec" in fdt["/chosen"]
    assert "linux,usable-memory" not in fdt["/memory@0"]
    assert len(fdt.memreserve) == 3  # initrd, RTAS or OPAL, the tree
