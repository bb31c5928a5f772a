# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec(8) on machines where segments are placed here: which system call is tried,
what reaches it, and what ends how. The calls are answered, never made."""

import errno
import gzip
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import arm_machine
import ppc64_machine
import riscv64_machine
import test_kexec_calls as calls
from test_kexec_calls import Kernel

from pyfdtx import Fdt
from pyfdtx.kexec.facts.machine import Machine, known_arch
from pyfdtx.kexec.loading import kexec_file_load as file_load_module
from pyfdtx.kexec.loading import kexec_load as load_module
from pyfdtx.tools import kexec, kexec_actions
from pyfdtx.tools.kexec_options import OPTIONS, Bad, number, options_of, parse

ARCHES = ("arm", "arm64", "ppc64le", "riscv64", "x86_64")
FALLBACK = {errno.ENOSYS, errno.EINVAL, errno.ENOEXEC, errno.ENOTSUP}
INITRD = b"070701" + bytes(1000)
MIB = 1 << 20


class Arm64:
    """An arm64 machine, its kernel's files, and the command on it."""

    def __init__(self, folder, monkeypatch, arch="arm64", root=None):
        self.root = root or folder / "root"
        if root is None:
            shutil.copytree(calls.EXAMPLES / "arm64-dt", self.root)
        self.image, self.initrd = folder / "Image", folder / "initrd"
        self.image.write_bytes(bytes(calls.arm64_image().data))
        self.initrd.write_bytes(INITRD)
        self.monkeypatch = monkeypatch
        self.patch(kexec_actions, "Machine", lambda: Machine(self.root))
        self.patch(kexec, "_arch", lambda _: arch)

    def patch(self, module, name, value):
        self.monkeypatch.setattr(module, name, value, raising=False)

    def run(self, *args, answers=()):
        """(exit status, the calls) of a command line; "K" is the kernel."""
        fake = Kernel(*answers)
        for module in (load_module, file_load_module, kexec_actions):
            self.patch(module, "lib", fake)
        words = [str(self.image) if a == "K" else a for a in args]
        return kexec.main(words), fake.calls


@pytest.fixture
def arm64(tmp_path, monkeypatch):
    return Arm64(tmp_path, monkeypatch)


def names(found):
    return [call[0] for call in found]


@pytest.mark.parametrize("option", ["-a", "-s", None])
def test_the_other_call_is_tried_after_four_refusals_and_no_other(arm64, option, capfd):
    """Linux and kexec(8): ENOTSUP and EOPNOTSUPP are one number."""
    words = ["-i", "-p", "K"] if option is None else [option, "-i", "-p", "K"]
    for code in sorted(errno.errorcode):
        status, found = arm64.run(*words, answers=[-code])
        got = names(found), status
        if code not in FALLBACK:
            assert got == (["kexec_file_load"], 255), code
        elif option == "-s":
            assert got == (["kexec_file_load"], 253), code
        else:
            assert got == (["kexec_file_load", "kexec_load"], 0), code
        said = capfd.readouterr()
        assert (said.out, bool(said.err)) == ("", bool(status)), code
        if status and code != errno.EPERM:
            assert errno.errorcode[code] in said.err


def test_unloading_falls_back_in_the_same_way(arm64):
    for code in sorted(errno.errorcode):
        status, found = arm64.run("-a", "-p", "-u", answers=[-code])
        other = code in FALLBACK
        assert (len(found), status) == ((2, 0) if other else (1, 255)), code
        strict = arm64.run("-s", "-u", answers=[-code])[0]
        assert strict == (253 if other else 255), code
        assert arm64.run("-c", "-u", answers=[-code])[0] == 255, code


def segments_of(found):
    ((call, entry, segments, flags),) = found
    assert call == "kexec_load"
    return entry, segments, flags


