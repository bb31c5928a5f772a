# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The implementations that are measured, each behind the same two calls.

To add one: write a function here that takes a Job and returns a Variant, and
append it to ALL. Import what it needs inside the function: an ImportError
takes the implementation out of the run, and the report says so.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple

import cbuild
import peers
import percall
from cases import Corpus
from crash_job import Job

# What an output has to equal before anything is timed
BYTES = "bytes"  # the reference, byte for byte
TREE = "tree"  # the reference's nodes, properties and reservations
INPUT = "input"  # the input, byte for byte: a bare copy
NOTHING = "nothing"  # it only reads


class Variant(NamedTuple):
    """One implementation.

    Attributes:
        key: short and stable, for the JSON.
        title: for tables and charts.
        checks: what validates the input first, "" if nothing does.
        promise: BYTES, TREE or INPUT.
        one: the job on one blob.
        loop: turns a corpus into a call that does the job on all of it.
        slow: measured on a part of the corpus, in a part of the rounds.
    """

    key: str
    title: str
    checks: str
    promise: str
    one: Callable[[bytes], bytes]
    loop: Callable[[Corpus], Callable[[], object]]
    slow: bool = False


def in_python(
    key: str,
    title: str,
    checks: str,
    promise: str,
    one: Callable[[bytes], bytes],
    slow: bool = False,
) -> Variant:
    """A variant whose loop over the corpus is Python's."""

    def loop(corpus: Corpus) -> Callable[[], object]:
        blobs = corpus.blobs

        def run() -> None:
            for blob in blobs:
                one(blob)

        return run

    return Variant(key, title, checks, promise, one, loop, slow)


def native(job: Job) -> Variant:
    from pyfdtx.kexec import Crash, MemRange, second_kernel_dtb

    initrd = MemRange(*job.initrd)
    crash = Crash(
        elfcorehdr=MemRange(*job.elfcorehdr),
        usable=[MemRange(*r) for r in job.usable],
    )

    def one(blob: bytes) -> bytes:
        return second_kernel_dtb(
            blob,
            cmdline=job.cmdline,
            initrd=initrd,
            crash=crash,
            kaslr_seed=job.kaslr_seed,
            rng_seed=job.rng_seed,
            arch=job.arch,
        )

    return in_python("native", "pyfdtx", "fdtx_check", BYTES, one)


def pure(job: Job) -> Variant:
    from pyfdtx.pure import second_kernel_dtb

    crash = (job.elfcorehdr, list(job.usable))

    def one(blob: bytes) -> bytes:
        return second_kernel_dtb(
            blob,
            cmdline=job.cmdline,
            initrd=job.initrd,
            crash=crash,
            kaslr_seed=job.kaslr_seed,
            rng_seed=job.rng_seed,
            arch=job.arch,
        )

    return in_python("pure", "pyfdtx.pure (Python only)", "own", BYTES, one)


def cffi_calls(job: Job) -> Variant:
    return in_python(
        "percall", "one cffi call per libfdt call", "", TREE,
        lambda blob: percall.second_kernel_dtb(blob, job),
    )  # fmt: skip


def pylibfdt(job: Job) -> Variant:
    run = peers.pylibfdt_job(job)
    return in_python("pylibfdt", "pylibfdt (SWIG), module functions", "", TREE, run)


def pylibfdt_methods(job: Job) -> Variant:
    run = peers.pylibfdt_methods_job(job)
    return in_python("pylibfdt_methods", "pylibfdt, methods of Fdt", "", TREE, run)


def _kept(variant: Variant) -> Variant:
    """Every result stays until the round ends, so each has memory of its own."""

    def loop(corpus: Corpus) -> Callable[[], object]:
        one, blobs = variant.one, corpus.blobs
        return lambda: [one(blob) for blob in blobs]

    return variant._replace(
        key=f"{variant.key}_kept",
        title=f"{variant.title}, every result kept",
        loop=loop,
    )


def native_kept(job: Job) -> Variant:
    return _kept(native(job))


def pylibfdt_kept(job: Job) -> Variant:
    return _kept(pylibfdt(job))


def fdt(job: Job) -> Variant:
    run = peers.fdt_job(job)
    return in_python("fdt", "fdt (PyPI, Python only)", "", TREE, run, slow=True)


# -- C, with the loop over the corpus in C ---------------------------------

_alive: list[object] = []  # what the C structures point at


