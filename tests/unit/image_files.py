# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images and what wraps them, put together by hand; test_image.py and
test_image_wrappers.py name the documents."""

import struct
import zlib

BODY = bytes(range(256)) * 16


def arm64(text_offset=0, image_size=0x20000, flags=0b1010, body=BODY):
    """code0, code1, text_offset, image_size, flags, 3 reserved, magic, PE."""
    return (
        struct.pack(
            "<2I6Q4sI",
            *(0, 0, text_offset, image_size, flags, 0, 0, 0),
            *(b"ARM\x64", 0),
        )
        + body
    )


def riscv(machine=None, image_size=0x30000):
    """code0, code1, text_offset, image_size, flags, version, reserved (4, 8),
    magic (8), magic2, PE; with a PE header behind it when machine is given."""
    head = struct.pack(
        "<2I3Q2IQ8s4sI",
        *(0, 0, 0x200000, image_size, 0, 2, 0, 0),
        *(b"RISCV\0\0\0", b"RSC\x05", 64 if machine else 0),
    )
    pe = b"PE\0\0" + struct.pack("<H", machine) if machine else b""
    return head + pe + BODY


def zboot(payload, name=b"gzip", offset=64, size=None, tail=b""):
    """MZ, zimg, payload offset, size, two reserved, compression, magic, PE."""
    head = struct.pack(
        "<2s2x4s2I8x32sII",
        *(b"MZ", b"zimg", offset, len(payload) if size is None else size),
        *(name, 0x818223CD, 64),
    )
    return head + payload + tail


def zimage(tag=(6, 0x5A534C4B, 0x90, 0x5E4D4, 0x208000, 0x10000), size=None):
    """Eight nops and a branch, magic, start, end, byte order, 0x45454545, the
    table's place; table at 0x60, inflated size at 0x90."""
    data = bytearray(0x100)
    struct.pack_into(
        "<6I",
        data,
        0x24,
        *(0x016F2818, 0, len(data) if size is None else size, 0x04030201),
        *(0x45454545, 0x60),
    )
    struct.pack_into(f"<{len(tag)}I", data, 0x60, *tag)
    struct.pack_into("<I", data, 0x90, 0x13A10B4)
    return bytes(data)


def uimage(data, *, kind=2, compression=0, system=5, size=None, **crc):
    """Magic, header's CRC, time, size, load, entry, content's CRC, operating system,
    architecture, type, compression, name."""
    size = len(data) if size is None else size
    content = zlib.crc32(data) ^ crc.get("content_crc", 0)
    rest = struct.pack(
        ">5I4B32s",
        *(0, size, 0x80000, 0x80000, content),
        *(system, 22, kind, compression, b"Linux"),
    )
    magic = b"\x27\x05\x19\x56"
    check = zlib.crc32(magic + bytes(4) + rest) ^ crc.get("header_crc", 0)
    return magic + struct.pack(">I", check) + rest + data


def tree_blob(nodes):
    """A device tree of {path: {name: bytes}}, parents first; dtspec 5."""
    names, offsets = bytearray(), {}
    structure = bytearray()
    open_path = []

    def cell(value):
        structure.extend(struct.pack(">I", value))

    for path, properties in nodes.items():
        parts = [p for p in path.split("/") if p]
        while open_path and open_path[1:] != parts[: len(open_path) - 1]:
            cell(2)
            open_path.pop()
        name = parts[-1].encode() if parts else b""
        cell(1)
        structure.extend(name + bytes(4 - len(name) % 4))
        open_path.append(parts[-1] if parts else "")
        for key, value in properties.items():
            if key not in offsets:
                offsets[key] = len(names)
                names.extend(key.encode() + b"\0")
            structure.extend(struct.pack(">3I", 3, len(value), offsets[key]))
            structure.extend(value + bytes(-len(value) % 4))
    for _ in open_path:
        cell(2)
    cell(9)
    total = 56 + len(structure) + len(names)
    head = struct.pack(
        ">10I",
        *(0xD00DFEED, total, 56, 56 + len(structure), 40, 17, 16, 0),
        *(len(names), len(structure)),
    )
    return head + bytes(16) + bytes(structure) + bytes(names)


def _string(text):
    return text.encode() + b"\0"


