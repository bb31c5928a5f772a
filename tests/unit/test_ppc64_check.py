# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The checker on ppc64le: what a plan makes has no fault; each fault is found by
the one rule that is about it, and where it stands.

What the kernel does then is the rules' own text; tests/system/test_ppc64le.py
boots three of these trees.
"""

import struct
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ppc64_machine import CRASH, GIB, KIB, MIB, RTAS, machine, tree, vmlinux

from pyfdtx import Fdt
from pyfdtx.cli import main
from pyfdtx.errors import FdtError
from pyfdtx.kexec.check.checker import RULES, check_tree
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

DRCONF = "/ibm,dynamic-reconfiguration-memory"
OURS = {r.id for r in RULES if r.arches == ("ppc64le",)}
PHDR, EHDR = 56, 64
PAGE = 64 * KIB


class Good:
    """A crash kernel's tree as a plan makes it, and what is known beside it."""

    def __init__(self, root, crash=True):
        self.machine = machine(root, self.boot())
        image = parse_image(vmlinux(), "vmlinux")
        plan = make_plan(
            self.machine,
            image,
            crash=crash,
            initrd=bytes(MIB),
            cmdline="console=hvc0",
        )
        self.fdt = Fdt(plan["dtb"].data)
        self.known = {"load_address": plan["dtb"].start, "image": image}
        self.core = bytearray(plan["elfcorehdr"].data) if crash else None
        self.header = plan["elfcorehdr"].range if crash else None
        self.backup = plan["backup"].range if crash else None
        self.knows_machine = True

    @staticmethod
    def boot():
        fdt = tree([(0, GIB), (GIB, GIB)])
        node = fdt.add_node(DRCONF)
        node.set_u64("ibm,lmb-size", 256 * MIB)
        rows = [struct.pack(">Q4I", (8 + n) * 256 * MIB, 0, 0, 0, 8) for n in range(2)]
        node["ibm,dynamic-memory"] = struct.pack(">I", 2) + b"".join(rows)
        return fdt

    @property
    def chosen(self):
        return self.fdt["/chosen"]

    def found(self):
        # The tree's own reservation is of the size it has now
        own = self.known["load_address"]
        for i, r in enumerate(self.fdt.memreserve):
            if r.start == own:
                del self.fdt.memreserve[i]
                break
        known = dict(self.known)
        if self.core is not None:
            known["elfcorehdr"] = (self.header.start, bytes(self.core))
        if self.knows_machine:
            known["machine"] = self.machine
        return check_tree(self.fdt.to_bytes(), arch="ppc64le", **known)


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "kexec"])
@pytest.mark.parametrize("knows", [True, False], ids=["machine", "tree-alone"])
def test_nothing_is_known_against_the_tree_of_a_plan(crash, knows, tmp_path):
    good = Good(tmp_path, crash)
    good.knows_machine = knows
    assert good.found() == []


CASES = []


def violates(rule, where="", value=None):
    def add(change):
        CASES.append(
            pytest.param(rule, where, value, change, id=f"{rule}-{change.__name__}")
        )
        return change

    return add


@violates("ppc64-elfcorehdr-missing", "/chosen:bootargs")
def no_word_for_the_core_header(s):
    s.chosen.set_string("bootargs", "console=hvc0")


@violates("ppc64-elfcorehdr-missing", "/chosen:bootargs")
def the_property_of_other_architectures_instead(s):
    s.chosen.set_string("bootargs", "console=hvc0")
    s.chosen.set_reg("linux,elfcorehdr", [s.header], parent="/")


@violates("ppc64-usable-missing", "/memory@40000000:linux,usable-memory")
def a_memory_node_without_limit(s):
    # above the region: it would be dead memory too, were it not reserved
    del s.fdt["/memory@40000000"]["linux,usable-memory"]
    s.fdt.memreserve.append(GIB, GIB)


@violates("ppc64-usable-not-from-0", "/memory@0:linux,usable-memory")
def the_region_alone(s):
    s.fdt["/memory@0"].set_reg("linux,usable-memory", [CRASH], parent="/")


