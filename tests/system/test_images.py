# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Real kernel images, from Debian's packages (kept in .cache/)."""

import contextlib
import gzip
import lzma
import re
import sys
from pathlib import Path

import pytest

from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image, read_image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from guest import GuestError  # noqa: E402
from guest.debian import Archive  # noqa: E402


def kernel(architecture, meta):
    """The newest one that is here already, else fetched."""
    unpacked = ROOT / ".cache" / f"debian-{architecture}" / "unpacked"
    found = sorted(unpacked.glob("linux-image-*/boot/vmlinuz-*"))
    if found:
        return found[-1]
    archive = Archive(ROOT / ".cache", architecture)
    try:
        package = archive.unpack(archive.kernel(meta))
    except GuestError as e:
        pytest.skip(f"no {meta} for {architecture}: {e}")
    return next(package.glob("boot/vmlinuz-*"))


@pytest.fixture(scope="module")
def arm64():
    return kernel("arm64", "linux-image-cloud-arm64")


@pytest.fixture(scope="module")
def armhf():
    return kernel("armhf", "linux-image-armmp")


@pytest.mark.kernel("arm64")
def test_debians_arm64_kernel(arm64):
    """arch/arm64/Kconfig of Debian: 4 KiB pages, little-endian; relocatable
    kernels ask for no offset and go anywhere (booting.rst)."""
    image = read_image(arm64)
    assert (image.arch, image.layers, image.page_size) == ("arm64", (), 4096)
    assert not image.big_endian
    assert image.anywhere
    assert image.text_offset == 0
    assert image.image_size > len(image.data) == arm64.stat().st_size


@pytest.mark.kernel("riscv64")
def test_debians_riscv64_kernel(riscv64_kernel):
    """Documentation/arch/riscv/boot-image-header.rst: an offset of a multiple of
    2 MiB, the size with BSS. Only little-endian ones exist."""
    image = read_image(riscv64_kernel)
    assert (image.arch, image.layers) == ("riscv64", ())
    assert not image.big_endian
    assert image.text_offset % (2 << 20) == 0
    assert image.image_size >= len(image.data)


@pytest.mark.kernel("arm64")
def test_a_running_kernel_has_the_size_that_its_image_says(arm64):
    """_text to _end, as the captured machine's own files place them: to the byte if
    that ran the very kernel; another build of Debian's differs by a little."""
    machine = Machine(ROOT / "examples" / "arm64-dt")
    image = read_image(arm64)
    text, _ = machine.mapping.text
    same = arm64.name.endswith(machine.release)
    assert abs(text.size - image.image_size) <= (0 if same else 1 << 20)
    assert (text.start - image.text_offset) % (2 << 20) == 0


@pytest.mark.kernel("arm64")
def test_a_compressed_real_kernel_comes_out_as_it_was(arm64):
    whole = arm64.read_bytes()
    image = parse_image(gzip.compress(whole, 1))
    assert image.data == whole
    assert image.layers == ("gzip",)


def unpacked_lengths(data):
    """Lengths of what the xz streams in data unpack to. The decompressor's own
    code holds the magic too, which is no stream."""
    lengths = []
    for m in re.finditer(rb"\xfd7zXZ\0", data):
        with contextlib.suppress(lzma.LZMAError):
            lengths.append(len(lzma.LZMADecompressor().decompress(data[m.start() :])))
    return lengths


@pytest.mark.kernel("armmp")
def test_the_kernel_in_debians_zimage_has_the_length_that_the_tag_says(armhf):
    """CONFIG_KERNEL_XZ of Debian: the library unpacks it too."""
    image = read_image(armhf)
    assert image.arch == "arm"
    assert image.inflated in unpacked_lengths(image.data)
    assert image.room > image.text_offset + image.inflated + image.bss
