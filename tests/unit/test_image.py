# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images: headers assembled by hand after the kernel's documents.
tests/system/test_images.py reads real kernels.

Layouts: Linux Documentation/arch/arm64/booting.rst,
Documentation/arch/riscv/boot-image-header.rst,
drivers/firmware/efi/libstub/zboot-header.S, arch/arm/boot/compressed/head.S and
vmlinux.lds.S.
"""

import bz2
import gzip
import lzma
import random
import struct
import sys
import warnings
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from image_files import BODY, arm64, riscv, zboot, zimage

from pyfdtx.errors import FdtImageError, FdtWarning
from pyfdtx.kexec import ZImage
from pyfdtx.kexec.image import compression, kernel, unpack
from pyfdtx.kexec.image.kernel import Image, parse_image, read_image


def test_an_arm64_image_says_where_and_how_large():
    data = arm64(text_offset=0x80000, image_size=0x1AB0000)
    image = parse_image(data, "vmlinuz")
    assert isinstance(image, Image)
    assert (image.arch, image.where, image.layers) == ("arm64", "vmlinuz", ())
    assert image.data == data
    assert (image.text_offset, image.image_size) == (0x80000, 0x1AB0000)


# booting.rst: bit 0 endianness, bits 1-2 page size (0 unspecified, 1 4K, 2 16K,
# 3 64K), bit 3 physical placement
@pytest.mark.parametrize("bits", range(16))
def test_every_combination_of_the_arm64_flags(bits):
    image = parse_image(arm64(flags=bits))
    assert image.big_endian == bool(bits & 1)
    assert image.page_size == {0: None, 1: 4096, 2: 16384, 3: 65536}[bits >> 1 & 3]
    assert image.anywhere == bool(bits & 8)


def test_a_file_longer_than_its_image_size_needs_all_of_it():
    assert parse_image(arm64(image_size=5)).image_size == 64 + len(BODY)


def test_an_arm64_image_without_size_is_refused_because_its_bss_is_unknown():
    with pytest.raises(FdtImageError, match=r"old.Image: image_size.* 0 .*before 3.17"):
        parse_image(arm64(image_size=0), "old.Image")


@pytest.mark.parametrize(
    ("machine", "arch"),
    [(None, "riscv"), (0x5064, "riscv64"), (0x5032, "riscv32"), (0x1234, "riscv")],
)
def test_a_riscv_image_and_its_register_width_from_the_pe_header(machine, arch):
    image = parse_image(riscv(machine))
    assert image.arch == arch
    assert (image.text_offset, image.image_size) == (0x200000, 0x30000)
    assert image.page_size is None
    assert not image.anywhere


PACKERS = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "lzma": lambda d: lzma.compress(d, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_image_is_unpacked(kind):
    image = parse_image(PACKERS[kind](arm64()))
    assert image.data == arm64()
    assert image.layers == (kind,)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_image_cut_short_anywhere_is_noticed(kind):
    packed = PACKERS[kind](arm64())
    for keep in range(1, len(packed)):
        with pytest.raises(FdtImageError) as e:
            parse_image(packed[:keep], "cut")
        assert e.value.where == "cut", keep


def test_an_lzma_image_of_known_size_has_no_end_mark_and_needs_none():
    """LZMA SDK, lzma-specification: 13 bytes of header, the size at 5; -1 is
    unknown, and then an end mark of at least 5 bytes follows the data."""
    raw = lzma.compress(
        arm64(),
        format=lzma.FORMAT_RAW,
        filters=[{"id": lzma.FILTER_LZMA1, "preset": 6}],
    )
    alone = PACKERS["lzma"](b"")[:5] + struct.pack("<Q", len(arm64())) + raw
    assert parse_image(alone).data == arm64()
    with pytest.raises(FdtImageError):
        parse_image(alone[:-30])


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"xzkern", lzma.compress),
        (b"xz", lzma.compress),
        (b"lzma", PACKERS["lzma"]),
    ],
)
def test_an_efi_zboot_image_is_unpacked(name, pack):
    """What follows the payload (the size, the EFI stub) is not read."""
    image = parse_image(zboot(pack(arm64()), name, tail=b"\xff" * 100))
    assert image.data == arm64()
    assert image.layers == ("EFI zboot", name.decode().replace("kern", ""))


def test_a_compressed_efi_zboot_image_is_unpacked_twice():
    image = parse_image(gzip.compress(zboot(gzip.compress(riscv(0x5064)))))
    assert image.arch == "riscv64"
    assert image.layers == ("gzip", "EFI zboot", "gzip")


@pytest.mark.parametrize(
    ("offset", "size"), [(64, 10_000), (10_000, 1), (8, 10), (64, 0), (0xFFFFFFFF, 2)]
)
def test_an_efi_zboot_payload_outside_the_file_is_refused(offset, size):
    with pytest.raises(FdtImageError, match=r"k: EFI zboot payload of .* not inside"):
        parse_image(zboot(bytes(100), offset=offset, size=size), "k")


@pytest.mark.parametrize("name", [b"lzx", b"", b"\xff\xfe"])
def test_an_efi_zboot_compression_that_nobody_knows_is_named(name):
    with pytest.raises(FdtImageError, match="k: is compressed in a way that is not"):
        parse_image(zboot(bytes(100), name), "k")


class Zstandard:
    """Stands for the package zstandard, whose frames here are gzip's."""

    def ZstdDecompressor(self):
        return self

    def decompressobj(self):
        made = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self.pieces = []

        class Object:
            eof = property(lambda _: made.eof)

            def decompress(_, data):
                self.pieces.append(len(data))
                return made.decompress(data)

        return Object()


