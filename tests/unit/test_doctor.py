# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""examine() and estimate() on captured machines, each fault put in alone.

What is right comes from the kernel's source that each finding names. The sizes of the
estimate were measured on guests: docs/doctor.md, tests/boards.
"""

import bz2
import gzip
import json
import lzma
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from image_files import archive, arm64, tree_blob

from pyfdtx import to_dict
from pyfdtx.errors import FdtMachineError
from pyfdtx.kexec.doctor.examine import SEVERITIES, examine
from pyfdtx.kexec.doctor.need import MIB, PER_CPU, PER_DISK, PER_NIC, estimate
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image import unpacked
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.image.unpacked import GUESS, unpacked_size
from pyfdtx.kexec.loading.record import Record

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURES = sorted(p.parent for p in EXAMPLES.glob("*/RECIPE.txt"))
GOOD = (
    "CONFIG_KEXEC=y\nCONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_PROC_KCORE=y\n"
    "CONFIG_RD_GZIP=y\n"
)


@pytest.fixture
def root(tmp_path):
    """A machine in which nothing is wrong."""
    top = tmp_path / "machine"
    shutil.copytree(EXAMPLES / "arm64-dt", top)
    release = Machine(top).release
    for name, text in {
        f"boot/config-{release}": GOOD,
        "sys/kernel/kexec_loaded": "0\n",
        "sys/kernel/kexec_crash_loaded": "1\n",
        "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
        "proc/sys/kernel/kexec_load_disabled": "0\n",
    }.items():
        put(top, name, text)
    put(top, "run/pyfdtx/crash.json", json.dumps(now(top)))
    return top


def put(top, name, text):
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def now(top):
    machine = Machine(top)
    return {"ram": [list(r) for r in machine.ram], "cpus": sorted(machine.crash_notes)}


def ids(top, **options):
    return {f.id: f.severity for f in examine(Machine(top), **options)}


def test_a_machine_in_which_nothing_is_wrong(root):
    assert ids(root) == {}


@pytest.mark.parametrize("root", CAPTURES, ids=lambda p: p.name)
def test_of_a_copy_that_lacks_the_new_files_it_says_so(root):
    assert ids(root) == {"config-unknown": "note", "state-unknown": "note"}


@pytest.mark.parametrize("top", CAPTURES, ids=lambda p: p.name)
def test_every_file_of_a_copy_missing_or_damaged_is_a_finding_or_nothing(tmp_path, top):
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top)
        if not path.is_file() or name.parts[:2] == ("proc", "device-tree"):
            continue
        for spoiled in (None, b"", b"\xff\xfe" * 40):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(top, copy)
            if spoiled is None:
                (copy / name).unlink()
            else:
                (copy / name).write_bytes(spoiled)
            try:
                machine = Machine(copy)
                _ = machine.arch
            except FdtMachineError:
                continue
            assert isinstance(examine(machine), list)


FAULTS = {
    "no-kexec": ("boot/config-*", GOOD.replace("CONFIG_KEXEC=y", ""), "error"),
    "config-crash-dump": (
        "boot/config-*",
        GOOD.replace("CONFIG_CRASH_DUMP=y", "# CONFIG_CRASH_DUMP is not set"),
        "error",
    ),
    "config-proc-vmcore": (
        "boot/config-*",
        GOOD.replace("CONFIG_PROC_VMCORE=y", ""),
        "warning",
    ),
    "config-proc-kcore": (
        "boot/config-*",
        GOOD.replace("CONFIG_PROC_KCORE=y", ""),
        "warning",
    ),
    "kexec-disabled": ("proc/sys/kernel/kexec_load_disabled", "1\n", "error"),
    "kexec-limit": ("proc/sys/kernel/kexec_load_limit_panic", "0\n", "error"),
    "locked-down": ("sys/kernel/security/lockdown", "none [integrity] x\n", "error"),
    "not-loaded": ("sys/kernel/kexec_crash_loaded", "0\n", "warning"),
    "core-header-unknown": ("run/pyfdtx/crash.json", "[" * 5000, "note"),
    "fact-missing": ("sys/devices/system/cpu/possible", "x\n", "error"),
}


@pytest.mark.parametrize("id", FAULTS)
def test_one_fault_is_one_finding(root, id):
    name, text, severity = FAULTS[id]
    name = next((str(p.relative_to(root)) for p in root.glob(name)), name)
    put(root, name, text)
    found = ids(root)
    if id == "fact-missing":
        found.pop("core-header", None)
    assert found == {id: severity}


def test_a_locked_down_kernel_with_the_other_call_takes_signed_images(root):
    put(root, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n")
    (config,) = root.glob("boot/config-*")
    config.write_text(GOOD + "CONFIG_KEXEC_FILE=y\n")
    (found,) = examine(Machine(root))
    assert (found.id, found.severity) == ("locked-down", "warning")
    assert "--file" in found.way_out


def test_what_the_kernel_says_of_itself_comes_first(root):
    put(root, "proc/config.gz", gzip.compress(b"CONFIG_CRASH_DUMP=y\n"))
    assert ids(root)["no-kexec"] == "error"
    put(root, "proc/config.gz", gzip.compress(bytes(100 << 20)))
    assert ids(root) == {"fact-missing": "error"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("quiet", "not on the command line"),
        ("crashkernel=99G", "=99G reserved nothing"),
    ],
)
def test_nothing_reserved(root, line, says):
    iomem = root / "proc/iomem"
    lines = iomem.read_text().splitlines()
    iomem.write_text("\n".join(x for x in lines if "Crash kernel" not in x) + "\n")
    (root / "sys/kernel/kexec_crash_size").write_text("0\n")
    put(root, "proc/cmdline", line + "\n")
    put(root, "sys/kernel/kexec_crash_loaded", "0\n")
    (found,) = examine(Machine(root))
    assert (found.id, found.severity) == ("not-reserved", "error")
    assert says in f"{found.what} {found.why}"


# CPUs


def with_cpus(top, methods, psci=b""):
    nodes = {
        "/": {"#address-cells": b"\0\0\0\2", "#size-cells": b"\0\0\0\2"},
        "/chosen": {},
        "/memory@40000000": {"device_type": b"memory\0"},
        "/cpus": {},
    }
    for n, method in enumerate(methods):
        nodes[f"/cpus/cpu@{n}"] = {"enable-method": method} if method else {}
    if psci:
        nodes["/psci"] = {"compatible": psci}
    put(top, "sys/firmware/fdt", tree_blob(nodes))


def test_cpus_that_cannot_be_stopped(root):
    with_cpus(root, [b"spin-table\0"] * 2)
    assert ids(root) == {"spin-table": "warning"}
    with_cpus(root, [b"psci\0"] * 2, b"arm,psci-1.0\0")
    assert ids(root) == {}
    put(root, "sys/devices/system/cpu/possible", "0\n")
    put(root, "run/pyfdtx/crash.json", json.dumps(now(root)))
    with_cpus(root, [b"spin-table\0"] * 2)
    assert ids(root) == {}


def test_cpus_of_arm_without_psci(tmp_path):
    top = tmp_path / "arm"
    shutil.copytree(EXAMPLES / "arm-dt", top)
    quiet = ids(top)
    with_cpus(top, [b"brcm,bcm2836-smp\0"] * 4)
    assert ids(top) == {**quiet, "cpus-not-stopped": "warning"}


# What is loaded


def test_a_core_header_of_other_memory_or_cpus(root):
    record = now(root)
    for change, says in (
        ({"ram": [[1 << 30, 512 << 20]]}, "memory was 512 MiB, is 1024 MiB"),
        ({"ram": [[2 << 30, 1 << 30]]}, "memory moved"),
        ({"cpus": [0]}, "CPU 1 came"),
        ({"cpus": [0, 1, 7]}, "CPU 7 went"),
    ):
        put(root, "run/pyfdtx/crash.json", json.dumps({**record, **change}))
        (found,) = examine(Machine(root))
        assert (found.id, found.severity) == ("core-header-stale", "error")
        assert says in found.why
        assert "--replace" in found.way_out
    # Linux 6.6 can keep it up to date itself
    put(root, "sys/devices/system/memory/crash_hotplug", "1\n")
    assert ids(root) == {}


def test_a_record_is_compared_with_what_is_now():
    machine = Machine(EXAMPLES / "arm64-dt")
    same = Record(*now(EXAMPLES / "arm64-dt").values())
    assert same.changes(machine) == []


# Sizes


def test_enough_and_too_little_is_reserved(root):
    """arm64-dt has crashkernel=256M (its RECIPE.txt)."""
    image = parse_image(arm64(image_size=30 * MIB))
    need = estimate(Machine(root), image).total
    assert ids(root, image=image) == {"reserved": "note"}
    larger = parse_image(arm64(image_size=30 * MIB + 256 * MIB - need + 1))
    assert ids(root, image=larger) == {"reserved-too-small": "warning"}
    exactly = parse_image(arm64(image_size=30 * MIB + 256 * MIB - need))
    assert ids(root, image=exactly) == {"reserved": "note"}


def test_an_initrd_that_fits_packed_and_not_unpacked(root):
    """A region of 256 MiB, 30 MiB of kernel, 200 MiB of zeros in 200 KB."""
    initrd = gzip.compress(archive(200 * MIB), 1)
    assert len(initrd) < MIB
    image = parse_image(arm64(image_size=30 * MIB))
    found = ids(root, image=image, initrd=initrd)
    assert found == {"reserved-too-small": "warning"}


def test_what_cannot_be_placed_is_an_error(root):
    image = parse_image(arm64(image_size=300 * MIB))
    found = ids(root, image=image)
    assert found["crash-plan"] == "error"
    assert found["reserved-too-small"] == "warning"


def test_an_initrd_that_the_kernel_cannot_unpack(root):
    image = parse_image(arm64(image_size=30 * MIB))
    data = archive(100)
    assert "config-initrd" not in ids(root, image=image, initrd=gzip.compress(data))
    for pack in (bz2.compress, lzma.compress):
        assert ids(root, image=image, initrd=pack(data))["config-initrd"] == "warning"


def test_room_for_the_dump(root):
    """1 GiB of memory, 256 MiB of it the crash kernel's."""
    whole = 768 * MIB
    assert ids(root, free=whole) == {}
    assert ids(root, free=whole - 1) == {"target-small": "warning"}


