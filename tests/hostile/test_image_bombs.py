# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Small images that ask for a lot: refused within the memory that a kernel may have,
and without counting to a billion. Limits of memory are the system's own."""

import bz2
import gzip
import lzma
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from ppc64_machine import vmlinux

from pyfdtx.errors import FdtImageError
from pyfdtx.kexec.arch.arm import image as arm
from pyfdtx.kexec.image import elf as elf_files
from pyfdtx.kexec.image import unpack
from pyfdtx.kexec.image.kernel import parse_image

MIB = 1 << 20
PACKERS = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}


def packed_zeros(pack, size):
    """As pack(bytes(size)), in pieces."""
    made = {
        gzip.compress: lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        lzma.compress: lzma.LZMACompressor,
        bz2.compress: bz2.BZ2Compressor,
    }[pack]()
    piece = bytes(16 * MIB)
    out = [made.compress(piece) for _ in range(size // len(piece))]
    return b"".join([*out, made.flush()])


def zboot(payload, kind=b"gzip"):
    return struct.pack("<2s2x4s2I8x32s", b"MZ", b"zimg", 64, len(payload), kind) + (
        bytes(8) + payload
    )


CODE = """
import resource, sys
from pyfdtx.errors import FdtImageError
from pyfdtx.kexec.image.kernel import read_image
import bz2, lzma, zlib
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (int(sys.argv[2]) << 20),) * 2)
try:
    read_image(sys.argv[1])
except FdtImageError as e:
    print(e.cause)
"""


def refused(tmp_path, data, room):
    """What is said of an image by a process that may take so many MiB more."""
    (tmp_path / "Image").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "Image", str(room)],
        capture_output=True,
        cwd=tmp_path,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_limit_is_what_a_kernel_may_have():
    assert unpack.LIMIT == 512 * MIB


def test_what_comes_out_is_bounded(tmp_path):
    """608 MiB out of 600 KiB; twice the limit while pieces are joined."""
    data = packed_zeros(gzip.compress, 608 * MIB)
    assert len(data) < MIB
    assert "more than 512 MiB come out" in refused(tmp_path, data, 1100)


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_a_compressed_file_in_another_is_refused_before_it_is_unpacked(
    tmp_path, outer, inner
):
    """gzip of gzip of zeros: some hundred bytes of 96 MiB."""
    pack = PACKERS[inner]
    data = PACKERS[outer](packed_zeros(pack, 96 * MIB))
    assert len(data) < 70_000
    said = refused(tmp_path, data, 64)
    assert f"wrapped too often: {outer}, {inner}" in said


@pytest.mark.parametrize(
    "data",
    [
        zboot(gzip.compress(gzip.compress(bytes(100)))),
        zboot(gzip.compress(zboot(gzip.compress(bytes(100))))),
        gzip.compress(zboot(gzip.compress(gzip.compress(bytes(100))))),
        gzip.compress(zboot(gzip.compress(zboot(gzip.compress(bytes(100)))))),
        gzip.compress(gzip.compress(zboot(gzip.compress(bytes(100))))),
    ],
)
def test_wrappers_come_once_each(data):
    with pytest.raises(FdtImageError, match="wrapped too often"):
        parse_image(data)


def test_the_layers_share_one_limit(monkeypatch):
    monkeypatch.setattr(unpack, "LIMIT", MIB)
    payload = gzip.compress(bytes(600_000)) + os.urandom(500_000)
    with pytest.raises(FdtImageError, match="no kernel image"):
        parse_image(zboot(payload))
    with pytest.raises(FdtImageError, match="MiB come out"):
        parse_image(gzip.compress(zboot(payload)))


def test_a_dictionary_of_xz_is_bounded(tmp_path):
    """The header asks for 1.5 GiB, for 13 bytes of text."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"x" * 13, filters=filters))
    # The .xz file format 5.3.1: one byte; CRC32 of the block header behind it
    at = data.index(b"\x21\x01") + 2
    data[at] = 39  # 3 GiB
    size = (data[12] + 1) * 4
    crc = zlib.crc32(bytes(data[12 : 12 + size - 4]))
    data[12 + size - 4 : 12 + size] = struct.pack("<I", crc)
    assert "Memory usage limit exceeded" in refused(tmp_path, bytes(data), 1100)


# ELF


def elf(loads, size=4096):
    """ELF64 of ppc64le, elf(5): (p_paddr, p_filesz, p_memsz) each at offset 0."""
    head = struct.pack(
        *("<16s2HI3QI6H", b"\x7fELF\2\1\1", 2, 21, 1, 0, 64, 0, 0, 64),
        *(56, len(loads), 0, 0, 0),
    )
    table = b"".join(
        struct.pack("<2I6Q", 1, 7, 0, at, at, filesz, memsz, 0)
        for at, filesz, memsz in loads
    )
    return (head + table).ljust(size, b"\0")


def test_a_gap_in_an_elf_file_is_bounded(tmp_path):
    small = elf([(0, 16, 16), (400 * MIB, 16, 16)], size=176)
    assert len(small) == 176
    assert "of nothing between its PT_LOADs" in refused(tmp_path, small, 32)


def test_many_gaps_count_together(tmp_path):
    loads = [(at * 10 * MIB, 16, 16) for at in range(50)]
    assert "of nothing between" in refused(tmp_path, elf(loads), 200)


def test_a_gap_that_linux_makes_is_taken():
    """arch/powerpc/Kconfig DATA_SHIFT: data on a 16 MiB boundary."""
    image = parse_image(elf([(0, 16, 16), (16 * MIB, 16, 16)]))
    assert len(image.data) == 16 * MIB + 16


def test_a_bss_takes_no_memory(tmp_path):
    bss = elf([(0, 16, 500 * MIB)])
    assert refused(tmp_path, bss, 32) == ""
    too_large = elf([(0, 16, 513 * MIB)])
    assert "more than a kernel has" in refused(tmp_path, too_large, 32)


@pytest.mark.parametrize(("at", "form", "value"), [(56, "H", 65_535), (54, "H", 0)])
def test_program_headers_are_counted_before_they_are_read(at, form, value):
    """65535 is PN_XNUM: the count is said by a section, up to 2^32."""
    data = bytearray(vmlinux())
    struct.pack_into("<" + form, data, at, value)
    with pytest.raises(FdtImageError, match=r"program headers of|damaged"):
        parse_image(bytes(data))


def test_as_many_program_headers_as_a_kernel_has_are_taken():
    loads = [(at * 4096, 16, 16) for at in range(elf_files.MAX_HEADERS)]
    size = 64 + 56 * len(loads)
    assert len(parse_image(elf(loads, size)).data) == 255 * 4096 + 16
    with pytest.raises(FdtImageError, match="program headers"):
        parse_image(elf([*loads, (1 << 24, 16, 16)], size + 56))


# zImage


def zimage(tags, size):
    """Linux arch/arm/boot/compressed/head.S: six words at 0x24, the table behind."""
    words = struct.pack("<6I", 0x016F2818, 0, size, 0x04030201, 0x45454545, 0x40)
    return (bytes(0x24) + words).ljust(0x40, b"\0") + tags


def test_a_table_of_tags_without_end_is_left(monkeypatch):
    tags = struct.pack("<2I", 2, 0x11111111) * 100_000
    steps = []
    real = arm.ZImage._words

    def counted(self, at, count):
        steps.append(at)
        return real(self, at, count)

    monkeypatch.setattr(arm.ZImage, "_words", counted)
    with pytest.raises(FdtImageError, match="has no KLSZ among the first 64"):
        parse_image(zimage(tags, 0x40 + len(tags)))
    assert len(steps) <= 2 * arm.MAX_TAGS


def test_the_last_tag_that_is_looked_at_counts():
    def with_tags(before):
        other = struct.pack("<2I", 2, 0x11111111) * before
        tags = other + struct.pack("<6I", 6, arm.TAG_KLSZ, 0, 1, 2, 3)
        return zimage(tags, 0x40 + len(tags))

    assert parse_image(with_tags(arm.MAX_TAGS - 1)).text_offset == 2
    with pytest.raises(FdtImageError, match="has no KLSZ"):
        parse_image(with_tags(arm.MAX_TAGS))