def test_zstd_by_the_package_is_fed_in_pieces_and_bounded(monkeypatch):
    package = Zstandard()
    monkeypatch.setitem(sys.modules, "zstandard", package)
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    data = random.Random(1).randbytes(10_000)
    packed = gzip.compress(data)
    assert compression._zstd(packed, len(data)) == (data, True, 0)
    assert sum(package.pieces) == len(packed)
    assert max(package.pieces) == 4096
    # cut off, and with something behind
    out, complete, _ = compression._zstd(packed[:-1], len(data))
    assert (out, complete) == (data, False)
    assert compression._zstd(packed + bytes(9000), len(data)) == (data, True, 0)
    # no more than the piece that goes beyond the limit
    for limit in (0, 1000, len(data) - 1):
        out, _, _ = compression._zstd(packed, limit)
        assert limit < len(out)
        assert sum(package.pieces) <= limit + 2 * 4096


def test_a_bomb_is_stopped(monkeypatch):
    for module in (compression, unpack):
        monkeypatch.setattr(module, "LIMIT", 1 << 20)
    for pack in PACKERS.values():
        with pytest.raises(FdtImageError, match="more than 1 MiB come out"):
            parse_image(pack(bytes(2 << 20)))


def test_an_arm_zimage_says_how_much_room_it_needs():
    image = parse_image(zimage())
    assert isinstance(image, ZImage)
    assert (image.arch, image.inflated, image.bss) == ("arm", 0x13A10B4, 0x5E4D4)
    assert (image.text_offset, image.malloc) == (0x208000, 0x10000)
    # inflated + 0x1000 + zImage + heap + 0x2000 = 0x13b41b4; the kernel with
    # its BSS 0x13ff588 is more; + TEXT_OFFSET = 0x1607588, rounded up to 1 MiB
    assert image.room == 0x1700000


def test_a_large_zimage_needs_room_behind_the_kernel():
    """0x208000 + 0x13a10b4 + 0x1000 + 0x532200 + 0x10000 + 0x2000 = 0x1aee2b4:
    the zImage of armmp moves itself behind the kernel."""
    image = parse_image(zimage(size=0x532200) + bytes(0x532200 - 0x100))
    assert image.room == 0x1B00000


@pytest.mark.parametrize("size", [2, 4])
def test_a_zimage_with_a_short_tag_gets_the_old_constants(size):
    image = parse_image(zimage((size, 0x5A534C4B, 0x90, 0x1234, 0)))
    assert (image.inflated, image.bss) == (0x13A10B4, 0x1234)
    assert (image.text_offset, image.malloc) == (0x8000, 0x10000)


def test_a_zimage_tag_of_five_words_has_the_text_offset():
    image = parse_image(zimage((5, 0x5A534C4B, 0x90, 0x1234, 0x208000, 0)))
    assert (image.text_offset, image.malloc) == (0x208000, 0x10000)


