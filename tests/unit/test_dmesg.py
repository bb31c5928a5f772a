# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The log of a dead kernel, out of cores that dead_kernel.py makes. What a line looks
like is vmcore-dmesg(8)'s behaviour; tests/system holds both against each other."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from dead_kernel import (
    COMMITTED,
    CPU,
    FAILED_LPOS,
    MESSAGES,
    RESERVED,
    REUSABLE,
    LogBuffer,
    Machine,
    Message,
    Ring,
    core,
)

from pyfdtx.errors import FdtError, FdtMachineError, FdtWarning
from pyfdtx.kexec import dmesg
from pyfdtx.kexec.facts.elf import Row
from pyfdtx.kexec.vmcore.memory import WINDOW, Array, Memory

SHAPES = [(bits, big) for bits in (64, 32) for big in (False, True)]
shapes = pytest.mark.parametrize(("bits", "big"), SHAPES)
forms = pytest.mark.parametrize("form", [Ring, LogBuffer])


@pytest.fixture
def read(tmp_path):
    """(records, what was said) of a core."""

    def read(blob, name="core"):
        path = tmp_path / name
        path.write_bytes(blob)
        said = []
        return list(dmesg(path, damaged=said.append)), said

    return read


def texts(records):
    return [record.text for record in records]


def line(message):
    """As the C tool writes it: seconds in five places, microseconds, and what is no
    printable ASCII nor white space as two hexadecimal digits."""
    seconds, ns = divmod(message.ns, 10**9)
    shown = "".join(
        chr(c) if 32 <= c < 127 or chr(c) in "\t\n\v\f\r" else f"\\x{c:02x}"
        for c in message.text
    )
    return f"[{seconds:5d}.{ns // 1000:06d}] {shown}".encode()


@forms
@shapes
@pytest.mark.parametrize("gap", [0, 5])
@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_a_log_is_read(read, form, bits, big, gap, pieces):
    machine = Machine(bits, big, gap=gap)
    form(machine).write()
    records, said = read(core(machine, pieces=pieces))
    assert said == []
    assert [(r.ns, r.text) for r in records] == [(m.ns, m.text) for m in MESSAGES]
    assert [r.line() for r in records] == [line(m) for m in MESSAGES]
    assert [r.caller for r in records] == [
        f"C{m.caller - CPU}" if m.caller >= CPU else f"T{m.caller}" for m in MESSAGES
    ]
    numbers = range(len(MESSAGES)) if form is Ring else [None] * len(MESSAGES)
    assert [r.sequence for r in records] == list(numbers)


@forms
@shapes
def test_a_kernel_without_caller_ids_has_none(read, form, bits, big):
    machine = Machine(bits, big, caller=False)
    form(machine).write()
    records, said = read(core(machine))
    assert (len(records), said) == (len(MESSAGES), [])
    assert {r.caller for r in records} == {None}


def test_every_byte_is_shown_as_the_c_tool_shows_it(read):
    message = Message(1, bytes(range(256)))
    machine = Machine()
    Ring(machine).write([message])
    ((record,), _) = read(core(machine))
    assert record.line() == line(message)
    assert b"\\x00" in record.line()
    assert b"\\xff" in record.line()


@forms
@pytest.mark.parametrize("big", [False, True])
def test_a_core_of_64_bits_may_be_of_a_kernel_of_32(read, form, big):
    """PAE, and kexec's --elf64-core-headers."""
    machine = Machine(32, big, file_bits=64)
    form(machine).write()
    records, said = read(core(machine))
    assert (texts(records), said) == ([m.text for m in MESSAGES], [])


# Wrapping

LONG = [Message(n, bytes([65 + n]) * (n * 7 % 50)) for n in range(26)]


@shapes
@pytest.mark.parametrize("exact_end", [False, True])
def test_a_ring_of_text_is_read_wherever_it_begins(read, bits, big, exact_end):
    """Each position of a ring that holds the last few messages, at the start of time
    and where the counter of positions wraps itself."""
    word = bits // 8
    for far in (0, (1 << bits) - 512):
        for at in range(far, far + 512, word):
            machine = Machine(bits, big)
            ring = Ring(
                machine, count_bits=4, size_bits=8, text_at=at, exact_end=exact_end
            ).write(LONG)
            assert 3 < ring.kept < 16
            records, said = read(core(machine))
            assert said == [], at
            assert texts(records) == [m.text for m in LONG[-ring.kept :]], at


