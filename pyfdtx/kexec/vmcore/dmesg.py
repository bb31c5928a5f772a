# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel log in a core: printk's ring buffer, and the log buffer before 5.10.

Everything in the core may be damaged or made up. What is read of it is bounded by
the size of the file, and what cannot be read is named.

Source: Linux kernel/printk/printk_ringbuffer.[ch] and printk.c;
Documentation/admin-guide/kdump/vmcoreinfo.rst.
"""

from __future__ import annotations

import os

from ...errors import FdtMachineError, warn
from ...files.kinds import kind_of
from ...files.reading import open_regular
from ..facts.elf import CoreFile, read_at
from ..facts.vmcoreinfo import Vmcoreinfo
from .memory import Array, Memory

__all__ = ["Record", "dmesg"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Told = Callable[[str], None]

OP = "dmesg"
GIVE = "give /proc/vmcore of a crash kernel, or a copy of it"
# Other files that hold a kernel's memory: what they start with, what they are, and
# the way out (makedumpfile(8))
OTHERS = (
    (
        b"KDUMP   ",
        "compressed by makedumpfile",
        "makedumpfile --dump-dmesg {file} dmesg.txt reads it",
    ),
    (
        b"DISKDUMP",
        "compressed, in the format of diskdump",
        "makedumpfile --dump-dmesg {file} dmesg.txt reads it",
    ),
    (
        b"makedumpfile\0\0\0\0",
        "flattened by makedumpfile",
        "makedumpfile -R {file}.core < {file} puts it together first",
    ),
)
# Linux kernel/printk/printk.c: LOG_BUF_LEN_MAX is 2 GiB, and there is a descriptor
# for each 2**PRB_AVGBITS bytes of it
MAX_SIZE_BITS, MAX_COUNT_BITS = 31, 31 - 5
# printk_ringbuffer.h: enum desc_state, in the two top bits of state_var
SHOWN = (1, 2)  # committed, finalized
# Bytes of one descriptor or of one record's header at most; they have 24 and 88
MAX_STRUCTURE = 4096
CALLER_IS_CPU = 1 << 31
# C's isprint() and isspace() in ASCII
PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\v\f\r"
SHOWN_AS = [bytes((c,)) if c in PLAIN else b"\\x%02x" % c for c in range(256)]
# Faults that are told one by one
TOLD = 8


class Record:
    """One message.

    ns: since the boot, nanoseconds. text: as the kernel has it: any bytes, lines
    apart by newlines. caller: "T1234" for a task, "C0" for a CPU, None if the
    kernel does not say. sequence: the kernel's number of it; None before 5.10.
    """

    __slots__ = ("caller", "ns", "sequence", "text")

    def __init__(self, ns: int, text: bytes, caller: str | None, sequence: int | None):
        self.ns = ns
        self.text = text
        self.caller = caller
        self.sequence = sequence

    def __repr__(self) -> str:
        return f"<Record {self.ns} {self.caller} {self.text!r}>"

    def line(self) -> bytes:
        """As vmcore-dmesg(8) writes it, without a newline at its end: what is not
        printable ASCII as backslash, x, two digits."""
        seconds, rest = divmod(self.ns // 1000, 1_000_000)
        text = self.text
        if text.translate(None, PLAIN):
            text = b"".join([SHOWN_AS[c] for c in text])
        return b"[%5d.%06d] %b" % (seconds, rest, text)


def dmesg(
    core: str | os.PathLike[str], *, damaged: Told | None = None
) -> Iterator[Record]:
    """The messages of a dead kernel, the oldest first, as they are read.

    Args:
        core: /proc/vmcore or a copy of it: ELF64 or ELF32, of any byte order.
        damaged: is told, in a sentence, of what cannot be read or contradicts
            itself; None: it becomes an FdtWarning. The messages that can be read
            are given nevertheless.
    Raises:
        FdtMachineError: core cannot be read, is no ELF core, does not say where the
            log is, or the log is nowhere in it.
    """
    path = os.fspath(core)
    try:
        fd = open_regular(path)
    except OSError as e:
        raise FdtMachineError(OP, path, e.strerror or str(e)) from e
    except ValueError as e:  # a NUL in the name
        raise FdtMachineError(OP, path, str(e)) from None
    try:
        log = _Log(fd, path, damaged or warn)
    except OSError as e:
        raise FdtMachineError(OP, path, e.strerror or str(e)) from e
    return log.records()


class _File:
    """Closes its descriptor when nobody has it any more: an iterator that was never
    started has no end."""

    __slots__ = ("fd",)

    def __init__(self, fd: int):
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)


class _Log:
    """What is known of a log before its records: where it is, how it is laid out."""

    def __init__(self, fd: int, path: str, tell: Told):
        self._file = _File(fd)
        self.fd = fd
        self.path = path
        self._tell = tell
        self._faults = 0
        core = self._core()
        text = core.vmcoreinfo()
        if text is None:
            raise self.error(
                "has no VMCOREINFO note: the kernel that died wrote none, or this is "
                "no core of a kernel"
            )
        self.info = Vmcoreinfo(text, path, OP)
        self.memory = Memory(core, os.fstat(fd).st_size, self._long(core.bits))
        if "SYMBOL(prb)" in self.info:
            self.log: _Ring | _Buffer = _Ring(self)
        elif "SYMBOL(log_first_idx)" in self.info:
            self.log = _Buffer(self)
        else:
            raise self.error(
                "does not say where the log is: VMCOREINFO has neither SYMBOL(prb) "
                "nor SYMBOL(log_first_idx), which kernels have since 3.5"
            )

    def error(self, cause: str) -> FdtMachineError:
        return FdtMachineError(OP, self.path, cause)

    def damaged(self, text: str) -> None:
        self._faults += 1
        if self._faults <= TOLD:
            self._tell(f"{self.path}: {text}")

    def records(self) -> Iterator[Record]:
        yield from self.log.records()
        if self._faults > TOLD:
            self._tell(f"{self.path}: {self._faults - TOLD} more faults of this log")

    def _core(self) -> CoreFile:
        head = read_at(self.fd, 64, 0)
        for magic, what, helps in OTHERS:
            if head.startswith(magic):
                help_ = helps.format(file=self.path)
                raise self.error(f"is {what}, no ELF core; {help_}")
        kind = kind_of(head)
        if kind is not None and head[:4] != b"\x7fELF":
            raise self.error(f"is {kind[0]}, no ELF core; {GIVE}")
        if head[:4] != b"\x7fELF":
            raise self.error(f"is not an ELF core; {GIVE}")
        return CoreFile(self.fd, self.path, OP)

    def _long(self, bits: int) -> int:
        """Of the kernel, which need not be the file's: a list_head is two pointers."""
        if "SIZE(list_head)" in self.info:
            size = self.info.size("list_head")
            if size in (8, 16):
                return size // 2
        return bits // 8

    # What stands in memory at a name of VMCOREINFO

    def read(self, form: str, address: int, what: str) -> int:
        """A number at an address; form: I, or L for an unsigned long."""
        size = {"I": 4, "L": self.memory.long}[form]
        data = self.memory.read(address, size)
        if len(data) < size:
            raise self.error(
                f"does not hold {what}, which is at {address:#x}: the core is cut off "
                "or damaged"
            )
        return self.memory.number(form, data, 0)

    def field(self, form: str, base: int, name: str) -> int:
        """The number in a field "structure.field" of the structure at base."""
        return self.read(form, base + self.info.offset(name), name)

    def array(self, address: int, size: int, what: str) -> Array:
        if size > self.memory.file_size:
            raise self.error(
                f"says that {what} has {size} bytes, the whole file has "
                f"{self.memory.file_size}: the log is damaged or the core cut off"
            )
        return Array(self.memory, address, size)

    def structure(self, name: str, fields: dict[str, int]) -> tuple[int, list[int]]:
        """Bytes of a structure, and where its fields are; fields: their bytes."""
        size = self.info.size(name)
        if not 0 < size <= MAX_STRUCTURE:
            raise self.error(f"says SIZE({name})={size}, which cannot be")
        places = [self.info.offset(f"{name}.{field}") for field in fields]
        for place, (field, width) in zip(places, fields.items()):
            if place + width > size:
                raise self.error(
                    f"says OFFSET({name}.{field})={place} and SIZE({name})={size}, "
                    "which cannot both be"
                )
        return size, places

    def caller(self, name: str, size: int) -> int | None:
        """Where a structure of size bytes has the caller's id, if it has one."""
        if f"OFFSET({name}.caller_id)" not in self.info:
            return None
        place = self.info.offset(f"{name}.caller_id")
        return place if place + 4 <= size else None

    def record(
        self,
        data: bytes,
        ns: int,
        caller: int | None,
        text: bytes,
        sequence: int | None,
    ) -> Record:
        """data: the structure that has the caller's id."""
        who = None
        if caller is not None:
            number = self.memory.number("I", data, caller)
            kind = "C" if number & CALLER_IS_CPU else "T"
            who = f"{kind}{number & ~CALLER_IS_CPU}"
        return Record(self.memory.number("Q", data, ns), text, who, sequence)