def parts(machine, **options):
    image = parse_image(arm64(image_size=30 * MIB))
    need = estimate(machine, image, **options)
    assert need.total == sum(p.size for p in need.parts)
    return {p.name: p.size for p in need.parts}


def test_the_parts_of_the_estimate(root):
    found = parts(Machine(root))
    assert found["kernel"] == 30 * MIB
    # 65536 pages of 4096 bytes, 64 bytes each
    assert found["memory map"] == 65536 * 64
    assert found["CPUs"] == 2 * PER_CPU
    assert parts(Machine(root), cmdline="quiet nr_cpus=1")["CPUs"] == PER_CPU
    put(root, "sys/devices/system/cpu/possible", "none\n")
    assert parts(Machine(root))["CPUs"] == PER_CPU
    assert "devices" not in found
    put(
        root,
        "proc/net/dev",
        "Inter-|   Receive\n face |bytes\n    lo: 0 0\n  eth0:1 2\nenp1s0: 3\n",
    )
    put(
        root,
        "proc/partitions",
        "major minor  #blocks  name\n\n 254 0 10 vda\n 254 1 9 vda1\n 7 0 1 loop0\n"
        " 259 0 10 nvme0n1\n 259 1 9 nvme0n1p1\n",
    )
    assert parts(Machine(root))["devices"] == 2 * PER_NIC + 2 * PER_DISK