@shapes
def test_a_ring_of_descriptors_is_read_wherever_it_begins(read, bits, big):
    """The first id is one ring before 0; ids have two bits less than a word."""
    for first in [None, *range(9), *range((1 << bits - 2) - 9, 1 << bits - 2)]:
        machine = Machine(bits, big)
        ring = Ring(machine, count_bits=3, first_id=first).write()
        assert ring.kept == 8
        records, said = read(core(machine))
        assert said == [], first
        assert texts(records) == [m.text for m in MESSAGES[-8:]], first


@shapes
def test_a_log_buffer_is_read_wherever_it_begins(read, bits, big):
    for first in range(0, 1048, 8):
        machine = Machine(bits, big)
        LogBuffer(machine, size=1200, first=first).write()
        records, said = read(core(machine))
        assert said == [], first
        assert texts(records) == [m.text for m in MESSAGES], first


def test_the_log_of_a_kernel_before_3_11_has_another_name(read):
    machine = Machine(caller=False)
    LogBuffer(machine, name="log").write()
    assert texts(read(core(machine))[0]) == [m.text for m in MESSAGES]


@pytest.mark.parametrize("form", [Ring, LogBuffer])
def test_a_log_larger_than_a_window_is_read(read, form):
    many = [Message(n, b"message %d " % n + b"x" * (n % 90)) for n in range(3000)]
    machine = Machine()
    if form is Ring:
        log = Ring(machine, count_bits=12, size_bits=18)
        assert 5 * WINDOW < 88 * (1 << 12)
    else:
        log = LogBuffer(machine, size=1 << 19)
    log.write(many)
    records, said = read(core(machine, pieces=11))
    assert (texts(records), said) == ([m.text for m in many], [])


# States


def test_only_what_is_committed_or_finalized_is_shown(read):
    states = [RESERVED, COMMITTED, REUSABLE, 2]
    messages = [Message(n, b"state %d" % s, state=s) for n, s in enumerate(states)]
    machine = Machine()
    Ring(machine).write(messages)
    records, said = read(core(machine))
    assert (texts(records), said) == ([b"state 1", b"state 2"], [])


def test_an_odd_position_is_a_record_without_data(read):
    machine = Machine()
    ring = Ring(machine).write()
    lost = ring.lpos.make(begin=FAILED_LPOS, next=FAILED_LPOS)
    at, _ = ring.desc.fields["text_blk_lpos"]
    machine.replace(ring.desc_at(ring.tail_id) + at, lost)
    records, said = read(core(machine))
    assert texts(records) == [b"", *(m.text for m in MESSAGES[1:])]
    assert said == []


# Damage


def damage(number, **changes):
    """A ring whose record of that number has other values."""
    machine = Machine()
    ring = Ring(machine).write()
    number = ring.tail_id + number & ring.id_mask
    for name, value in changes.items():
        layout, at = {
            "state_var": (ring.desc, ring.desc_at(number)),
            "text_len": (ring.info, ring.info_at(number)),
        }.get(name) or (ring.lpos, ring.desc_at(number) + 8)
        place, form = layout.fields[name]
        machine.replace(at + place, machine.pack(form, value))
    return machine, ring


OTHERS = [m.text for m in MESSAGES]


def test_a_descriptor_of_another_record_is_told(read):
    machine, ring = damage(1, state_var=2 << 62 | 7)
    records, said = read(core(machine))
    assert texts(records) == OTHERS
    (text,) = said
    number = ring.tail_id + 1
    assert f"record {number} is shown although its descriptor is of 7" in text


