# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is fed with hostile bytes in Python: each target takes an input, and either
succeeds or raises what its documentation says. Anything else is a finding."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
from image_files import android, archive, fit, uimage, uki, vmlinux, zboot
from python_core import dmesg
from python_devicetree import meaning, overlays
from python_input import Input, Target, tree

from pyfdtx import Fdt, FdtView, pure, to_dict
from pyfdtx.cli.show import _json
from pyfdtx.errors import FdtError, FdtMachineError, FdtWarning
from pyfdtx.kexec import Crash, Machine, parse_image, second_kernel_dtb
from pyfdtx.kexec.check.checker import ARCHES, check_tree
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.iomem import parse
from pyfdtx.kexec.facts.kcore import loads_in_kcore, note_in_kcore
from pyfdtx.kexec.facts.vmcoreinfo import Vmcoreinfo
from pyfdtx.kexec.image.initrd import InitrdFile, look_at
from pyfdtx.kexec.image.kernel import KernelImage
from pyfdtx.kexec.image.unpacked import unpacked_size
from pyfdtx.text.diff import diff
from pyfdtx.text.dts import render

# No tool is started for an input (kexec/image/compression.py)
os.environ["PATH"] = "/nowhere"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
warnings.simplefilter("ignore", FdtWarning)


def properties(kind: type) -> list[str]:
    return [n for n in dir(kind) if isinstance(getattr(kind, n), property)]


# Text files of the kernel


def texts(source: Input) -> None:
    """/proc/iomem, and the text of the VMCOREINFO note."""
    text = source.rest().decode("utf-8", "surrogateescape")
    try:
        for resource in parse(text, "iomem"):
            assert 0 <= resource.range.start < resource.range.stop <= 2**64
            repr(resource)
    except FdtMachineError as e:
        str(e)
    info = Vmcoreinfo(text, "vmcoreinfo")
    for key in ("VA_BITS", "phys_base", "PHYS_OFFSET", "kimage_voffset"):
        for ask in (info.number, info.symbol, info.has_number):
            try:
                ask(key)
            except FdtMachineError as e:
                str(e)
    try:
        assert 0 <= info.kernel_offset < 2**64
    except FdtMachineError as e:
        str(e)


def kcore(source: Input) -> None:
    """/proc/kcore: an ELF core, with a header that may be made sound."""
    how = source.byte()
    head = b""
    if how & 1:
        wide, big = how >> 1 & 1, how >> 2 & 1
        order = ">" if big else "<"
        size, entry = (64, 56) if wide else (52, 32)
        count = source.byte() if how & 8 else source.byte() % 8
        word = "Q" if wide else "I"
        ident = b"\x7fELF" + bytes((1 + wide, 1 + big, 1)) + bytes(9)
        head = ident + struct.pack(
            f"{order}HHI{word}{word}{word}IHHHHHH",
            4, 62, 1, 0, size, 0, 0, size, entry, count << (how >> 4 & 8), 0, 0, 0,
        )  # fmt: skip
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as f:
        f.write(head + source.rest())
        f.flush()
        for ask in (note_in_kcore, loads_in_kcore):
            try:
                ask(f.fileno(), f.name)
            except FdtMachineError as e:
                str(e)


# Kernel images


WRAPPERS = (
    lambda data: data,
    lambda data: gzip.compress(data, 1, mtime=0),
    lambda data: lzma.compress(data, preset=0),
    lambda data: bz2.compress(data, 1),
    lambda data: zboot(gzip.compress(data, 1, mtime=0)),
    lambda data: zboot(data, b"xzkern"),
    uimage,
    lambda data: uimage(struct.pack(">3I", len(data), 0, 0) + data, kind=4),
    lambda data: fit({"k": data}, initrd=b"070701"),
    lambda data: fit({"k": data}, external="offset", hashed=("sha256", b"")),
    lambda data: android(data, b"070701", 2, "quiet"),
    lambda data: android(data, b"", 4, ""),
    lambda data: uki({".linux": data, ".initrd": b"070701", ".cmdline": b"ro"}),
    lambda data: vmlinux(data, 183),
)


