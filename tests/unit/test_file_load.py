# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a refusal of kexec_file_load(2) means. The call itself is made in guests:
tests/system/test_file_load.py. Never here, where it would be the developer's
machine's."""

import errno
import os

import pytest

from pyfdtx.errors import FdtBadParameter, FdtLoadError, FdtMachineError
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.loading.kexec_file_load import file_refused, load_files

ALL = "CapEff:\t000001ffffffffff\n"
FILES = {
    "proc/self/status": ALL,
    "proc/iomem": "40000000-7fffffff : System RAM\n",
    "sys/kernel/kexec_loaded": "0\n",
    "sys/kernel/kexec_crash_loaded": "0\n",
}


@pytest.fixture
def system(tmp_path):
    def with_files(**more):
        for name, text in {**FILES, **more}.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return Machine(tmp_path, arch="x86_64")

    return with_files


# kexec_file_load(2), ERRORS; what kernel/kexec_file.c and the verification of PE
# files hand through; ENOSYS from a kernel without it
NUMBERS = (
    *("ENOSYS", "ENOEXEC", "EKEYREJECTED", "ENODATA", "ENOKEY", "EBADMSG"),
    *("ELIBBAD", "ENOPKG", "EBUSY", "EADDRNOTAVAIL", "ENOMEM", "ETXTBSY"),
    *("EFBIG", "EINVAL"),
)


@pytest.mark.parametrize("crash", [True, False])
def test_every_errno_has_its_own_words_and_names_the_image(system, crash):
    machine = system()
    causes = set()
    for name in NUMBERS:
        number = getattr(errno, name)
        error = file_refused(number, machine, "/boot/vmlinuz", crash=crash)
        assert isinstance(error, FdtLoadError)
        assert str(error).startswith("kexec_file_load /boot/vmlinuz: ")
        assert error.cause.endswith(f" ({name})")
        assert os.strerror(number) not in error.cause
        causes.add(error.cause)
    assert len(causes) == len(NUMBERS)
    unknown = file_refused(errno.EIO, machine, "Image", crash=crash).cause
    assert unknown == f"{os.strerror(errno.EIO)} (EIO)"


def test_a_crash_kernel_without_room_needs_a_larger_region(system):
    machine = system()
    for crash, said in ((True, "larger crashkernel="), (False, "no free memory")):
        error = file_refused(errno.EADDRNOTAVAIL, machine, "Image", crash=crash)
        assert said in error.cause


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"sys/kernel/security/lockdown": "none [integrity]\n"}, "signature"),
        ({"proc/sys/kernel/kexec_load_disabled": "1\n"}, "kexec_load_disabled"),
        ({"proc/self/status": "CapEff:\t0\n"}, "run as root"),
        ({}, "container"),
    ],
)
def test_not_permitted_has_one_reason(system, files, said):
    """kernel/kexec_file.c: a locked-down kernel says EPERM to an image that it
    cannot verify."""
    error = file_refused(errno.EPERM, system(**files), "Image", crash=True)
    assert said in error.cause


def refusal(machine, kernel, **options):
    """Of load_files(), before there is any call."""
    words = {"crash": False, "cmdline": "", **options}
    with pytest.raises(FdtLoadError) as caught:
        load_files(machine, str(kernel), **words)
    return caught.value


def test_what_is_no_readable_file_is_refused_before_the_call(system, tmp_path):
    machine, nowhere = system(), tmp_path / "nowhere"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)  # opening it must not wait for a writer
    open_before = os.listdir("/proc/self/fd")
    for place, said in (
        (nowhere, "No such file or directory"),
        (tmp_path, "is no regular file"),
        (fifo, "is no regular file"),
        ("/dev/zero", "is no regular file"),
        ("a\0b", "null byte"),
    ):
        error = refusal(machine, place)
        assert error.where == str(place)
        assert said in error.cause
    image = tmp_path / "Image"
    image.write_bytes(b"x")
    assert refusal(machine, image, initrd=str(nowhere)).where == str(nowhere)
    assert len(os.listdir("/proc/self/fd")) == len(open_before)


def test_a_loaded_kernel_is_not_replaced_by_accident(system):
    machine = system(**{"sys/kernel/kexec_crash_loaded": "1\n"})
    said = refusal(machine, "/nowhere", crash=True).cause
    assert said.startswith("a crash kernel is loaded already")
    # asked to, it goes on to the file
    error = refusal(system(), "/nowhere", crash=False)
    assert error.where == "/nowhere"


def test_a_crash_kernel_needs_its_memory(system):
    with pytest.raises(FdtMachineError, match="boot with crashkernel="):
        load_files(system(), "/nowhere", crash=True, cmdline="")


def test_a_command_line_ends_at_no_nul(system):
    with pytest.raises(FdtBadParameter, match="has a NUL"):
        load_files(system(), "/nowhere", crash=False, cmdline="quiet\0init=/x")