@pytest.mark.parametrize(
    ("changes", "shown", "what"),
    [
        ({"text_len": 65535}, b"Command line: console=ttyS0\0\0\0\0\0", "65535 bytes"),
        ({"begin": 0}, b"Linux version 6.1.0 (pyfdtx)", "may be of another"),
        ({"next": 40}, b"Linux version 6.1.0 (pyfdtx)", "may be of another"),
        ({"next": 56}, b"", "its block has 0"),
    ],
)
def test_a_block_that_cannot_be_is_told_and_its_text_cut(read, changes, shown, what):
    machine, _ = damage(1, **changes)
    records, said = read(core(machine))
    assert texts(records)[:1] + texts(records)[2:] == OTHERS[:1] + OTHERS[2:]
    assert records[1].text.startswith(shown[:27])
    assert shown or not records[1].text
    assert what in " ".join(said)


@pytest.mark.parametrize("ids", [{"tail_id": 5}, {"head_id": 5}])
def test_ids_that_cannot_be_leave_all_records(read, ids):
    machine = Machine()
    ring = Ring(machine).write()
    ring.rewrite(**ids)
    records, said = read(core(machine))
    assert sorted(texts(records)) == sorted(OTHERS)
    assert "the log has 32 descriptors, but says that its records are" in said[0]


def test_what_a_cut_core_still_has_is_shown(read):
    """Cut inside of the text, which lies behind everything else here."""
    machine = Machine()
    ring = Ring(machine).write()
    # The same ring with its text moved to the end
    start = ring.data - machine.base
    ring.data = machine.put(bytes(machine.memory[start : start + 2048]))
    ring.rewrite(data=ring.data)
    whole = core(machine, pieces=1)
    records, said = read(whole)
    assert (texts(records), said) == (OTHERS, [])
    records, said = read(whole[: -(24 + 2048 - 80)])
    assert texts(records)[:1] == OTHERS[:1]
    assert len(records) == len(OTHERS)
    assert "the text of record" in said[0]
    assert "cannot be read whole" in said[0]


def test_many_faults_are_counted(read):
    machine = Machine()
    ring = Ring(machine).write()
    for number in range(len(MESSAGES)):
        number = ring.tail_id + number & ring.id_mask
        place, form = ring.info.fields["text_len"]
        machine.replace(ring.info_at(number) + place, machine.pack(form, 60_000))
    # The second of them has no data, and needs none
    machine.replace(
        ring.desc_at(ring.tail_id), machine.pack("Q", 2 << 62 | ring.tail_id ^ 64)
    )
    records, said = read(core(machine))
    assert len(records) == len(MESSAGES)
    assert len(said) == 9
    assert said[-1].endswith("core: 1 more faults of this log")


def test_more_text_than_the_ring_has_ends_the_log(read):
    """Records that share their blocks could make any amount of text of a file."""
    machine = Machine()
    ring = Ring(machine, count_bits=6, size_bits=9).write(
        [Message(n, b"x" * 200) for n in range(64)]
    )
    at, _ = ring.desc.fields["text_blk_lpos"]
    same = ring.lpos.make(begin=0, next=208)
    for number in range(64):
        number = ring.head_id - number & ring.id_mask
        machine.replace(
            ring.desc_at(number), machine.pack("Q", 2 << 62 | number) + same
        )
        assert at == 8
    ring.rewrite(tail_id=ring.head_id - 63 & ring.id_mask)
    records, said = read(core(machine))
    assert len(records) == 2
    assert "more text than the ring, 512 bytes: stopped" in said[-1]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"count_bits": 27}, "count_bits=27, no kernel has more than 26"),
        ({"size_bits": 32}, "size_bits=32, no kernel has more than 31"),
        ({"count_bits": 20}, "the array of descriptors has 25165824 bytes"),
        ({"size_bits": 25}, "the ring of text has 33554432 bytes, the whole file has"),
    ],
)
def test_sizes_that_cannot_be_are_refused(read, changes, what):
    machine = Machine()
    ring = Ring(machine).write()
    ring.rewrite(**changes)
    with pytest.raises(FdtMachineError, match=what):
        read(core(machine))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("SIZE(prb_desc)=24", "SIZE(prb_desc)=0", "cannot be"),
        ("SIZE(prb_desc)=24", "SIZE(prb_desc)=4097", "cannot be"),
        ("SIZE(prb_desc)=24", "SIZE(prb_desc)=16", "cannot both be"),
        ("OFFSET(prb_desc.state_var)=0", "OFFSET(prb_desc.state_var)=17", "cannot bo"),
        ("OFFSET(printk_info.seq)=0", "OFFSET(printk_info.seq)=x", "not a number"),
        ("OFFSET(printk_info.seq)=0\n", "", r"has no OFFSET\(printk_info.seq\)"),
        ("SYMBOL(prb)=f", "SYMBOL(prb)=7", "does not hold the address of the log"),
        ("OFFSET(prb_data_blk_lpos.next)=8", "OFFSET(prb_data_blk_lpos.next)=9", "bot"),
        (
            "OFFSET(atomic_long_t.counter)=0",
            "OFFSET(atomic_long_t.counter)=17",
            "prb_d",
        ),
    ],
)
def test_a_note_that_cannot_be_is_refused(read, old, new, what):
    machine = Machine()
    Ring(machine).write()
    info = "".join(line + "\n" for line in machine.lines)
    assert old in info
    with pytest.raises(FdtMachineError, match=what):
        read(core(machine, info=info.replace(old, new).encode()))


