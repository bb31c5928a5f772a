# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ELF kernels of ppc64, laid out as elf(5) says."""

import gzip
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ppc64_machine import MIB, VIRTUAL, vmlinux

from pyfdtx.errors import FdtImageError
from pyfdtx.kexec.image.kernel import parse_image

ONE, TWO = bytes(range(1, 201)), b"two" * 100


def test_pieces_lie_where_the_file_puts_them_with_zeros_between():
    image = parse_image(vmlinux([(0x1000, TWO, 0x1000), (0, ONE, 0x300)]), "vmlinux")
    assert image.data == ONE + bytes(0x1000 - len(ONE)) + TWO
    assert image.image_size == 0x2000
    assert (image.arch, image.start, image.entry) == ("ppc64le", 0, 0)


def test_zeros_at_the_end_need_memory_but_no_bytes():
    image = parse_image(vmlinux([(0, ONE, 40 * MIB)]), "vmlinux")
    assert image.data == ONE
    assert image.image_size == 40 * MIB


def test_the_lowest_address_is_the_start():
    loads = [(32 * MIB, ONE, MIB)]
    image = parse_image(vmlinux(loads, entry=VIRTUAL + 32 * MIB + 8), "vmlinux")
    assert (image.start, image.entry, image.image_size) == (32 * MIB, 8, MIB)


def test_a_compressed_one_is_unpacked():
    image = parse_image(gzip.compress(vmlinux()), "vmlinux.gz")
    assert (image.arch, image.layers) == ("ppc64le", ("gzip",))


def test_byte_order_makes_two_architectures():
    assert parse_image(vmlinux(order=1)).arch == "ppc64le"
    assert parse_image(vmlinux(order=2)).arch == "ppc64"


@pytest.mark.parametrize(
    ("blob", "cause"),
    [
        (vmlinux(machine=62), r"an ELF file \(vmlinux\?\) of x86_64; give"),
        (vmlinux(machine=40, bits=1), r"\(vmlinux\?\) of arm, not a zImage; give"),
        (vmlinux(machine=4), "an ELF file of machine 4; give"),
        (vmlinux(machine=183), "without the header of an Image"),  # EM_AARCH64
        (vmlinux(bits=1), "not of 64 bits"),
        (vmlinux(kind=1), "ET_REL: no kernel"),
        (vmlinux(kind=4), "ET_CORE: no kernel"),
        (vmlinux([]), "damaged|without PT_LOAD"),
        (vmlinux([(0, ONE, 100)]), "200 bytes into 100"),
        (vmlinux([(0, ONE, 200), (100, TWO, 300)]), "overlap"),
        (vmlinux([(0, ONE, 200), (199, TWO, 300)]), "overlap"),
        (vmlinux([(0, ONE, 1 << 31)]), "0x80000000 bytes, more than"),
        (vmlinux(entry=4), "entry 0x4 is in no PT_LOAD"),
        (vmlinux([(0, ONE, 200)])[:-1], "cut off: .* 200 bytes, the file 199"),
    ],
    ids=lambda v: "" if isinstance(v, bytes) else v.split(":")[0][:20],
)
def test_what_is_wrong_is_said(blob, cause):
    with pytest.raises(FdtImageError, match=cause):
        parse_image(blob, "vmlinux")


def test_every_truncation_is_refused_in_words():
    """A file that is cut off anywhere in its headers, or in what it holds."""
    whole = vmlinux([(0, ONE, 300)])
    for size in range(4, len(whole)):
        with pytest.raises(FdtImageError) as refused:
            parse_image(whole[:size], "vmlinux")
        assert str(refused.value).startswith("image vmlinux: "), size


def test_every_byte_of_the_headers_flipped_gives_an_image_or_a_refusal():
    whole = vmlinux([(0, ONE, 300)])
    for at in range(64 + 56):
        for bit in range(8):
            spoiled = bytearray(whole)
            spoiled[at] ^= 1 << bit
            try:
                image = parse_image(bytes(spoiled), "vmlinux")
            except FdtImageError:
                continue
            assert len(image.data) <= image.image_size <= 1 << 30, f"{at}:{bit}"
