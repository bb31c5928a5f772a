# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ELF cores of kernels that never lived, with a log as printk leaves it.

Written from the kernel's own description, not from our reader:
kernel/printk/printk_ringbuffer.c (head comment: descriptors, states, data blocks
that wrap), printk_ringbuffer.h (the structures), kernel/printk/printk.c
(log_buf_vmcoreinfo_setup(); before 5.10 struct printk_log) and
Documentation/admin-guide/kdump/vmcoreinfo.rst; the file: elf(5).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

PT_LOAD, PT_NOTE = 1, 4
PAGE = 4096
# printk_ringbuffer.h: enum desc_state, in the two top bits of state_var
RESERVED, COMMITTED, FINALIZED, REUSABLE = range(4)
# printk_ringbuffer.c: positions of records without data
FAILED_LPOS, EMPTY_LINE_LPOS = 1, 3
TASK, CPU = 0, 1 << 31  # printk.c: caller_id


@dataclass
class Message:
    ns: int
    text: bytes
    caller: int = 0
    state: int = FINALIZED


MESSAGES = [
    Message(0, b"Linux version 6.1.0 (pyfdtx) #1 SMP"),
    Message(1_500_000, b"Command line: console=ttyS0"),
    Message(999_999_999, b"", caller=17),
    Message(1_000_000_000, b"first line\nsecond line\n\tthird", caller=CPU | 3),
    Message(12_345_678_901, b"a tab\there, caf\xc3\xa9, \x1b[31mred, back\\slash"),
    Message(2**40, b"x" * 300, caller=4_194_304),
    Message(99_999 * 10**9 + 999_999_999, b"edge of five digits"),
    Message(100_000 * 10**9, b"six digits"),
    Message(2**62 + 1, b"centuries later", caller=CPU | 4095),
]


@dataclass
class Machine:
    """bits, big: of the kernel; file_bits: of the ELF file, if not the same. base:
    where memory is mapped. gap: bytes in front of each field of a structure, as
    another kernel's might be."""

    bits: int = 64
    big: bool = False
    caller: bool = True
    gap: int = 0
    base: int = 0
    file_bits: int = 0
    memory: bytearray = field(default_factory=lambda: bytearray(PAGE))
    lines: list[str] = field(default_factory=lambda: ["OSRELEASE=6.1.0-pyfdtx"])

    def __post_init__(self) -> None:
        self.base = self.base or (0xFFFF_8000_0000_0000 if self.is64 else 0xC000_0000)
        self.order = ">" if self.big else "<"
        self.long = "Q" if self.is64 else "I"
        self.lines.append(f"SIZE(list_head)={2 * self.size('L')}")

    @property
    def is64(self) -> bool:
        return self.bits == 64

    def pack(self, form: str, *values: int) -> bytes:
        return struct.pack(self.order + form.replace("L", self.long), *values)

    def size(self, form: str) -> int:
        return struct.calcsize(self.order + form.replace("L", self.long))

    def put(self, data: bytes) -> int:
        """The address of data, from now on in memory."""
        self.memory += bytes(-len(self.memory) % 64)
        self.memory += data
        return self.base + len(self.memory) - len(data)

    def replace(self, address: int, data: bytes) -> None:
        at = address - self.base
        self.memory[at : at + len(data)] = data

    def symbol(self, name: str, address: int) -> None:
        self.lines.append(f"SYMBOL({name})={address:x}")

    def layout(self, name: str, fields: str) -> Layout:
        """A structure, from "field:form field:form"; in VMCOREINFO from now on."""
        found = Layout(self, name, fields)
        self.lines.append(f"SIZE({name})={found.size}")
        self.lines += [
            f"OFFSET({name}.{key})={at}" for key, (at, _) in found.fields.items()
        ]
        return found


class Layout:
    def __init__(self, machine: Machine, name: str, fields: str):
        self.machine = machine
        self.fields: dict[str, tuple[int, str]] = {}
        at = 0
        for row in fields.split():
            key, form = row.split(":")
            size = machine.size(form) if form in "HILQB" else int(form)
            align = size if form in "HILQB" else 8 if machine.is64 else 4
            at += machine.gap
            at += -at % align
            self.fields[key] = at, form
            at += size
        self.size = at + -at % (8 if "Q" in fields or machine.is64 else 4)

    def make(self, **values: int | bytes) -> bytes:
        out = bytearray(self.size)
        for key, value in values.items():
            at, form = self.fields[key]
            data = value if isinstance(value, bytes) else self.machine.pack(form, value)
            out[at : at + len(data)] = data
        return bytes(out)


