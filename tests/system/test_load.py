# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec without a crash, inside arm64 guests: a kernel starts the next one, which
starts the next; and what a kernel refuses is said in words."""

import re

import pytest
from guest import console, qemu
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs

from pyfdtx import Fdt

pytestmark = pytest.mark.kernel("arm64")
QEMU = "qemu-system-aarch64"
HARDWARE = ("-M", "virt", "-cpu", "cortex-a57", "-m", "1G", "-smp", "2")
TIMEOUT = 240
CMDLINE = "console=ttyAMA0 panic=-1 quiet"

GENERATION = (
    INIT_HEAD
    + console.SEND
    + f"""\
generation=$(sed -n 's/.*generation=//p' /proc/cmdline)
send $generation-fdt </sys/firmware/fdt
send $generation-cmdline </proc/cmdline
if test -e /boot/next.cpio
then
	python3 -m pyfdtx load /boot/vmlinuz --initrd /boot/next.cpio \\
		--cmdline "{CMDLINE} generation=$((generation + 1))"
	python3 -m pyfdtx exec --now
fi
echo "@@@ all sent"
"""
    + INIT_TAIL
)


def start(kernel, initrd, cmdline, folder):
    place = folder / "first.cpio"
    place.write_bytes(initrd)
    files = qemu.kernel_args(kernel, place, cmdline)
    log = qemu.run(QEMU, (*HARDWARE, *files), TIMEOUT, log=folder / "console.log")
    place.unlink()
    assert "@@@ all sent" in log, f"stopped early: {folder}/console.log" + qemu.end_of(
        log
    )
    return log


def without_places(tree):
    """The tree but for what differs from one start to the next."""
    fdt = Fdt(tree)
    for name in ("linux,initrd-start", "linux,initrd-end", "kaslr-seed", "bootargs"):
        fdt["/chosen"].pop(name, None)
    fdt.memreserve.clear()
    fdt.squeeze()
    return fdt.to_bytes()


def test_kexec_twice_in_a_row_and_the_tree_does_not_grow(
    arm64_kernel, arm64_busybox, arm64_python, boot_folder
):
    last = Initramfs()
    last.file("/bin/busybox", arm64_busybox.read_bytes())
    last.file("/init", GENERATION.encode())
    initrd = last.to_bytes()
    for _ in range(2):
        ramfs = arm64_python.copy()
        ramfs.file("init", GENERATION.encode())
        ramfs.file("boot/vmlinuz", arm64_kernel.read_bytes())
        ramfs.file("boot/next.cpio", initrd)
        initrd = ramfs.to_bytes()
    log = start(arm64_kernel, initrd, f"{CMDLINE} generation=0", boot_folder)

    sent = console.received(log)
    assert [sent[f"{n}-cmdline"].decode() for n in range(3)] == [
        f"{CMDLINE} generation={n}\n" for n in range(3)
    ]
    first, second = sent["1-fdt"], sent["2-fdt"]
    assert len(first) == len(second)
    assert without_places(first) == without_places(second)
    for tree in (first, second):
        assert "linux,booted-from-kexec" in Fdt(tree)["/chosen"]
        assert len(Fdt(tree).memreserve) == 1  # the initrd's, of this start alone


REFUSALS = (
    INIT_HEAD
    + """\
