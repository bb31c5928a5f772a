# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernels in containers and in compressions that Python lacks: made by hand after the
formats' documents, and by the tools of those who made the formats.

U-Boot include/image.h, doc/usage/fit; Android bootimg.h; Microsoft's PE format and the
UKI specification; lz4_Frame_format.md.
"""

import gzip
import hashlib
import shutil
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from image_files import android, arm64, fit, riscv, uimage, uki, vmlinux, zboot, zimage

from pyfdtx.errors import FdtError, FdtImageError, FdtWarning
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image import compression, unpack
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

DT = Path(__file__).resolve().parents[2] / "examples" / "arm64-dt"
INITRD = b"070701" + bytes(range(200))
BIG = bytes(range(256)) * 50_000  # more than a block of lz4
CUT = 300


def run(*command, data=None, cwd=None):
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    done = subprocess.run(command, input=data, capture_output=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Compressions

TOOLS = {
    "zstd": ("zstd", "-c"),
    "lz4": ("lz4", "-l", "-c"),
    "lz4 frame": ("lz4", "-c"),
    "lzo": ("lzop", "-c"),
}
# The packages of the extra "images", then what stands in for them
GONE = {
    "packages": (),
    "zstandard": ("compression", "backports.zstd"),
    "tools": ("compression", "backports.zstd", "zstandard", "lz4", "lz4.block"),
}


def without(monkeypatch, names):
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    if "lz4" in names:
        monkeypatch.setitem(sys.modules, "lz4.frame", None)


@pytest.mark.parametrize("way", GONE)
@pytest.mark.parametrize("kind", TOOLS)
@pytest.mark.parametrize("body", [b"", BIG], ids=["small", "large"])
def test_what_the_tools_compress_is_unpacked(monkeypatch, kind, way, body):
    image = arm64(body=body)
    packed = run(*TOOLS[kind], data=image)
    without(monkeypatch, GONE[way])
    name = kind.partition(" ")[0]
    found = parse_image(packed)
    assert found.data == image
    assert found.layers == (name,)
    # EFI zboot, with what stands behind the payload there
    found = parse_image(zboot(packed, name.encode(), tail=b"\xff" * 100))
    assert found.data == image
    assert found.layers == ("EFI zboot", name)


@pytest.mark.parametrize("way", GONE)
@pytest.mark.parametrize("kind", TOOLS)
def test_their_bombs_are_stopped(monkeypatch, kind, way):
    packed = run(*TOOLS[kind], data=bytes(3 << 20))
    without(monkeypatch, GONE[way])
    monkeypatch.setattr(unpack, "LIMIT", 1 << 20)
    with pytest.raises(FdtImageError, match="MiB come out of its"):
        parse_image(packed)


def test_a_tool_is_stopped_when_it_has_given_enough(monkeypatch, tmp_path):
    tool = tmp_path / "lzop"
    tool.write_text(
        "#!/bin/sh\nPATH=/bin:/usr/bin\nhead -c 67108864 /dev/zero\ntouch end\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(unpack, "LIMIT", 1 << 20)
    with pytest.raises(FdtImageError, match="MiB come out of its lzo data"):
        parse_image(b"\x89LZO\0" + bytes(1 << 20), "k")
    assert not (tmp_path / "end").exists()


@pytest.mark.parametrize("way", GONE)
@pytest.mark.parametrize("kind", TOOLS)
def test_what_is_cut_short_is_noticed(monkeypatch, kind, way):
    packed = run(*TOOLS[kind], data=arm64(body=bytes(range(250)) * 20))
    without(monkeypatch, GONE[way])
    step = 1 if way == "packages" else 97
    for keep in range(9, len(packed), step):
        with pytest.raises(FdtImageError, match=r"^image cut: "):
            parse_image(packed[:keep], "cut")


@pytest.mark.parametrize(("kind", "package"), [("zstd", 1), ("lz4", 1), ("lzo", 0)])
def test_where_nothing_unpacks_it_the_ways_out_are_named(monkeypatch, kind, package):
    magic = next(m for m, k in compression.MAGIC if k == kind)
    without(monkeypatch, GONE["tools"])
    monkeypatch.setenv("PATH", "/nowhere")
    tool = {"lzo": "lzop"}.get(kind, kind)
    with pytest.raises(FdtImageError, match=f"install .*apt-get install {tool}") as e:
        parse_image(zboot(magic + bytes(50), kind.encode()), "k")
    assert ("pyfdtx[images]" in str(e.value)) == bool(package)


def lz4_legacy(*blocks):
    """lz4_Frame_format.md, legacy frame: magic, then length and block. A block that
    only holds literals: token 0xf0, 255s, rest, bytes (lz4_Block_format.md)."""
    out = b"\x02\x21\x4c\x18"
    for data in blocks:
        more = len(data) - 15
        assert more >= 0
        block = b"\xf0" + b"\xff" * (more // 255) + bytes((more % 255,)) + data
        out += struct.pack("<I", len(block)) + block
    return out


def test_the_legacy_frame_block_by_block():
    pytest.importorskip("lz4.block")
    image = arm64(body=bytes(1000))
    parts = image[:500], image[500:]
    packed = lz4_legacy(*parts)
    size = struct.pack("<I", len(image))
    for form in (
        packed,
        packed + size,  # as the kernel's build appends it
        packed + b"\0" * 4,
        lz4_legacy(parts[0]) + lz4_legacy(parts[1]),  # one frame behind the other
    ):
        assert parse_image(form).data == image
    with pytest.warns(FdtWarning, match="a device tree behind the end of its lz4 data"):
        found = parse_image(packed + b"\xd0\x0d\xfe\xed" + b"\1" * 60)
    assert found.data == image


def test_the_tool_agrees_about_the_legacy_frame():
    image = arm64(body=bytes(1000))
    assert run("lz4", "-dc", data=lz4_legacy(image)) == image


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_a_tree_behind_a_compressed_kernel_is_left_out_and_named(kind):
    """Image.gz-dtb, as Android's kernels are built."""
    packed = run(kind, "-c", data=arm64())
    with pytest.warns(FdtWarning, match=f"a device tree behind the end of its {kind}"):
        found = parse_image(packed + b"\xd0\x0d\xfe\xed" + b"\1" * 60)
    assert found.data == arm64()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_image(packed + bytes(5000)).data == arm64()