@dataclass
class Ring:
    """printk's ring buffer (5.10 and later). first_id: of the first message; the
    text starts at the logical position text_at."""

    machine: Machine
    count_bits: int = 5
    size_bits: int = 11
    first_id: int | None = None
    text_at: int = 0
    exact_end: bool = False  # may a block end where the ring does? (6.18 and later)

    def write(self, messages: list[Message] = MESSAGES) -> Ring:
        m = self.machine
        self.mask = (1 << m.bits) - 1
        self.id_mask = self.mask >> 2
        count, size = 1 << self.count_bits, 1 << self.size_bits
        # printk_ringbuffer.h, DESC0_ID: the first id is one ring before 0
        first = (-count if self.first_id is None else self.first_id) & self.id_mask
        self.lpos = m.layout("prb_data_blk_lpos", "begin:L next:L")
        self.desc = m.layout("prb_desc", f"state_var:L text_blk_lpos:{self.lpos.size}")
        self.info = m.layout(
            "printk_info",
            "seq:Q ts_nsec:Q text_len:H facility:B flags:B "
            + ("caller_id:I " if m.caller else "")
            + "dev_info:64",
        )
        self.desc_ring = m.layout(
            "prb_desc_ring", "count_bits:I descs:L infos:L head_id:L tail_id:L"
        )
        self.data_ring = m.layout(
            "prb_data_ring", "size_bits:I data:L head_lpos:L tail_lpos:L"
        )
        self.prb = m.layout(
            "printk_ringbuffer",
            f"desc_ring:{self.desc_ring.size} text_data_ring:{self.data_ring.size} "
            "fail:L",
        )
        m.lines += [
            f"SIZE(atomic_long_t)={m.size('L')}",
            "OFFSET(atomic_long_t.counter)=0",
        ]

        data = bytearray(size)
        descs = [self.desc.make(state_var=REUSABLE << m.bits - 2)] * count
        infos = [bytes(self.info.size)] * count
        begins = []
        at = self.text_at
        for seq, message in enumerate(messages):
            number = first + seq & self.id_mask
            begin, next_, after = self._block(data, at, number, message.text)
            begins.append(at if after > at else after)
            at = after
            descs[number % count] = self.desc.make(
                state_var=number | message.state << m.bits - 2,
                text_blk_lpos=self.lpos.make(begin=begin, next=next_),
            )
            infos[number % count] = self.info.make(
                seq=seq,
                ts_nsec=message.ns,
                text_len=len(message.text),
                **({"caller_id": message.caller} if m.caller else {}),
            )
        # The oldest that is still there: later ones took neither descriptor nor text
        self.kept = min(count, sum(begin >= at - size for begin in begins))
        tail = begins[-self.kept]
        for seq in range(max(0, len(messages) - count), len(messages) - self.kept):
            number = first + seq & self.id_mask
            descs[number % count] = self.desc.make(
                state_var=number | REUSABLE << m.bits - 2
            )
        self.data = m.put(bytes(data))
        self.descs, self.infos = m.put(b"".join(descs)), m.put(b"".join(infos))
        self.head_id = first + len(messages) - 1 & self.id_mask
        self.tail_id = self.head_id - self.kept + 1 & self.id_mask
        self.at = m.put(self._prb(tail, at))
        m.symbol("prb", m.put(m.pack("L", self.at)))
        return self

    def _prb(self, tail: int, head: int) -> bytes:
        return self.prb.make(
            desc_ring=self.desc_ring.make(
                count_bits=self.count_bits,
                descs=self.descs,
                infos=self.infos,
                head_id=self.head_id,
                tail_id=self.tail_id,
            ),
            text_data_ring=self.data_ring.make(
                size_bits=self.size_bits,
                data=self.data,
                head_lpos=head & self.mask,
                tail_lpos=tail & self.mask,
            ),
        )

    def rewrite(self, **changes: int) -> None:
        """The ring's own structure, with other values."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.machine.replace(self.at, self._prb(0, 0))

    def _block(
        self, data: bytearray, at: int, number: int, text: bytes
    ) -> tuple[int, int, int]:
        """A data block: the id, then the text, in whole words; one that would reach
        the end of the ring stands at its start."""
        if not text:
            return EMPTY_LINE_LPOS, EMPTY_LINE_LPOS, at
        m, size = self.machine, 1 << self.size_bits
        word = m.pack("L", number)
        block = word + text
        block += bytes(-len(block) % len(word))
        begin, next_ = at, at + len(block)
        where = begin % size
        fits = where + len(block) < size + self.exact_end
        if not fits:
            data[where : where + len(word)] = word
            next_ = (begin // size + 1) * size + len(block)
            where = 0
        data[where : where + len(block)] = block
        return begin & self.mask, next_ & self.mask, next_

    def desc_at(self, number: int) -> int:
        return self.descs + number % (1 << self.count_bits) * self.desc.size

    def info_at(self, number: int) -> int:
        return self.infos + number % (1 << self.count_bits) * self.info.size


@dataclass
class LogBuffer:
    """What printk had before 5.10: records of any length, one behind the other.
    name: "log" before 3.11. first: where the oldest one is."""

    machine: Machine
    size: int = 2048
    first: int = 0
    name: str = "printk_log"

    def write(self, messages: list[Message] = MESSAGES) -> LogBuffer:
        m = self.machine
        self.record = m.layout(
            self.name,
            "ts_nsec:Q len:H text_len:H dict_len:H facility:B flags:B"
            + (" caller_id:I" if m.caller else ""),
        )
        data, at = bytearray(self.size), self.first
        for message in messages:
            device = b"SUBSYSTEM=net" if len(message.text) % 2 else b""
            body = message.text + device
            length = self.record.size + len(body)
            length += -length % 8
            # printk.c, logbuf_has_space(): room for an empty record stays behind it
            if at + length + self.record.size > self.size:
                data[at : at + self.record.size] = bytes(self.record.size)
                at = 0
            row = self.record.make(
                ts_nsec=message.ns,
                len=length,
                text_len=len(message.text),
                dict_len=len(device),
                **({"caller_id": message.caller} if m.caller else {}),
            )
            data[at : at + length] = (row + body).ljust(length, b"\0")
            at += length
        self.data = m.put(bytes(data))
        m.symbol("log_buf", m.put(m.pack("L", self.data)))
        self.places = {
            name: m.put(m.pack("I", value))
            for name, value in (
                ("log_buf_len", self.size),
                ("log_first_idx", self.first),
                ("log_next_idx", at),
            )
        }
        for name, address in self.places.items():
            m.symbol(name, address)
        return self


def core(
    machine: Machine, *, info: bytes | None = None, pieces: int = 3, notes: bytes = b""
) -> bytes:
    """The file, memory in so many pieces; notes: in front of VMCOREINFO's."""
    m = machine
    text = "".join(line + "\n" for line in m.lines).encode() if info is None else info
    wide = (m.file_bits or m.bits) == 64
    name = b"VMCOREINFO\0"
    notes += m.pack("3I", len(name), len(text), 0) + name.ljust(12, b"\0")
    notes += text + bytes(-len(text) % 4)
    head, entry = (64, 56) if wide else (52, 32)
    first = head + entry * (1 + pieces)
    memory = bytes(m.memory)
    step = -(-len(memory) // pieces)
    rows, body = [(PT_NOTE, first, 0, 0, len(notes))], notes
    for at in range(0, len(memory), step):
        piece = memory[at : at + step]
        rows.append(
            (PT_LOAD, first + len(body), m.base + at, 0x4000_0000 + at, len(piece))
        )
        body += piece + b"\xaa" * 24  # between the pieces lies something else
    out = b"\x7fELF" + bytes((2 if wide else 1, 2 if m.big else 1, 1)) + bytes(9)
    long = "Q" if wide else "I"
    out += m.pack(
        f"HHI{long}{long}{long}IHHHHHH",
        4,
        0,
        1,
        0,
        head,
        0,
        0,
        head,
        entry,
        len(rows),
        0,
        0,
        0,
    )
    for kind, offset, virtual, physical, size in rows:
        if wide:
            out += m.pack("2I6Q", kind, 7, offset, virtual, physical, size, size, 0)
        else:
            out += m.pack("8I", kind, offset, virtual, physical, size, size, 7, 0)
    return out.ljust(first, b"\0") + body
