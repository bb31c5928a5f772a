# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Facts are asked for where they are used; refusals in the words of the architecture;
kernels of 2026: ranges of crashkernel=,cma, flags, both names in sysfs.

Sources: field reports (nixos-anywhere 183 and 529, rpi linux 6428, u-root 3384); Linux
drivers/of/fdt.c (merge 20b53c6f7041, in 7.3), include/uapi/linux/kexec.h,
arch/arm64/kernel/machine_kexec.c, arch/arm/kernel/machine_kexec.c.
"""

import errno
import shutil
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import riscv64_machine
from test_plan import arm64
from test_plan_judged import CPIO, serious

from pyfdtx import Fdt
from pyfdtx._native import lib
from pyfdtx.codec.reg import MemRange
from pyfdtx.errors import FdtBadParameter, FdtLoadError, FdtMachineError, FdtNoRoom
from pyfdtx.kexec import core_header_of, load, make_plan, plan
from pyfdtx.kexec.check.elf import PT_LOAD, Core
from pyfdtx.kexec.facts.machine import CRASH_CMA, CRASH_SIZE, Machine
from pyfdtx.kexec.facts.number import amount
from pyfdtx.kexec.facts.ranges import Ranges
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.loading import kexec_file_load, kexec_load
from pyfdtx.kexec.loading.kexec_file_load import file_refused
from pyfdtx.kexec.loading.kexec_load import LOADED, is_loaded, refused
from pyfdtx.kexec.place import plan as planning

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIB = 1 << 20
pytestmark = pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")


@pytest.fixture
def copy(tmp_path):
    """A captured machine whose files may be changed."""

    def of(name="arm64-dt", **files):
        root = tmp_path / "root"
        shutil.copytree(EXAMPLES / name, root)
        for path, text in files.items():
            place = root / path
            if text is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return Machine(root)

    return of


# Facts


@pytest.mark.parametrize(
    ("flags", "page"), [(0b1010, 4), (0b1100, 16), (0b1110, 64), (0b1000, 64)]
)
def test_a_plain_kexec_does_without_kcore(copy, flags, page):
    """Only the size of a page was read from there. An image of arm64 says its own
    (booting.rst, flags, bits 1-2); else whole pieces of the largest fit all."""
    machine = copy(**{"proc/kcore.vmcoreinfo": None})
    made = make_plan(machine, arm64(flags=flags), crash=False, initrd=CPIO)
    assert made.page_size == page * 1024
    assert serious(made.findings) == []
    with pytest.raises(FdtMachineError, match="kcore"):
        make_plan(machine, arm64(flags=flags))  # the core header needs it


def test_pieces_of_the_largest_page_fit_where_nothing_tells(tmp_path):
    machine = riscv64_machine.machine(tmp_path)
    (tmp_path / "proc/kcore.vmcoreinfo").unlink()
    made = make_plan(machine, riscv64_machine.riscv(), crash=False)
    assert made.page_size == 65536


def test_the_running_system_says_its_page_itself(copy, monkeypatch):
    """sysconf(3) does, whoever asks."""
    machine = copy(**{"proc/kcore.vmcoreinfo": None})
    monkeypatch.setattr(planning, "is_running", lambda root: True)
    monkeypatch.setattr(planning.os, "sysconf", lambda name: 16384)
    assert make_plan(machine, arm64(), crash=False).page_size == 16384


# Words


def test_what_an_errno_means_depends_on_the_architecture(tmp_path):
    """EBUSY of arm64 is cpus_are_stuck_in_kernel() for a plain kexec, EINVAL of arm is
    SMP without a way to stop CPUs."""
    arm64_, arm = (Machine(tmp_path, arch=a) for a in ("arm64", "arm"))
    riscv = Machine(tmp_path, arch="riscv64")
    said = refused(errno.EBUSY, arm64_, crash=False).cause
    assert "spin-table" in said
    assert "nr_cpus=1" in said
    assert said.endswith("(EBUSY)")
    for machine, crash in ((arm64_, True), (riscv, False), (arm, False)):
        said = refused(errno.EBUSY, machine, crash=crash).cause
        assert said.startswith("another program is loading")
    for crash in (True, False):
        assert "nr_cpus=1" in refused(errno.EINVAL, arm, crash=crash).cause
        assert "nr_cpus" not in refused(errno.EINVAL, riscv, crash=crash).cause
    # of other calls they mean what they do everywhere
    assert (
        "spin-table" not in refused(errno.EBUSY, arm64_, crash=False, op="reboot").cause
    )


def test_no_way_out_that_is_none(tmp_path):
    """kexec_load(2) is not offered here on x86_64."""
    x86, arm64_ = (Machine(tmp_path, arch=a) for a in ("x86_64", "arm64"))
    said = file_refused(errno.ENOSYS, x86, "bzImage", crash=True).cause
    assert "load without it" not in said
    assert "CONFIG_KEXEC_FILE" in said
    said = file_refused(errno.ENOSYS, arm64_, "Image", crash=True).cause
    assert "load without it, by kexec_load(2)" in said


def spinning(machine):
    fdt = Fdt(machine.fdt)
    for node in fdt["/cpus"].children():
        if node.name.startswith("cpu@"):
            node.set_string("enable-method", "spin-table")
    (Path(machine.root) / "sys/firmware/fdt").write_bytes(fdt.to_bytes())
    return Machine(machine.root)


def test_cpus_that_cannot_be_stopped_are_told_before_loading(copy):
    machine = spinning(copy())
    (note,) = make_plan(machine, arm64(), crash=False).notes
    assert note.startswith("CPUs are started by a spin-table: ")
    assert "EBUSY" in note
    assert make_plan(machine, arm64()).notes == ()  # a crash kernel works
    (Path(machine.root) / "sys/devices/system/cpu/possible").write_text("0\n")
    assert make_plan(Machine(machine.root), arm64(), crash=False).notes == ()


def test_sizes_are_said_as_people_read_them(copy):
    with pytest.raises(FdtNoRoom) as no:
        make_plan(copy(), arm64(), initrd=CPIO + bytes(300 * MIB))
    assert "crash region 0x6ac00000-0x7abfffff (256 MiB)" in no.value.cause
    assert "kernel 20 MiB, " in no.value.cause
    assert "initrd 300 MiB, " in no.value.cause
    assert "MemRange" not in no.value.cause
    assert amount(1536) == "1.5 KiB"


def test_addresses_that_do_not_fit_the_call_are_refused(copy, monkeypatch):
    """A program of 32 bits under a kernel of 64: 0x12b600000 became 0x2b600000."""
    machine = copy("arm64-high-low")
    made = make_plan(machine, arm64())
    calls = []

    class Lib:
        def __getattr__(self, name):
            return getattr(lib, name)

        def fdtx_kexec_load(self, *args):
            calls.append(args)
            return 0

    monkeypatch.setattr(kexec_load, "lib", Lib())
    monkeypatch.setattr(kexec_load, "MAX_ADDRESS", (1 << 32) - 1)
    with pytest.raises(FdtLoadError, match="program of 32 bits cannot tell the kernel"):
        load(made, machine)
    assert calls == []


# crashkernel=,cma

CMA = MemRange(0x4800_0000, 64 * MIB)
CMA_LINE = f"{CMA.start:x}-{CMA.last:x}\n"


def image_of(release):
    """An image with the banner of that kernel."""
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 * MIB, 10, 0, 0, 0, b"ARM\x64", 0)
    text = b"\0Linux version %s (x@y)\0" % release.encode() if release else b""
    return parse_image(head + bytes(1000) + text, "Image")


def dumped(made):
    header = made["elfcorehdr"]
    core = Core(header.start, bytes(header.data))
    return Ranges.union([(s.start, s.size) for s in core.segments(PT_LOAD)])


@pytest.mark.parametrize("name", CRASH_CMA)
@pytest.mark.parametrize(
    ("release", "told"),
    [("7.3.0", True), ("7.3.0-rc1-arm64", True), ("7.2.9", False), ("6.12.1", False)],
)
def test_ranges_and_header_are_in_step(copy, release, told, name):
    """7.3 reads six ranges, kernels before it two: main and low. What the crash kernel
    is not told to use is the dead kernel's, and belongs in the dump."""
    machine = copy("arm64-high-low", **{name: CMA_LINE})
    made = make_plan(machine, image_of(release))
    assert (CMA in made.usable) == told
    assert len(made.usable) == (3 if told else 2)
    assert dumped(made).covers(CMA) != told
    assert bool(made.notes) != told
    if not told:
        assert "1 of 1 ranges of crashkernel=,cma are not told" in made.notes[0]
    assert serious(made.findings) == []