# uImage


def test_a_uimage_is_unwrapped():
    for data, compression_, layers in (
        (zimage(), 0, ("uImage",)),
        (gzip.compress(arm64()), 1, ("uImage", "gzip")),
        (gzip.compress(arm64()), 0, ("uImage", "gzip")),
    ):
        image = parse_image(uimage(data, compression=compression_), "uImage")
        assert image.layers == layers
        assert image.data in (zimage(), arm64())
        assert image.initrd is None


def test_a_uimage_of_several_parts_has_an_initrd():
    parts = [arm64(), INITRD, b"\xd0\x0d\xfe\xed"]
    table = b"".join(struct.pack(">I", len(p)) for p in parts) + bytes(4)
    body = table + b"".join(p + bytes(-len(p) % 4) for p in parts)
    image = parse_image(uimage(body, kind=4))
    assert (image.data, image.initrd) == (arm64(), INITRD)


@pytest.mark.parametrize("parts", [0, 65])
def test_a_table_of_no_parts_or_too_many_is_refused(parts):
    body = struct.pack(">I", 1) * parts + bytes(4) + bytes(parts * 4)
    with pytest.raises(FdtImageError, match=r"uImage of (several|more than 64) parts"):
        parse_image(uimage(body, kind=4))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": 3}, r"holds no kernel: an initrd \(cut .* tail -c \+65\)"),
        ({"kind": 8}, "holds no kernel: a device tree"),
        ({"kind": 99}, "of type 99"),
        ({"system": 17}, "not Linux"),
        ({"compression": 77}, r"unknown compression \(77\)"),
        ({"header_crc": 1}, "CRC of its header is wrong"),
        ({"content_crc": 1}, "CRC of its content is wrong"),
        ({"size": 1 << 31}, "not inside the file"),
    ],
)
def test_what_is_wrong_with_a_uimage_is_said(change, says):
    with pytest.raises(FdtImageError, match=says):
        parse_image(uimage(arm64(), **change))