class _Ring:
    """printk_ringbuffer: descriptors and infos by id, text in blocks of a ring."""

    def __init__(self, log: _Log):
        self.log = log
        long = log.memory.long
        self.bits = 8 * long
        self.ids = (1 << self.bits - 2) - 1
        at = log.read("L", log.info.symbol("prb"), "the address of the log, prb")
        descs = at + log.info.offset("printk_ringbuffer.desc_ring")
        texts = at + log.info.offset("printk_ringbuffer.text_data_ring")
        counter = 0
        if "OFFSET(atomic_long_t.counter)" in log.info:
            counter = log.info.offset("atomic_long_t.counter")
        self.head = log.field("L", descs + counter, "prb_desc_ring.head_id") & self.ids
        self.tail = log.field("L", descs + counter, "prb_desc_ring.tail_id") & self.ids
        self.count = self._power(descs, "prb_desc_ring.count_bits", MAX_COUNT_BITS)
        self.size = self._power(texts, "prb_data_ring.size_bits", MAX_SIZE_BITS)

        self.desc, (self.state, lpos) = log.structure(
            "prb_desc", {"state_var": long, "text_blk_lpos": 2 * long}
        )
        self.state += counter
        _, (begin, next_) = log.structure(
            "prb_data_blk_lpos", {"begin": long, "next": long}
        )
        self.begin, self.next = lpos + begin, lpos + next_
        self.info, (self.seq, self.ns, self.length) = log.structure(
            "printk_info", {"seq": 8, "ts_nsec": 8, "text_len": 2}
        )
        self.caller = log.caller("printk_info", self.info)
        if max(self.state, self.begin, self.next) + long > self.desc:
            raise log.error("says of prb_desc what cannot be")
        self.descs = log.array(
            log.field("L", descs, "prb_desc_ring.descs"),
            self.count * self.desc,
            "the array of descriptors",
        )
        self.infos = log.array(
            log.field("L", descs, "prb_desc_ring.infos"),
            self.count * self.info,
            "the array of infos",
        )
        self.texts = log.array(
            log.field("L", texts, "prb_data_ring.data"), self.size, "the ring of text"
        )

    def _power(self, base: int, name: str, most: int) -> int:
        bits = self.log.field("I", base, name)
        if bits > most:
            raise self.log.error(
                f"says {name}={bits}, no kernel has more than {most}: damaged"
            )
        return 1 << bits

    def records(self) -> Iterator[Record]:
        log = self.log
        count = (self.head - self.tail & self.ids) + 1
        if count > self.count:
            log.damaged(
                f"the log has {self.count} descriptors, but says that its records are "
                f"{self.tail} to {self.head}: all are tried"
            )
            count = self.count
        left = self.size
        for back in range(count - 1, -1, -1):
            number = self.head - back & self.ids
            record = self._record(number)
            if record is None:
                continue
            left -= len(record.text)
            if left < 0:
                log.damaged(
                    f"the records have more text than the ring, {self.size} bytes: "
                    f"stopped at record {number}"
                )
                return
            yield record

    def _record(self, number: int) -> Record | None:
        log, memory = self.log, self.log.memory
        index = number % self.count
        desc = self.descs.read(index * self.desc, self.desc)
        if len(desc) < self.desc:
            log.damaged(f"the descriptor of record {number} cannot be read")
            return None
        state = memory.number("L", desc, self.state)
        if state >> self.bits - 2 not in SHOWN:
            return None
        if state & self.ids != number:
            log.damaged(
                f"record {number} is shown although its descriptor is of "
                f"{state & self.ids}"
            )
        info = self.infos.read(index * self.info, self.info)
        if len(info) < self.info:
            log.damaged(f"the info of record {number} cannot be read")
            return None
        text = self._text(
            number,
            memory.number("L", desc, self.begin),
            memory.number("L", desc, self.next),
            memory.number("H", info, self.length),
        )
        seq = memory.number("Q", info, self.seq)
        return log.record(info, self.ns, self.caller, text, seq)

    def _text(self, number: int, begin: int, next_: int, length: int) -> bytes:
        """What lies between two logical positions: an id, then the text."""
        log, long = self.log, self.log.memory.long
        if begin & 1:
            return b""
        # A block that would reach the end of the ring stands at its start
        at, end = begin % self.size, next_ % self.size or self.size
        if at >= end:
            at = 0
        room = end - at - long
        if length > room:
            log.damaged(
                f"record {number} says {length} bytes of text, its block has "
                f"{max(room, 0)}"
            )
            length = max(room, 0)
        data = self.texts.read(at, long + length)
        if len(data) < long + length:
            log.damaged(f"the text of record {number} cannot be read whole")
        elif log.memory.number("L", data, 0) & self.ids != number:
            log.damaged(f"the text of record {number} may be of another one")
        return data[long:]


