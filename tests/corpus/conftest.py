# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The corpus: every .dtb below --corpus, as it is and as a kernel shows it."""

import functools
import shutil
import struct

import pytest

from pyfdtx import pure

OLD_HEADER = (0x5ABFF000, 0x1000)
OLD_INITRD = (0x48000000, 0x1234567)
FOREIGN = [(0x40000000, 0x80000), (0xFE000000, 0x1000)]
NOPPED = b"consumed by the kernel before " * 4 + b"-" * 8


def pytest_generate_tests(metafunc):
    if "dtb" not in metafunc.fixturenames:
        return
    corpus = metafunc.config.getoption("--corpus")
    found = sorted(corpus.rglob("*.dtb"))
    if not found:
        raise pytest.UsageError(
            f"--corpus {corpus}: no .dtb there; python tests/corpus/fetch.py gets them"
        )
    names = [str(p.relative_to(corpus)) for p in found]
    metafunc.parametrize("dtb", found, ids=names, scope="module")


@functools.lru_cache(maxsize=1)
def packaged(dtb):
    """The tree as its package carries it."""
    return dtb.read_bytes()


@functools.lru_cache(maxsize=1)
def running(dtb):
    """The same tree as /sys/firmware/fdt of a kernel that was kexec'ed shows it:
    old properties and reservations, a consumed rng-seed, slack."""
    root = pure.unflatten(packaged(dtb))
    chosen = next((c for c in root[2] if c[0].split("@")[0] == "chosen"), None)
    if chosen is None:
        chosen = ("chosen", [], [])
        root[2].append(chosen)
    start, size = OLD_INITRD
    old = [
        ("linux,booted-from-kexec", b""),
        ("rng-seed", NOPPED),
        ("kaslr-seed", bytes(8)),
        ("bootargs", b"console=ttyAMA0 elfcorehdr=0x5abff000 root=/dev/vda1\0"),
        ("linux,usable-memory-range", struct.pack(">4I", 0, 0x50000000, 0, 1 << 28)),
        ("linux,elfcorehdr", encode([OLD_HEADER], cells(root))),
        ("linux,initrd-end", struct.pack(">Q", start + size)),
        ("linux,initrd-start", struct.pack(">Q", start)),
    ]
    names = {name for name, _ in old}
    chosen[1][:] = old + [p for p in chosen[1] if p[0] not in names]
    page = 0x1000
    reserved = [
        FOREIGN[0],
        (start, -(-size // page) * page),
        *pure.memreserve(packaged(dtb)),
        OLD_HEADER,
        FOREIGN[1],
    ]
    blob = bytearray(pure.flatten(root, reserved, 3))
    seed = blob.index(NOPPED) - 12  # tag, length, name
    blob[seed : seed + 140] = struct.pack(">I", 4) * 35
    blob += b"\x5a" * 4096
    struct.pack_into(">I", blob, 4, len(blob))
    return bytes(blob)


@pytest.fixture(params=[packaged, running], ids=["packaged", "running"])
def tree(request, dtb):
    return request.param(dtb)


@pytest.fixture(scope="session")
def dtc():
    """dtc and fdtget, the reference readers."""
    for tool in ("dtc", "fdtget"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool} (Debian: device-tree-compiler)")


def cells(root):
    """(#address-cells, #size-cells) of a plain root node, as numbers."""
    props = dict(root[1])
    return tuple(
        int.from_bytes(props[name], "big") for name in ("#address-cells", "#size-cells")
    )


def encode(ranges, cells):
    """(address, size) entries in so many cells each."""
    ac, sc = cells
    return b"".join(
        start.to_bytes(4 * ac, "big") + size.to_bytes(4 * sc, "big")
        for start, size in ranges
    )