@pytest.mark.parametrize(("running", "told"), [("7.3.1", True), ("6.12.0", False)])
def test_an_image_that_does_not_tell_is_taken_for_the_running_version(
    copy, running, told
):
    version = f"Linux version {running} (a@b) (gcc) #1\n"
    files = {CRASH_CMA[0]: CMA_LINE, "proc/version": version}
    machine = copy("arm64-high-low", **files)
    assert (CMA in make_plan(machine, image_of("")).usable) == told
    given = make_plan(machine, image_of(""), max_usable=6)
    assert CMA in given.usable
    one = make_plan(machine, image_of(""), max_usable=1)
    assert one.usable == machine.crash_ranges[:1]


def test_the_header_alone_leaves_all_of_cma_out(copy):
    machine = copy("arm64-high-low", **{CRASH_CMA[0]: CMA_LINE})
    assert core_header_of(machine) == core_header_of(machine, cma=machine.cma_ranges)
    assert core_header_of(machine) != core_header_of(machine, cma=())


# Flags and names


def test_flags_have_the_kernels_numbers():
    """include/uapi/linux/kexec.h of Linux 6.18."""
    assert (lib.KEXEC_FILE_NO_CMA, lib.KEXEC_FILE_FORCE_DTB) == (0x10, 0x20)