def test_what_is_loaded_is_verified_unless_told_not_to(arm64):
    """A trampoline that verifies nothing has 40 bytes; docs/placement.md."""
    for words, verified in ((["-c", "-p", "K"], True), (["-ci", "-p", "K"], False)):
        status, found = arm64.run(*words)
        entry, segments, _ = segments_of(found)
        code = next(data for start, _, data in segments if start == entry)
        assert status == 0
        assert (len(code) > 512) == verified
        assert verified or len(code) == 40


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], ""),
        (["--append=a b"], "a b"),
        (["--append=a", "--command-line=c"], "c"),
        (["--reuse-cmdline"], ""),
        (["--reuse-cmdline", "--append=x y"], " x y"),
    ],
)
def test_append_is_the_whole_line_but_behind_a_reused_one(arm64, words, line):
    status, found = arm64.run("-ci", "-p", "K", *words)
    _, segments, _ = segments_of(found)
    tree = next(data for _, _, data in segments if data[:4] == b"\xd0\x0d\xfe\xed")
    got = Fdt(tree)["/chosen"].get("bootargs", b"\0").rstrip(b"\0").decode()
    old = (arm64.root / "proc/cmdline").read_text().split()
    kept = [w for w in old if not w.startswith(("BOOT_IMAGE=", "crashkernel="))]
    reused = "--reuse-cmdline" in words
    assert status == 0
    assert got == (" ".join(kept) if reused else "") + line


def test_memory_outside_the_limits_is_left_alone(arm64):
    main = Machine(arm64.root).crash_main
    low, high = main.start + 64 * MIB, main.start + 128 * MIB - 1
    status, found = arm64.run(
        "-ci", "-p", "K", f"--mem-min={low:#x}", f"--mem-max={high}"
    )
    _, segments, _ = segments_of(found)
    assert status == 0
    for start, size, _ in segments:
        assert low <= start
        assert start + size <= high + 1


@pytest.mark.parametrize(
    "words", [["--mem-max=0x1000"], ["--mem-min=8", "--mem-max=4"]]
)
def test_no_room_between_the_limits_is_status_1(arm64, words, capfd):
    assert arm64.run("-ci", "-p", "K", *words) == (1, [])
    assert capfd.readouterr().err


def test_entry_is_where_the_next_kernel_starts(arm64):
    _, found = arm64.run("-ci", "-l", "K", "--entry=0x123000")
    assert segments_of(found)[0] == 0x123000
    _, plain = arm64.run("-ci", "-l", "K", "--entry=0")
    assert segments_of(plain)[0] != 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [("Image", 0), ("vmlinux", 255), ("vmlinuz", 255), ("bogus", 255), ("", 255)],
)
def test_a_type_is_held_against_the_file(arm64, kind, status, capfd):
    got, found = arm64.run("-ci", "-l", "-t", kind, "K")
    assert (got, len(found)) == (status, not status)
    assert bool(capfd.readouterr().err) == bool(status)


def test_a_tree_of_ones_own_goes_by_kexec_load(arm64, tmp_path, capfd):
    """The running kernel would make the tree by itself, and not say so."""
    tree = tmp_path / "own.dtb"
    tree.write_bytes((arm64.root / "sys/firmware/fdt").read_bytes())
    status, found = arm64.run("-i", "-l", "K", f"--dtb={tree}")
    assert (status, names(found)) == (0, ["kexec_load"])
    status, found = arm64.run("-s", "-l", "K", f"--dtb={tree}")
    assert (status, names(found)) == (0, ["kexec_file_load"])
    assert "--dtb does nothing" in capfd.readouterr().err
    status, found = arm64.run("-ci", "-l", "K", f"--dtb={tmp_path / 'none'}")
    assert (status, found) == (255, [])


def test_what_kexec_file_load_does_not_take_is_unpacked_for_it(arm64, tmp_path):
    packed = tmp_path / "Image.gz"
    plain = arm64.image.read_bytes()
    packed.write_bytes(gzip.compress(plain))
    refusal = -errno.ENOEXEC
    status, found = arm64.run("-s", "-l", str(packed), answers=[refusal])
    assert (status, names(found)) == (0, ["kexec_file_load"] * 2)
    assert found[1][1][0] == plain
    status, found = arm64.run("-s", "-l", str(packed), answers=[refusal, refusal])
    assert status == 253
    # One that is not packed is not given twice
    status, found = arm64.run("-s", "-l", "K", answers=[refusal])
    assert (status, len(found)) == (253, 1)


