# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What reaches the kernel: each call is recorded instead of made, and held against
the interface that the kernel documents.

kexec_load(2), kexec_file_load(2); Linux include/uapi/linux/kexec.h: the flags, and
"the architecture in the upper 16 bits" (KEXEC_ARCH_MASK); kernel/kexec_core.c
sanity_check_segment_list(): mem and mem + memsz are multiples of a page, bufsz is
at most memsz, segments do not overlap.

The calls themselves are made in guests: tests/system/test_load.py and
test_file_load.py. Never here, where they would be the developer's machine's.
"""

import errno
import fcntl
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_machine
import ppc64_machine
import riscv64_machine

from pyfdtx import _native
from pyfdtx.errors import FdtBadParameter, FdtLoadError, FdtMachineError
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.loading import kexec_file_load as file_load_module
from pyfdtx.kexec.loading import kexec_load as load_module
from pyfdtx.kexec.loading.kexec_file_load import load_files
from pyfdtx.kexec.loading.kexec_load import reboot_into_loaded, unload
from pyfdtx.kexec.loading.load import load
from pyfdtx.kexec.place.plan import Segment, make_plan, plan

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
MIB = 1 << 20
# linux/kexec.h
KEXEC_ON_CRASH = 1
KEXEC_FILE_UNLOAD, KEXEC_FILE_ON_CRASH, KEXEC_FILE_NO_INITRAMFS = 1, 2, 4
KEXEC_ARCH = {"arm": 40, "arm64": 183, "ppc64le": 21, "riscv64": 243}
FDT_MAGIC = b"\xd0\x0d\xfe\xed"
INITRD = bytes(range(251)) * 100

ffi = _native.ffi


class Kernel:
    """Stands for lib: records the calls that reach the kernel, and answers with
    what it was told to, 0 at the end."""

    def __init__(self, *answers):
        self.calls = []
        self.answers = list(answers)

    def __getattr__(self, name):
        return getattr(_native.lib, name)

    def answer(self, *call):
        self.calls.append(call)
        return self.answers.pop(0) if self.answers else 0

    def fdtx_kexec_load(self, entry, count, segments, flags):
        # as cffi takes them: numbers that fit, or an error
        entry, count, flags = (
            ffi.new("unsigned long *", n)[0] for n in (entry, count, flags)
        )
        got = []
        for i in range(count):
            s = segments[i]
            data = bytes(ffi.buffer(s.buf, s.bufsz)) if s.bufsz else b""
            got.append((int(ffi.cast("uintptr_t", s.mem)), s.memsz, data))
        return self.answer("kexec_load", entry, got, flags)

    def fdtx_kexec_file_load(self, kernel_fd, initrd_fd, length, line, flags):
        kernel_fd, initrd_fd = (ffi.new("int *", n)[0] for n in (kernel_fd, initrd_fd))
        text = None if line == ffi.NULL else bytes(ffi.buffer(line, length))
        files = [content_of(fd) for fd in (kernel_fd, initrd_fd)]
        return self.answer("kexec_file_load", files, length, text, flags)

    def fdtx_kexec_reboot(self):
        return self.answer("reboot")


def content_of(fd):
    if fd < 0:
        return fd
    assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    assert os.lseek(fd, 0, os.SEEK_CUR) == 0
    return os.pread(fd, 1 << 20, 0)


@pytest.fixture
def kernel(monkeypatch):
    def that_answers(*answers):
        fake = Kernel(*answers)
        monkeypatch.setattr(load_module, "lib", fake)
        monkeypatch.setattr(file_load_module, "lib", fake)
        return fake

    return that_answers


def arm64_image(flags=0b1010):
    head = struct.pack(
        "<2I6Q4sI", *(0, 0, 0, 20 * MIB, flags, 0, 0, 0), *(b"ARM\x64", 0)
    )
    return parse_image(head + bytes(range(250)) * 40, "Image")


@pytest.fixture(params=sorted(KEXEC_ARCH))
def system(request, tmp_path):
    """(machine, image) of every architecture that is planned for."""
    arch, root = request.param, tmp_path / "root"
    if arch == "arm64":
        shutil.copytree(EXAMPLES / "arm64-dt", root)
        return Machine(root), arm64_image()
    if arch == "arm":
        return arm_machine.machine_with(root), arm_machine.zimage()
    if arch == "riscv64":
        return riscv64_machine.machine(root), riscv64_machine.riscv()
    vmlinux = parse_image(ppc64_machine.vmlinux(), "vmlinux")
    return ppc64_machine.machine(root), vmlinux


def test_a_header_that_the_kernel_may_write_anew_is_loaded_so(tmp_path, kernel):
    """include/uapi/linux/kexec.h: KEXEC_UPDATE_ELFCOREHDR is 4,
    KEXEC_CRASH_HOTPLUG_SUPPORT 8."""
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    (root / "sys/kernel/crash_elfcorehdr_size").write_text("40000\n")
    for crash, want in ((True, KEXEC_ON_CRASH | 4 | 8), (False, 0)):
        fake = kernel()
        load(make_plan(Machine(root), arm64_image(), crash=crash), Machine(root))
        ((_, _, segments, flags),) = fake.calls
        assert flags == 183 << 16 | want
        headers = [(memsz, len(d)) for _, memsz, d in segments if d[:4] == b"\x7fELF"]
        assert headers == [(40960, 40000)] * crash


@pytest.mark.parametrize("initrd", [None, INITRD], ids=["-", "initrd"])
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_a_plan_reaches_the_kernel_as_its_interface_wants_it(
    system, kernel, crash, initrd
):
    machine, image = system
    plan = make_plan(machine, image, crash=crash, initrd=initrd)
    fake = kernel()
    load(plan, machine)
    ((call, entry, segments, flags),) = fake.calls
    assert call == "kexec_load"
    assert flags == KEXEC_ARCH[machine.arch] << 16 | (KEXEC_ON_CRASH if crash else 0)

    page = {"ppc64le": 65536}.get(machine.arch, 4096)
    where = machine.crash_ranges[:1] if crash else machine.free_ram
    stop = 0
    for mem, memsz, data in segments:
        assert mem % page == memsz % page == 0
        assert 0 <= len(data) <= memsz > 0
        assert mem >= stop
        stop = mem + memsz
        assert any(r.start <= mem < stop <= r.stop for r in where)
    # what is in them, each whole, and no other one
    contents = [data for _, _, data in segments]
    (dtb,) = [data for data in contents if data.startswith(FDT_MAGIC)]
    assert struct.unpack_from(">I", dtb, 4) == (len(dtb),)
    assert (initrd in contents) == (initrd is not None)
    assert sum(data.startswith(b"\x7fELF") for data in contents) == crash
    body = image.data[0x100:]  # ppc64 changes a word of a crash kernel's head
    ((kernel_at, kernel_room, kernel_data),) = [
        s for s in segments if s[2][0x100:] == body
    ]
    assert len(kernel_data) == len(image.data)
    assert kernel_room >= image.memory_size if machine.arch != "arm" else True

    starts = {mem: data for mem, _, data in segments}
    if machine.arch in ("arm", "riscv64"):
        assert entry == kernel_at
    else:
        assert starts[entry] not in (kernel_data, dtb, initrd)
    if machine.arch == "arm64":
        dtb_at = next(mem for mem, data in starts.items() if data is dtb)
        assert starts[entry] == trampoline_of_arm64(kernel_at, dtb_at)


def trampoline_of_arm64(kernel_at, dtb_at):
    """Arm Architecture Reference Manual (DDI 0487), C6: the instructions."""
    code = (
        0x5800_00C4,  # ldr x4, . + 24
        0x5800_00E0,  # ldr x0, . + 28
        0xAA1F_03E1,  # mov x1, xzr
        0xAA1F_03E2,  # mov x2, xzr
        0xAA1F_03E3,  # mov x3, xzr
        0xD61F_0080,  # br x4
    )
    return struct.pack("<6I2Q", *code, kernel_at, dtb_at)


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_a_loaded_kernel_is_replaced_when_asked_to(tmp_path, kernel, crash):
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    name = "kexec_crash_loaded" if crash else "kexec_loaded"
    (root / "sys/kernel" / name).write_text("1\n")
    machine = Machine(root)
    plan = make_plan(machine, arm64_image(), crash=crash)
    fake = kernel()
    with pytest.raises(FdtLoadError, match="is loaded already") as refused:
        load(plan, machine)
    assert not fake.calls
    assert ("crash kernel" in refused.value.cause) == crash
    load(plan, machine, replace=True)
    assert len(fake.calls) == 1


def test_nothing_is_replaced_by_default(tmp_path, kernel):
    """By the function that users call."""
    from pyfdtx import kexec

    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    (root / "sys/kernel/kexec_crash_loaded").write_text("1\n")
    machine = Machine(root)
    plan = make_plan(machine, arm64_image())
    fake = kernel()
    with pytest.raises(FdtLoadError, match="is loaded already"):
        kexec.load(plan, machine)
    assert not fake.calls
    kexec.load(plan, machine, replace=True)
    assert len(fake.calls) == 1


class Plan:
    """As many segments as the kernel takes: linux/kexec.h KEXEC_SEGMENT_MAX."""

    arch, crash, entry, findings = "arm64", True, 0x4000_0000, ()
    updated = False

    def __init__(self, count):
        self.segments = tuple(
            Segment("x", bytes([i]), 0x4000_0000 + 4096 * i, 4096) for i in range(count)
        )


def test_sixteen_segments_are_taken(tmp_path, kernel):
    fake = kernel()
    load(Plan(16), Machine(tmp_path, arch="arm64"))
    ((_, _, segments, _),) = fake.calls
    assert segments == [(0x4000_0000 + 4096 * i, 4096, bytes([i])) for i in range(16)]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY, errno.EADDRNOTAVAIL])
def test_a_refusal_of_the_kernel_is_an_error(tmp_path, kernel, number):
    kernel(-number)
    machine = Machine(tmp_path, arch="arm64")
    with pytest.raises(FdtLoadError) as refused:
        load(Plan(1), machine)
    want = load_module.refused(number, machine, crash=True)
    assert refused.value.cause == want.cause
    assert (refused.value.call, refused.value.errno) == ("kexec_load", number)
    kept = pickle.loads(pickle.dumps(refused.value))
    assert (kept.call, kept.errno, str(kept)) == (
        "kexec_load",
        number,
        str(refused.value),
    )
    # a plain kexec's sysctl is another one
    limit = tmp_path / "proc/sys/kernel/kexec_load_limit_reboot"
    limit.parent.mkdir(parents=True)
    limit.write_text("0\n")
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/self/status").write_text("CapEff:\t000001ffffffffff\n")
    kernel(-errno.EPERM)
    plan = Plan(1)
    plan.crash = False
    with pytest.raises(FdtLoadError, match="limit_reboot"):
        load(plan, machine)


# Unloading


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_unload_passes_no_segments(tmp_path, kernel, crash):
    """kexec_load(2): "If nr_segments is 0, ... unloaded"; Linux kernel/kexec.c
    kexec_load_check(): architecture 0, KEXEC_ARCH_DEFAULT, is every kernel's."""
    fake = kernel()
    unload(Machine(tmp_path), crash=crash)
    assert fake.calls == [("kexec_load", 0, [], KEXEC_ON_CRASH if crash else 0)]


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_a_locked_down_kernel_is_unloaded_the_other_way(
    tmp_path, kernel, crash, number
):
    """kexec_file_load(2), KEXEC_FILE_UNLOAD: file descriptors are ignored."""
    flags = KEXEC_FILE_UNLOAD | (KEXEC_FILE_ON_CRASH if crash else 0)
    other = ("kexec_file_load", [-1, -1], 0, None, flags)
    fake = kernel(-number, 0)
    unload(Machine(tmp_path), crash=crash)
    assert [call[0] for call in fake.calls] == ["kexec_load", "kexec_file_load"]
    assert fake.calls[1] == other
    # refused by both: what the first one said counts
    fake = kernel(-number, -errno.EBUSY)
    with pytest.raises(FdtLoadError) as refused:
        unload(Machine(tmp_path), crash=crash)
    assert fake.calls[1] == other
    want = load_module.refused(number, Machine(tmp_path), crash=crash)
    assert refused.value.cause == want.cause


