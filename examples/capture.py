#!/usr/bin/env python3
# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Make the captures beside this file: boot each machine and copy what it shows.

    python3 examples/capture.py [machine ...]

README.md says what the files are. Needs pyfdtx installed, QEMU and apt's tools
(it names the Debian packages that are missing), no root. Packages for the guest
are kept in .cache/.
"""

from __future__ import annotations

import argparse
import io
import shlex
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = ROOT / ".cache"
sys.path.insert(0, str(ROOT / "tests" / "system"))
from guest import GuestError, console, need, qemu  # noqa: E402
from guest.debian import Archive  # noqa: E402
from guest.initramfs import INIT_HEAD, INIT_TAIL, Initramfs  # noqa: E402
from guest.python import root_file_system  # noqa: E402

from pyfdtx import Fdt  # noqa: E402
from pyfdtx.errors import FdtMachineError  # noqa: E402
from pyfdtx.kexec.facts.kcore import note_in_kcore  # noqa: E402

BUSYBOX = "busybox-static"
FIRMWARE = Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
FIRMWARE_PACKAGE = "qemu-efi-aarch64"
TIMEOUT = 300


@dataclass(frozen=True)
class Kind:
    """debian: its name of the architecture. python: the guest runs
    `pyfdtx capture`, else a list of files is copied."""

    debian: str
    qemu: str
    kernel: str
    python: bool = True


ARM64 = Kind("arm64", "qemu-system-aarch64", "linux-image-cloud-arm64", python=False)
ARM = Kind("armhf", "qemu-system-arm", "linux-image-armmp")
PPC64LE = Kind("ppc64el", "qemu-system-ppc64", "linux-image-powerpc64le")


@dataclass(frozen=True)
class Machine:
    what: str
    hardware: tuple[str, ...]
    cmdline: str
    uefi: bool = False
    kind: Kind = ARM64


COMMON = "console=ttyAMA0 panic=-1 quiet"
VIRT = ("-M", "virt", "-cpu", "cortex-a57")
MACHINES = {
    "arm64-dt": Machine(
        "booted with a device tree; one crash region",
        (*VIRT, "-m", "1G", "-smp", "2"),
        f"{COMMON} crashkernel=256M",
    ),
    # One CPU stays offline: it has crash_notes and a PT_NOTE all the same.
    "arm64-high-low": Machine(
        "4 GiB; crash regions above and below 4 GiB; a CPU offline",
        (*VIRT, "-m", "4G", "-smp", "4"),
        f"{COMMON} crashkernel=256M,high crashkernel=64M,low maxcpus=3",
    ),
    "arm64-uefi-acpi": Machine(
        "UEFI and ACPI; the tree is what the EFI stub made, only /chosen",
        (*VIRT, "-m", "1G", "-smp", "2"),
        f"{COMMON} crashkernel=256M",
        uefi=True,
    ),
    "arm-dt": Machine(
        "32-bit arm; one crash region",
        ("-M", "virt", "-cpu", "cortex-a15", "-m", "1G", "-smp", "2"),
        f"{COMMON} crashkernel=128M",
        kind=ARM,
    ),
    "ppc64le-pseries": Machine(
        "POWER9 below a hypervisor; one crash region",
        ("-M", "pseries", "-cpu", "power9", "-m", "2G", "-smp", "2"),
        "console=hvc0 panic=-1 quiet crashkernel=512M",
        kind=PPC64LE,
    ),
}

# The head of kcore is for kcore_vmcoreinfo(); it is not stored.
KCORE = "/proc/kcore"
INIT = (
    INIT_HEAD
    + console.SEND
    + f"""\
cd /sys/devices/system/cpu
for f in /proc/cmdline /proc/cpuinfo /proc/iomem /proc/version \\
	/sys/firmware/fdt /sys/kernel/vmcoreinfo /sys/kernel/kexec_crash_size \\
	$PWD/possible $PWD/present $PWD/online $PWD/cpu[0-9]*/crash_notes*