def test_a_refusal_of_what_was_inside_names_the_file(arm64, tmp_path, capfd):
    packed = tmp_path / "Image.gz"
    packed.write_bytes(gzip.compress(arm64.image.read_bytes()))
    arm64.run("-s", "-l", str(packed), answers=[-errno.ENOEXEC, -errno.EKEYREJECTED])
    assert f"kexec_file_load {packed}: " in capfd.readouterr().err


def test_loading_replaces_what_is_loaded_without_a_word(arm64, capfd):
    sysfs = arm64.root / "sys/kernel"
    for name in ("kexec_loaded", "kexec_crash_loaded"):
        (sysfs / name).write_text("1\n")
    for words in (["-l"], ["-p"], ["-c", "-i", "-l"], ["-s", "-p"]):
        assert arm64.run(*words, "K")[0] == 0
    assert capfd.readouterr() == ("", "")


def test_unloading_comes_first_and_then_loading(arm64):
    status, found = arm64.run("-ci", "-u", "-p", "K")
    assert (status, names(found)) == (0, ["kexec_load"] * 2)
    assert [bool(call[2]) for call in found] == [False, True]
    status, found = arm64.run("-ci", "-p", "-u", "K")
    assert (status, [bool(call[2]) for call in found]) == (0, [False])


def test_an_initrd_that_is_not_there_ends_it(arm64, tmp_path, capfd):
    for words in (["-s"], ["-ci"], ["-a"]):
        status, found = arm64.run(*words, "-l", "K", f"--initrd={tmp_path / 'none'}")
        assert (status, found) == (255, [])
        assert "none" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["-s"], ["-c", "-i"], ["-a"]])
def test_hotplug_is_what_the_kernel_can_do(arm64, words, capfd):
    """Linux include/uapi/linux/kexec.h: KEXEC_UPDATE_ELFCOREHDR,
    KEXEC_CRASH_HOTPLUG_SUPPORT; kexec_file_load(2) needs no flag."""
    assert arm64.run(*words, "-p", "K", "--hotplug") == (1, [])
    assert "CONFIG_CRASH_HOTPLUG" in capfd.readouterr().err
    (arm64.root / "sys/kernel/crash_elfcorehdr_size").write_text("8192\n")
    status, found = arm64.run(*words, "-p", "K", "--hotplug")
    assert (status, len(found)) == (0, 1)
    assert (found[0][-1] & 0xC == 0xC) == ("-c" in words)


def test_hotplug_is_refused_where_the_core_header_has_no_room(
    tmp_path, monkeypatch, capfd
):
    root = tmp_path / "root"
    ppc64_machine.machine(root)
    system = Arm64(tmp_path, monkeypatch, "ppc64le", root)
    system.image.write_bytes(ppc64_machine.vmlinux())
    (root / "sys/kernel/crash_elfcorehdr_size").write_text("8192\n")
    assert system.run("-ci", "-p", "K", "--hotplug") == (1, [])
    assert "--hotplug" in capfd.readouterr().err


@pytest.mark.parametrize("arch", ["arm", "ppc64le", "riscv64"])
def test_where_nothing_can_be_verified_it_is_said_once(
    arch, tmp_path, monkeypatch, capfd
):
    root = tmp_path / "root"
    if arch == "arm":
        arm_machine.machine_with(root)
        data = arm_machine.zimage().data
    elif arch == "riscv64":
        riscv64_machine.machine(root)
        data = riscv64_machine.riscv().data
    else:
        ppc64_machine.machine(root)
        data = ppc64_machine.vmlinux()
    system = Arm64(tmp_path, monkeypatch, arch, root)
    system.image.write_bytes(bytes(data))
    for words, lines in ((["-c"], 1), (["-c", "-i"], 0)):
        status, found = system.run(*words, "-p", "K", "--append=maxcpus=1")
        said = capfd.readouterr().err
        assert (status, names(found)) == (0, ["kexec_load"]), said
        assert len(said.splitlines()) == lines, said
        assert ("not verified" in said) == bool(lines)


