# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Runs in the first kernel of test_x86_64.py: loads a crash kernel whose command
line has its memory map, too, and panics."""

import kdump_guest

from pyfdtx.kexec import Machine, core_header_of, crash_memory_map, memmap_words

machine = Machine()
# The running kernel's loader puts the header at the start of the region
place = machine.crash_main.start, len(core_header_of(machine))
words = memmap_words(crash_memory_map(machine, elfcorehdr=place))
kdump_guest.first(f"console=ttyS0 panic=-1 quiet maxcpus=1 nokaslr {words}")
