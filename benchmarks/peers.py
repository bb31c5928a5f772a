# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J1 as users of other Python packages write it.

Each does the least that gives the right tree on this corpus: nothing is
validated, properties that no tree of the corpus has are not looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from percall import SLACK

if TYPE_CHECKING:
    from crash_job import Job, Range

    Run = Callable[[bytes], bytes]


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def pylibfdt_job(job: Job) -> Run:
    """Its fastest: module functions on one bytearray, values made once for each
    kind of cells. They answer with a negative code, or raise; on this corpus they
    do neither.

    Raises:
        ImportError: pylibfdt is not installed.
    """
    import libfdt as L

    room = SLACK + len(job.cmdline)
    initrd, header = job.initrd, job.elfcorehdr
    values: dict[tuple[int, int], list[tuple[str, bytes, int]]] = {}

    def made(cells: tuple[int, int]) -> list[tuple[str, bytes, int]]:
        items = job.properties(cells).items()
        values[cells] = [(name, value, len(value)) for name, value in items]
        return values[cells]

    def get(raw: bytearray, chosen: int, name: str) -> bytes | None:
        value = L.fdt_getprop(raw, chosen, name)[0]
        return None if value is None else bytes(value)

    def unreserve(raw: bytearray, chosen: int, address_cells: int) -> None:
        stale = []
        start = get(raw, chosen, "linux,initrd-start")
        if start is not None:
            end = get(raw, chosen, "linux,initrd-end")
            if end is not None:
                stale.append((_number(start), _number(end) - _number(start)))
        old = get(raw, chosen, "linux,elfcorehdr")
        if old is not None:
            cut = 4 * address_cells
            stale.append((_number(old[:cut]), _number(old[cut:])))
        if stale:
            for i in reversed(range(L.fdt_num_mem_rsv(raw))):
                if tuple(L.fdt_get_mem_rsv(raw, i)[1:]) in stale:
                    L.fdt_del_mem_rsv(raw, i)

    def run(blob: bytes) -> bytes:
        raw = bytearray(len(blob) + room)
        L.fdt_open_into(bytearray(blob), raw, len(raw))
        cells = L.fdt_address_cells(raw, 0), L.fdt_size_cells(raw, 0)
        chosen = L.fdt_path_offset(raw, "/chosen")
        if chosen < 0:
            chosen = L.fdt_add_subnode(raw, 0, "chosen")
        unreserve(raw, chosen, cells[0])
        L.fdt_add_mem_rsv(raw, *initrd)
        L.fdt_add_mem_rsv(raw, *header)
        put = L.fdt_setprop
        for name, value, n in values.get(cells) or made(cells):
            put(raw, chosen, name, value, n)
        L.fdt_pack(raw)
        return bytes(raw[: L.fdt_totalsize(raw)])

    return run


def pylibfdt_methods_job(job: Job) -> Run:
    """Methods where the Fdt class has them, module functions for the memory
    reservations, which it cannot change.

    Raises:
        ImportError: pylibfdt is not installed.
    """
    import libfdt

    quiet = (libfdt.NOTFOUND,)

    def stale(fdt: libfdt.Fdt, chosen: int, address_cells: int) -> list[Range]:
        found = []
        start = fdt.getprop(chosen, "linux,initrd-start", quiet)
        end = fdt.getprop(chosen, "linux,initrd-end", quiet)
        if not isinstance(start, int) and not isinstance(end, int):
            found.append((_number(start), _number(end) - _number(start)))
        header = fdt.getprop(chosen, "linux,elfcorehdr", quiet)
        if not isinstance(header, int):
            cut = 4 * address_cells
            found.append((_number(header[:cut]), _number(header[cut:])))
        return found

    def run(blob: bytes) -> bytes:
        fdt = libfdt.Fdt(blob)
        fdt.resize(len(blob) + SLACK + len(job.cmdline))
        raw = fdt._fdt
        cells = (
            libfdt.check_err(libfdt.fdt_address_cells(raw, 0)),
            libfdt.check_err(libfdt.fdt_size_cells(raw, 0)),
        )
        chosen = fdt.path_offset("/chosen", quiet)
        if chosen < 0:
            chosen = fdt.add_subnode(0, "chosen")
        old = stale(fdt, chosen, cells[0])
        if old:
            for i in reversed(range(fdt.num_mem_rsv())):
                if tuple(fdt.get_mem_rsv(i)) in old:
                    libfdt.check_err(libfdt.fdt_del_mem_rsv(raw, i))
        libfdt.check_err(libfdt.fdt_add_mem_rsv(raw, *job.initrd))
        libfdt.check_err(libfdt.fdt_add_mem_rsv(raw, *job.elfcorehdr))
        for name, value in job.properties(cells).items():
            fdt.setprop(chosen, name, value)
        fdt.pack()
        return bytes(fdt.as_bytearray())

    return run


def fdt_job(job: Job) -> Run:
    """The pure-Python package `fdt`, which parses into objects.

    Raises:
        ImportError: fdt is not installed.
    """
    import fdt

    def run(blob: bytes) -> bytes:
        tree = fdt.parse_dtb(blob)
        # One list is the default of every FDT object: without a list of its
        # own each tree would inherit the reservations of those before it
        entries, tree.entries = list(tree.entries), []
        fdt.FDT.__init__.__defaults__[1].clear()
        root = tree.root
        cells = (
            root.get_property("#address-cells").value,
            root.get_property("#size-cells").value,
        )
        chosen = root.get_subnode("chosen")
        if chosen is None:
            chosen = fdt.Node("chosen")
            root.append(chosen)
        stale = []
        if chosen.exist_property("linux,initrd-start"):
            start = _join(chosen.get_property("linux,initrd-start").data)
            end = _join(chosen.get_property("linux,initrd-end").data)
            stale.append((start, end - start))
        if chosen.exist_property("linux,elfcorehdr"):
            words = chosen.get_property("linux,elfcorehdr").data
            stale.append((_join(words[: cells[0]]), _join(words[cells[0] :])))
        tree.entries = [
            e for e in entries if (e["address"], e["size"]) not in stale
        ] + [{"address": a, "size": s} for a, s in (job.initrd, job.elfcorehdr)]
        for name, value in job.properties(cells).items():
            chosen.set_property(name, value or None)
        return tree.to_dtb()

    return run


def _join(words: list[int]) -> int:
    number = 0
    for word in words:
        number = number << 32 | word
    return number
