# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kdump on boards: plan, check, load, panic, and the marked page is in the dump.

The guest has one program, init.c. Boot 1 sends the machine's facts over the console;
the host plans for them; boot 2, its initrd of the same size so that memory is laid out
the same, loads the plan and panics; the crash kernel looks for the page.
"""

import base64
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from boards import BOARDS
from guest import GuestError, need, qemu
from guest.debian import Archive
from guest.initramfs import Initramfs
from guest.python import COMPILERS

from pyfdtx import Fdt
from pyfdtx.kexec import Machine, check_tree, make_plan, read_image
from pyfdtx.kexec.architecture import arch_of
from pyfdtx.kexec.doctor.examine import examine
from pyfdtx.kexec.doctor.need import PROGRAMS, estimate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
QEMU = {"arm64": "qemu-system-aarch64", "armhf": "qemu-system-arm"}
# Room for kernel and plan: the same in both boots
INITRD = {"arm64": 64 << 20, "armhf": 12 << 20}
TIMEOUT = 240
FLAGS = (
    *("-static", "-O2", "-s", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-result"),
)
MARK = "mark=0x" + 16 * "0"
MIB = 1 << 20
SENT = re.compile(
    r"^@@@ begin (.+)\n((?:.*\n)*?)@@@ end \1 ([0-9a-f]{8})$", re.MULTILINE
)


def received(console):
    """Files by name: base64, and CRC32 of the bytes."""
    files = {}
    for name, text, check in SENT.findall(console):
        data = base64.b64decode(text.replace("\n", ""), validate=True)
        assert zlib.crc32(data) == int(check, 16), f"{name} arrived damaged"
        if data[:4] == b"\xd0\x0d\xfe\xed":  # without the zeros at its end
            data = data.ljust(int.from_bytes(data[4:8], "big"), b"\0")
        files[name] = data
    return files


@pytest.fixture(scope="session")
def archive_of():
    made = {}

    def make(board):
        which = board.architecture, board.suite
        if which not in made:
            need(QEMU[board.architecture], "apt-get", "dpkg-deb")
            made[which] = Archive(ROOT / ".cache", *which)
        return made[which]

    return make


@pytest.fixture(scope="session")
def init_of(tmp_path_factory):
    """The guest's program, by Debian's name of the architecture."""
    made = {}

    def make(architecture):
        if architecture not in made:
            compiler = COMPILERS[architecture]
            need(compiler)
            out = tmp_path_factory.mktemp("init") / architecture
            subprocess.run((compiler, *FLAGS, "-o", out, HERE / "init.c"), check=True)
            made[architecture] = out.read_bytes()
        return made[architecture]

    return make


def tree_of(board, archive, folder):
    """The tree's file; None: QEMU's own."""
    if not board.tree:
        return None
    package = archive.unpack(archive.kernel(board.kernel))
    (source,) = package.glob(f"usr/lib/linux-image-*/{board.tree}")
    fdt = Fdt(source.read_bytes())
    if board.edit is not None:
        board.edit(fdt)
    place = folder / "board.dtb"
    place.write_bytes(fdt.to_bytes(pad=4096))
    return place


def packed_plan(plan, machine):
    """As init.c reads it."""
    rows = [(s.start, s.size, len(s.data)) for s in plan.segments]
    flags = arch_of(machine.arch).elf_machine << 16 | 1  # KEXEC_ON_CRASH
    out = struct.pack("<3Q", plan.entry, flags, len(rows))
    for row in rows + [(0, 0, 0)] * (16 - len(rows)):
        out += struct.pack("<3Q", *row)
    return out + b"".join(bytes(s.data) for s in plan.segments)


def meminfo(data, name):
    return int(re.search(rf"(?m)^{name}: +(\d+) kB", data.decode())[1]) << 10


@pytest.mark.parametrize("name", BOARDS)
def test_the_crash_kernel_of_a_board_has_the_dead_kernels_page(
    name, archive_of, init_of, board_folder
):
    board = BOARDS[name]
    try:
        archive = archive_of(board)
        kernel = archive.kernel_image(board.kernel)
        init = init_of(board.architecture)
    except GuestError as e:
        pytest.skip(str(e))
    tree = tree_of(board, archive, board_folder)
    common = f"console={board.console},115200 panic=-1 {board.more}".strip()
    initrd = board_folder / "first.cpio"

    def boot(files, until, log):
        ramfs = Initramfs()
        for path, data in files.items():
            ramfs.file(path, data)
        data = ramfs.to_bytes()
        assert len(data) <= INITRD[board.architecture], "make INITRD larger"
        with initrd.open("wb") as f:
            f.write(data)
            f.truncate(INITRD[board.architecture])
        return qemu.watch(
            QEMU[board.architecture],
            (
                *("-M", *board.machine),
                *(("-dtb", str(tree)) if tree else ()),
                *("-serial", "null") * board.serial,
                *qemu.kernel_args(
                    kernel, initrd, f"{common} crashkernel={board.region}"
                ),
            ),
            TIMEOUT,
            log=board_folder / log,
            until=until,
            silence=TIMEOUT,
        )

    # Its facts
    console = boot({"init": init}, "@@@ all sent", "facts.log")
    files = received(console)
    assert "@@@ all sent" in console, qemu.end_of(console)
    top = board_folder / "machine"
    for path, data in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)
    machine = Machine(top)
    image = read_image(kernel)
    ramfs = Initramfs()
    ramfs.file("init", init)
    small = ramfs.to_bytes()

    # What the doctor says before
    findings = examine(machine, image=image, initrd=small)
    assert [f for f in findings if f.severity == "error"] == []
    told = {f.id for f in findings}
    assert ("cpus-not-stopped" in told) == board.warned

    # Plan and check
    plan = make_plan(machine, image, initrd=small, cmdline=f"{common} maxcpus=1 {MARK}")
    header = plan["elfcorehdr"]
    judged = check_tree(
        plan["dtb"].data,
        machine=machine,
        image=image,
        image_address=plan["kernel"].start,
        load_address=plan["dtb"].start,
        elfcorehdr=(header.start, header.data),
    )
    assert [f for f in judged if f.severity == "error"] == []

    # Load, panic, look
    files = {"init": init, "plan": packed_plan(plan, machine)}
    if board.stuck:
        refused = "@@@ kexec_load: Invalid argument"
        assert refused in boot(files, refused, "crash.log")
        return
    console = boot(files, "@@@ done", "crash.log")
    assert "@@@ marker found" in console, qemu.end_of(console)

    # What it needed, beside the estimate
    files = received(console)
    reserved = sum(r.size for r in plan.usable)
    free = meminfo(files["proc/meminfo"], "MemAvailable")
    used = reserved - free
    need = estimate(machine, image, small, cmdline=common)
    ours = need.total - PROGRAMS
    line = (
        f"{name}: reserved {reserved / MIB:.1f} MiB, used {used / MIB:.1f}, "
        f"estimated {ours / MIB:.1f} and {PROGRAMS >> 20} for programs"
    )
    print(line)
    (board_folder / "memory.txt").write_text(line + "\n")
    assert used <= ours, line