@pytest.mark.parametrize(
    ("given", "bits"),
    [({}, 0), ({"no_cma": True}, 0x10), ({"force_dtb": True}, 0x20),
     ({"no_cma": True, "force_dtb": True}, 0x30)],
)  # fmt: skip
def test_flags_are_used_when_asked_for(copy, tmp_path, monkeypatch, given, bits):
    calls = []

    class Lib:
        def __getattr__(self, name):
            return getattr(lib, name)

        def fdtx_kexec_file_load(self, *args):
            calls.append(args[-1])
            return 0

    monkeypatch.setattr(kexec_file_load, "lib", Lib())
    (tmp_path / "Image").write_bytes(b"x")
    made = plan(copy(), tmp_path / "Image", by_file=True, crash=False, **given)
    load(made, Machine(tmp_path / "root"))
    assert calls == [lib.KEXEC_FILE_NO_INITRAMFS | bits]
    for name in given:
        with pytest.raises(FdtBadParameter, match="give by_file=True"):
            plan(Machine(tmp_path / "root"), tmp_path / "Image", **{name: True})


@pytest.mark.parametrize(
    "names", [*LOADED.values(), CRASH_SIZE, CRASH_CMA], ids=lambda n: n[0]
)
def test_old_and_new_names_are_read(names):
    """Linux 6.19 moved them to /sys/kernel/kexec; the old ones stay until 2028."""
    assert len(names) == 2
    assert any(name.startswith("sys/kernel/kexec/") for name in names)
    assert any(name.startswith("sys/kernel/kexec_") for name in names)


@pytest.mark.parametrize("name", CRASH_SIZE)
def test_the_size_of_the_region_is_held_against_either_name(copy, name):
    files = {CRASH_SIZE[0]: None}
    machine = copy(**files)
    place = Path(machine.root) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("4096\n")
    with pytest.raises(FdtMachineError, match="says 4096 bytes"):
        _ = machine.crash_ranges
    assert is_loaded(machine, crash=True) is None