def test_debug_says_what_is_done_and_which_options_do_nothing(arm64, capfd):
    status, _ = arm64.run("-d", "-c", "-l", "K", "--serial=ttyAMA0", "--append=x")
    said = capfd.readouterr().err
    assert status == 0
    assert "--serial does nothing" in said
    assert "command line: x\n" in said
    assert "kexec_load(2)" in said
    arm64.run("-ci", "-l", "K", "--serial=ttyAMA0")
    assert capfd.readouterr().err == ""


def test_starting_takes_interfaces_down_and_syncs_unless_told_not_to(arm64, capfd):
    (arm64.root / "sys/kernel/kexec_loaded").write_text("1\n")
    synced, downed = [], []
    arm64.patch(kexec_actions, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    arm64.patch(os, "sync", lambda: synced.append(1))
    arm64.patch(Kernel, "fdtx_interface_down", lambda _, name: downed.append(name) or 0)
    for words, sync, down in (
        (["-e"], 1, 2),
        (["-e", "-x"], 1, 0),
        (["-xye"], 0, 0),
        (["-y", "-f", "-ci", "K"], 0, 2),
    ):
        synced.clear(), downed.clear()
        status, found = arm64.run(*words, answers=[0] * ("K" in words) + [-errno.EIO])
        assert (status, names(found)[-1]) == (255, "reboot")
        assert (len(synced), len(downed)) == (sync, down), words
    # The C library's own list; the loopback stays up even if named (it is C's duty)
    assert capfd.readouterr().err


def test_the_loopback_stays_up_and_no_interface_is_an_error():
    from pyfdtx._native import lib

    def flags():
        return Path("/sys/class/net/lo/flags").read_text()

    before = flags()
    assert lib.fdtx_interface_down(b"lo") == 0
    assert flags() == before
    assert lib.fdtx_interface_down(b"no-such-dev") == -errno.ENODEV
    assert lib.fdtx_interface_down(b"a-name-that-is-too-long") == -errno.ENAMETOOLONG


def test_without_an_action_shutdown_is_called_or_it_is_said_that_there_is_none(
    arm64, tmp_path, capfd
):
    asked = []

    def execv(path, args):
        asked.append((path, args))
        raise OSError(errno.ENOENT, "no")

    arm64.patch(os, "execv", execv)
    assert arm64.run("-ci", "K")[0] == 255
    assert asked[0] == ("/sbin/shutdown", ["shutdown", "-r", "now"])
    assert "/sbin/shutdown" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arch", "status"),
    [("arm64", 0), ("riscv64", 0), ("arm", 1), ("ppc64le", 1), ("x86_64", 1)],
)
def test_an_option_about_a_kernel_without_one_is_wrong_where_kexec_tools_says_so(
    arm64, arch, status
):
    """kexec-tools 2.0.32 of each, under qemu-user: `kexec -u --append=x`."""
    arm64.patch(kexec, "_arch", lambda _: arch)
    assert arm64.run("-u", "--append=x")[0] == status


# The table of options


def test_each_option_is_told_apart_on_each_architecture():
    for arch in ARCHES:
        options = options_of(arch)
        names = [name for o in options for name in o.names]
        letters = [o.letter for o in options if o.letter]
        assert len(names) == len(set(names)), arch
        assert len(letters) == len(set(letters)), arch


# `kexec --NAME` of kexec-tools 2.0.32, on each architecture
CORE = (
    "help version force no-checks no-ifdown no-sync load load-panic unload exec "
    "exec-live-update type mem-min mem-max reuseinitrd print-ckr-size "
    "load-preserve-context load-jump-back-helper load-live-update entry "
    "kexec-file-syscall kexec-syscall kexec-syscall-auto hotplug debug status "
    "append command-line initrd dtb"
)
KEXEC_TOOLS = {
    "arm64": f"{CORE} ramdisk reuse-cmdline serial",
    "arm": f"{CORE} ramdisk atags image-size page-offset dt-no-old-root",
    "ppc64le": f"{CORE} ramdisk reuse-cmdline devicetreeblob args-linux "
    "elf64-core-headers dt-no-old-root",
    "riscv64": f"{CORE} reuse-cmdline",
    "x86_64": f"{CORE} ramdisk reuse-cmdline args-elf args-linux args-none "
    "console-serial console-vga elf32-core-headers elf64-core-headers entry-32bit "
    "module noefi pass-memmap-cmdline real-mode reset-vga reuse-video-type serial "
    "serial-baud",
}
TAKE = {
    *("type", "mem-min", "mem-max", "entry", "append", "command-line", "initrd"),
    *("ramdisk", "dtb", "devicetreeblob", "serial", "serial-baud", "module"),
    *("image-size", "page-offset"),
}


