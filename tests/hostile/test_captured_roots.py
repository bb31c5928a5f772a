# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Captured machines that an enemy prepared: whatever lies in the place of a file that
is read, and whatever stands in it, the answer is a typed error, at once, that names
the file; nothing outside of the root is read."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pyfdtx.errors import FdtError, FdtMachineError
from pyfdtx.files import reading
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.facts import elf, machine
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.number import decimal, hexadecimal

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CPU = "sys/devices/system/cpu"
FACTS = (
    *("arch", "cmdline", "release", "iomem", "ram", "free_ram", "crash_ranges"),
    *("cma_ranges", "vmcoreinfo", "vmcoreinfo_note", "crash_notes", "fdt", "live_fdt"),
    *("kcore_loads", "mapping"),
)


@pytest.fixture
def root(tmp_path):
    """A machine that has a file for all that can be asked."""
    top = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", top)
    ours = {
        "proc/sys/kernel/arch": b"aarch64\n",
        "proc/kcore.loads": b"ffff000000000000 40000000 1000\n",
        "proc/device-tree/compatible": b"board\0",
        "proc/device-tree/cpus/cpu@0/reg": bytes(4),
        "sys/kernel/kexec/crash_cma_ranges": b"",
    }
    for name, data in ours.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    (tmp_path / "secret").write_bytes(b"outside of it")
    return top


def files(top):
    return [str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()]


NAMES = [
    *sorted({*files(EXAMPLES / "arm64-dt")} - {"RECIPE.txt"}),
    *("proc/sys/kernel/arch", "proc/kcore.loads", "proc/device-tree/compatible"),
    *("proc/device-tree/cpus/cpu@0/reg", "sys/kernel/kexec/crash_cma_ranges"),
]


def answers(top):
    """All that is asked of a machine: the errors."""
    machine = Machine(top)
    found = []
    for ask in (
        *(lambda fact=fact: getattr(machine, fact) for fact in FACTS),
        lambda: core_header_of(machine),
        lambda: capture(top.parent / "copy", top),
    ):
        try:
            ask()
        except FdtError as e:
            found.append(e)
        shutil.rmtree(top.parent / "copy", ignore_errors=True)
    return found


def put(root, name, kind):
    place = root / name
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "link out":
        place.symlink_to("../" * (name.count("/") + 1) + "secret")
    elif kind == "absolute link":
        place.symlink_to("/etc/passwd")
    elif kind == "sparse":
        with place.open("wb") as f:
            f.truncate(1 << 40)


def test_the_machine_itself_is_sound(root):
    assert answers(root) == []


@pytest.mark.parametrize(
    "kind", ["pipe", "directory", "device", "link out", "absolute link", "sparse"]
)
@pytest.mark.parametrize("name", NAMES)
def test_what_lies_in_the_place_of_a_file_is_refused_and_named(root, name, kind):
    if "kcore.loads" in name:  # arm64 does not ask for it
        arch = root / "proc/sys/kernel/arch"
        arch.write_bytes(b"x86_64\n")
    put(root, name, kind)
    said = answers(root)
    # A folder is a node of the tree
    if name.startswith("proc/device-tree") and kind == "directory":
        return
    assert any(name in str(e) for e in said), said
    # In a tree there are no links at all
    if ("link" in kind or kind == "device") and "device-tree" not in name:
        assert any("leads out of" in str(e) for e in said)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\n", b"\0" * 100, b"\xff\xfe\xe2\x80\xa8" * 20, b"9" * 60_000),
        *(b"0-" + b"f" * 60_000, b"\xd0\x0d\xfe\xed" + b"\xff" * 60),
        *(b"-1", b"1_0", b"+1"),
    ],
    ids=lambda data: str(data[:8]),
)
def test_what_stands_in_a_file_gives_an_answer_or_a_typed_error(root, name, data):
    (root / name).write_bytes(data)
    for e in answers(root):
        assert len(str(e)) < 2000


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_a_byte_more_than_its_kind_has_is_refused(root, name, monkeypatch):
    in_tree = name.startswith("proc/device-tree")
    kind = "property" if in_tree else machine.KINDS.get(name, "line")
    monkeypatch.setitem(reading.LIMITS, kind, 20_480)
    (root / "proc/sys/kernel/arch").write_bytes(b"x86_64\n")
    (root / name).write_bytes(b"#" * 20_481)
    assert any(
        name in str(e) and "has more than 20 KiB" in str(e) for e in answers(root)
    )


def test_a_tree_of_many_small_files_is_bounded_too(root, monkeypatch):
    monkeypatch.setitem(reading.LIMITS, "tree", 1 << 20)
    top = root / "proc/device-tree"
    for number in range(40):
        (top / f"p{number}").write_bytes(bytes(30_000))
    with pytest.raises(FdtMachineError, match="has more than 1 MiB"):
        _ = Machine(root).live_fdt


def test_a_captured_root_gives_nothing_of_the_host_away(root):
    """A capture of it copied another file of the host, plan printed it."""
    (root / "proc/cmdline").unlink()
    (root / "proc/cmdline").symlink_to("../../secret")
    with pytest.raises(FdtMachineError, match=r"link proc/cmdline -> .* leads out"):
        _ = Machine(root).cmdline
    with pytest.raises(FdtMachineError, match=r"link proc/cmdline -> .* leads out"):
        capture(root.parent / "copy", root)
    assert not (root.parent / "copy").exists()


# Numbers