def test_a_busy_kernel_is_not_asked_twice(tmp_path, kernel):
    fake = kernel(-errno.EBUSY)
    with pytest.raises(FdtLoadError, match="EBUSY"):
        unload(Machine(tmp_path), crash=True)
    assert len(fake.calls) == 1


# Rebooting


@pytest.mark.parametrize(
    ("loaded", "asked"), [("0\n", False), ("1\n", True), (None, True)]
)
def test_the_kernel_is_left_only_for_one_that_may_be_loaded(
    tmp_path, kernel, loaded, asked
):
    """Without the file nobody can tell, and the kernel says EINVAL."""
    if loaded is not None:
        (tmp_path / "sys/kernel").mkdir(parents=True)
        (tmp_path / "sys/kernel/kexec_loaded").write_text(loaded)
        (tmp_path / "sys/kernel/kexec_crash_loaded").write_text("1\n")
    fake = kernel(-errno.EINVAL)
    with pytest.raises(FdtLoadError) as refused:
        reboot_into_loaded(Machine(tmp_path))
    assert fake.calls == [("reboot",)] * asked
    assert refused.value.op == "reboot"
    assert refused.value.errno == (errno.EINVAL if asked else 0)
    assert refused.value.call == ("reboot" if asked else "")
    assert ("EINVAL" in refused.value.cause) == asked
    assert ("no kernel is loaded" in refused.value.cause) != asked


