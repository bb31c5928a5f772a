# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""second_kernel_dtb() for many blobs, in threads that do not wait for each other."""

from __future__ import annotations

import os

from .._oneshot import second_kernels
from ..errors import FdtBadBlob, FdtBadContent, FdtBadParameter
from ..memrange import MemRange
from .dtb import RNG_SEED_SIZE, Crash, arch_facts, second_kernel_dtb

__all__ = ["second_kernel_dtbs"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from typing_extensions import Buffer

    from .arch import Arch
    from .dtb import Pair

# Blobs that a thread takes at a time: fewer towards the end, so that all
# threads are done at about the same time
SLICE = 16


def second_kernel_dtbs(
    blobs: Iterable[Buffer],
    *,
    threads: int | None = None,
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
) -> list[bytes]:
    """The device trees for the kernel that boots next, of many boot DTBs.

    Args:
        blobs: the boot DTBs, bytes-like objects; never changed. Those that are
            not bytes are copied.
        threads: how many threads share the work, 1 or more; None: as many as
            there are CPUs for this process. The GIL is let go of while trees
            are made. Where few trees are to be made there are fewer threads.
        others: as second_kernel_dtb(), the same for all blobs; but random
            seeds are different ones for each.
    Returns: what second_kernel_dtb() returns for each of the blobs, in their
        order.
    Raises:
        TypeError, FdtBadParameter: as second_kernel_dtb(); or blobs is not
            several, or threads not 1 or more.
        FdtBadBlob, FdtBadContent: as second_kernel_dtb(), for the first blob
            that has something wrong; `where` starts with its place,
            "blobs[7]".
    Warns:
        FdtWarning: as second_kernel_dtb(), for each of the blobs.

    >>> from pyfdtx import Fdt
    >>> blobs = [Fdt.empty().to_bytes()] * 3
    >>> trees = second_kernel_dtbs(blobs, cmdline="quiet", threads=2)
    >>> [Fdt(tree)["/chosen"].get_string("bootargs") for tree in trees]
    ['quiet', 'quiet', 'quiet']
    """
    options: dict[str, Any] = {
        "cmdline": cmdline,
        "append": append,
        "initrd": initrd,
        "crash": crash,
        "kaslr_seed": kaslr_seed,
        "rng_seed": rng_seed,
        "arch": arch,
        "max_usable": max_usable,
        "root_cells": root_cells,
        "old_dtb": old_dtb,
        "load_address": load_address,
    }
    data = _inputs(blobs)
    threads = _threads(threads, len(data))
    done: list[bytes | None] = [None] * len(data)
    facts = arch_facts(arch) if type(arch) is str else None
    if facts is not None and load_address is None:
        _in_threads(_Work(data, done, threads, facts, options), threads)
    # What is not plain, wrong, or to be warned about
    return [
        _one(i, blob, options) if tree is None else tree
        for i, (blob, tree) in enumerate(zip(data, done))
    ]


def _inputs(blobs: Iterable[Buffer]) -> list[bytes]:
    """The blobs as bytes, which nobody can change while C reads them."""
    found: list[bytes] = []
    if isinstance(blobs, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"blobs must be several, not {type(blobs).__name__}")
    for i, blob in enumerate(blobs):
        if type(blob) is not bytes:
            try:
                blob = bytes(memoryview(blob))
            except TypeError:
                raise TypeError(
                    f"blobs[{i}]: a device tree must be bytes-like, not "
                    f"{type(blob).__name__}"
                ) from None
        found.append(blob)
    return found


def _threads(threads: object, n: int) -> int:
    if threads is None:
        threads = len(os.sched_getaffinity(0))
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be int or None, not {type(threads).__name__}")
    if threads < 1:
        raise FdtBadParameter("second_kernel_dtbs", "threads", f"{threads} is below 1")
    # A thread costs as much as a few trees
    return max(1, min(threads, n // 8))


def _one(i: int, blob: bytes, options: dict[str, Any]) -> bytes:
    try:
        return second_kernel_dtb(blob, **options)
    except (FdtBadBlob, FdtBadContent) as e:
        where = f"blobs[{i}] {e.where}".rstrip()
        raise type(e)(e.op, where, e.cause, e.code) from None


class _Work:
    """Slices of the blobs, for whoever asks next."""

    def __init__(
        self,
        blobs: list[bytes],
        done: list[bytes | None],
        threads: int,
        facts: Arch,
        options: dict[str, Any],
    ) -> None:
        from _thread import allocate_lock

        self._lock = allocate_lock()
        self._next = 0
        self._n = len(blobs)
        self._threads = threads
        self._done = done
        kaslr, rng = options["kaslr_seed"], options["rng_seed"]
        self._random = [type(s) is str and s == "random" for s in (kaslr, rng)]
        self._arguments = (
            blobs,
            facts.crash_words,
            facts.command_line_size,
            facts.header_inside,
            facts.max_size,
            options["cmdline"],
            options["append"],
            options["initrd"],
            options["crash"],
            None if self._random[0] else kaslr,
            None if self._random[1] else rng,
            options["max_usable"],
            options["root_cells"] == "2/2",
            options["old_dtb"],
            MemRange,
            Crash,
        )
        # What is wrong is left for second_kernel_dtb() to say
        self.plain = options["root_cells"] in ("keep", "2/2")

    def _take(self) -> tuple[int, int]:
        with self._lock:
            first = self._next
            share = (self._n - first) // (2 * self._threads)
            self._next = min(self._n, first + max(1, min(SLICE, share)))
            return first, self._next

    def run(self) -> None:
        kaslr, rng = self._random
        while self.plain:
            first, last = self._take()
            n = last - first
            if not n:
                return
            try:
                self.plain = second_kernels(
                    self._done,
                    first,
                    last,
                    os.urandom(8 * n) if kaslr else None,
                    os.urandom(RNG_SEED_SIZE * n) if rng else None,
                    *self._arguments,
                )
            except MemoryError:
                # second_kernel_dtb() meets it where somebody can be told
                self.plain = False


def _in_threads(work: _Work, threads: int) -> None:
    """Let so many threads, this one among them, do the work."""
    if threads == 1:
        return work.run()
    from threading import Thread

    others = [Thread(target=work.run) for _ in range(threads - 1)]
    for other in others:
        other.start()
    try:
        work.run()
    finally:
        for other in others:
            other.join()
    return None
