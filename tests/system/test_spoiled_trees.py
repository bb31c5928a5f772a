# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A crash machine spoiled in every way of spoils.py: `pyfdtx check` names it,
and the kernel shows that it is bad. As it was made, it is good on both."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from guest import console, qemu, vmcore
from guest.initramfs import INIT_HEAD, INIT_TAIL
from injected import (
    HARDWARE,
    PAGE,
    QEMU,
    arguments,
    dead_memory,
    initramfs,
    memory_of,
)
from spoils import CASES, INITRD, USABLE

from pyfdtx import Fdt
from pyfdtx.kexec import MemRange
from pyfdtx.kexec.arch.arm64.start import trampoline
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec.place.plan import make_plan

pytestmark = pytest.mark.kernel("arm64")
NAME = "arm64-dt"
ROOT = Path(__file__).resolve().parents[2] / "examples" / NAME
PROGRAM = Path(sys.executable).with_name("pyfdtx")
TIMEOUT = 120
# With earlycon a kernel speaks within a fraction of this
SPEAKS = 10
CMDLINE = "console=ttyAMA0 earlycon=pl011,0x9000000 panic=-1 maxcpus=1"
INIT = (
    INIT_HEAD
    + console.SEND
    + """\
send iomem </proc/iomem
send meminfo </proc/meminfo
send cmdline </proc/cmdline
send fdt </sys/firmware/fdt
if test -e /proc/vmcore
then
	echo "@@@ size $(stat -c %s /proc/vmcore)"
	dd if=/proc/vmcore bs=4096 count=4 2>/dev/null | send front
	read skip count </probe
	dd if=/proc/vmcore bs=4096 skip=$skip count=$count 2>/dev/null | send probe
fi
echo "@@@ all sent"
"""
    + INIT_TAIL
)
ELF = vmcore.LAYOUTS[2]
PROBE = "{:016} {:04}\n"