def test_pools_of_the_tree_come_out_of_the_crash_kernels_memory(root):
    """As on exynos4210-smdkv310: two of 36 and 8 MiB, no-map."""
    nodes = {
        "/": {},
        "/reserved-memory": {},
        "/reserved-memory/left": {"size": b"\2\x40\0\0", "no-map": b""},
        "/reserved-memory/right": {"size": bytes(4) + b"\0\x80\0\0"},
        "/reserved-memory/right/below": {"size": b"\2\0\0\0"},
        "/reserved-memory/cma": {"size": b"\2\0\0\0", "reusable": b""},
        "/reserved-memory/off": {"size": b"\2\0\0\0", "status": b"disabled\0"},
        "/reserved-memory/fixed": {"size": b"\2\0\0\0", "reg": bytes(16)},
        "/reserved-memory/odd": {"size": b"\2\0\0"},
        "/soc": {"size": b"\2\0\0\0"},
    }
    put(root, "sys/firmware/fdt", tree_blob(nodes))
    assert parts(Machine(root))["tree's pools"] == 44 * MIB
    assert "tree's pools" not in parts(Machine(EXAMPLES / "arm64-dt"))


def test_bounce_buffers_where_memory_lies_above_4_gib():
    assert parts(Machine(EXAMPLES / "arm64-high-low"))["bounce buffers"] == 64 * MIB
    assert "bounce buffers" not in parts(Machine(EXAMPLES / "arm64-dt"))


