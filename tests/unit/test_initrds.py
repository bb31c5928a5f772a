# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is taken for an initrd, named when it is none, and how several become one.

Expected: Linux init/initramfs.c unpack_to_rootfs() (cpio at multiples of 4, zeros
skipped, else decompress_method()), lib/decompress.c compressed_formats[],
init/do_mounts_rd.c identify_ramdisk_image().
"""

import bz2
import gzip
import lzma
import shutil
import struct
import subprocess
import sys
import warnings

import pytest

from pyfdtx.errors import FdtBadParameter, FdtWarning
from pyfdtx.kexec.image.initrd import HEAD, InitrdFile, look_at

# newc: magic and 13 fields of 8 hex digits (Documentation/driver-api/early-userspace/
# buffer-format.rst), with the name of the last entry
TRAILER = b"070701" + b"%08x" * 13 % (*[0] * 11, 11, 0) + b"TRAILER!!!\0"
CPIO = TRAILER + bytes(-len(TRAILER) % 4)

PACKERS = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "lzma": lambda d: lzma.compress(d, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
}
TOOLS = {
    "zstd": ("zstd", "-c"),
    "lz4": ("lz4", "-l", "-c"),
    "lzo": ("lzop", "-c"),
}


def quietly(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look_at(data, "i")


@pytest.mark.parametrize("crc", [False, True])
@pytest.mark.parametrize("zeros", [0, 4, 512])
def test_a_cpio_archive_is_taken(crc, zeros):
    quietly(bytes(zeros) + CPIO.replace(b"070701", b"070702" if crc else b"070701"))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_cpio_archive_is_taken(kind):
    quietly(PACKERS[kind](CPIO))
    quietly(PACKERS[kind](CPIO * 10_000)[:HEAD])


@pytest.mark.parametrize("kind", TOOLS)
def test_what_the_tools_compress_is_taken(kind):
    if shutil.which(TOOLS[kind][0]) is None:
        pytest.skip(f"no {TOOLS[kind][0]}")
    made = subprocess.run(TOOLS[kind], input=CPIO, capture_output=True, check=True)
    quietly(made.stdout)


def test_the_first_magic_of_each_compression_is_what_the_kernel_looks_for():
    """lib/decompress.c, two bytes each."""
    two = ("1f8b", "1f9e", "425a", "5d00", "fd37", "894c", "0221", "28b5")
    from pyfdtx.kexec.image.initrd import COMPRESSED

    assert sorted(m[:2].hex() for m in COMPRESSED) == sorted(two)


def test_a_cpio_archive_of_the_old_kinds_is_refused():
    for magic in (b"070707", b"\xc7\x71", b"\x71\xc7"):
        with pytest.raises(FdtBadParameter, match="old kind; make it with -H newc"):
            look_at(magic + bytes(100), "i")


@pytest.mark.parametrize("zeros", [1, 2, 3, 510])
def test_a_cpio_archive_off_its_boundary_is_refused(zeros):
    with pytest.raises(FdtBadParameter, match=f"byte {zeros}, which is no multiple"):
        look_at(bytes(zeros) + CPIO, "i")


ARM64 = struct.pack("<2I6Q4sI", 0, 0, 0, 1 << 20, 10, 0, 0, 0, b"ARM\x64", 0)
RISCV = struct.pack("<2I3Q2IQ8s4sI", 0, 0, 0, 1 << 20, 0, 2, 0, 0, b"", b"RSC\x05", 0)
ZIMAGE = bytes(0x24) + struct.pack("<I", 0x016F2818) + bytes(100)
WRONG = {
    "uInitrd": (b"\x27\x05\x19\x56" + bytes(60) + CPIO, r"tail -c \+65 i > initrd"),
    "FIT": (b"\xd0\x0d\xfe\xed" + bytes(100), "FIT"),
    "ELF": (b"\x7fELF" + bytes(100), "an ELF file"),
    "EFI": (b"MZ" + bytes(100), "an EFI program"),
    "arm64": (ARM64, "a kernel image"),
    "riscv": (RISCV, "a kernel image"),
    "zImage": (ZIMAGE, "zImage"),
    "bzImage": (bytes(0x202) + b"HdrS" + bytes(9), "bzImage"),
    "Android": (b"ANDROID!" + bytes(100), "unpack_bootimg"),
    "vendor": (b"VNDRBOOT" + bytes(100), "unpack_bootimg"),
    "frame": (b"\x04\x22\x4d\x18" + bytes(100), "lz4 -l"),
    "text": (b"root=/dev/vda console=ttyAMA0\n" * 3, r"text \('root="),
    "script": (b"#!/bin/sh\nexec /init\n\x80", "a script"),
    "zip": (b"PK\x03\x04" + bytes(100), "a zip archive"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_no_kernel_takes_is_refused_with_the_way_out(kind):
    data, says = WRONG[kind]
    with pytest.raises(FdtBadParameter, match=f"^plan initrd i: is .*{says}"):
        look_at(data, "i")
    if kind != "uInitrd":
        with pytest.raises(FdtBadParameter, match=f"what it unpacks to is .*{says}"):
            look_at(gzip.compress(data), "i")


def test_what_is_compressed_twice_is_warned_about():
    with pytest.warns(FdtWarning, match="what it unpacks to is nothing"):
        look_at(gzip.compress(gzip.compress(CPIO)), "i")


def test_damaged_data_are_refused():
    data = bytearray(gzip.compress(CPIO))
    data[10] |= 6  # a block of type 3, which RFC 1951 reserves
    with pytest.raises(FdtBadParameter, match="data are damaged"):
        look_at(data, "i")


@pytest.mark.parametrize("data", [b"i", b"\x80" * 100, b"0707ab" + bytes(100)])
def test_what_is_unknown_is_warned_about(data):
    with pytest.warns(FdtWarning, match=r"initrd i: is nothing that .*-H newc"):
        look_at(data, "i")


@pytest.mark.parametrize(
    ("at", "magic", "name"),
    [(0, b"hsqs", "squashfs"), (1080, b"\x53\xef", "ext2"), (0, b"-rom1fs-", "romfs")],
)
def test_a_file_system_is_warned_about(at, magic, name):
    data = bytes(at) + magic + b"\x80" * 100
    for form in (data, gzip.compress(data)):
        with pytest.warns(FdtWarning, match=f"a {name} file system.*/dev/ram0"):
            look_at(form, "i")


def judged(data):
    try:
        look_at(data, "i")
    except FdtBadParameter as e:
        return e.where
    return ""


def test_every_byte_of_a_head_changed_is_taken_or_judged_in_words():
    blamed = set()
    for whole in (CPIO, gzip.compress(CPIO), lzma.compress(CPIO), ARM64):
        for at in range(min(len(whole), 80)):
            for value in (0, 0xFF, whole[at] ^ 0x80):
                data = whole[:at] + bytes([value]) + whole[at + 1 :]
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", FdtWarning)
                    blamed.add(judged(data))
    assert blamed == {"", "initrd i"}


# Several


def test_several_are_put_where_the_kernel_looks_for_the_next_one(tmp_path):
    packed = gzip.compress(CPIO)
    for cut in range(4):  # compressed data may end anywhere
        first, second = packed + bytes(cut), CPIO + b"\0" * 4
        names = []
        for name, data in (("one", first), ("two", second)):
            names.append(tmp_path / name)
            names[-1].write_bytes(data)
        joined = InitrdFile(*names)
        data = joined.read()
        at = -(-len(first) // 4) * 4
        assert data == first + bytes(at - len(first)) + second
        assert len(joined) == len(data)
        assert data[at : at + 6] == b"070701"
        # Of bytes the same
        assert InitrdFile(first, names[1]).read() == data


def test_of_several_the_one_that_is_wrong_is_named(tmp_path):
    (tmp_path / "good").write_bytes(CPIO)
    (tmp_path / "bad").write_bytes(b"\x7fELF" + bytes(100))
    (tmp_path / "none").touch()
    for name, says in (("bad", "bad: is an ELF"), ("none", "none: is empty")):
        with pytest.raises(FdtBadParameter, match=says):
            InitrdFile(tmp_path / "good", tmp_path / name)


def test_the_tool_reads_what_was_joined(tmp_path):
    """cpio(1) reads one archive, the kernel all: so each piece alone."""
    if shutil.which("cpio") is None:
        pytest.skip("no cpio")
    pieces = []
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
        made = subprocess.run(
            ("cpio", "-o", "-H", "newc"),
            input=name.encode(),
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        pieces.append(made.stdout + b"\0")
    data = InitrdFile(*pieces).read()
    second = data.index(b"070701", len(pieces[0]))
    assert second % 4 == 0
    for at, name in ((0, b"first"), (second, b"second")):
        listed = subprocess.run(
            ("cpio", "-t"), input=data[at:], capture_output=True, check=True
        )
        assert listed.stdout.split() == [name]


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("missing", ["zlib", "bz2", "lzma"])
def test_a_python_without_a_library_judges_what_it_can(kind, missing, monkeypatch):
    """Such as that of an initramfs: what it cannot unpack it does not judge."""
    monkeypatch.setitem(sys.modules, missing, None)
    needs = {"gzip": "zlib", "bzip2": "bz2"}.get(kind, "lzma")
    data = PACKERS[kind](b"no archive, no file system")
    try:
        look_at(data, "initrd")
        judged = False
    except FdtBadParameter:
        judged = True
    assert judged is (needs != missing)
