# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec_file_load(2), on x86_64: of Debian's kernels the only ones that have it.
One guest loads and unloads, is locked down, and panics into what it loaded.
"""

import gzip
import re
from pathlib import Path

import pytest
from guest import console, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL

pytestmark = pytest.mark.kernel("amd64")
HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-x86_64"
HARDWARE = ("-M", "q35", "-cpu", "qemu64", "-m", "1G", "-smp", "2")
TIMEOUT = 240
LINE = "console=ttyS0 panic=-1 quiet"
TRY = """\
try() {
	echo "@@@ case $1"
	shift
	"$@" 2>&1 || echo "exit status $?"
}
p="python3 -m pyfdtx"
load="$p load --crash --file /boot/vmlinuz --cmdline quiet"
"""
INIT = (
    INIT_HEAD
    + console.SEND
    + TRY
    + f"""\
echo  # ends what the firmware wrote last
if test -e /proc/vmcore
then
	python3 /kdump_guest.py second
	send cmdline </proc/cmdline
	echo "@@@ all sent"
	echo o >/proc/sysrq-trigger
	sleep 60
fi
try no-image $p load --file /init --cmdline quiet
try no-file $p load --file /nowhere --cmdline quiet
try no-regular-file $p load --file /dev/zero --cmdline quiet
try long-line $p load --file /boot/vmlinuz --cmdline "$(printf '%5000s' x)"
try load $load
try status $p status
try again $load
try replace $load --replace
try unload $p unload --crash
try status-unloaded $p status
echo "@@@ first"
python3 /kdump_guest.py first "{LINE} maxcpus=1 nokaslr" --file
"""
    + INIT_TAIL
)
# With the crash kernel that will start at last
BEFORE_PANIC = (
    TRY
    + """\
try load-plain $p load --file /boot/vmlinuz --cmdline quiet
try status-both $p status
mount -t securityfs none /sys/kernel/security
echo integrity >/sys/kernel/security/lockdown
try locked-load $p load --replace --file /boot/vmlinuz --cmdline quiet
try locked-unload $p unload
try status-locked $p status
echo "@@@ end"
"""
)


@pytest.fixture(scope="module")
def log(amd64_kernel, amd64_python, module_boot_folder):
    """Of one guest, from its start to its crash kernel's end."""
    ramfs = amd64_python.copy()
    ramfs.file("kdump_guest.py", (HERE / "kdump_guest.py").read_bytes())
    ramfs.file("init", INIT.encode())
    crash = gzip.compress(ramfs.to_bytes(), 1, mtime=0)
    ramfs.file("before_panic", BEFORE_PANIC.encode())
    ramfs.file("boot/crash.cpio.gz", crash)
    ramfs.file("boot/vmlinuz", amd64_kernel.read_bytes())
    place = module_boot_folder / "first.cpio"
    place.write_bytes(ramfs.to_bytes())
    files = qemu.kernel_args(amd64_kernel, place, f"{LINE} crashkernel=256M")
    return qemu.run(
        QEMU, (*HARDWARE, *files), TIMEOUT, log=module_boot_folder / "console.log"
    )


# What is said, on one line, and the exit status
SAID = {
    "no-image": (r"kexec_file_load /init: is no image .*bzImage.*\(ENOEXEC\)", 1),
    "no-file": (r"kexec_file_load /nowhere: No such file", 1),
    "no-regular-file": (r"kexec_file_load /dev/zero: is no regular file", 1),
    "long-line": (r"kexec_file_load /boot/vmlinuz: .*command line.*\(EINVAL\)", 1),
    "load": (r"\Acrash kernel loaded: /boot/vmlinuz.*; a panic starts it\n\Z", 0),
    "status": (r"kexec kernel: not loaded\ncrash kernel: loaded\n", 0),
    "again": (r"kexec_file_load: a crash kernel is loaded already", 1),
    "replace": (r"\Acrash kernel loaded: /boot/vmlinuz.*; a panic starts it\n\Z", 0),
    "unload": ("", 0),
    "status-unloaded": (r"crash kernel: not loaded\n", 0),
    "load-plain": (r"\Akernel loaded: /boot/vmlinuz.*exec --now' starts it\n\Z", 0),
    "status-both": (r"kexec kernel: loaded\ncrash kernel: loaded\n", 0),
    # Debian's key comes with secure boot alone
    "locked-load": (r"/boot/vmlinuz: the kernel is locked down .* signature", 1),
    # there kexec_load(2) may not even unload
    "locked-unload": ("", 0),
    "status-locked": (r"kexec kernel: not loaded\ncrash kernel: loaded\n", 0),
}


@pytest.mark.parametrize("case", SAID)
def test_what_the_kernel_makes_of_files(log, case):
    said = dict(re.findall(r"(?ms)^@@@ case ([\w-]+)\n(.*?)(?=^@@@)", log))
    pattern, status = SAID[case]
    output = said[case]
    assert re.search(pattern, output), output
    assert output.endswith(f"exit status {status}\n") == bool(status), output
    if status:
        assert output.startswith("pyfdtx: ")
        assert output.count("\n") == 2, "more than one line"
    elif not pattern:
        assert output == ""


def test_a_crash_kernel_from_files_shows_the_dead_kernels_memory(log):
    assert "@@@ panic" in log, qemu.end_of(log)
    assert "@@@ all sent" in log, qemu.end_of(log)
    found = re.search(r"@@@ marker found in (\d) of (\d)\n", log)
    assert found[1] == found[2] != "0", found[0]
    # arch/x86/kernel/kexec-bzimage64.c puts the header's place in front
    line = console.received(log)["cmdline"].decode()
    assert re.match(rf"elfcorehdr=0x\w+ {LINE} maxcpus=1 nokaslr marker=", line)