def _look_at(image: KernelImage) -> None:
    repr(image)
    for name in properties(type(image)):
        getattr(image, name)
    assert len(image.data) >= 0
    if image.boundary:
        image.starts_at(0x4000_0000, ())


def images(source: Input) -> None:
    """Kernel images of all kinds, wrapped up to twice; one byte is damaged then."""
    how = source.byte()
    damage = source.byte() if how & 128 else None
    wrap = source.pick(WRAPPERS), source.pick(WRAPPERS)
    data = source.rest()
    if how & 1:
        data = wrap[0](data)
    if how & 2:
        data = wrap[1](data)
    if damage is not None and data:
        at = damage * len(data) // 256
        data = data[:at] + bytes((data[at] ^ (1 << how % 8),)) + data[at + 1 :]
    try:
        _look_at(parse_image(data))
    except FdtError as e:
        str(e)


def initrds(source: Input) -> None:
    """What is given as an initrd, and how much it unpacks to; several."""
    how = source.byte()
    data = source.rest()
    if how & 1:
        data = source_pack(how)(data)
    if how & 64:
        data = archive(how & 7, 5000) + bytes(how >> 3 & 7) + data
    try:
        look_at(data, "i")
        joined = InitrdFile(data, data)
        assert len(joined.read()) == len(joined)
    except FdtError as e:
        str(e)
    size, counted = unpacked_size(data)
    assert size >= 0
    assert counted in (True, False)


def source_pack(how: int) -> Callable[[bytes], bytes]:
    return WRAPPERS[1 + (how >> 1) % 3]


# A captured machine