@pytest.mark.parametrize("arch", ["arm", "arm64", "riscv"])
def test_mkimage_makes_what_is_unwrapped(tmp_path, arch):
    image = {"arm": zimage, "arm64": arm64, "riscv": riscv}[arch]()
    (tmp_path / "k").write_bytes(image)
    run(
        *("mkimage", "-A", arch, "-O", "linux", "-T", "kernel", "-C", "none"),
        *("-a", "0x80000", "-e", "0x80000", "-d", "k", "uImage"),
        cwd=tmp_path,
    )
    assert parse_image((tmp_path / "uImage").read_bytes()).data == image
    # Two files, joined by mkimage
    (tmp_path / "i").write_bytes(INITRD)
    run(
        *("mkimage", "-A", arch, "-O", "linux", "-T", "multi", "-C", "none"),
        *("-d", "k:i", "multi"),
        cwd=tmp_path,
    )
    found = parse_image((tmp_path / "multi").read_bytes())
    assert (found.data, found.initrd) == (image, INITRD)


# FIT


def test_a_fit_is_read_by_its_default_configuration():
    blob = fit({"k1": arm64(), "k2": riscv()}, initrd=INITRD, default="conf-k2")
    assert parse_image(blob).arch == "riscv"
    assert parse_image(blob, configuration="conf-k1").arch == "arm64"
    image = parse_image(blob)
    assert (image.layers, image.initrd) == (("FIT",), INITRD)


def test_of_several_configurations_one_must_be_chosen():
    blob = fit({"k1": arm64(), "k2": riscv()})
    with pytest.raises(FdtImageError, match="--fit-config: conf-k1, conf-k2"):
        parse_image(blob)
    with pytest.raises(FdtImageError, match="'conf' is not there; there are: conf-k1"):
        parse_image(blob, configuration="conf")
    assert parse_image(fit({"only": arm64()})).arch == "arm64"
    with pytest.raises(FdtImageError, match="is no FIT"):
        parse_image(arm64(), configuration="conf")


@pytest.mark.parametrize("name", ["k", "../k1", "k1/hash", "k1@1", ""])
def test_an_image_is_found_by_its_whole_name_alone(name):
    """libfdt takes k for k@1."""
    blob = fit({"k@1": arm64()}, kernel=name)
    with pytest.raises(FdtImageError, match=r"is not there|has no kernel"):
        parse_image(blob)


@pytest.mark.parametrize("where", ["position", "offset"])
def test_external_data_are_read_where_they_are_said_to_lie(where):
    blob = fit({"k": arm64()}, external=where)
    assert parse_image(blob).data == arm64()
    with pytest.raises(FdtImageError, match="not inside the file"):
        parse_image(blob[:-1])


@pytest.mark.parametrize("where", ["position", "offset"])
@pytest.mark.parametrize("lie", [1 << 31, 0xFFFFFFFF, len(arm64()) + 1])
def test_external_data_that_lie_about_size_or_place_are_refused(where, lie):
    for words in ({"size": lie}, {"at": lie}):
        with pytest.raises(FdtImageError, match="not inside the file"):
            parse_image(fit({"k": arm64()}, external=where, **words))