class _Buffer:
    """Before 5.10: records of any length behind each other, in log_buf."""

    def __init__(self, log: _Log):
        self.log = log
        info = log.info
        # It was renamed in 3.11
        name = "printk_log" if "SIZE(printk_log)" in info else "log"
        self.head, (self.ns, self.length, self.text) = log.structure(
            name, {"ts_nsec": 8, "len": 2, "text_len": 2}
        )
        self.caller = log.caller(name, self.head)
        self.first = log.read("I", info.symbol("log_first_idx"), "log_first_idx")
        self.next = log.read("I", info.symbol("log_next_idx"), "log_next_idx")
        at = log.read("L", info.symbol("log_buf"), "the address of the log, log_buf")
        size = log.read("I", info.symbol("log_buf_len"), "log_buf_len")
        self.data = log.array(at, size, "the log")

    def records(self) -> Iterator[Record]:
        log, memory = self.log, self.log.memory
        at, seen, wrapped = self.first, 0, False
        while at != self.next:
            head = self.data.read(at, self.head) if at < self.data.size else b""
            if len(head) < self.head:
                return log.damaged(f"the log cannot be read from byte {at} on")
            length = memory.number("H", head, self.length)
            if not length and not wrapped:
                at, wrapped = 0, True
                continue
            seen += length
            if length < self.head or seen > self.data.size:
                return log.damaged(
                    f"the record at byte {at} of the log is damaged; the next ones are "
                    "not found without it"
                )
            text = memory.number("H", head, self.text)
            if text > length - self.head:
                log.damaged(
                    f"the record at byte {at} says {text} bytes of text, it has "
                    f"{length - self.head}"
                )
                text = length - self.head
            data = self.data.read(at + self.head, text)
            if len(data) < text:
                log.damaged(f"the text at byte {at} of the log cannot be read whole")
            yield log.record(head, self.ns, self.caller, data, None)
            at += length
