# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The trampoline that checks SHA-256 before it enters the kernel: its code as
binutils reads it, as a process under qemu-user, and in front of real kernels.
"""

import hashlib
import random
import subprocess

import pytest
from guest import GuestError, console, need, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs
from injected import HARDWARE, memory_of
from test_injected_kdump import EXAMPLES, dumped_part

from pyfdtx.kexec.arch.arm64 import a64
from pyfdtx.kexec.arch.arm64.verify import verifying
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec.place.plan import make_plan

pytestmark = pytest.mark.kernel("arm64")
GCC, AS = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-as"
USER = "qemu-aarch64-static"


def needed(*programs):
    try:
        need(*programs)
    except GuestError as e:
        pytest.skip(str(e))


# What each method of Code means, in the assembler's words
WORDS = {
    "adr x29, 1f": lambda c: c.adr(29, "1"),
    "ldr x4, 1f": lambda c: c.ldr(4, "1"),
    "ldp x0, x1, [x29, #16]": lambda c: c.ldp(0, 1, 29, 16),
    "ldp x30, x2, [x24], #16": lambda c: c.ldp_post(30, 2, 24, 16),
    "ldp w26, w27, [x29, #24]": lambda c: c.ldp_w(26, 27, 29, 24),
    "stp w26, w27, [x29, #8]": lambda c: c.stp_w(26, 27, 29, 8),
    "mov x3, xzr": lambda c: c.mov(3, a64.XZR),
    "movz w27, #0x2f98\nmovk w27, #0x428a, lsl #16": (
        lambda c: c.mov_w(27, 0x428A2F98)
    ),
    "add w1, w2, w3": lambda c: c.add_w(1, 2, 3),
    "and w4, w5, w30": lambda c: c.and_w(4, 5, 30),
    "eor w6, w7, w8": lambda c: c.eor_w(6, 7, 8),
    "eor w6, w7, w8, ror #25": lambda c: c.eor_w(6, 7, 8, a64.ROR, 25),
    "eor w6, w7, w8, lsr #10": lambda c: c.eor_w(6, 7, 8, a64.LSR, 10),
    "ror w9, w10, #31": lambda c: c.ror_w(9, 10, 31),
    "lsr x11, x12, #32": lambda c: c.lsr(11, 12, 32),
    "rev32 x13, x14": lambda c: c.rev32(13, 14),
    "cmp x15, x16": lambda c: c.cmp(15, 16),
    "b 1f": lambda c: c.b("1"),
    "b.ne 1f": lambda c: c.b_if(a64.NE, "1"),
    "cbz x25, 1f": lambda c: c.cbz(25, "1"),
    "br x4": lambda c: c.br(4),
    "wfi": lambda c: c.wfi(),
}


def test_instructions_are_what_the_assembler_makes_of_their_names(tmp_path):
    needed(AS)
    methods = {m for m in vars(a64.Code) if not m.startswith("_")}
    c = a64.Code()
    text = []
    for words, method in WORDS.items():
        method(c)
        text.append(words)
    c.label("1")
    c.wfi()
    (tmp_path / "a.s").write_text("\n".join([*text, "1:\nwfi\n"]))
    subprocess.run([AS, "-o", "a.o", "a.s"], cwd=tmp_path, check=True)
    subprocess.run(
        ["aarch64-linux-gnu-objcopy", "-O", "binary", "a.o", "a.bin"],
        cwd=tmp_path,
        check=True,
    )
    assert c.to_bytes() == (tmp_path / "a.bin").read_bytes()
    used = {name for m in WORDS.values() for name in m.__code__.co_names}
    assert methods - used == {"align", "data", "here", "label", "to_bytes"}


def test_a_branch_back_is_as_the_assembler_makes_it(tmp_path):
    needed(AS)
    c = a64.Code()
    c.label("1")
    for _ in range(3):
        c.wfi()
    c.b("1")
    c.b_if(a64.NE, "1")
    (tmp_path / "a.s").write_text("1:\nwfi\nwfi\nwfi\nb 1b\nb.ne 1b\n")
    subprocess.run([AS, "-o", "a.o", "a.s"], cwd=tmp_path, check=True)
    subprocess.run(
        ["aarch64-linux-gnu-objcopy", "-O", "binary", "a.o", "a.bin"],
        cwd=tmp_path,
        check=True,
    )
    assert c.to_bytes() == (tmp_path / "a.bin").read_bytes()


# As in a64_runner.c
KERNEL, GOOD, STOPPED = 0x20000000, 10, 11
ENTRY, DTB = 0x30000000, 0x123456789AB00
WFI = b"\x7f\x20\x03\xd5"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs code on pieces of memory: (exit status)."""
    needed(GCC, USER)
    folder = tmp_path_factory.mktemp("a64")
    runner = folder / "runner"
    source = EXAMPLES.parent / "tests/system/a64_runner.c"
    flags = ("-O2", "-Wall", "-Wextra", "-Werror", "-static")
    subprocess.run([GCC, *flags, "-o", str(runner), str(source)], check=True)

    def status(code, pieces):
        files = []
        for address, data in ((ENTRY, code), *pieces):
            place = folder / f"{address:x}"
            place.write_bytes(data)
            files.append(f"{address:#x}={place}")
        stop = ENTRY + code.index(WFI)
        command = (USER, str(runner), hex(ENTRY), hex(stop), hex(DTB), *files)
        return subprocess.run(command, timeout=60, check=False).returncode

    return status