do
	send $f <$f
done
dd if={KCORE} bs=65536 count=1 2>/dev/null | send {KCORE}
echo "@@@ all sent"
"""
    + INIT_TAIL
)


# All that a kexec tool wants, as it finds it itself
PYTHON_INIT = (
    INIT_HEAD
    + console.SEND
    + """\
echo  # ends what the firmware wrote last
python3 -m pyfdtx capture /machine
cd /machine
tar c * | send machine.tar
echo "@@@ all sent"
"""
    + INIT_TAIL
)


def trimmed(fdt: bytes) -> bytes:
    """The blob without the zero slack that QEMU leaves behind its last block.

    Nothing else moves: totalsize becomes the end of the last block.
    """
    total, structure, strings, reserved = struct.unpack_from(">4I", fdt, 4)
    strings_size, structure_size = struct.unpack_from(">2I", fdt, 32)
    end = reserved
    while any(fdt[end : end + 16]):
        end += 16
    end = max(end + 16, structure + structure_size, strings + strings_size)
    if len(fdt) != total or any(fdt[end:]):
        raise GuestError(
            f"/sys/firmware/fdt: {len(fdt)} bytes, totalsize {total}, blocks end at "
            f"{end}: what follows is not zero slack, so it cannot be cut off"
        )
    return fdt[:4] + struct.pack(">I", end) + fdt[8:end]


def kcore_vmcoreinfo(head: bytes) -> bytes:
    """The text of the VMCOREINFO note in the head of /proc/kcore."""
    with tempfile.NamedTemporaryFile() as core:
        core.write(head)
        core.flush()
        try:
            text = note_in_kcore(core.fileno(), core.name)
            return text.encode("utf-8", "surrogateescape")
        except FdtMachineError as e:
            raise GuestError(f"the first {len(head)} bytes of {KCORE}: {e}") from None


def initramfs(archive: Archive, kind: Kind) -> bytes:
    if kind.python:
        with tempfile.TemporaryDirectory() as work:
            ramfs = root_file_system(archive, Path(work))
        ramfs.file("/init", PYTHON_INIT.encode())
        return ramfs.to_bytes()
    busybox = archive.unpack(BUSYBOX)
    ramfs = Initramfs()
    ramfs.file("/bin/busybox", (busybox / "bin" / "busybox").read_bytes())
    ramfs.file("/init", INIT.encode())
    return ramfs.to_bytes()


def host_version(package: str) -> str:
    done = subprocess.run(
        ("dpkg-query", "--show", "--showformat=${Version}", package),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout or "of unknown version"


def boot(machine: Machine, kernel: Path, ramfs: bytes) -> dict[str, bytes]:
    """What the machine sent, by path."""
    firmware = ("-bios", str(FIRMWARE)) if machine.uefi else ()
    with tempfile.NamedTemporaryFile(suffix=".cpio") as initrd:
        initrd.write(ramfs)
        initrd.flush()
        files = qemu.kernel_args(kernel, Path(initrd.name), machine.cmdline)
        hardware = (*machine.hardware, *firmware, *files)
        log = qemu.run(machine.kind.qemu, hardware, TIMEOUT)
    if "@@@ all sent" not in log:
        raise GuestError(f"the guest stopped early{qemu.end_of(log)}")
    sent = console.received(log)
    if not machine.kind.python:
        return sent
    with tarfile.open(fileobj=io.BytesIO(sent["machine.tar"])) as tar:
        members = [m for m in tar.getmembers() if m.isfile()]
        return {f"/{m.name}": tar.extractfile(m).read() for m in members}


def recipe(machine: Machine, packages: dict[str, str], fdt: bytes, kept: bytes) -> str:
    """How the capture came about, without paths of this host."""
    firmware = ("-bios", FIRMWARE.name) if machine.uefi else ()
    files = qemu.kernel_args(Path("vmlinuz"), Path("initramfs.cpio"), machine.cmdline)
    program = machine.kind.qemu
    command = (program, *machine.hardware, *qemu.COMMON, *firmware, *files)
    if len(fdt) == len(kept):
        how = "kept as it was"
    elif fdt[8 : len(kept)] == kept[8:]:
        how = f"zero behind byte {len(kept)}: cut off"
    else:
        how = "gaps between its blocks: written again, without them"
    return "\n".join(
        (
            f"# {machine.what}",
            shlex.join(command),
            "",
            qemu.version(program),
            *(f"{name} {version}" for name, version in packages.items()),
            "",
            f"/sys/firmware/fdt in the guest: {len(fdt)} bytes, {how}",
            "",
        )
    )


def takes_everywhere(name: str) -> bool:
    """Whether other systems' file systems have such names: Open Firmware's
    options (auto-boot?) are none, and no plan is made from them."""
    return not set('?*:<>|"') & set(name)


def store(target: Path, files: dict[str, bytes]) -> None:
    """Replace the capture; the old one stays until the new one is complete."""
    new = CACHE / f"{target.name}.new"
    shutil.rmtree(new, ignore_errors=True)
    for name, data in files.items():
        place = new / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)


def capture(names: list[str]) -> None:
    machines = [MACHINES[name] for name in names]
    need("apt-get", "dpkg-deb", *{m.kind.qemu for m in machines})
    if any(m.uefi for m in machines) and not FIRMWARE.exists():
        raise GuestError(
            f"{FIRMWARE} is missing (Debian: apt-get install {FIRMWARE_PACKAGE})"
        )
    for kind in (ARM64, ARM, PPC64LE):
        ours = [name for name in names if MACHINES[name].kind is kind]
        if ours:
            capture_kind(kind, ours)


def capture_kind(kind: Kind, names: list[str]) -> None:
    archive = Archive(CACHE, kind.debian)
    print(f"packages: {kind.kernel} ({kind.debian}, into .cache/)", flush=True)
    package = archive.kernel(kind.kernel)
    (kernel,) = (archive.unpack(package) / "boot").glob("vmlinu[xz]-*")
    ramfs = initramfs(archive, kind)
    versions = {p: archive.version(p) for p in (package, BUSYBOX)}
    for name in names:
        machine = MACHINES[name]
        print(f"{name}: {machine.what}", flush=True)
        files = boot(machine, kernel, ramfs)
        fdt = files["/sys/firmware/fdt"]
        if kind is PPC64LE:
            # prom_init leaves its blocks pages apart, and not all zero between
            files["/sys/firmware/fdt"] = Fdt(fdt).to_bytes()
        else:
            files["/sys/firmware/fdt"] = trimmed(fdt)
        if not kind.python:
            files[KCORE + ".vmcoreinfo"] = kcore_vmcoreinfo(files.pop(KCORE))
        files = {name: files[name] for name in files if takes_everywhere(name)}
        used = dict(versions)
        if machine.uefi:
            used[FIRMWARE_PACKAGE] = host_version(FIRMWARE_PACKAGE)
        files["/RECIPE.txt"] = recipe(
            machine, used, fdt, files["/sys/firmware/fdt"]
        ).encode()
        store(HERE / name, files)
        size = sum(map(len, files.values()))
        print(f"{name}: {len(files)} files, {size} bytes", flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Boot machines under QEMU and store what their kernels show.",
        epilog="machines: "
        + "; ".join(f"{name} ({m.what})" for name, m in MACHINES.items()),
    )
    parser.add_argument("machine", nargs="*", help="default: all")
    names = parser.parse_args(argv).machine or list(MACHINES)
    unknown = [name for name in names if name not in MACHINES]
    if unknown:
        parser.error(
            f"no machine {', '.join(unknown)}; there are: {', '.join(MACHINES)}"
        )
    try:
        capture(names)
    except GuestError as e:
        print(f"capture.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
