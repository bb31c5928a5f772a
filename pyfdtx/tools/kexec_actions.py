# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What kexec(8) does, once its command line is understood."""

from __future__ import annotations

import errno
import os
import warnings
from socket import if_nameindex
from stat import S_ISFIFO, S_ISREG

from .._native import lib
from ..cli.memory_map import lines
from ..cli.trouble import complain
from ..cli.words import in_options
from ..codec.memrange import MemRange
from ..errors import FdtBadParameter, FdtError, FdtLoadError, FdtNoRoom, FdtWarning
from ..files import write_all
from ..files.reading import LIMITS, read_file
from ..kexec.architecture import arch_of
from ..kexec.facts.machine import HEADER_ROOM, Machine
from ..kexec.image.initrd import InitrdFile
from ..kexec.image.kernel import read_image
from ..kexec.image.unpack import Unpacked, unpack
from ..kexec.loading.kexec_load import reboot_into_loaded, unload
from ..kexec.loading.load import load
from ..kexec.place.plan import make_plan, plan, reused_cmdline
from .kexec_options import DIED, FAILED, ULONG_MAX, Bad, Wish

__all__ = ["act", "crash_size"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..kexec.image.kernel import KernelImage
    from ..kexec.place.file_plan import FilePlan
    from ..kexec.place.plan import Plan

# When kexec_file_load(2) says one of these, kexec_load(2) may do
FALLBACK = (errno.ENOSYS, errno.EINVAL, errno.ENOEXEC, errno.ENOTSUP)
OTHER_CALL = 253
SHUTDOWN = ("/sbin/shutdown", "/etc/shutdown", "/bin/shutdown")

# What -t calls a kernel, by Machine.arch and by its form: a flat image, an ELF file,
# or what it is wrapped in
TYPES = {
    "arm64": {
        **{"flat": "Image", "ELF": "vmlinux", "EFI zboot": "vmlinuz"},
        **{"uImage": "uImage", "UKI": "uki"},
    },
    "arm": {"flat": "zImage", "uImage": "uImage"},
    "ppc64le": {"ELF": "elf-ppc64"},
    "riscv64": {"flat": "image-riscv", "ELF": "elf-riscv"},
}
ELF_MAGIC = b"\x7fELF"


class Ended(Exception):
    """It is over; the exit status."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


def say(text: str) -> None:
    complain(in_options(text).replace("--cmdline", "--append"))


def crash_size() -> int:
    """Bytes of the main crash region; 0 if none is reserved."""
    regions = Machine().crash_ranges
    return regions[0].size if regions else 0


def act(wish: Wish) -> int:
    """Do it; the result is the exit status.

    Raises:
        Bad: no kernel is given.
    """
    machine = Machine()
    _show_warnings()
    for option in wish.idle:
        if wish.debug or option.effect == "said":
            say(f"--{option.name} does nothing: {option.text}")
    try:
        if wish.load and wish.crash and not machine.crash_ranges:
            say("no memory is reserved for a crash kernel; boot with crashkernel=256M")
            return DIED
        if wish.hotplug and not any(map(machine.exists, HEADER_ROOM)):
            say("--hotplug: this kernel cannot do it (CONFIG_CRASH_HOTPLUG)")
            return DIED
        if wish.unload:
            _unload(wish, machine)
        if wish.load:
            _load(wish, machine)
        if wish.shutdown:
            _shut_down()
        if wish.execute:
            _start(wish, machine)
    except Ended as e:
        return e.status
    except FdtError as e:
        say(str(e))
        return DIED if isinstance(e, FdtNoRoom) else FAILED
    return 0


def _show_warnings() -> None:
    def show(message: Warning | str, *_: object) -> None:
        say(f"warning: {message}")

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", FdtWarning)
    warnings.showwarning = show  # type: ignore[assignment]


def _debug(wish: Wish, text: str) -> None:
    if wish.debug:
        say(text)


def _status(e: FdtLoadError) -> int:
    """Of a refusal of kexec_file_load(2): whether kexec_load(2) may do."""
    return OTHER_CALL if e.errno in FALLBACK else FAILED


def _unload(wish: Wish, machine: Machine) -> None:
    if wish.by_file:
        try:
            unload(machine, crash=wish.crash, by_file=True)
            return
        except FdtLoadError as e:
            if not (wish.by_segments and e.errno in FALLBACK):
                say(str(e))
                raise Ended(_status(e)) from None
    unload(machine, crash=wish.crash, by_file=False)


def _load(wish: Wish, machine: Machine) -> None:
    if wish.kernel is None:
        raise Bad("no kernel is given")
    _look_at(wish.kernel)
    cmdline = wish.cmdline or ""
    if wish.reuse_cmdline:
        old = reused_cmdline(machine, crash=wish.crash)
        cmdline = " ".join(filter(None, (old, cmdline)))
    _debug(wish, f"command line: {cmdline}")
    refused = None
    arch = arch_of(machine.arch)
    with_tree = wish.dtb is not None and not (arch is not None and arch.by_file)
    if with_tree and not wish.by_segments:
        say("--dtb does nothing: the running kernel makes the tree by itself (-s)")
    if wish.by_file and not (with_tree and wish.by_segments):
        refused = _load_file(wish, machine, wish.kernel, cmdline)
        if refused is None:
            return
    if arch is not None and arch.by_file:
        why = (
            f"for {arch.name} kexec_load(2) would need boot parameters and a "
            "purgatory, which are not made here"
        )
        if refused is None:
            say(f"{why}; let the running kernel make them (-s)")
        else:
            say(f"{refused}; {why}")
        raise Ended(FAILED)
    _load_segments(wish, machine, wish.kernel, cmdline)


def _look_at(kernel: str) -> None:
    """Ends if it cannot be opened."""
    try:
        fd = os.open(kernel, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(fd).st_mode
        os.close(fd)
        cause = "" if S_ISREG(mode) or S_ISFIFO(mode) else "is no file"
    except (OSError, ValueError) as e:  # a NUL in the name
        cause = getattr(e, "strerror", None) or str(e)
    if cause:
        say(f"{kernel}: {cause}")
        raise Ended(DIED)


def _load_file(
    wish: Wish, machine: Machine, kernel: str, cmdline: str
) -> FdtLoadError | None:
    """By kexec_file_load(2); the refusal, if the other call may be tried."""
    try:
        try:
            _give_file(wish, machine, kernel, cmdline, wish.initrd)
        except FdtLoadError as e:
            inside = _unpacked(kernel) if e.errno in FALLBACK[1:] else None
            if inside is None:
                raise
            _debug(wish, f"{e}; giving what is in its {', '.join(inside.layers)}")
            _give_inside(wish, machine, kernel, cmdline, inside)
    except FdtLoadError as e:
        if wish.by_segments and e.errno in FALLBACK:
            _debug(wish, str(e))
            return e
        say(str(e))
        raise Ended(_status(e)) from None
    _debug(wish, "loaded by kexec_file_load(2)")
    return None


def _give_file(
    wish: Wish, machine: Machine, kernel: str, cmdline: str, initrd: str | None
) -> None:
    chosen = plan(
        machine,
        kernel,
        crash=wish.crash,
        initrd=initrd,
        cmdline=cmdline,
        by_file=True,
    )
    _judge(chosen)
    load(chosen, machine, replace=True)


def _judge(chosen: Plan | FilePlan) -> None:
    """Show what the checker finds in a plan; ends if its kernel would not take it."""
    errors = False
    for finding in chosen.findings:
        if finding.severity != "note":
            say(str(finding))
            errors = errors or finding.severity == "error"
    if errors:
        say("the kernel would not take this; 'pyfdtx load --force' loads it")
        raise Ended(FAILED)


def _unpacked(kernel: str) -> Unpacked | None:
    """What is inside; None if the file is not wrapped."""
    try:
        found = unpack(read_file(kernel, LIMITS["image"]), kernel)
    except (OSError, FdtError):
        return None
    return found if found.layers else None


def _in_memory(name: str, data: bytes, opened: list[int]) -> str:
    """The path of a file without a name."""
    opened.append(os.memfd_create(name, os.MFD_CLOEXEC))
    write_all(opened[-1], data)
    return f"/proc/self/fd/{opened[-1]}"


def _give_inside(
    wish: Wish, machine: Machine, kernel: str, cmdline: str, inside: Unpacked
) -> None:
    opened: list[int] = []
    try:
        initrd = wish.initrd
        if initrd is None and inside.initrd is not None:
            initrd = _in_memory("initrd", inside.initrd, opened)
        image = _in_memory("kernel", inside.data, opened)
        _give_file(wish, machine, image, cmdline, initrd)
    except FdtLoadError as e:
        raise FdtLoadError(e.op, kernel, e.cause, errno=e.errno) from None
    finally:
        for fd in opened:
            os.close(fd)


def _load_segments(wish: Wish, machine: Machine, kernel: str, cmdline: str) -> None:
    """By kexec_load(2)."""
    types = TYPES.get(machine.arch, {})
    if wish.type is not None and wish.type not in types.values():
        say(f"--type={wish.type}: unknown; there are {', '.join(types.values())}")
        raise Ended(FAILED)
    image = read_image(kernel)
    if wish.type is not None:
        _hold_type(wish.type, image, types)
    arch = arch_of(machine.arch)
    verify = wish.checks and arch is not None and arch.own("verifying") is not None
    if wish.checks and not verify:
        say(
            f"what is loaded is not verified before it is started: not known for "
            f"{machine.arch} (-i: do not say so)"
        )
    within = None
    if wish.low > 0 or wish.high < ULONG_MAX:
        if wish.low > wish.high:
            say(f"--mem-min={wish.low:#x} lies above --mem-max={wish.high:#x}")
            raise Ended(DIED)
        within = MemRange(wish.low, wish.high - wish.low + 1)
    chosen = make_plan(
        machine,
        image,
        crash=wish.crash,
        initrd=None if wish.initrd is None else InitrdFile(wish.initrd),
        cmdline=cmdline,
        dtb=None if wish.dtb is None else _tree(wish.dtb),
        verify=verify,
        within=within,
    )
    if wish.hotplug and not chosen.updated:
        say("--hotplug: not with kexec_load(2) here; by kexec_file_load(2) (-s)")
        raise Ended(DIED)
    if wish.entry:
        chosen.entry = wish.entry
    _judge(chosen)
    if wish.debug:
        for line in lines(chosen):
            say(line)
    load(chosen, machine, replace=True)
    _debug(wish, "loaded by kexec_load(2)")


def _hold_type(wanted: str, image: KernelImage, types: dict[str, str]) -> None:
    """Ends if the image is of another type."""
    fd = os.open(image.where, os.O_RDONLY | os.O_CLOEXEC)
    form = "ELF" if os.read(fd, 4) == ELF_MAGIC else "flat"
    os.close(fd)
    form = next((layer for layer in image.layers if layer in types), form)
    if types.get(form) != wanted:
        say(f"{image.where}: is of type {types.get(form, form)}, not {wanted}")
        raise Ended(FAILED)


def _tree(path: str) -> bytes:
    try:
        return read_file(path, LIMITS["tree"], pipes=True)
    except (OSError, ValueError) as e:
        cause = getattr(e, "strerror", None) or str(e)
        raise FdtBadParameter("kexec", f"--dtb={path}", cause) from None


def _shut_down() -> None:
    """An orderly reboot, which starts what is loaded; returns on failure only."""
    for program in SHUTDOWN:
        try:
            os.execv(program, ["shutdown", "-r", "now"])
        except OSError as e:
            if e.errno != errno.ENOENT:
                say(f"{program}: {e.strerror}")
                raise Ended(FAILED) from None
    say(f"there is no {' or '.join(SHUTDOWN)}")
    raise Ended(FAILED)


def _start(wish: Wish, machine: Machine) -> None:
    if wish.sync:
        os.sync()
    if wish.ifdown:
        _interfaces_down()
    try:
        reboot_into_loaded(machine)
    except FdtLoadError as e:
        say(str(e))
        raise Ended(FAILED if e.errno else DIED) from None


def _interfaces_down() -> None:
    """All network interfaces but the loopback; what stays up is said."""
    for _, name in if_nameindex():
        code = lib.fdtx_interface_down(os.fsencode(name))
        if code:
            say(f"{name}: cannot be taken down: {os.strerror(-code)}")