PACKERS = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}


def test_the_size_of_what_is_unpacked():
    """A page for each piece of a page, and an inode."""
    inode = unpacked.INODE
    sizes = (0, 1, 4096, 4097)
    want = 4 * inode + 0 + 4096 + 4096 + 8192
    plain = archive(*sizes)
    assert unpacked_size(plain) == (want, True)
    for pack in PACKERS.values():
        assert unpacked_size(pack(plain)) == (want, True)
        # One behind the other, zeros between: microcode and the rest
        assert unpacked_size(plain + bytes(512) + pack(plain)) == (2 * want, True)
        two = pack(plain) + bytes(3) + pack(plain)
        assert unpacked_size(two) == (2 * want, True)
    assert unpacked_size(b"") == (0, True)
    assert unpacked_size(bytes(9999)) == (0, True)


def test_what_cannot_be_unpacked_is_guessed():
    assert unpacked_size(b"\x80" * 1000) == (1000 * GUESS, False)
    cut = gzip.compress(archive(10_000_000))[:-20]
    assert unpacked_size(cut) == (len(cut) * GUESS, False)


def test_pieces_are_counted_before_they_take_quadratic_time():
    one = gzip.compress(archive(0))
    most = one * unpacked.MAX_PIECES
    inode = unpacked.INODE
    assert unpacked_size(most) == (unpacked.MAX_PIECES * inode, True)
    memory = unpacked.MAX_PIECES * inode + GUESS * len(one)
    assert unpacked_size(most + one) == (memory, False)


def test_every_cut_of_an_archive_is_counted_without_an_error():
    whole = archive(10, 4096, 3)
    for size in range(len(whole)):
        memory, _ = unpacked_size(whole[:size])
        assert memory <= unpacked_size(whole)[0] + GUESS * len(whole)


# All findings


def test_errors_come_first(root):
    put(root, "proc/sys/kernel/kexec_load_disabled", "1\n")
    put(root, "sys/kernel/kexec_crash_loaded", "0\n")
    image = parse_image(arm64(image_size=30 * MIB))
    found = [f.severity for f in examine(Machine(root), image=image)]
    assert found == sorted(found, key=SEVERITIES.index)
    assert set(found) == set(SEVERITIES)
    for f in examine(Machine(root), image=image):
        assert f.what
        assert f.why
        assert f.source
        assert str(f).startswith(f"{f.severity} {f.id}: ")


def test_a_copy_has_all_that_is_looked_at(root, tmp_path):
    put(root, "proc/net/dev", "Inter\n face\n eth0: 1\n")
    image = parse_image(arm64(image_size=30 * MIB))
    put(root, "sys/kernel/security/lockdown", "none [integrity]\n")
    capture(tmp_path / "copy", root)
    want = examine(Machine(root), image=image)
    assert examine(Machine(tmp_path / "copy"), image=image) == want
    assert "locked-down" in {f.id for f in want}
    assert to_dict(Machine(tmp_path / "copy").fdt)