WRONG = [
    "",
    "+10",
    "-1",
    "1_0",
    "0x10",
    "0x",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "\u0661",
    "\xb2",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_number_is_digits_and_nothing_else(text):
    for parse in (decimal, hexadecimal):
        with pytest.raises(ValueError, match=r"is not"):
            parse(text)


def test_numbers_of_64_bits_are_taken():
    assert hexadecimal("ffffffffffffffff") == hexadecimal("F" * 16) == (1 << 64) - 1
    assert decimal("18446744073709551615") == (1 << 64) - 1
    for parse in (decimal, hexadecimal):
        assert parse("0") == 0
        with pytest.raises(ValueError, match=r"is not"):
            parse("1" * 21)


@pytest.mark.parametrize("first", [w for w in WRONG if w != " 1"])  # blanks: depth
def test_iomem_takes_the_kernels_numbers_alone(root, first):
    for line in (f"{first}-7fffffff : System RAM\n", f"0-{first} : System RAM\n"):
        (root / "proc/iomem").write_text(line, encoding="utf-8")
        with pytest.raises(FdtMachineError, match="line 1 is not"):
            _ = Machine(root).iomem


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_newline_ends_a_line_of_iomem(root, separator):
    line = f"0-7fffffff : System RAM{separator}80000000-ffffffff : System RAM\n"
    (root / "proc/iomem").write_text(line, encoding="utf-8", newline="")
    assert len(Machine(root).iomem) == 1


@pytest.mark.parametrize("value", [str(1 << 63), "65", "0", "-1"])
def test_an_address_space_that_cannot_be_is_refused(root, value):
    note = root / "proc/kcore.vmcoreinfo"
    text = note.read_text().replace("NUMBER(VA_BITS)=48", f"NUMBER(VA_BITS)={value}")
    assert f"VA_BITS)={value}" in text
    note.write_text(text)
    with pytest.raises(FdtMachineError, match=r"VA_BITS=.* cannot be"):
        _ = Machine(root).mapping


def test_a_vmcoreinfo_of_any_bytes_is_captured_as_it_is(root):
    note = root / "proc/kcore.vmcoreinfo"
    note.write_bytes(note.read_bytes() + b"CRASHTIME=\xff\xfe\x80\n")
    capture(root.parent / "copy", root)
    assert (
        root.parent / "copy/proc/kcore.vmcoreinfo"
    ).read_bytes() == note.read_bytes()


# /proc/kcore


def core(rows):
    """ELF64, elf(5): e_phoff at 32, e_phentsize and e_phnum at 54."""
    head = bytearray(64)
    head[:7] = b"\x7fELF\2\1\1"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<2H", head, 54, 56, len(rows))
    return bytes(head) + b"".join(
        struct.pack("<2I6Q", kind, 0, at, 0, 0, size, size, 0)
        for kind, at, size in rows
    )


def test_notes_that_overlap_are_read_once(root, monkeypatch):
    """65,535 rows of 1 MiB at one place are 64 GiB of notes."""
    (root / "proc/kcore.vmcoreinfo").unlink()
    rows = [(elf.PT_NOTE, 0, 1 << 40)] * 65_535
    (root / "proc/kcore").write_bytes(core(rows))
    taken = []
    real = os.read

    def counted(fd, size):
        data = real(fd, size)
        taken.append(len(data))
        return data

    monkeypatch.setattr(elf.os, "read", counted)
    with pytest.raises(FdtMachineError, match="has no VMCOREINFO note"):
        _ = Machine(root).vmcoreinfo
    assert sum(taken) < 56 * 65_535 + elf.MAX_NOTES + 1000


def test_a_note_behind_others_is_still_found(root):
    (root / "proc/kcore.vmcoreinfo").unlink()
    desc = b"OSRELEASE=6.1\n\0\0"
    note = struct.pack("<3I", 11, len(desc), 0) + b"VMCOREINFO\0\0" + desc
    at = 64 + 3 * 56
    rows = [(elf.PT_NOTE, at, 0), (1, 0, 1 << 40), (elf.PT_NOTE, at, len(note))]
    (root / "proc/kcore").write_bytes(core(rows) + note)
    assert Machine(root).vmcoreinfo["OSRELEASE"] == "6.1"


# Memory


LIMITED = """
import resource, sys
from pyfdtx.errors import FdtError
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.elfcore import core_header_of
machine = Machine(sys.argv[1])
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (int(sys.argv[2]) << 20),) * 2)
for fact in sys.argv[3:]:
    try:
        getattr(machine, fact)
    except FdtError as e:
        print(type(e).__name__)
"""


@pytest.mark.parametrize(
    ("name", "fact", "limit"),
    [
        ("proc/iomem", "ram", 64),
        ("proc/cmdline", "cmdline", 8),
        ("proc/kcore.vmcoreinfo", "vmcoreinfo", 8),
        (f"{CPU}/possible", "crash_notes", 8),
        ("sys/firmware/fdt", "fdt", 8),
        ("proc/device-tree/compatible", "live_fdt", 16),
    ],
)
def test_a_sparse_file_takes_no_memory(root, name, fact, limit):
    with (root / name).open("wb") as f:
        f.truncate(1 << 32)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, root, str(limit), fact],
        capture_output=True,
        cwd=root,
    )
    assert (done.stdout, done.stderr) == (b"FdtMachineError\n", b"")


@pytest.mark.parametrize("length", [0, 3, 5, 9, 4000])
def test_a_crash_region_in_the_tree_is_one_or_two_cells(root, length):
    (root / "proc/iomem").write_text("0-7fffffff : System RAM\n")
    chosen = root / "proc/device-tree/chosen"
    chosen.mkdir()
    (chosen / "linux,crashkernel-base").write_bytes(bytes(length))
    (chosen / "linux,crashkernel-size").write_bytes(bytes(3) + b"\1")
    with pytest.raises(FdtMachineError, match=r"crashkernel-base: has \d+ bytes, not"):
        _ = Machine(root).crash_ranges