def test_an_unknown_zimage_tag_is_stepped_over():
    tag = (3, 0x11111111, 0x22222222, 6, 0x5A534C4B, 0x90, 1, 2, 3, 0)
    assert parse_image(zimage(tag)).text_offset == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zimage((0, 0)), "no KLSZ"),
        (zimage((6, 0x5A534C4B, 0xFFFFFFF0, 1, 2, 3)), "points to 0xfffffff0"),
        (zimage((0x1000, 0x11111111)), "outside its 256 bytes"),
        (zimage(size=0x101), "says 257 bytes, but there are 256: cut off"),
        (zimage()[:0x34] + bytes(4) + zimage()[0x38:], "no table of tags"),
        (zimage()[:0x30] + b"\x04\x03\x02\x01" + zimage()[0x34:], "big-endian"),
    ],
)
def test_a_damaged_zimage_is_refused_with_the_reason(data, says):
    with pytest.raises(FdtImageError, match=says) as e:
        parse_image(data, "zImage")
    assert e.value.where == "zImage"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), r"is an ELF file of machine 0"),
        (b"MZ" + bytes(100), "is an EFI program, but neither Image nor EFI zboot"),
        (b"root=/dev/vda console=ttyAMA0\n" * 4, r"is text \('root=/dev/vda co"),
        (b"hi\n", "is text"),
        (b"#!/bin/sh\n", "is a script"),
        (b"\xd0\x0d\xfe\xed" + bytes(100), "is a device tree blob"),
        (b"070701" + b"0" * 200, "is a cpio archive"),
        (bytes(0x202) + b"HdrS" + bytes(100), "is an x86 bzImage"),
        (bytes(1000), "is no kernel image"),
        (arm64()[:63], "is no kernel image"),
        (gzip.compress(b"\x7fELF" + bytes(100)), "is an ELF file"),
        (b"\x1f\x8b" + bytes(100), "damaged gzip data"),
        (b"VNDRBOOT" + bytes(100), "is Android's vendor_boot.img"),
    ],
)
def test_what_is_no_image_is_named(data, says):
    with pytest.raises(FdtImageError, match=says) as e:
        parse_image(data, "/boot/x")
    assert str(e.value).startswith("image /boot/x: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FdtImageError, match=r"nowhere: No such file"):
        read_image(tmp_path / "nowhere")
    with pytest.raises(FdtImageError, match="directory"):
        read_image(tmp_path)
    (tmp_path / "Image").write_bytes(arm64())
    assert read_image(tmp_path / "Image").where == str(tmp_path / "Image")


def test_a_file_larger_than_any_kernel_is_refused_unread(tmp_path, monkeypatch):
    huge = tmp_path / "huge"
    with huge.open("wb") as f:
        f.truncate(1 << 40)
    with pytest.raises(FdtImageError, match="huge: has more than 1024 MiB"):
        read_image(huge)
    with pytest.raises(FdtImageError, match="/dev/zero: is a device"):
        read_image("/dev/zero")
    monkeypatch.setitem(kernel.LIMITS, "image", 32 << 20)
    place = tmp_path / "Image"
    for size, kind in ((32 << 20, "no kernel image"), ((32 << 20) + 1, "32 MiB")):
        place.write_bytes(bytes(size))
        with pytest.raises(FdtImageError, match=kind):
            read_image(place)


def test_every_byte_of_a_header_changed_gives_an_image_or_a_clear_error():
    blamed = set()
    for whole in (arm64(), riscv(0x5064), zboot(gzip.compress(arm64())), zimage()):
        for at in range(0x80):
            for value in (0x00, 0xFF, whole[at] ^ 0x80):
                data = whole[:at] + bytes([value]) + whole[at + 1 :]
                try:
                    blamed.add(parse_image(data, "k").where)
                except FdtImageError as e:
                    blamed.add(e.where)
    assert blamed == {"k"}


@pytest.mark.parametrize("wrong", [0, 64, None, "text", [1, 2], arm64])
def test_what_is_no_buffer_is_a_type_error(wrong):
    # bytes(64) would be 64 zeros
    with pytest.raises(TypeError, match="an image must be bytes-like, not "):
        parse_image(wrong)


def test_any_buffer_is_taken():
    for kind in (bytes, bytearray, memoryview):
        assert parse_image(kind(arm64())).data == arm64()


TREE = b"\xd0\x0d\xfe\xed" + bytes(range(1, 61))


@pytest.mark.parametrize(
    ("tail", "says"), [(TREE, "a device tree behind"), (b"\1" * 9, "9 bytes behind")]
)
def test_what_is_appended_to_a_zimage_is_left_out_and_named(tail, says):
    """CONFIG_ARM_APPENDED_DTB: the decompressor takes a tree at its _edata, the end
    that its header states (arch/arm/boot/compressed/head.S)."""
    with pytest.warns(
        FdtWarning, match=f"zImage: {says} the end of the zImage.*APPEND"
    ):
        image = parse_image(zimage() + tail, "zImage")
    assert image.data == zimage()


def test_padding_behind_a_zimage_is_left_out_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_image(zimage() + bytes(5000)).data == zimage()