class Injected:
    """A crash machine that spoils.py changes.

    fdt, chosen: the tree; raw: its bytes, if to be others. header: the core
    header. place, data: of each segment. probe: the (start, size) of the
    dead memory to look for in /proc/vmcore.
    """

    def __init__(self, image, busybox):
        self.machine = Machine(ROOT)
        self.image, self.busybox = image, busybox
        plan = make_plan(
            self.machine,
            image,
            initrd=initramfs(busybox, INIT, probe=PROBE.format(0, 0)),
            cmdline=CMDLINE,
            kaslr_seed=0x0123456789ABCDEF,
            rng_seed=bytes(range(128)),
        )
        self.fdt, self.raw = Fdt(plan["dtb"].data), None
        self.header = bytearray(plan["elfcorehdr"].data)
        self.main = plan.usable[0]
        self.place = {s.name: s.start for s in plan.segments}
        self.data = {s.name: bytes(s.data) for s in plan.segments}
        self.header_range = MemRange(self.place["elfcorehdr"], len(self.header))
        self.initrd_range = MemRange(self.place["initrd"], len(self.data["initrd"]))
        self.good_probe = self.probe = (0x60000000, 4 * PAGE)
        self.memory = dead_memory(self.machine, Ranges([self.probe]))

    @property
    def chosen(self):
        return self.fdt["/chosen"]

    @property
    def blob(self):
        return self.raw or self.fdt.to_bytes()

    # For spoils.py

    def usable(self, *ranges):
        self.chosen.set_reg(USABLE, ranges, parent="/")

    def words(self, text):
        self.chosen.set_string(
            "bootargs", f"{text} {self.chosen.get_string('bootargs')}"
        )

    def put_initrd(self, start):
        """Place it, and say so."""
        old, size = self.place["initrd"], len(self.data["initrd"])
        self.fdt.memreserve.remove(MemRange(old, size))
        self.fdt.memreserve.append(start, size)
        self.place["initrd"] = start
        for name, value in zip(INITRD, (start, start + size)):
            self.chosen.set_u64(name, value)

    def room_for_tree(self):
        self.place["dtb"] = self.main.start + self.main.size // 2

    def load_of(self, address, first=False):
        """(number, start, size) of the PT_LOAD of memory there; the first one
        may be the kernel's own."""
        found = [
            (i, p[4], p[6])
            for i, p in enumerate(self._phdrs())
            if p[0] == vmcore.PT_LOAD and p[4] <= address < p[4] + p[6]
        ]
        return found[0 if first else -1]

    def load_at(self, number, start, size):
        """Make a PT_LOAD another one."""
        phdrs = self._phdrs()
        kind, flags, _, vaddr, _, _, _, align = phdrs[number]
        changed = (kind, flags, start, vaddr, start, size, size, align)
        at = ELF.ehdr.size + number % len(phdrs) * ELF.phdr.size
        ELF.phdr.pack_into(self.header, at, *changed)

    def _phdrs(self):
        count = ELF.ehdr.unpack_from(self.header)[10]
        size = ELF.phdr.size
        return [
            ELF.phdr.unpack_from(self.header, ELF.ehdr.size + i * size)
            for i in range(count)
        ]

    # For the tests

    def front(self):
        return vmcore.front(bytes(self.header), self.memory.read)

    def _skip(self):
        """Pages of /proc/vmcore in front of what is looked for."""
        start, _ = self.probe
        try:
            pieces = vmcore.loads(self.front())
        except Exception:  # a header that is no header any more
            return 0
        at = [
            p.offset + start - p.paddr
            for p in pieces
            if p.paddr <= start < p.paddr + p.size
        ]
        return at[-1] // PAGE if at else 0

    def segments(self):
        place = self.place
        probe = PROBE.format(self._skip(), self.probe[1] // PAGE)
        now = {
            "initrd": initramfs(self.busybox, INIT, probe=probe),
            "dtb": self.blob,
            "elfcorehdr": bytes(self.header),
            "trampoline": trampoline(place["kernel"], place["dtb"]),
        }
        assert len(now["initrd"]) == len(self.data["initrd"])
        return [(name, now.get(name, self.data[name]), place[name]) for name in place]

    def findings(self, kernel, folder):
        """What `pyfdtx check` says of all that."""
        for name, data, _ in self.segments():
            (folder / name).write_bytes(data)
        core = f"{folder / 'elfcorehdr'}@{self.place['elfcorehdr']:#x}"
        done = subprocess.run(
            (
                *(PROGRAM, "check", folder / "dtb", "--json"),
                *("--root", ROOT, "--kernel", "6.1", "--elfcorehdr", core),
                *("--image", kernel, "--image-address", hex(self.place["kernel"])),
                *("--load-address", hex(self.place["dtb"])),
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        told = json.loads(done.stdout)
        assert done.returncode == bool(told["errors"])
        return told["findings"]

    def boot(self, folder, until):
        """What is seen until it powers off, panics, or says nothing."""
        entry, hardware = self.place["trampoline"], HARDWARE[NAME]
        args = arguments(self.segments(), entry, self.memory, hardware, folder)
        return Seen(
            qemu.watch(
                QEMU,
                args,
                TIMEOUT,
                log=folder / "console.log",
                until=until,
                silence=SPEAKS,
            )
        )


class Seen:
    """What a crash kernel showed."""

    def __init__(self, log):
        self.log = log
        whole = log[: log.rindex("@@@ end") + 80] if "@@@ end" in log else ""
        self.sent = console.received(whole)

    def must_finish(self):
        assert "@@@ all sent" in self.log, self.log[-2000:]

    @property
    def memory(self):
        return memory_of(self.sent["iomem"])

    @property
    def total(self):
        """KiB"""
        return int(re.search(rb"MemTotal: +(\d+) kB", self.sent["meminfo"])[1])

    @property
    def size(self):
        return int(re.search(r"@@@ size (\d+)", self.log)[1])

    @property
    def chosen(self):
        return Fdt(self.sent["fdt"])["/chosen"]


@pytest.fixture(scope="module")
def image(arm64_kernel):
    return read_image(arm64_kernel)


@pytest.fixture
def injected(image, arm64_busybox):
    return Injected(image, arm64_busybox)


def test_as_it_was_made_check_has_nothing_to_say(injected, arm64_kernel, tmp_path):
    assert injected.findings(arm64_kernel, tmp_path) == []


@pytest.fixture(scope="module")
def good(image, arm64_busybox, module_boot_folder):
    return Injected(image, arm64_busybox).boot(module_boot_folder, "no such words")


def test_as_it_was_made_the_kernel_shows_the_dead_memory(injected, good):
    good.must_finish()
    assert good.memory == [(injected.main.start, injected.main.stop)]
    assert good.sent["cmdline"].decode() == CMDLINE + "\n"
    front = injected.front()
    assert good.sent["front"][: len(front)] == front
    last = vmcore.loads(front)[-1]
    assert good.size == last.offset + last.size
    assert good.sent["probe"] == injected.memory.read(*injected.good_probe)
    assert "rng-seed" not in good.chosen
    assert good.chosen["kaslr-seed"] == bytes(8)
    assert "KASLR disabled" not in good.log


@pytest.mark.parametrize("name", CASES)
def test_check_names_what_was_spoiled(name, injected, arm64_kernel, tmp_path):
    CASES[name].spoil(injected)
    found = injected.findings(arm64_kernel, tmp_path)
    assert {f["rule"] for f in found} == set(CASES[name].finds)
    told = [
        (f["rule"], f"{f['path']}:{f['prop']}".rstrip(":"), f"{f['value']}: {f['why']}")
        for f in found
    ]
    for rule, (where, says) in CASES[name].finds.items():
        assert any(t[:2] == (rule, where) and says in t[2] for t in told), told


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_shows_what_was_spoiled(name, injected, good, boot_folder):
    case = CASES[name]
    injected.good_total = good.total
    case.spoil(injected)
    case.kernel(injected, injected.boot(boot_folder, case.until))