def pieces_of(source, blocks):
    """Random bytes, of so many blocks of 64 bytes each."""
    return [
        (0x40000000 + (i << 24), source.randbytes(64 * count))
        for i, count in enumerate(blocks)
    ]


def code_for(pieces):
    digest = hashlib.sha256(b"".join(data for _, data in pieces)).digest()
    table = [(address, len(data)) for address, data in pieces]
    return verifying(KERNEL, DTB, ENTRY, table, digest)


# One to as many pieces as kexec_load(2) takes beside the trampoline
@pytest.mark.parametrize(
    "blocks", [*((n,) for n in range(1, 6)), (3, 1, 64), (1,) * 15]
)
def test_sound_memory_is_entered_with_its_tree(run, blocks):
    """The expected sum is hashlib's."""
    pieces = pieces_of(random.Random(str(blocks)), blocks)
    assert run(code_for(pieces), pieces) == GOOD


def spoiled_at(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


@pytest.mark.parametrize("bit", range(0, 3 * 512, 61))
def test_one_bit_that_differs_stops_it(run, bit):
    pieces = pieces_of(random.Random(bit), (1, 3, 2))
    code = code_for(pieces)
    address, data = pieces[1]
    pieces[1] = address, spoiled_at(data, bit)
    assert run(code, pieces) == STOPPED


@pytest.mark.parametrize("word", range(8))
def test_each_word_of_the_sum_counts(run, word):
    pieces = pieces_of(random.Random(word), (2, 1))
    digest = bytearray(hashlib.sha256(b"".join(d for _, d in pieces)).digest())
    digest[4 * word + word % 4] ^= 0x10
    table = [(address, len(data)) for address, data in pieces]
    code = verifying(KERNEL, DTB, ENTRY, table, bytes(digest))
    assert run(code, pieces) == STOPPED


# In front of a kernel

INIT = (
    INIT_HEAD
    + console.SEND
    + """\
send iomem </proc/iomem
echo "@@@ all sent"
"""
    + INIT_TAIL
)


@pytest.fixture(scope="module")
def plan(arm64_kernel, arm64_busybox):
    machine = Machine(EXAMPLES / "arm64-dt")
    ramfs = Initramfs()
    ramfs.file("/bin/busybox", arm64_busybox.read_bytes())
    ramfs.file("/init", INIT.encode())
    return make_plan(
        machine,
        read_image(arm64_kernel),
        initrd=ramfs.to_bytes(),
        cmdline="console=ttyAMA0 panic=-1 quiet maxcpus=1",
        exclude=machine.ram.exclude(dumped_part(machine)),
        verify=True,
    )


def placed(plan, folder):
    """QEMU's arguments that put everything into its place."""
    args = []
    for s in plan.segments:
        place = folder / s.name
        place.write_bytes(s.data)
        more = ",cpu-num=0" if s.start == plan.entry else ""
        where = f"loader,file={place},addr={s.start:#x},force-raw=on"
        args += ("-device", where + more)
    return args


def test_a_sound_crash_kernel_starts(plan, boot_folder):
    log = qemu.run(
        "qemu-system-aarch64",
        (*HARDWARE["arm64-dt"], *placed(plan, boot_folder)),
        240,
        log=boot_folder / "console.log",
    )
    assert "@@@ all sent" in log, qemu.end_of(log)
    spans = memory_of(console.received(log)["iomem"])
    assert spans == [(r.start, r.stop) for r in plan.usable]


@pytest.mark.parametrize("name", ["kernel", "initrd", "dtb", "elfcorehdr"])
def test_a_crash_kernel_with_one_spoiled_bit_is_not_entered(plan, name, boot_folder):
    """The last bit of each segment: the CPU then stands in the loop, and the
    kernel has not said a word."""
    args = placed(plan, boot_folder)
    place = boot_folder / name
    data = place.read_bytes()
    place.write_bytes(spoiled_at(data, 8 * len(data) - 1))
    stop = plan.entry + bytes(plan["trampoline"].data).index(WFI)
    log = boot_folder / "console.log"
    qemu.run_until_at(
        "qemu-system-aarch64",
        (*HARDWARE["arm64-dt"], *args),
        range(stop, stop + 8, 4),
        240,
        log=log,
    )
    assert log.read_bytes() == b""