# Files


CRASH_IOMEM = """\
40000000-7fffffff : System RAM
  60000000-67ffffff : Crash kernel
"""


@pytest.fixture
def by_file(tmp_path):
    for name, text in {
        "proc/iomem": CRASH_IOMEM,
        "sys/kernel/kexec_loaded": "0\n",
        "sys/kernel/kexec_crash_loaded": "0\n",
        "kernel": "the image",
        "initrd": "the initrd",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Machine(tmp_path, arch="x86_64")


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("initrd", [None, "initrd"])
@pytest.mark.parametrize(
    "line", ["", "quiet", "x=\u00e4\u20ac", "x=\udcff", "y" * 2047]
)
def test_files_reach_the_kernel_as_its_interface_wants_them(
    by_file, tmp_path, kernel, crash, initrd, line
):
    """cmdline_len counts the NUL; the line is bytes as the system gave them."""
    fake = kernel()
    place = None if initrd is None else str(tmp_path / initrd)
    before = sorted(os.listdir("/proc/self/fd"))
    load_files(
        by_file, str(tmp_path / "kernel"), crash=crash, cmdline=line, initrd=place
    )
    assert sorted(os.listdir("/proc/self/fd")) == before
    flags = KEXEC_FILE_ON_CRASH if crash else 0
    flags |= KEXEC_FILE_NO_INITRAMFS if initrd is None else 0
    raw = line.encode("utf-8", "surrogateescape") + b"\0"
    files = [b"the image", -1 if initrd is None else b"the initrd"]
    assert fake.calls == [("kexec_file_load", files, len(raw), raw, flags)]


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_a_refusal_of_files_is_an_error_and_leaves_nothing_open(
    by_file, tmp_path, kernel, crash
):
    kernel(-errno.EADDRNOTAVAIL)
    before = len(os.listdir("/proc/self/fd"))
    image = str(tmp_path / "kernel")
    with pytest.raises(FdtLoadError) as refused:
        load_files(by_file, image, crash=crash, cmdline="")
    assert len(os.listdir("/proc/self/fd")) == before
    assert refused.value.where == image
    assert ("crashkernel=" in refused.value.cause) == crash
    assert refused.value.call == "kexec_file_load"
    assert refused.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("path", [str, Path])
def test_one_plan_and_one_load_take_files_too(by_file, tmp_path, kernel, crash, path):
    planned = plan(
        by_file,
        path(tmp_path / "kernel"),
        crash=crash,
        initrd=path(tmp_path / "initrd"),
        cmdline="ro",
        append="quiet",
    )
    assert (planned.call, planned.arch, planned.crash) == (
        "kexec_file_load",
        "x86_64",
        crash,
    )
    fake = kernel()
    load(planned, by_file)
    ((call, files, _, line, flags),) = fake.calls
    assert (call, files, line) == (
        "kexec_file_load",
        [b"the image", b"the initrd"],
        b"ro quiet\0",
    )
    assert flags == (KEXEC_FILE_ON_CRASH if crash else 0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"initrd": b"bytes"}, "initrd"),
        ({"verify": True}, "verify"),
        ({"dtb": b""}, "dtb"),
        ({"exclude": [(0, 4096)]}, "exclude"),
    ],
)
def test_what_the_running_kernel_makes_itself_cannot_be_told(by_file, given, named):
    with pytest.raises(FdtBadParameter) as refused:
        plan(by_file, "kernel", crash=False, cmdline="", **given)
    assert refused.value.where == named
    assert "running kernel" in refused.value.cause