def fit(
    kernels,
    *,
    initrd=None,
    default="",
    kernel=None,
    external="",
    size=None,
    at=None,
    hashed=None,
    kind="kernel",
    system="linux",
    packed="none",
    cipher=False,
):
    """A FIT with a configuration conf-NAME for each kernel. external: "position" or
    "offset", with size and place that may lie; of one kernel."""

    def image(data, kind):
        found = {
            "type": _string(kind),
            "os": _string(system),
            "compression": _string(packed if kind != "ramdisk" else "none"),
        }
        if external and kind != "ramdisk":
            found["data-size"] = struct.pack(">I", len(data) if size is None else size)
            found[f"data-{external}"] = bytes(4)
        else:
            found["data"] = data
        return found

    nodes = {"/": {"description": _string("test")}, "/images": {}}
    for name, data in kernels.items():
        nodes[f"/images/{name}"] = image(data, kind)
        if hashed:
            nodes[f"/images/{name}/hash-1"] = {
                "algo": _string(hashed[0]),
                "value": hashed[1],
            }
        if cipher:
            nodes[f"/images/{name}/cipher"] = {"algo": _string("aes256")}
    if initrd is not None:
        nodes["/images/initrd"] = image(initrd, "ramdisk")
    nodes["/configurations"] = {"default": _string(default)} if default else {}
    for name in kernels:
        conf = {"kernel": _string(name if kernel is None else kernel)}
        if initrd is not None:
            conf["ramdisk"] = _string("initrd")
        nodes[f"/configurations/conf-{name}"] = conf
    blob = tree_blob(nodes)
    if not external:
        return blob
    (name,) = kernels
    behind = -(-len(blob) // 4) * 4
    place = behind if external == "position" else 0
    value = struct.pack(">I", place if at is None else at)
    nodes[f"/images/{name}"][f"data-{external}"] = value
    return tree_blob(nodes).ljust(behind, b"\0") + kernels[name]


def android(kernel, initrd, version, line, *, page=2048, **sizes):
    """bootimg.h: of versions 0 to 2 and of 3, 4; page is 4096 in the latter."""
    kernel_size = sizes.get("kernel_size", len(kernel))
    initrd_size = sizes.get("initrd_size", len(initrd))
    if version in (3, 4):
        page = 4096
        head = struct.pack(
            "<8s4I16sI1536sI",
            *(b"ANDROID!", kernel_size, initrd_size, 0, 1580, b"", version),
            *(line.encode(), 0),
        )
    else:
        head = struct.pack(
            "<8s10I16s512s32s1024s",
            *(b"ANDROID!", kernel_size, 0, initrd_size, 0, 0, 0, 0, page, version, 0),
            *(b"", line.encode()[:512], b"", line.encode()[512:]),
        )
        head += struct.pack("<IQIIQ", 0, 0, 1660, 0, 0)
    step = page if 512 <= page <= 1 << 20 else 4096

    def padded(data):
        return data + bytes(-len(data) % step)

    return padded(head) + padded(kernel) + padded(initrd)


def uki(sections, *, start=None, size=None):
    """A PE file: DOS header with e_lfanew at 0x3c, COFF header, no optional header,
    sections (name, virtual size and address, raw size and place)."""
    rows = list(sections.items() if isinstance(sections, dict) else sections)
    at = 64 + 24 + 40 * len(rows)
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    head += struct.pack("<4s2H3I2H", b"PE\0\0", 0xAA64, len(rows), 0, 0, 0, 0, 0x22)
    table, body = b"", b""
    for name, data in rows:
        at += -at % 512
        body += bytes(at - 64 - 24 - 40 * len(rows) - len(body)) + data
        table += struct.pack(
            "<8s6I2HI",
            *(name.encode(), len(data) if size is None else size, 0x1000),
            *(len(data) if size is None else size, at if start is None else start),
            *(0, 0, 0, 0, 0x40000020),
        )
        at += len(data)
    return head + table + body


def vmlinux(image, machine, virtual=0xFFFF_8000_0800_0000):
    """elf(5): one PT_LOAD of a flat image, with a BSS behind it; 32 bits for arm."""
    bits = 1 if machine == 40 else 2
    head = b"\x7fELF" + bytes((bits, 1, 1)) + bytes(9)
    head += struct.pack(
        *("<2HI3QI6H", 2, machine, 1, virtual, 64, 0, 0, 64),
        *(56, 1, 0, 0, 0),
    )
    row = struct.pack(
        "<2I6Q", 1, 7, 120, virtual, virtual, len(image), len(image) + 9000, 8
    )
    return head + row + image


def _entry(name, size, mode=0o100644):
    """newc: ino mode uid gid nlink mtime filesize dev rdev namesize check."""
    fields = (1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name + b"\0"
    return head + bytes(-len(head) % 4) + bytes(size) + bytes(-size % 4)


def archive(*sizes):
    """A cpio archive of files of zeros."""
    files = [_entry(b"f%d" % n, size) for n, size in enumerate(sizes)]
    return b"".join(files) + _entry(b"TRAILER!!!", 0)