@pytest.mark.parametrize(
    ("info", "what"),
    [
        (b"OSRELEASE=6.1\n", "neither SYMBOL.prb. nor SYMBOL.log_first_idx."),
        (b"SYMBOL(log_first_idx)=1\n", "has no SIZE.log."),
    ],
)
def test_a_note_without_a_log_is_refused(read, info, what):
    with pytest.raises(FdtMachineError, match=what):
        read(core(Machine(), info=info))


def test_a_core_without_the_note_is_refused(read):
    blob = core(Machine()).replace(b"VMCOREINFO", b"VMCOREINFX")
    with pytest.raises(FdtMachineError, match="has no VMCOREINFO note"):
        read(blob)


def log_buffer(at=None, size=2048, **fields):
    """A log buffer whose record at a byte has other values."""
    machine = Machine()
    log = LogBuffer(machine, size=size).write()
    for name, value in fields.items():
        place, form = log.record.fields[name]
        machine.replace(log.data + at + place, machine.pack(form, value))
    return machine, log


SECOND = 24 + 35 + 13  # a record's header, the first text, its subsystem


@pytest.mark.parametrize("length", [1, 23, 3000, 0])
def test_behind_a_damaged_record_of_a_log_buffer_none_is_found(read, length):
    machine, log = log_buffer(at=SECOND, len=length)
    if not length:  # taken for the end of the buffer, and then again
        machine.replace(log.data + 8, machine.pack("H", 0))
    records, said = read(core(machine))
    assert texts(records) == (OTHERS[:1] if length else [])
    assert "the log is damaged; the next ones" in said[0]


def test_text_longer_than_its_record_is_cut(read):
    machine, _ = log_buffer(at=0, text_len=65535)
    records, said = read(core(machine))
    assert texts(records)[1:] == OTHERS[1:]
    assert records[0].text.startswith(OTHERS[0] + b"SUBSYSTEM=net")
    assert "says 65535 bytes of text, it has 48" in said[0]


@pytest.mark.parametrize("first", [2047, 2048, 2**32 - 1])
def test_a_log_buffer_that_starts_outside_of_itself(read, first):
    machine, log = log_buffer()
    machine.replace(log.places["log_first_idx"], machine.pack("I", first))
    records, said = read(core(machine))
    assert records == []
    assert f"the log cannot be read from byte {first} on" in said[0]


def test_a_log_buffer_whose_end_is_never_met_ends(read):
    machine, log = log_buffer()
    machine.replace(log.places["log_next_idx"], machine.pack("I", 3))
    records, said = read(core(machine))
    assert texts(records[: len(OTHERS)]) == OTHERS
    assert len(said) == 1