mount -t securityfs none /sys/kernel/security
try() {
	echo "@@@ case $1"
	shift
	"$@" 2>&1 || echo "exit status $?"
}
p="python3 -m pyfdtx"
as_nobody() {
	python3 -c '
import os, sys
from pyfdtx.cli import main
os.setuid(65534)
sys.exit(main(sys.argv[1:]))' "$@"
}
region_shrunk() {
	python3 -c '
from pyfdtx.kexec.image.kernel import read_image
from pyfdtx.kexec import load
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.place.plan import make_plan
machine = Machine()
plan = make_plan(machine, read_image("/boot/vmlinuz"))
with open("/sys/kernel/kexec_crash_size", "w") as size:
    size.write(str(64 << 20))
try:
    load(plan, machine)
except Exception as e:
    print(type(e).__name__, e)'
}
try region-shrunk region_shrunk
echo 0 >/sys/kernel/kexec_crash_size
try no-region $p load --crash /boot/vmlinuz
try nobody-unload as_nobody unload
try nobody-load as_nobody load /boot/vmlinuz
try exec-nothing $p exec --now
try exec-unsaid $p exec
try by-file $p load --file /boot/vmlinuz
try load $p load /boot/vmlinuz
try status $p status
try again $p load /boot/vmlinuz
try replace $p load --replace /boot/vmlinuz
try unload $p unload
try status-unloaded $p status
try unload-again $p unload
echo integrity >/sys/kernel/security/lockdown
try lockdown $p load /boot/vmlinuz
try lockdown-unload $p unload
echo 1 >/proc/sys/kernel/kexec_load_disabled
try disabled $p load /boot/vmlinuz
try end
echo "@@@ all sent"
"""
    + INIT_TAIL
)
# What is said, on one line, with which exit status (0: none is printed)
LOADED = (
    r"\Akernel loaded: kernel [\d.]+ MiB at 0x[0-9a-f]+, dtb .*, trampoline .*; "
    r"'systemctl kexec' or 'pyfdtx exec --now' starts it\n\Z"
)
SAID = {
    "no-region": (
        r"pyfdtx: Machine /proc/iomem: has no 'Crash kernel'.*crashkernel=",
        1,
    ),
    "nobody-unload": (
        r"pyfdtx: kexec_load: run as root \(CAP_SYS_BOOT is missing\)",
        1,
    ),
    "nobody-load": (r"pyfdtx: Machine /proc/\w+: .*root", 1),
    "region-shrunk": (r"FdtLoadError kexec_load: a segment lies where none may", 0),
    "exec-nothing": (r"pyfdtx: reboot: no kernel is loaded", 1),
    "exec-unsaid": (r"pyfdtx: services are not stopped .*say --now", 2),
    # Debian's kernels for arm64 have CONFIG_KEXEC_FILE not set
    "by-file": (r"pyfdtx: kexec_file_load .*load without it.*\(ENOSYS\)", 1),
    "load": (LOADED, 0),
    "status": (r"kexec kernel: loaded$", 0),
    "again": (r"pyfdtx: kexec_load: a kernel is loaded already; unload it", 1),
    "replace": (LOADED, 0),
    "unload": ("", 0),
    "status-unloaded": (r"kexec kernel: not loaded$", 0),
    "unload-again": ("", 0),
    "lockdown": (r"pyfdtx: kexec_load: the kernel is locked down", 1),
    # nor can kexec_file_load(2) unload here
    "lockdown-unload": (r"pyfdtx: kexec_load: the kernel is locked down", 1),
    "disabled": (r"pyfdtx: kexec_load: switched off until the next boot", 1),
}


@pytest.fixture(scope="module")
def said(arm64_kernel, arm64_python, module_boot_folder):
    """Output of each case, all in one boot."""
    ramfs = arm64_python.copy()
    ramfs.file("init", REFUSALS.encode())
    ramfs.file("boot/vmlinuz", arm64_kernel.read_bytes())
    log = start(
        arm64_kernel,
        ramfs.to_bytes(),
        f"{CMDLINE} crashkernel=128M",
        module_boot_folder,
    )
    found = re.findall(r"(?ms)^@@@ case ([\w-]+)\n(.*?)(?=^@@@)", log)
    return dict(found)


@pytest.mark.parametrize("case", SAID)
def test_what_a_kernel_refuses_is_said_in_words(said, case):
    pattern, status = SAID[case]
    output = said[case]
    assert re.search(pattern, output, re.MULTILINE), output
    assert ("exit status" in output) == bool(status), output
    if status:
        assert output.endswith(f"exit status {status}\n")
        assert output.count("\n") == 2, "more than one line"
    elif not pattern:
        assert output == ""
