# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a shared object asks of its system, out of its file: ELF by pyelftools; PE and
Mach-O by hand, as far as needed here (Microsoft "PE Format"; Apple mach-o/loader.h).
"""

import io
import struct

from elftools.elf.elffile import ELFFile


class Asks:
    """kind, machine: of the file. needs: {library: names, or an empty set if the file
    does not say which name is whose}. imports: all names. has: what is left in it that
    a stripped file has not."""

    def __init__(self, kind, machine, needs, imports, has=(), minimum=None):
        self.kind, self.machine = kind, machine
        self.needs, self.imports = needs, imports
        self.has, self.minimum = set(has), minimum


def asks(data):
    if data[:4] == b"\x7fELF":
        return elf(data)
    if data[:2] == b"MZ":
        return pe(data)
    if data[:4] == b"\xcf\xfa\xed\xfe":
        return macho(data)
    raise ValueError(f"no shared object: {data[:4]!r}")


def elf(data):
    file = ELFFile(io.BytesIO(data))
    needs = {}
    for tag in file.get_section_by_name(".dynamic").iter_tags():
        if tag.entry.d_tag == "DT_NEEDED":
            needs[tag.needed] = set()
    imports = {
        s.name
        for s in file.get_section_by_name(".dynsym").iter_symbols()
        if s.name and s["st_shndx"] == "SHN_UNDEF"
    }
    stripped = (".symtab", ".debug_info", ".debug_line")
    has = [name for name in stripped if file.get_section_by_name(name)]
    order = "little" if file.little_endian else "big"
    machine = (file["e_machine"], file.elfclass, order)
    return Asks("ELF", machine, needs, imports, has)


def text(data, at):
    return data[at : data.index(b"\0", at)].decode()


def pe(data):
    (head,) = struct.unpack_from("<I", data, 0x3C)
    assert data[head : head + 4] == b"PE\0\0"
    machine, count = struct.unpack_from("<HH", data, head + 4)
    (optional,) = struct.unpack_from("<H", data, head + 20)
    assert struct.unpack_from("<H", data, head + 24)[0] == 0x20B  # PE32+
    sections = [
        struct.unpack_from("<IIII", data, head + 24 + optional + 40 * i + 8)
        for i in range(count)
    ]

    def place(address):
        for size, start, stored, at in sections:
            if start <= address < start + max(size, stored):
                return at + address - start
        raise ValueError(f"{address:#x} is in no section")

    tables = head + 24 + 112
    at = place(struct.unpack_from("<I", data, tables + 8)[0])
    needs = {}
    while True:
        names, _, _, library, addresses = struct.unpack_from("<5I", data, at)
        if not library:
            break
        found, entry = set(), place(names or addresses)
        while (value := struct.unpack_from("<Q", data, entry)[0]) != 0:
            assert not value >> 63, "imported by number"
            found.add(text(data, place(value) + 2))
            entry += 8
        needs[text(data, place(library))] = found
        at += 20
    debug = struct.unpack_from("<II", data, tables + 6 * 8)
    return Asks(
        "PE", machine, needs, set().union(*needs.values()), ["debug"] * any(debug)
    )


# mach-o/loader.h
LC_SYMTAB, LC_LOAD_DYLIB, LC_CODE_SIGNATURE = 0x2, 0xC, 0x1D
LC_VERSION_MIN_MACOSX, LC_BUILD_VERSION = 0x24, 0x32
MH_DYLIB, MH_BUNDLE = 6, 8


def macho(data):
    _, machine, _, kind, count, _, _, _ = struct.unpack_from("<8I", data)
    assert kind in (MH_DYLIB, MH_BUNDLE)
    at, needs, imports, has, minimum = 32, {}, set(), [], None
    for _ in range(count):
        command, size = struct.unpack_from("<II", data, at)
        if command & 0x7FFF_FFFF == LC_LOAD_DYLIB:
            needs[text(data, at + struct.unpack_from("<I", data, at + 8)[0])] = set()
        elif command == LC_BUILD_VERSION:
            platform, version = struct.unpack_from("<II", data, at + 8)
            assert platform == 1  # PLATFORM_MACOS
            minimum = (version >> 16, version >> 8 & 0xFF)
        elif command == LC_CODE_SIGNATURE:
            has.append("signature")
        elif command == LC_SYMTAB:
            symbols, number, strings, _ = struct.unpack_from("<4I", data, at + 8)
            for i in range(number):
                name, type_, _, _, _ = struct.unpack_from(
                    "<IBBHQ", data, symbols + 16 * i
                )
                if type_ & 0xE0:  # N_STAB
                    has.append("debug")
                elif type_ & 0x0E == 0 and type_ & 1:  # N_UNDF, N_EXT
                    imports.add(text(data, strings + name))
        at += size
    return Asks("Mach-O", machine, needs, imports, has, minimum)