def test_a_crash_kernel_by_file_needs_its_memory_too(by_file, tmp_path):
    (tmp_path / "proc/iomem").write_text("40000000-7fffffff : System RAM\n")
    with pytest.raises(FdtMachineError, match="crashkernel="):
        plan(by_file, "kernel", cmdline="")


def test_a_placed_kernel_is_planned_from_paths_as_from_what_is_in_them(tmp_path):
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    (tmp_path / "Image").write_bytes(arm64_image().data)
    (tmp_path / "initrd").write_bytes(INITRD)
    fixed = {"kaslr_seed": 1, "rng_seed": b"seed", "cmdline": "ro"}
    wanted = make_plan(Machine(root), arm64_image(), initrd=INITRD, **fixed)
    got = plan(
        Machine(root), tmp_path / "Image", initrd=str(tmp_path / "initrd"), **fixed
    )
    assert (got.call, got.entry) == ("kexec_load", wanted.entry)
    assert [(s.name, s.start, bytes(s.data)) for s in got.segments] == [
        (s.name, s.start, bytes(s.data)) for s in wanted.segments
    ]
    # asked to, the running kernel does it here as well
    by_itself = plan(Machine(root), tmp_path / "Image", cmdline="ro", by_file=True)
    assert (by_itself.call, by_itself.arch) == ("kexec_file_load", "arm64")


