# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""second_kernel_dtb(): arguments in, one call of the extension, bytes out.

docs/second-kernel.md says what is written, in which order. Plain arguments are handled
by one function in C. When an error or a warning is due it returns None; then full.py
handles the call, which loads cffi.
"""

from __future__ import annotations

import os

from ..._core import second_kernel as _plain
from ...codec.memrange import MemRange
from ..architecture import arch_of, arches
from .crash import RNG_SEED_SIZE, Crash, bytes_of, refuse

__all__ = ["second_kernel_dtb"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Buffer

    from ..architecture import Arch
    from .crash import Pair

# By name: those whose trees are made here, once they have been asked for
_ARCHES: dict[str, Arch] = {}


def arch_facts(name: object) -> Arch | None:
    """The record of an architecture whose trees are made here, and of no other."""
    if not isinstance(name, str):
        return None
    if name not in _ARCHES:
        found = arch_of(name)
        if found is None or found.crash_words < 0 or found.name != name:
            return None
        _ARCHES[name] = found
    return _ARCHES[name]


def arch_names() -> list[str]:
    """Of all architectures whose trees are made here."""
    return [arch.name for arch in arches() if arch.crash_words >= 0]


def second_kernel_dtb(
    blob: Buffer,
    *,
    cmdline: str | None = None,
    append: str | None = None,
    initrd: Pair | None = None,
    crash: Crash | None = None,
    kaslr_seed: int | Literal["random"] | None = "random",
    rng_seed: Buffer | Literal["random"] | None = "random",
    arch: Literal["arm64", "arm", "riscv"] = "arm64",
    max_usable: int = 2,
    root_cells: Literal["keep", "2/2"] = "keep",
    old_dtb: Pair | None = None,
    load_address: int | None = None,
) -> bytes:
    """The device tree for the kernel that boots next.

    Takes the tree that booted this kernel, removes what was true for this boot
    only, and says what the next kernel must know.

    Args:
        blob: the boot DTB, any bytes-like object; never changed.
        cmdline: the whole command line; None keeps the old one, "" removes it.
        append: words to put behind the old command line.
        initrd: where it lies, a MemRange or (start, size), physical bytes;
            None: there is none. (linux,initrd-end is written exclusive.)
        crash: core header and usable memory make it a crash kernel's tree;
            None: a plain kexec.
        kaslr_seed: a number below 2**64, "random", or None to leave it out.
        rng_seed: bytes, "random" (128 bytes), or None to leave it out.
        arch: "arm64", "arm" or "riscv".
        max_usable: how many usable ranges the crash kernel reads. Linux: 2
            (drivers/of/fdt.c MAX_USABLE_RANGES).
        root_cells: "keep" writes crash.elfcorehdr and crash.usable with root's
            #address-cells and #size-cells; "2/2" makes these 2 and 2 first, if
            no other property depends on them. Only for a crash tree.
        old_dtb: where the running kernel's tree lies, to drop its reservation;
            as initrd.
        load_address: where the result will lie, a physical address, to check
            that it is a multiple of 8.
    Returns: the new tree in canonical form, exactly as long as its totalsize:
        at most 2 MiB for arm64 and riscv, 1 MiB for arm. An independent copy.
    Raises:
        TypeError: an argument of the wrong type.
        FdtBadParameter: an argument that cannot be; the message names it.
        FdtBadBlob: blob is not a sound device tree.
        FdtBadContent: root's cells are missing or unsound (FDT_ERR_BADNCELLS),
            a range does not fit them (FDT_ERR_BADVALUE), or the result is larger
            than the architecture's kernels take.
    Warns:
        FdtWarning: the kernel would not find its core header, cut the command
            line off, or, for mem= in it, its usable memory.
    Source: Linux drivers/of/kexec.c of_kexec_alloc_and_setup_fdt();
        docs/second-kernel.md.
    """
    data = blob if type(blob) is bytes else bytes_of(blob)
    facts = _ARCHES.get(arch) if type(arch) is str else None
    if facts is None:
        facts = arch_facts(arch)
    wide = root_cells == "2/2"
    if type(kaslr_seed) is str and kaslr_seed == "random":
        kaslr_seed = int.from_bytes(os.urandom(8), "big")
    if type(rng_seed) is str and rng_seed == "random":
        rng_seed = os.urandom(RNG_SEED_SIZE)
    cells_said = wide or root_cells == "keep"
    if facts is not None and load_address is None and cells_said:
        # None when an argument is not plain, or an error or a warning is due
        done = _plain(
            data,
            facts.crash_words,
            facts.command_line_size,
            facts.header_inside,
            facts.max_dtb,
            cmdline,
            append,
            initrd,
            crash,
            kaslr_seed,
            rng_seed,
            max_usable,
            wide,
            old_dtb,
            MemRange,
            Crash,
        )
        if done is not None:
            return done

    # Loads cffi, which plain arguments do without
    from . import arguments, full

    if facts is None:
        refuse("arch", f"{arch!r} is not one of {', '.join(arch_names())}")
    told = arguments.read(
        facts,
        cmdline=cmdline,
        append=append,
        initrd=initrd,
        crash=crash,
        kaslr_seed=kaslr_seed,
        rng_seed=rng_seed,
        max_usable=max_usable,
        root_cells=root_cells,
        old_dtb=old_dtb,
        load_address=load_address,
    )
    return full.make(data, facts, crash, told)