@pytest.mark.parametrize("arch", ARCHES)
def test_each_option_of_kexec_tools_is_known(arch):
    ours = {name: o for o in options_of(arch) for name in o.names}
    theirs = set(KEXEC_TOOLS[arch].split())
    # Ours has these everywhere
    assert theirs | {"ramdisk", "reuse-cmdline"} == set(ours)
    assert {n for n, o in ours.items() if o.takes} == TAKE & set(ours)


def test_an_option_that_does_nothing_says_why():
    for option in OPTIONS:
        assert option.text
        assert option.effect in ("works", "none", "said", "refused")


@pytest.mark.parametrize("arch", ARCHES)
def test_what_uname_says_is_the_architecture_as_machine_finds_it(arch):
    for machine in ("aarch64", "armv7l", "armv8l", "ppc64le", "riscv64", "x86_64"):
        assert kexec._arch(machine) == known_arch(machine)
    assert known_arch(arch) == arch


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("", 0), ("0", 0), ("10", 10), ("0x10", 16), ("010", 8), ("+7", 7)),
        *((" 7", 7), ("-1", 2**64 - 1), ("0xffffffffffffffffff", 2**64 - 1)),
    ],
)
def test_numbers_are_read_as_strtoul_reads_them(text, value):
    (option,) = (o for o in OPTIONS if o.name == "mem-min")
    assert number(option, text) == value


@pytest.mark.parametrize("text", ["zz", "1z", "0x", "08", "1_0", "1 ", "--1", "\u0661"])
def test_what_strtoul_does_not_read_to_its_end_is_no_number(text):
    (option,) = (o for o in OPTIONS if o.name == "mem-min")
    with pytest.raises(Bad, match="is no number"):
        number(option, text)


def found_in(*args):
    operands = []
    options = [(o.name, v) for o, v in parse(list(args), options_of("arm64"), operands)]
    return options, operands


@pytest.mark.parametrize(
    ("args", "options", "operands"),
    [
        (["-lsd", "K"], ["load", "kexec-file-syscall", "debug"], ["K"]),
        (["K", "-l", "J"], ["load"], ["K", "J"]),
        (["-l", "--", "-p"], ["load"], ["-p"]),
        (["--uns"], None, None),
        (["--unl"], ["unload"], []),
        (["--load"], ["load"], []),
        (["-", "-l"], ["load"], ["-"]),
        (["--reuse-c"], ["reuse-cmdline"], []),
    ],
)
def test_options_and_operands_are_mixed_cut_and_bundled(args, options, operands):
    if options is None:
        with pytest.raises(Bad):
            found_in(*args)
        return
    got, rest = found_in(*args)
    assert ([name for name, _ in got], rest) == (options, operands)


def test_arguments_stand_behind_an_equals_sign_a_blank_or_the_letter():
    for args in (["--type=x"], ["--type", "x"], ["-tx"], ["-t", "x"], ["--ty=x"]):
        assert found_in(*args) == ([("type", "x")], [])
    assert found_in("--append=") == ([("append", "")], [])
    assert found_in("--append", "--load") == ([("append", "--load")], [])


def test_the_first_line_is_what_scripts_look_for(capfd):
    """LISA asks by this expression; LTP looks for reuse-cmdline in -h."""
    import re

    for option in ("-v", "-h"):
        assert kexec.main([option]) == 0
        out, err = capfd.readouterr()
        found = re.match(r"^kexec\S+\s+(\d+)\.(\d+)\.(\d+)", out)
        assert tuple(map(int, found.groups())) >= (2, 0, 15)
        assert "pyfdtx" in out.splitlines()[0]
        assert err == ""
    assert "reuse-cmdline" in out