def test_loaded_files_are_replaced_when_asked_to(by_file, tmp_path, kernel):
    (tmp_path / "sys/kernel/kexec_loaded").write_text("1\n")
    fake, image = kernel(), str(tmp_path / "kernel")
    with pytest.raises(FdtLoadError, match="a kernel is loaded already"):
        load_files(by_file, image, crash=False, cmdline="")
    assert not fake.calls
    load_files(by_file, image, crash=False, cmdline="", replace=True)
    assert len(fake.calls) == 1


# Below: syscall(2)


CALLER = """\
from pyfdtx._native import ffi, lib
entry = (1 << 8 * ffi.sizeof("unsigned long")) - 4096
segments, line = ffi.new("struct kexec_segment[2]"), ffi.new("char[]", b"quiet")
for place in (segments, line):
    print(int(ffi.cast("uintptr_t", place)))
print(lib.fdtx_kexec_load(entry, 2, segments, 183 << 16 | 1))
print(lib.fdtx_kexec_file_load(11, 12, 6, line, 5))
print(lib.fdtx_kexec_reboot())
"""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    compiler = os.environ.get("CC", "cc").split()
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"there is no {compiler[0]}")
    folder = tmp_path_factory.mktemp("recorder")
    library = folder / "recorder.so"
    flags = ["-shared", "-fPIC", "-o", str(library), "-ldl"]
    source = str(HERE / "recorded_calls.c")
    subprocess.run([*compiler, source, *flags], check=True)
    return library


# kexec_load, kexec_file_load, reboot: <asm/unistd_64.h>, asm-generic/unistd.h
NUMBERS = {"x86_64": (246, 320, 169), "aarch64": (104, 294, 142)}


@pytest.mark.parametrize("fails_with", [0, errno.EPERM, errno.EINVAL])
def test_the_system_calls_have_their_numbers_and_arguments(recorder, fails_with):
    """reboot(2): LINUX_REBOOT_MAGIC1, _MAGIC2 and _CMD_KEXEC."""
    if os.uname().machine not in NUMBERS:
        pytest.skip(f"the numbers of {os.uname().machine} are not known here")
    done = subprocess.run(
        [sys.executable, "-c", CALLER],
        env={
            **os.environ,
            # behind a sanitizer, which wants to be the first
            "LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {recorder}",
            "FAILS_WITH": str(fails_with),
            "PYTHONUNBUFFERED": "1",
        },
        cwd=recorder.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    segments, line, *rest = map(json.loads, done.stdout.splitlines())
    load_call, load_code, file_call, file_code, reboot_call, reboot_code = rest
    kexec_load, kexec_file_load, reboot = NUMBERS[os.uname().machine]
    entry = (1 << 64) - 4096
    assert load_call == [kexec_load, entry, 2, segments, 183 << 16 | 1, load_call[-1]]
    assert [n & 0xFFFF_FFFF for n in file_call[1:3]] == [11, 12]
    assert file_call[0] == kexec_file_load
    assert file_call[3:] == [6, line, 5]
    assert [n & 0xFFFF_FFFF for n in reboot_call[1:4]] == [
        *(0xFEE1_DEAD, 672274793, 0x4558_4543),
    ]
    assert reboot_call[0] == reboot
    assert [load_code, file_code, reboot_code] == [-fails_with] * 3