@forms
@shapes
def test_every_byte_spoilt_and_every_end_give_a_log_or_a_typed_error(
    tmp_path, form, bits, big
):
    machine = Machine(bits, big, memory=bytearray())
    messages = MESSAGES[:4]
    if form is Ring:
        form(machine, count_bits=2, size_bits=8).write(messages)
    else:
        form(machine, size=320).write(messages)
    blob = core(machine, pieces=2)
    path = tmp_path / "core"
    path.write_bytes(blob)
    failed = read = 0

    def look():
        nonlocal failed, read
        try:
            records = list(dmesg(path, damaged=str))
        except FdtMachineError as e:
            failed += str(path) in str(e)
        else:
            assert sum(map(len, texts(records))) <= len(blob)
            read += 1

    with open(path, "r+b", buffering=0) as f:
        for at in range(0, len(blob)):
            os.pwrite(f.fileno(), bytes((blob[at] ^ (1 << at % 8),)), at)
            look()
            os.pwrite(f.fileno(), blob[at : at + 1], at)
        for end in range(len(blob) - 1, -1, -1):
            os.truncate(f.fileno(), end)
            look()
    assert failed + read == 2 * len(blob)
    assert min(failed, read) > 500


# Files


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"KDUMP   " + bytes(90), "makedumpfile --dump-dmesg .*core dmesg.txt reads"),
        (b"DISKDUMP" + bytes(90), "makedumpfile --dump-dmesg .*core dmesg.txt reads"),
        (b"makedumpfile".ljust(16, b"\0") + bytes(90), "makedumpfile -R .* < .*core"),
        (b"\x1f\x8b" + bytes(90), "is compressed with gzip, no ELF core"),
        (b"\x7fELF\2\1\1", "is not an ELF core"),
        (b"\x7fELF\3\1\1" + bytes(90), "is not an ELF core"),
        (bytes(90), "is not an ELF core"),
    ],
)
def test_another_file_is_named(read, data, what):
    with pytest.raises(FdtMachineError, match=what):
        read(data)