def c_module() -> Any:
    """The module that cbuild.py leaves.

    Raises:
        ImportError: it has not been built.
    """
    if str(cbuild.TARGET) not in sys.path:
        sys.path.insert(0, str(cbuild.TARGET))
    return __import__(cbuild.MODULE)


def c_job(ffi: Any, job: Job) -> Any:
    """job as a struct fdtx_second_kernel."""
    cmdline = ffi.new("char[]", job.cmdline.encode())
    usable = ffi.new("struct fdt_reg[]", list(job.usable))
    seed = ffi.new("char[]", job.rng_seed)
    made = ffi.new(
        "struct fdtx_second_kernel *",
        {
            "cmdline": cmdline,
            "cmdline_len": len(job.cmdline),
            "initrd": job.initrd,
            "elfcorehdr": job.elfcorehdr,
            "usable": usable,
            "usable_len": len(job.usable),
            "has_kaslr_seed": 1,
            "kaslr_seed": job.kaslr_seed,
            "rng_seed": seed,
            "rng_seed_len": len(job.rng_seed),
        },
    )
    _alive.extend((cmdline, usable, seed, made))
    return made


def in_c(key: str, title: str, checks: str, promise: str, call: Any) -> Variant:
    """A variant whose loop over the corpus is C's, into one reused buffer.

    call(blobs, n, out, size) does n blobs and returns the size of the last
    result. The blobs are the very bytes objects that Python variants read.
    """
    ffi = c_module().ffi

    def over(blobs: list[bytes]) -> tuple[Callable[[], int], Any]:
        pointers = [ffi.from_buffer(b) for b in blobs]
        table = ffi.new(
            "struct bench_blob[]", [(p, len(b)) for p, b in zip(pointers, blobs)]
        )
        size = max(len(b) for b in blobs) + 65536
        out = ffi.new("char[]", size)
        keep = (pointers, table, out)

        def run() -> int:
            last = call(table, len(blobs), out, size)
            if last < 0:
                raise RuntimeError(f"{key}: libfdt error {last}")
            return int(last)

        return run, keep

    def one(blob: bytes) -> bytes:
        run, (_, _, out) = over([blob])
        return bytes(ffi.buffer(out, run()))

    def loop(corpus: Corpus) -> Callable[[], object]:
        run, keep = over(corpus.blobs)
        _alive.append(keep)
        return run

    return Variant(key, title, checks, promise, one, loop)


def c_engine(job: Job) -> Variant:
    c = c_module()
    made = c_job(c.ffi, job)
    return in_c(
        "c_engine", "C: the same job, no Python", "fdtx_check", BYTES,
        lambda *where: c.lib.bench_engine(*where, made),
    )  # fmt: skip


def _plain(key: str, checks: str, which: str) -> Callable[[Job], Variant]:
    def make(job: Job) -> Variant:
        c = c_module()
        made = c_job(c.ffi, job)
        chosen = getattr(c.lib, which)
        return in_c(
            key, "C: plain libfdt", checks, TREE,
            lambda *where: c.lib.bench_plain(*where, made, chosen),
        )  # fmt: skip

    make.__name__ = key
    return make


def c_memcpy(job: Job) -> Variant:
    c = c_module()
    return in_c("memcpy", "C: memcpy of the input", "", INPUT, c.lib.bench_memcpy)


def _reading(key: str, title: str, checks: str, name: str) -> Callable[[Job], Variant]:
    def make(job: Job) -> Variant:
        c = c_module()
        return in_c(key, title, checks, NOTHING, getattr(c.lib, name))

    make.__name__ = key
    return make


ALL: tuple[Callable[[Job], Variant], ...] = (
    native,
    native_kept,
    c_engine,
    _reading("walk", "C: fdtx_check(), nothing else", "fdtx_check", "bench_walk"),
    _reading("bare", "C: from tag to tag, nothing else", "", "bench_bare"),
    _plain("c_plain_fdtx", "fdtx_check", "BENCH_FDTX_CHECK"),
    _plain("c_plain_full", "fdt_check_full", "BENCH_CHECK_FULL"),
    _plain("c_plain", "", "BENCH_NO_CHECK"),
    c_memcpy,
    cffi_calls,
    pylibfdt,
    pylibfdt_kept,
    pylibfdt_methods,
    pure,
    fdt,
)


def available(job: Job) -> tuple[list[Variant], dict[str, str]]:
    """The variants that can run here; the others by name, with the reason."""
    variants, missing = [], {}
    for make in ALL:
        try:
            variants.append(make(job))
        except ImportError as e:
            missing[make.__name__] = str(e)
    return variants, missing
