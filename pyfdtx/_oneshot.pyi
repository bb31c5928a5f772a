# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
HEADER_WORD: int
MEM_WORD: int
WORDS_FIRST: int

def second_kernel(
    blob: object,
    words: int,
    command_line_size: int,
    header_inside: bool,
    max_size: int,
    cmdline: object,
    append: object,
    initrd: object,
    crash: object,
    kaslr_seed: object,
    rng_seed: object,
    max_usable: object,
    root_cells_2_2: bool,
    old_dtb: object,
    mem_range: type,
    crash_class: type,
    /,
) -> bytes | None: ...