@pytest.mark.parametrize("name", ["nothing", "", "fifo", "folder", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FdtMachineError, match=r"^dmesg.*: "):
        dmesg(os.path.join(tmp_path, name) if name else "")


def test_a_fault_is_a_warning_if_nobody_listens(tmp_path):
    machine, _ = damage(1, text_len=65535)
    (tmp_path / "core").write_bytes(core(machine))
    with pytest.warns(FdtWarning, match="says 65535 bytes of text") as told:
        assert len(list(dmesg(tmp_path / "core"))) == len(MESSAGES)
    assert told[0].filename == __file__


def test_no_descriptor_stays_open(tmp_path):
    machine = Machine()
    Ring(machine).write()
    (tmp_path / "core").write_bytes(core(machine))
    (tmp_path / "bad").write_bytes(bytes(99))
    (tmp_path / "none").write_bytes(core(machine, info=b""))
    gc.collect()
    before = os.listdir("/proc/self/fd")
    dmesg(tmp_path / "core")
    list(dmesg(tmp_path / "core"))
    next(dmesg(tmp_path / "core"))
    for name in ("bad", "none"):
        with pytest.raises(FdtError):
            dmesg(tmp_path / name)
    gc.collect()
    assert os.listdir("/proc/self/fd") == before


def test_pieces_that_overlap_are_read_once_each(read):
    """The first one has what two claim; one inside of another has nothing."""
    machine = Machine()
    Ring(machine).write()
    blob = bytearray(core(machine, pieces=2))
    row = 64 + 2 * 56 + 16  # the second piece's p_vaddr; p_offset stands before
    for back in (8, 64):
        at = int.from_bytes(blob[row : row + 8], "little") - back
        offset = int.from_bytes(blob[row - 8 : row], "little") - back
        size = int.from_bytes(blob[row + 16 : row + 24], "little") + back
        blob[row : row + 8] = at.to_bytes(8, "little")
        blob[row - 8 : row] = offset.to_bytes(8, "little")
        blob[row + 16 : row + 24] = size.to_bytes(8, "little")
        records, said = read(bytes(blob))
        assert (texts(records), said) == (OTHERS, [])


def test_a_piece_inside_of_another_one_hides_nothing_of_it(tmp_path):
    """The first byte that two claim is the first one's; what it has behind the other
    is still there."""
    (tmp_path / "core").write_bytes(bytes(range(100)))
    with open(tmp_path / "core", "rb") as f:
        rows = [
            Row(1, [0, 0x1000, 0, 50], 0),
            Row(1, [60, 0x1010, 0, 8], 0),
            Row(1, [70, 0x1030, 0, 10], 0),
        ]
        file = SimpleNamespace(fd=f.fileno(), order="<", rows=rows)
        memory = Memory(file, 100, 8)
        want = bytes([*range(50), *range(72, 80)])
        assert memory.read(0x1000, 100) == want
        for at in range(len(want)):
            assert memory.read(0x1000 + at, 4) == want[at : at + 4]
        assert memory.read(0xFFF, 4) == memory.read(0x1000 + len(want), 4) == b""


def test_behind_the_end_of_an_array_is_nothing(tmp_path):
    (tmp_path / "core").write_bytes(bytes(range(100)))
    with open(tmp_path / "core", "rb") as f:
        file = SimpleNamespace(
            fd=f.fileno(), order="<", rows=[Row(1, [0, 0x1000, 0, 100], 0)]
        )
        array = Array(Memory(file, 100, 8), 0x1000, 50)
        for at in range(60):
            assert array.read(at, 8) == bytes(range(at, min(50, at + 8)))


# Commands


@pytest.fixture
def tool(tmp_path):
    def run(*args, module="pyfdtx.tools.vmcore_dmesg"):
        done = subprocess.run(
            [sys.executable, "-m", module, *args],
            capture_output=True,
            cwd=tmp_path,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def cores(tmp_path):
    """good, bad (damaged), text."""
    machine = Machine()
    Ring(machine).write()
    (tmp_path / "good").write_bytes(core(machine))
    machine, _ = damage(1, text_len=65535)
    (tmp_path / "bad").write_bytes(core(machine))
    (tmp_path / "text").write_bytes(b"text\n")
    return tmp_path


LINES = b"".join(line(m) + b"\n" for m in MESSAGES)


def test_both_commands_write_the_log(tool, cores):
    assert tool("good") == (0, LINES, b"")
    assert tool("dmesg", "good", module="pyfdtx") == (0, LINES, b"")
    program = Path(sys.executable).with_name("pyfdtx-vmcore-dmesg")
    done = subprocess.run([program, cores / "good"], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, LINES, b"")


@pytest.mark.parametrize(
    ("module", "args", "name", "status"),
    [
        ("pyfdtx.tools.vmcore_dmesg", (), b"vmcore-dmesg", 2),
        ("pyfdtx", ("dmesg",), b"pyfdtx", 1),
    ],
)
def test_a_fault_is_told_and_is_a_status(tool, cores, module, args, name, status):
    got, out, err = tool(*args, "bad", module=module)
    assert got == status
    assert out.count(b"\n[") == len(MESSAGES) - 1
    assert err.startswith(name + b": warning: bad: record ")
    assert tool(*args, "text", module=module) == (
        status, b"", name + b": dmesg text: is not an ELF core; "
        b"give /proc/vmcore of a crash kernel, or a copy of it\n"
    )  # fmt: skip
    assert tool(*args, "nothing", module=module) == (
        status, b"", name + b": dmesg nothing: No such file or directory\n"
    )  # fmt: skip


def test_the_tools_usage(tool, cores):
    """kexec-tools 2.0.25 and 2.0.32: 1 without a file, or with two."""
    for args in ((), ("good", "good")):
        status, out, err = tool(*args)
        assert (status, err) == (1, b"")
        assert out.startswith(b"usage: vmcore-dmesg CORE\n")
    for word in ("-h", "--help"):
        assert tool(word)[:2] == (0, out)
    for word in ("-V", "--version"):
        assert tool(word)[1].startswith(b"vmcore-dmesg (pyfdtx) ")


def test_json_has_a_line_for_each_message(tool, cores):
    import json

    status, out, err = tool("dmesg", "--json", "good", module="pyfdtx")
    assert (status, err) == (0, b"")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["ns"] for row in rows] == [m.ns for m in MESSAGES]
    assert rows[3] == {
        "sequence": 3,
        "ns": 1_000_000_000,
        "caller": "C3",
        "text": "first line\nsecond line\n\tthird",
    }
    assert rows[4]["text"] == "a tab\there, caf\u00e9, \u001b[31mred, back\\slash"