@pytest.mark.parametrize("algorithm", ["crc32", "md5", "sha1", "sha256", "sha512"])
def test_a_hash_is_compared(algorithm):
    data = arm64()
    value = (
        struct.pack(">I", zlib.crc32(data))
        if algorithm == "crc32"
        else hashlib.new(algorithm, data).digest()
    )
    assert parse_image(fit({"k": data}, hashed=(algorithm, value))).data == data
    wrong = value[:-1] + bytes((value[-1] ^ 1,))
    for bad in (wrong, b"", value[:-1]):
        with pytest.raises(FdtImageError, match=f"damaged: its {algorithm}"):
            parse_image(fit({"k": data}, hashed=(algorithm, bad)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "ramdisk"}, "is no Linux kernel"),
        ({"system": "u-boot"}, "is no Linux kernel"),
        ({"packed": "gzip"}, "damaged gzip data"),
        ({"packed": "lzx"}, "compressed in a way"),
        ({"cipher": True}, "is encrypted"),
        ({"data": b""}, "is empty"),
    ],
)
def test_what_is_wrong_with_a_fit_is_said(change, says):
    data = change.pop("data", arm64())
    with pytest.raises(FdtImageError, match=says):
        parse_image(fit({"k": data}, **change))


ITS = """
/dts-v1/;
/ {
	description = "test";
	images {
		kernel-1 {
			data = /incbin/("k"); type = "kernel"; arch = "arm64"; os = "linux";
			compression = "gzip"; load = <0x80000>; entry = <0x80000>;
			hash-1 { algo = "sha256"; };
			hash-2 { algo = "crc32"; };
		};
		ramdisk-1 {
			data = /incbin/("i"); type = "ramdisk"; arch = "arm64"; os = "linux";
			compression = "none"; hash { algo = "sha1"; };
		};
	};
	configurations {
		default = "conf-1";
		conf-1 { kernel = "kernel-1"; ramdisk = "ramdisk-1"; };
		conf-2 { kernel = "kernel-1"; };
	};
};
"""


@pytest.mark.parametrize("options", [(), ("-E",), ("-E", "-p", "0x4000")], ids=str)
def test_mkimage_makes_a_fit_that_is_read(tmp_path, options):
    (tmp_path / "k").write_bytes(gzip.compress(arm64()))
    (tmp_path / "i").write_bytes(INITRD)
    (tmp_path / "its").write_text(ITS)
    if shutil.which("dtc") is None:
        pytest.skip("no dtc")
    run("mkimage", *options, "-f", "its", "fit", cwd=tmp_path)
    blob = (tmp_path / "fit").read_bytes()
    image = parse_image(blob)
    assert (image.data, image.initrd) == (arm64(), INITRD)
    assert image.layers == ("FIT", "gzip")
    assert parse_image(blob, configuration="conf-2").initrd is None
    spoiled = bytearray(blob)
    at = blob.index(gzip.compress(arm64())[10:60])
    spoiled[at] ^= 1
    with pytest.raises(FdtImageError, match="is damaged: its"):
        parse_image(bytes(spoiled))


# Android


@pytest.mark.parametrize("version", range(5))
def test_an_android_boot_image_is_read(version):
    blob = android(gzip.compress(arm64()), INITRD, version, "quiet androidboot.x=1")
    with pytest.warns(FdtWarning) as told:
        image = parse_image(blob)
    assert (image.data, image.initrd) == (arm64(), INITRD)
    assert image.layers == ("Android boot image", "gzip")
    said = "\n".join(str(w.message) for w in told)
    assert "--cmdline gives it: quiet androidboot.x=1" in said
    assert ("vendor_boot.img" in said) == (version >= 3)


def test_a_number_in_the_place_of_the_version_is_no_version():
    """Qualcomm's images before there were versions have the size of a tree there."""
    blob = android(arm64(), b"", 0x12345, "")
    assert parse_image(blob).data == arm64()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel_size": 0}, "without a kernel"),
        ({"kernel_size": 1 << 31}, "kernel of 2147483648 bytes at .* is not inside"),
        ({"initrd_size": 1 << 31}, "initrd of 2147483648 bytes at .* is not inside"),
        ({"page": 0}, "pages of 0 bytes"),
        ({"page": 3000}, "pages of 3000 bytes"),
        ({"page": 1 << 31}, "pages of"),
    ],
)
def test_what_is_wrong_with_an_android_boot_image_is_said(change, says):
    with pytest.raises(FdtImageError, match=says):
        parse_image(android(arm64(), INITRD, 2, "", **change))