@violates("ppc64-dead-kernel-unreserved", value="0x10000-0x1fffffff (524224 KiB)")
def the_dead_kernel_not_reserved(s):
    s.fdt.memreserve.remove((64 * KIB, CRASH[0] - 64 * KIB))


@violates("ppc64-dead-kernel-unreserved", value="0x10000-0x1ffff (64 KiB)")
def the_dead_kernel_not_reserved_as_far_as_a_tree_tells(s):
    s.fdt.memreserve.remove((64 * KIB, CRASH[0] - 64 * KIB))
    s.knows_machine = False


@violates("ppc64-dead-kernel-unreserved", value="0x1ffffc00-0x1fffffff (1 KiB)")
def the_last_kilobyte_not_reserved(s):
    s.fdt.memreserve.remove((64 * KIB, CRASH[0] - 64 * KIB))
    s.fdt.memreserve.append((64 * KIB, CRASH[0] - 65 * KIB))


@violates("ppc64-byteorder", "/chosen:linux,crashkernel-base")
def a_region_of_the_last_boot(s):
    s.chosen.set_u64("linux,crashkernel-base", CRASH[0])


@violates("ppc64-byteorder", "/chosen:linux,memory-limit")
def a_limit_of_the_last_boot(s):
    s.chosen.set_u64("linux,memory-limit", GIB)


@violates("ppc64-elfcorehdr-unreserved", "/chosen:bootargs")
def the_core_header_not_reserved(s):
    (entry,) = (r for r in s.fdt.memreserve if r.start == s.header.start)
    s.fdt.memreserve.remove(entry)


@violates("ppc64-elfcorehdr-unreserved", "/chosen:bootargs")
def one_byte_of_the_core_header_not_reserved(s):
    (entry,) = (r for r in s.fdt.memreserve if r.start == s.header.start)
    s.fdt.memreserve.remove(entry)
    s.fdt.memreserve.append(entry.start, entry.size - 1)


@violates("ppc64-firmware-unreserved")
def rtas_not_reserved(s):
    s.fdt.memreserve.remove(RTAS)


@violates("ppc64-drconf-usable", f"{DRCONF}:linux,drconf-usable-memory")
def one_count_too_few(s):
    s.fdt[DRCONF]["linux,drconf-usable-memory"] = bytes(8)


@violates("ppc64-drconf-usable", f"{DRCONF}:linux,drconf-usable-memory")
def a_count_for_a_range_that_is_not_there(s):
    s.fdt[DRCONF]["linux,drconf-usable-memory"] = struct.pack(">2Q", 0, 1)


@violates("ppc64-drconf-usable", f"{DRCONF}:linux,drconf-usable-memory")
def two_words_behind_the_last_block(s):
    # As one more block would have them, with a range that is cut off
    old = s.fdt[DRCONF]["linux,drconf-usable-memory"]
    s.fdt[DRCONF]["linux,drconf-usable-memory"] = old + struct.pack(">2Q", 1, 0)


@violates("ppc64-drconf-usable", DRCONF)
def blocks_that_no_machine_has(s):
    s.fdt[DRCONF].set_u64("ibm,lmb-size", 1)
    del s.fdt[DRCONF]["ibm,dynamic-memory"]
    s.fdt[DRCONF]["ibm,dynamic-memory-v2"] = struct.pack(
        ">IIQ3I", 1, 0xFFFF_FFFF, 0, 0, 0, 8
    )


@violates("ppc64-boot-cpu", value="boot_cpuid_phys 2")
def a_boot_cpu_that_is_not_there(s):
    s.fdt.boot_cpuid_phys = 2


def load_of(s, address):
    """Where the program header of a PT_LOAD starts in the core header."""
    (count,) = struct.unpack_from("<H", s.core, 56)
    for at in range(EHDR, EHDR + PHDR * count, PHDR):
        kind, _, _, _, start = struct.unpack_from("<2I3Q", s.core, at)
        if (kind, start) == (1, address):
            return at
    raise AssertionError(f"no PT_LOAD at {address:#x}")


