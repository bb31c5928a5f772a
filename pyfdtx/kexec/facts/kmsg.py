# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The running kernel's log, as far as it tells what hardware goes on writing to.

A redistributor of a GICv3 keeps its tables of LPIs when a kernel leaves. Without UEFI
nothing but the log says where they are; /proc/iomem does not show them. The next
kernel takes them over if they are reserved, and wipes them: so nothing of ours may lie
there.

Source: Linux drivers/irqchip/irq-gic-v3-its.c its_setup_lpi_prop_table(),
its_cpu_init_lpis(), gic_check_reserved_range(); Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import errno
import os

from ...codec.memrange import MemRange
from .number import hexadecimal

__all__ = ["lpi_lines", "lpi_tables", "read_kmsg"]

# LPI_PROPBASE_SZ and LPI_PENDBASE_SZ: 65536 LPIs, a byte and a bit for each, in whole
# pieces of 64 KiB
TABLE = 64 << 10
TABLES = (" LPI property table @0x", " LPI pending table @0x")
# Of a record, include/linux/printk.h PRINTK_MESSAGE_MAX
RECORD = 8192
# A log has megabytes at most; a device that never ends is not one
MAX_RECORDS = 1 << 20


def read_kmsg(path: str = "/dev/kmsg") -> str:
    """All that is in the log now.

    Raises:
        OSError: it cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    records = []
    try:
        for _ in range(MAX_RECORDS):
            try:
                record = os.read(fd, RECORD)
            except BlockingIOError:
                break
            except OSError as e:
                if e.errno != errno.EPIPE:  # it was overwritten meanwhile
                    raise
                continue
            if not record:
                break
            records.append(record)
    finally:
        os.close(fd)
    return b"".join(records).decode("utf-8", "replace")


def lpi_lines(log: str) -> str:
    """The lines that lpi_tables() reads."""
    lines = log.splitlines()
    return "".join(f"{line}\n" for line in lines if any(t in line for t in TABLES))


def lpi_tables(log: str) -> list[MemRange]:
    """Where the tables are; each is named once."""
    found = set()
    for line in log.splitlines():
        for text in TABLES:
            _, said, address = line.partition(text)
            try:
                start = hexadecimal(address.strip()) if said else 0
            except ValueError:
                continue
            if start and start < 1 << 52:  # a physical address
                found.add(MemRange(start, TABLE))
    return sorted(found)