@pytest.mark.parametrize("version", range(4))  # Debian 12's knows no more
def test_mkbootimg_makes_what_is_read(tmp_path, version):
    (tmp_path / "k").write_bytes(arm64())
    (tmp_path / "i").write_bytes(INITRD)
    (tmp_path / "d").write_bytes(b"\xd0\x0d\xfe\xed")
    line = "x=" + "y" * 600  # more than the first field holds
    run(
        *("mkbootimg", "--kernel", "k", "--ramdisk", "i", "--cmdline", line),
        *("--header_version", str(version), "-o", "boot.img"),
        *(("--dtb", "d", "--pagesize", "2048") if version == 2 else ()),
        cwd=tmp_path,
    )
    with pytest.warns(FdtWarning, match=line):
        image = parse_image((tmp_path / "boot.img").read_bytes())
    assert (image.data, image.initrd) == (arm64(), INITRD)


# UKI


def test_a_uki_is_read():
    packed = zboot(gzip.compress(arm64()))
    blob = uki(
        {".text": b"stub", ".linux": packed, ".initrd": INITRD, ".cmdline": b"ro\0"}
    )
    with pytest.warns(FdtWarning, match="--cmdline gives it: ro$"):
        image = parse_image(blob)
    assert (image.data, image.initrd) == (arm64(), INITRD)
    assert image.layers == ("UKI", "EFI zboot", "gzip")


def test_the_sections_of_another_profile_are_left():
    sections = [(".linux", arm64()), (".profile", b"ID=x"), (".initrd", INITRD)]
    assert parse_image(uki(sections)).initrd is None
    first = [(".linux", arm64()), (".linux", riscv())]
    assert parse_image(uki(first)).arch == "arm64"


@pytest.mark.parametrize("lie", [1 << 30, 0xFFFFFFFF])
def test_a_section_outside_of_the_file_is_refused(lie):
    for words in ({"start": lie}, {"size": lie}):
        with pytest.raises(FdtImageError, match=r"section 0 \(.linux\).*not inside"):
            parse_image(uki({".linux": arm64()}, **words))


def test_what_does_not_begin_as_an_efi_program_is_none():
    data = uki({".linux": arm64()})
    with pytest.raises(FdtImageError, match="no kernel image that is known here"):
        parse_image(b"ZM" + data[2:])


def test_an_efi_program_without_a_kernel_is_named():
    with pytest.raises(FdtImageError, match="an EFI program, but neither Image nor"):
        parse_image(uki({".text": bytes(100)}))


def test_ukify_or_objcopy_makes_what_is_read(tmp_path):
    """objcopy puts sections into a PE file, as the UKI's first makers did."""
    stub = tmp_path / "stub"
    stub.write_bytes(uki({".text": bytes(512)}))
    (tmp_path / "k").write_bytes(arm64())
    if b"pei-aarch64" not in run("aarch64-linux-gnu-objcopy", "--info"):
        pytest.skip("this objcopy has no PE of arm64")
    run(
        *("aarch64-linux-gnu-objcopy", "--add-section", ".linux=k"),
        *("--change-section-vma", ".linux=0x2000000", "stub", "uki.efi"),
        cwd=tmp_path,
    )
    assert parse_image((tmp_path / "uki.efi").read_bytes()).data == arm64()


# ELF


@pytest.mark.parametrize(("image", "machine"), [(arm64(), 183), (riscv(), 243)])
def test_the_elf_file_of_a_flat_image_is_laid_out(image, machine):
    found = parse_image(vmlinux(image, machine))
    assert found.layers == ("ELF",)
    assert found.data == image
    assert found.image_size == parse_image(image).image_size