@violates("ppc64-backup-missing")
def vectors_read_from_where_they_were(s):
    struct.pack_into("<Q", s.core, load_of(s, 0) + 8, 0)


@violates("ppc64-backup-unreserved")
def the_copy_not_reserved(s):
    s.fdt.memreserve.remove(s.backup)


@violates("ppc64-core-in-crash")
def a_dump_of_itself(s):
    at = load_of(s, GIB)
    struct.pack_into("<Q", s.core, at + 8, GIB - PAGE)
    struct.pack_into("<Q", s.core, at + 24, GIB - PAGE)
    struct.pack_into("<2Q", s.core, at + 32, GIB + PAGE, GIB + PAGE)


@violates("ppc64-early-reach", value="load address 0x3ffffff8")
def a_tree_over_the_end_of_the_first_memory(s):
    s.known["load_address"] = GIB - 8
    s.knows_machine = False  # which would find it outside its region
    # All else that is memory is behind
    s.fdt["/memory@0"].set_reg("linux,usable-memory", [(0, 2 * GIB)], parent="/")


# Rules of all architectures that hold here


@violates("cmdline-too-long", "/chosen:bootargs")
def a_command_line_of_2048_bytes(s):
    line = s.chosen.get_string("bootargs")
    s.chosen.set_string("bootargs", line + " " + "x" * (2047 - len(line)))


@violates("core-address", "/chosen:bootargs")
def a_header_elsewhere(s):
    s.chosen.set_string("bootargs", f"elfcorehdr={s.header.start - PAGE:#x}")
    s.fdt.memreserve.append(s.header.start - PAGE, PAGE)


@violates("core-machine", value="e_machine 183")
def a_core_header_of_arm64(s):
    struct.pack_into("<H", s.core, 18, 183)


@violates("initrd-not-in-memory", "/chosen:linux,initrd-start")
def an_initrd_in_memory_that_may_not_be_used(s):
    s.chosen.set_u64("linux,initrd-start", GIB + MIB)
    s.chosen.set_u64("linux,initrd-end", GIB + 2 * MIB)
    s.knows_machine = False  # which would find it outside its region


@violates("memory-no-device-type", "/memory@40000000:device_type")
def memory_without_device_type(s):
    del s.fdt["/memory@40000000"]["device_type"]


@violates("image-arch", value="image: ppc64")
def a_big_endian_kernel(s):
    s.known["image"] = parse_image(vmlinux(order=2), "vmlinux")


@pytest.mark.parametrize(("rule", "where", "value", "change"), CASES)
def test_a_fault_is_found_once_and_where_it_is(rule, where, value, change, tmp_path):
    s = Good(tmp_path)
    change(s)
    found = s.found()
    assert [f.rule for f in found] == [rule], [str(f) for f in found]
    assert found[0].where == where
    if value is not None:
        assert found[0].value == value


def test_every_rule_of_ppc64le_has_a_case():
    assert {c.values[0] for c in CASES if c.values[0].startswith("ppc64-")} == OURS
    assert OURS


def test_the_command_line_tool_knows_the_architecture(tmp_path, capfd):
    s = Good(tmp_path / "m")
    s.fdt.memreserve.remove(RTAS)
    dtb = tmp_path / "crash.dtb"
    dtb.write_bytes(s.fdt.to_bytes())
    assert main(["check", str(dtb), "--root", str(tmp_path / "m")]) == 1
    assert "ppc64-firmware-unreserved" in capfd.readouterr().out


def test_every_byte_of_the_tree_may_be_anything(tmp_path):
    s = Good(tmp_path)
    good = s.fdt.to_bytes()
    known = {"arch": "ppc64le", "elfcorehdr": (s.header.start, bytes(s.core))}
    for at in range(0, len(good)):
        blob = bytearray(good)
        blob[at] ^= 0xFF
        try:
            found = check_tree(blob, **known)
        except FdtError:
            continue
        assert isinstance(found, list), at


def test_4_billion_blocks_take_no_seconds(tmp_path):
    s = Good(tmp_path)
    blocks_that_no_machine_has(s)
    start = time.process_time()
    s.found()
    assert time.process_time() - start < 5
