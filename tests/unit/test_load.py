# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a refusal of the kernel means, told from the files of a system.

The system calls themselves are made in guests: tests/system/test_load.py,
test_kdump.py. Never here, where they would be the developer's machine's.
"""

import errno
import os

import pytest

from pyfdtx._native import lib
from pyfdtx.errors import FdtBadParameter, FdtLoadError
from pyfdtx.kexec.architecture import arches
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.loading.kexec_load import is_loaded, refused
from pyfdtx.kexec.loading.load import load
from pyfdtx.kexec.place.plan import Segment

# linux/capability.h: CAP_SYS_BOOT is 22; /proc/self/status has them in hex
ALL, NOT_BOOT = "CapEff:\t000001ffffffffff\n", "CapEff:\t000001ffffbfffff\n"
STATUS = "proc/self/status"
LOCKDOWN = "sys/kernel/security/lockdown"
SYSCTL = "proc/sys/kernel/kexec_load_"


@pytest.fixture
def system(tmp_path):
    def with_files(files):
        for name, text in files.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return Machine(tmp_path, arch="arm64")

    return with_files


@pytest.mark.parametrize(
    ("files", "crash", "said"),
    [
        ({STATUS: NOT_BOOT}, True, "run as root"),
        ({STATUS: ALL}, True, "container, or a security module"),
        ({STATUS: ALL, LOCKDOWN: "[none] integrity\n"}, True, "container"),
        ({STATUS: ALL, LOCKDOWN: "none [integrity]\n"}, True, "kexec_file_load"),
        ({STATUS: ALL, LOCKDOWN: "none [confidentiality]\n"}, False, "locked down"),
        ({STATUS: NOT_BOOT, LOCKDOWN: "none [integrity]\n"}, True, "run as root"),
        ({STATUS: ALL, SYSCTL + "disabled": "1\n"}, True, "kexec_load_disabled"),
        ({STATUS: ALL, SYSCTL + "disabled": "0\n"}, True, "container"),
        ({STATUS: ALL, SYSCTL + "limit_panic": "0\n"}, True, "limit_panic"),
        ({STATUS: ALL, SYSCTL + "limit_panic": "0\n"}, False, "container"),
        ({STATUS: ALL, SYSCTL + "limit_reboot": "0\n"}, False, "limit_reboot"),
        ({STATUS: ALL, SYSCTL + "limit_reboot": "-1\n"}, False, "container"),
    ],
)
def test_not_permitted_has_one_reason(system, files, crash, said):
    """Linux kernel/kexec.c kexec_load_check(), kexec_load_permitted()."""
    error = refused(errno.EPERM, system(files), crash=crash)
    assert isinstance(error, FdtLoadError)
    assert said in error.cause


def test_every_errno_of_the_manual_page_has_its_own_words(system):
    """kexec_load(2), ERRORS; ENOSYS from a kernel without it."""
    numbers = ("ENOSYS", "EBUSY", "EADDRNOTAVAIL", "ENOMEM", "EINVAL", "EPERM")
    machine = system({STATUS: ALL})
    causes = [refused(getattr(errno, n), machine, crash=True).cause for n in numbers]
    assert len(set(causes)) == len(causes)
    for name, cause in zip(numbers[:-1], causes):
        assert f"({name})" in cause
    unknown = refused(errno.EIO, machine, crash=True).cause
    assert unknown == f"{os.strerror(errno.EIO)} (EIO)"


@pytest.mark.parametrize("crash", [True, False])
def test_what_is_loaded_is_read_under_the_old_and_the_new_name(tmp_path, crash):
    """/sys/kernel/kexec/ from Linux 6.19 on."""
    old, new = ("kexec_crash_loaded", "kexec/crash_loaded")
    if not crash:
        old, new = ("kexec_loaded", "kexec/loaded")
    for i, name in enumerate((old, new)):
        for value, want in (("0\n", False), ("1\n", True)):
            root = tmp_path / f"{i}{want}"
            place = root / "sys/kernel" / name
            place.parent.mkdir(parents=True)
            place.write_text(value)
            assert is_loaded(Machine(root), crash=crash) is want
            assert is_loaded(Machine(root), crash=not crash) is None


class ManySegments:
    crash, findings = True, ()
    segments = tuple(Segment("x", b"", 0, 0) for _ in range(17))


def test_more_segments_than_the_kernel_takes_are_refused_before_the_call(system):
    """linux/kexec.h KEXEC_SEGMENT_MAX: an artificial limit, 16."""
    with pytest.raises(FdtBadParameter, match="17 segments: the kernel takes at most"):
        load(ManySegments(), system({}))


def test_a_loaded_kernel_is_not_replaced_by_accident(system):
    plan = ManySegments()
    plan.segments = plan.segments[:1]
    machine = system({"sys/kernel/kexec_crash_loaded": "1\n"})
    with pytest.raises(FdtLoadError, match="a crash kernel is loaded already"):
        load(plan, machine)


@pytest.mark.parametrize("arch", [a for a in arches() if a.placed], ids=str)
def test_the_architectures_number_is_the_elf_machine(arch):
    """linux/kexec.h: "These values match the ELF architecture values"; from
    its KEXEC_ARCH_ARM, _AARCH64, _PPC64 and _RISCV."""
    want = {"arm": 40, "arm64": 183, "ppc64le": 21, "riscv64": 243}
    assert arch.elf_machine == want[arch.placed]
    assert lib.KEXEC_ON_CRASH == 1