def _files(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


ROOTS = [
    _files(EXAMPLES / name)
    for name in ("arm64-dt", "arm-dt", "ppc64le-pseries", "arm64-high-low")
]
# Of the large tree of files a part
ROOTS = [dict(list(root.items())[:48]) for root in ROOTS]
ELSEWHERE = ("/etc/hostname", "../../../../etc/passwd", "iomem", ".", "/dev/zero",
             "/proc/self/mem", "loop")  # fmt: skip


def _spoil(path: Path, data: bytes, source: Input) -> None:
    """Another file in place of one."""
    how = source.byte() % 10
    if how == 1:
        os.mkfifo(path)
    elif how == 2:
        path.mkdir()
    elif how == 3:
        path.symlink_to(source.pick(ELSEWHERE))
    elif how == 4:
        with open(path, "wb") as f:
            f.truncate(1 << 40)
    elif how == 5:
        path.write_bytes(source.bytes(source.byte()))
    elif how == 6:
        at = source.byte() * max(len(data), 1) // 256
        path.write_bytes(data[:at] + source.bytes(source.byte() % 16) + data[at + 1 :])
    elif how == 7:
        path.write_bytes(data * (1 + source.byte()))
    elif how == 8:
        path.write_bytes(data[: source.byte() * len(data) // 256])
    # else: it is not there


def _facts(machine: Machine) -> None:
    for name in properties(Machine):
        try:
            repr(getattr(machine, name))
        except FdtError as e:
            str(e)


def roots(source: Input) -> None:
    """A captured machine in which some files are others: every fact is asked for."""
    files = source.pick(ROOTS)
    names = list(files)
    spoilt = {source.pick(names) for _ in range(1 + source.byte() % 3)}
    top = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        for name, data in files.items():
            path = top / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name in spoilt:
                _spoil(path, data, source)
            else:
                path.write_bytes(data)
        _facts(Machine(top / "root"))
        try:
            capture(top / "copy", top / "root")
        except FdtError as e:
            str(e)
    finally:
        shutil.rmtree(top)


# Trees


def _refusal(judge: Callable[[bytes], object], blob: bytes) -> object:
    try:
        judge(blob)
    except FdtError as e:
        str(e)
        return type(e)
    return None


def trees(source: Input) -> None:
    """Fdt, FdtView, to_dict(), DTS and JSON of any blob, against plain Python."""
    blob = tree(source)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        refusal = _refusal(Fdt, blob)
    if told and refusal is None:
        # The root had a name; Fdt alone takes that, and drops it
        assert _refusal(pure.check, blob) is not None
        blob = Fdt(blob).to_bytes()
    assert refusal == _refusal(pure.check, blob), refusal
    if refusal is not None:
        return
    fdt = Fdt(blob)
    canonical = fdt.to_bytes()
    assert not diff(blob, canonical)
    assert pure.unflatten(blob) == pure.unflatten(canonical)
    assert canonical == pure.canonicalise(blob)
    fdt.squeeze()
    assert fdt.to_bytes() == pure.canonicalise(blob, squeeze=True)
    if all(start + size <= 2**64 for start, size in pure.memreserve(blob)):
        assert list(map(tuple, fdt.memreserve)) == pure.memreserve(blob)
    for secrets in (True, False):
        for piece in _json(blob, secrets=secrets):
            assert piece.isascii()
    for ask in (render, to_dict):
        try:
            ask(blob)
        except FdtError as e:
            str(e)
    _compare_view(fdt, FdtView(blob))


def _compare_view(fdt: Fdt, view: FdtView) -> None:
    nodes = list(fdt.root.walk())
    assert [n.path for n in view.root.walk()] == [n.path for n in nodes]
    for node, seen in zip(nodes, view.root.walk()):
        answers = []
        for it in (node, seen):
            answer: list[object] = [list(it), it.depth, dict(it)]
            for ask in (
                lambda: it.reg("reg"),  # noqa: B023
                lambda: it.phandle,  # noqa: B023
                lambda: (it.address_cells, it.size_cells),  # noqa: B023
            ):
                try:
                    answer.append(ask())
                except FdtError as e:
                    answer.append((type(e), str(e).split(" ", 1)[1]))
            answers.append(answer)
        assert answers[0] == answers[1], answers


def second_kernel(source: Input) -> None:
    """The second kernel's tree by the extension and by plain Python: the same
    bytes, or the same refusal."""
    how = source.byte()
    usable = [(source.number(), source.number()) for _ in range(1 + source.byte() % 3)]
    header = source.number(), source.number()
    text = source.bytes(source.byte() % 40).decode("latin-1")
    options = {
        "cmdline": text if how & 1 else None,
        "append": text if how & 3 == 2 else None,
        "initrd": (source.number(), source.number()) if how & 4 else None,
        "old_dtb": (source.number(), source.number()) if how & 8 else None,
        "kaslr_seed": 5 if how & 16 else None,
        "rng_seed": b"seed" if how & 32 else None,
        "root_cells": "2/2" if how & 64 else "keep",
        "arch": source.pick(("arm64", "arm", "riscv")),
    }
    blob = tree(source)
    answers = []
    for make in (second_kernel_dtb, pure.second_kernel_dtb):
        try:
            crash = (
                None
                if how & 128
                else Crash(elfcorehdr=header, usable=usable)
                if make is second_kernel_dtb
                else (header, usable)
            )
            answers.append(make(blob, crash=crash, **options))
        except (FdtError, TypeError) as e:
            answers.append(type(e))
    assert answers[0] == answers[1], answers


def checker(source: Input) -> None:
    """check_tree() on any tree, core header and image."""
    arch = source.pick(ARCHES)
    how = source.byte()
    options: dict[str, object] = {"arch": arch}
    if how & 1:
        options["kernel"] = source.pick(("6.1", "6.12", "5.10", "7.0"))
    if how & 2:
        options["load_address"] = source.number()
    blob = tree(source)
    if how & 4:
        options["elfcorehdr"] = source.number(), source.rest()
    elif how & 8:
        try:
            options["image"] = parse_image(source.rest())
        except FdtError:
            return
        options["image_address"] = source.number()
    try:
        for finding in check_tree(blob, **options):
            str(finding)
    except FdtError as e:
        str(e)


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        texts, kcore, dmesg, images, initrds, roots, trees, second_kernel, checker,
        overlays, meaning,
    )
}  # fmt: skip
SCRATCH = tempfile.gettempdir()
if sys.platform == "linux" and os.access("/dev/shm", os.W_OK):
    SCRATCH = "/dev/shm"