@pytest.mark.parametrize("cross", ["aarch64-linux-gnu", "riscv64-linux-gnu"])
def test_objcopy_makes_the_same_flat_image(tmp_path, cross):
    image = {"a": arm64, "r": riscv}[cross[0]]()
    (tmp_path / "i").write_bytes(image[:100])
    (tmp_path / "j").write_bytes(image[100:])
    (tmp_path / "s.S").write_text(
        '.section .head,"ax"\n.incbin "i"\n.section .more,"aw"\n.incbin "j"\n'
        '.section .bss,"aw",@nobits\n.skip 5000\n'
    )
    (tmp_path / "lds").write_text(
        "ENTRY(start)\nSECTIONS { . = 0xffff800008000000; start = .;"
        " .head : { *(.head) } . = ALIGN(0x1000); .more : { *(.more) }"
        " .bss : { *(.bss) } /DISCARD/ : { *(*) } }\n"
    )
    run(f"{cross}-as", "s.S", "-o", "s.o", cwd=tmp_path)
    run(f"{cross}-ld", "-T", "lds", "s.o", "-o", "vmlinux", cwd=tmp_path)
    run(f"{cross}-objcopy", "-O", "binary", "vmlinux", "Image", cwd=tmp_path)
    found = parse_image((tmp_path / "vmlinux").read_bytes())
    assert found.data == (tmp_path / "Image").read_bytes()


def test_an_elf_file_without_the_header_names_the_way_out():
    for machine in (183, 243):
        with pytest.raises(FdtImageError, match="give the Image that is made from it"):
            parse_image(vmlinux(bytes(200), machine))
    with pytest.raises(FdtImageError, match=r"of arm, not a zImage; give a"):
        parse_image(vmlinux(bytes(200), 40))


# All of them


CONTAINERS = {
    "uImage": lambda data: uimage(data),
    "FIT": lambda data: fit({"k": data}),
    "Android boot image": lambda data: android(data, b"", 0, ""),
    "UKI": lambda data: uki({".linux": data}),
}


@pytest.mark.parametrize("outer", CONTAINERS)
@pytest.mark.parametrize("inner", CONTAINERS)
def test_a_container_in_another_is_refused(outer, inner):
    data = CONTAINERS[outer](CONTAINERS[inner](arm64()))
    wanted = "device tree blob" if inner == "FIT" else f"too often: {outer}, {inner}"
    with pytest.raises(FdtImageError, match=wanted):
        parse_image(data)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_what_a_container_unpacks_to_is_bounded(monkeypatch, kind):
    monkeypatch.setattr(unpack, "LIMIT", 1 << 20)
    data = CONTAINERS[kind](gzip.compress(bytes(2 << 20)))
    with pytest.raises(FdtImageError, match="MiB come out"):
        parse_image(data)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_byte_of_a_container_changed_or_missing_is_judged_in_words(kind):
    whole = CONTAINERS[kind](arm64(body=bytes(100)))
    blamed = set()
    spoiled = [whole[:at] for at in range(0, len(whole), 7)]
    for at in range(min(len(whole), CUT)):
        for value in (0, 0xFF, whole[at] ^ 0x80):
            spoiled.append(whole[:at] + bytes([value]) + whole[at + 1 :])
    for data in spoiled:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FdtWarning)
            blamed.add(judged(data))
    assert blamed == {"k"}


def judged(data):
    try:
        return parse_image(data, "k").where
    except FdtError as e:
        return e.where


def test_the_initrd_of_a_container_is_planned_unless_another_is_given():
    image = parse_image(fit({"k": arm64()}, initrd=INITRD))
    machine = Machine(DT)
    assert bytes(make_plan(machine, image)["initrd"].data) == INITRD
    other = b"070702" + bytes(50)
    assert bytes(make_plan(machine, image, initrd=other)["initrd"].data) == other
