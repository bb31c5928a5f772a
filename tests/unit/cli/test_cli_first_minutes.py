# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What somebody meets who does not know the program yet: no arguments, help, another
tool's habits, a slip of the finger; and files that are not what they should be."""

import re
import struct
import subprocess
import sys
from pathlib import Path
from struct import pack
from types import SimpleNamespace

import pytest

import pyfdtx
from pyfdtx.cli import COMMANDS, load
from pyfdtx.cli.trouble import loudness
from pyfdtx.kexec import Machine, make_plan, parse_image
from pyfdtx.kexec.place.file_plan import FilePlan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
DT = ROOT / "examples" / "arm64-dt"
every_command = pytest.mark.parametrize("command", COMMANDS)


def test_without_arguments_the_help_and_a_failure(cli):
    status, out, err = cli.run()
    assert status == 2
    assert out == cli.good("-h")
    assert err.startswith(b"pyfdtx: no command given")
    assert err.count(b"\n") == 1


def test_help_is_a_command(cli):
    assert cli.good("help") == cli.good("-h")
    assert "did you mean 'show'?" in cli.bad(2, "help", "shwo")


@every_command
def test_help_of_a_command_is_its_own(cli, command):
    text = cli.good("help", command)
    assert text == cli.good(command, "-h")
    assert text.startswith(b"usage: pyfdtx " + command.encode())


def test_the_versions_are_the_packages_and_that_of_the_libfdt_in_it(cli):
    pin = tomllib.loads((ROOT / "libfdt" / "upstream.toml").read_text())["upstream"]
    for option in ("-V", "--version"):
        said = f"pyfdtx {pyfdtx.__version__}, libfdt {pin['version']}\n"
        assert cli.good(option).decode() == said


def test_the_version_loads_nothing_that_get_does_not_load(cli):
    code = (
        "import sys; from pyfdtx.cli import main; main(sys.argv[1:]); "
        "sys.stdout.flush(); print(*sys.modules)"
    )

    def loaded(*args):
        out = subprocess.check_output(
            [sys.executable, "-c", code, *args], cwd=cli.folder, timeout=60
        )
        return set(out.decode().splitlines()[-1].split())

    version, get = loaded("-V"), loaded("get", "boot.dtb", "/", "compatible")
    assert version < get
    assert "pyfdtx._core" in version
    assert "pyfdtx.cli.get" in get - version


# Slips, and the option that was meant
@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (("show", "--jsn"), "--json"),
        (("show", "--show-secret", "boot.dtb"), "--show-secrets"),
        (("get", "boot.dtb", "/", "--propertis"), "--properties"),
        (("load", "--intrd", "x", "Image"), "--initrd"),
        (("load", "--intrd=x"), "--initrd"),
        (("crash-dtb", "boot.dtb", "--elfcore", "1,1"), "--elfcorehdr"),
        (("check", "--quite", "boot.dtb"), "--quiet"),
        (("--versoin",), "--version"),
    ],
)
def test_an_unknown_option_names_the_nearest(cli, args, meant):
    line = cli.bad(2, *args)
    wrong = next(a for a in args if a.startswith("--")).partition("=")[0]
    assert line.startswith(f"unknown option '{wrong}'; did you mean '{meant}'?")


@every_command
@pytest.mark.parametrize("option", ["--no-such-option", "--no-such-option=1", "-Z"])
def test_no_command_takes_an_option_that_it_has_not(cli, command, option):
    line = cli.bad(2, command, option)
    name = option.partition("=")[0]
    assert line.startswith(f"unknown option '{name}'; ")
    assert line.endswith(f"('pyfdtx {command} -h' helps)")
    assert cli.names() == ["boot.dtb"]


# kexec(8), section OPTIONS of kexec-tools 2.0.25
@pytest.mark.parametrize(
    ("args", "here"),
    [
        (("-l", "/boot/vmlinuz"), "pyfdtx load IMAGE"),
        (("-p", "/boot/vmlinuz", "--append=x"), "pyfdtx load --crash IMAGE"),
        (("--load-panic", "/boot/vmlinuz"), "pyfdtx load --crash IMAGE"),
        (("-e",), "pyfdtx exec --now"),
        (("-u",), "pyfdtx unload [--crash]"),
        (("-S",), "pyfdtx status"),
        (("-s", "-p", "/boot/vmlinuz"), "pyfdtx load --file IMAGE"),
        (("load", "-p"), "pyfdtx load --crash IMAGE"),
        (("load", "-p", "/boot/vmlinuz"), "pyfdtx load --crash IMAGE"),
        (("load", "-l", "/boot/vmlinuz"), "pyfdtx load IMAGE"),
        (("load", "-e"), "pyfdtx exec --now"),
        (("load", "/boot/vmlinuz", "--command-line=x"), "--cmdline"),
        (("load", "/boot/vmlinuz", "--command-line", "x"), "--cmdline"),
        (("plan", "--ramdisk", "x", "/boot/vmlinuz"), "--initrd"),
        (("exec", "-f"), "pyfdtx exec --now"),
        (("unload", "-p"), "pyfdtx load --crash IMAGE"),
    ],
)
def test_kexecs_habits_are_told_what_they_are_called_here(cli, args, here):
    line = cli.bad(2, *args)
    assert re.search(rf"kexec's (-\w|--[\w-]+) is '{re.escape(here)}' here", line)


def test_what_kexecs_habits_are_told_exists(cli):
    from pyfdtx.cli.unknown import KEXEC, OTHERS

    told = [*KEXEC.values(), *OTHERS.values()]
    for line in told:
        words = line.replace("[", "").replace("]", "").split()
        if words[0] == "pyfdtx":
            command, *rest = words[1:]
            text = cli.good(*(["-h"] if command.startswith("-") else [command, "-h"]))
        else:
            command, rest = "load", words
            text = cli.good("load", "-h")
        for option in (w.strip(",") for w in rest if w.startswith("-")):
            assert re.search(rf"(?m)^  .*{option}\b", text.decode()), line
    assert len(told) > 25


@pytest.mark.parametrize(
    ("word", "here"),
    [("put", "set"), ("rm", "delete"), ("fdtdump", "show"), ("verify", "check")],
)
def test_other_tools_words_for_a_command(cli, word, here):
    line = cli.bad(2, word, "boot.dtb")
    assert line == f"unknown command '{word}'; here it is 'pyfdtx {here}'"


def test_a_value_that_looks_like_an_option_is_told_how(cli):
    line = cli.bad(2, "plan", "Image", "--append", "-x")
    assert line.startswith("--append needs a value; one that starts with '-' is given")
    assert "--append=-x" in line
    assert "behind '--'" in cli.bad(2, "set", "-i", "boot.dtb", "/", "x", "-y")
    cli.good("set", "-i", "-t", "string", "boot.dtb", "/", "x", "--", "-y")
    assert cli.good("get", "boot.dtb", "/", "x") == b"-y\n"


# Numbers and texts with a blank were never options to argparse
def test_numbers_and_texts_are_no_options(cli):
    cli.good("set", "-i", "-t", "i", "boot.dtb", "/", "x", "-1")
    assert cli.good("get", "-t", "i", "boot.dtb", "/", "x") == b"-1\n"
    cli.good("set", "-i", "-t", "string", "boot.dtb", "/", "x", "-a b")
    assert cli.good("get", "boot.dtb", "/", "x") == b"-a b\n"


# Quiet and verbose


@every_command
def test_every_command_takes_quiet_or_verbose_not_both(cli, command):
    text = cli.good(command, "-h").decode()
    assert "-q, --quiet" in text
    assert "-v, --verbose" in text
    assert "not allowed with" in cli.bad(2, command, "-q", "-v")


def test_quiet_leaves_out_notes_and_warnings_not_errors(cli, boot):
    (cli.folder / "long.dtb").write_bytes(boot + b"behind")
    get = ("get", "long.dtb", "/chosen", "bootargs")
    status, out, err = cli.run(*get)
    assert err.startswith(b"pyfdtx: note: long.dtb: 6 bytes behind the tree")
    assert cli.good(*get, "-q") == out
    warned = (
        *("crash-dtb", "boot.dtb", "-o", "out.dtb"),
        *("--elfcorehdr", "0x4fff0000,0x400", "--usable", "0x48000000,128M"),
    )
    status, _, err = cli.run(*warned)
    assert (status, err[:17]) == (0, b"pyfdtx: warning: ")
    assert cli.good(*warned, "--quiet") == b""
    assert cli.bad(1, "get", "-q", "nowhere", "/").startswith("nowhere: ")


def test_verbose_names_what_is_read_and_written(cli, boot):
    words = ("kexec-dtb", "boot.dtb", "-o", "out.dtb")
    assert cli.good(*words) == b""
    status, out, err = cli.run(*words, "-v")
    size = (cli.folder / "out.dtb").stat().st_size
    assert (status, out) == (0, b"")
    assert err.decode().splitlines() == [
        f"pyfdtx: boot.dtb: read, {len(boot)} bytes",
        f"pyfdtx: out.dtb: written, {size} bytes",
    ]


# The line after load; really loading is for the guests of tests/system


class Loaded:
    """pyfdtx.cli.load with a plan of ours, and nothing that loads."""

    def __init__(self, monkeypatch, capfd, plan):
        self.calls = []
        self.capfd = capfd
        monkeypatch.setattr(load, "planned", lambda *_, **__: (plan, "machine"))
        monkeypatch.setattr(load, "load", lambda *a, **k: self.calls.append((a, k)))

    def say(self, **options):
        args = {
            "root": "/",
            "dry_run": False,
            "file": False,
            "replace": False,
            "force": False,
        }
        args = SimpleNamespace(**{**args, "root": "/", "output_dir": None, **options})
        assert load.run(args) == 0
        out, err = self.capfd.readouterr()
        assert len(self.calls) == 1
        return out, err


def planned(crash):
    """For the captured machine; a kernel of 16 MiB (Linux, booting.rst)."""
    image = parse_image(pack("<8x6Q4s4x", 0, 16 << 20, 0b1010, 0, 0, 0, b"ARM\x64"))
    return make_plan(Machine(DT), image, crash=crash, cmdline="quiet")


def test_after_loading_one_line_says_what_lies_where(monkeypatch, capfd):
    """Lowest places; the header at the end: docs/placement.md."""
    out, err = Loaded(monkeypatch, capfd, planned(crash=True)).say()
    assert out == (
        "crash kernel loaded: kernel 16 MiB at 0x6ac00000, dtb 8 KiB at 0x6bc00000, "
        "trampoline 4 KiB at 0x6bc02000, elfcorehdr 4 KiB at 0x7abff000; a panic "
        "starts it\n"
    )
    assert err == ""


def test_after_loading_a_plain_kernel_the_line_says_what_starts_it(monkeypatch, capfd):
    out, _ = Loaded(monkeypatch, capfd, planned(crash=False)).say()
    assert out.startswith("kernel loaded: kernel 16 MiB at 0x")
    assert out.endswith("; 'systemctl kexec' or 'pyfdtx exec --now' starts it\n")
    assert out.count("\n") == 1


def test_after_loading_by_file_the_line_names_the_files(monkeypatch, capfd):
    plan = FilePlan(
        *("x86_64", "/boot/vm\x1blinuz"),
        **{"crash": True, "initrd": "/boot/initrd", "cmdline": "quiet"},
    )
    out, err = Loaded(monkeypatch, capfd, plan).say()
    assert out.startswith(r"crash kernel loaded: /boot/vm\x1blinuz with /boot/initrd, ")
    assert (out.count("\n"), err) == (1, "")


def test_loading_is_silent_with_quiet_and_drawn_with_verbose(monkeypatch, capfd):
    plan = planned(crash=True)
    try:
        loudness(-1)
        assert Loaded(monkeypatch, capfd, plan).say() == ("", "")
        loudness(1)
        out, err = Loaded(monkeypatch, capfd, plan).say()
        assert err == "".join(f"pyfdtx: {line}\n" for line in load.lines(plan))
        assert out.startswith("crash kernel loaded: ")
    finally:
        loudness(0)


def test_a_drawing_says_that_heights_are_not_to_scale(cli):
    head = struct.pack("<8x6Q4s4x", 0, 20 << 20, 0b1010, 0, 0, 0, b"ARM\x64")
    (cli.folder / "Image").write_bytes(head)
    svg = cli.good("plan", "--crash", "Image", "--root", DT, "--svg", "-").decode()
    assert ">heights are not to scale: " in svg
    (height,) = re.findall(r'<svg [^>]* height="(\d+)"', svg)
    lowest = max(int(y) for y in re.findall(r'<text [^>]*y="(\d+)"', svg))
    assert lowest < int(height)


# Files that are not what they should be

PLACES = ("--elfcorehdr", "0x4fff0000,0x400", "--usable", "0x48000000,128M")
# Each place of each command where the name of an input goes
INPUTS = {
    "crash-dtb": [("crash-dtb", "FILE", "-o", "new", *PLACES)],
    "kexec-dtb": [
        ("kexec-dtb", "FILE", "-o", "new"),
    ],
    "plan": [
        ("plan", "FILE", "--root", DT),
        ("plan", "Image", "--root", DT, "--dtb", "FILE"),
        ("plan", "Image", "--root", "FILE"),
    ],
    "load": [
        ("load", "FILE", "--dry-run", "--root", DT),
        ("load", "Image", "--dry-run", "--root", "FILE"),
    ],
    "exec": [],
    "unload": [],
    "status": [("status", "--root", "FILE")],
    "doctor": [("doctor", "--root", "FILE"), ("doctor", "FILE", "--root", DT)],
    "estimate": [("estimate", "FILE", "--root", DT)],
    "elfcorehdr": [("elfcorehdr", "-o", "new", "--root", "FILE")],
    "capture": [("capture", "new", "--root", "FILE")],
    "dmesg": [("dmesg", "FILE")],
    "show": [("show", "FILE"), ("show", "--json", "FILE"), ("show", "--list", "FILE")],
    "get": [("get", "FILE", "/", "x")],
    "set": [("set", "FILE", "/", "x", "y", "-o", "new")],
    "append": [("append", "FILE", "/", "x", "y", "-i")],
    "delete": [("delete", "FILE", "/", "x", "-i")],
    "add": [("add", "FILE", "/x", "-i")],
    "overlay": [
        ("overlay", "FILE", "boot.dtb", "-o", "new"),
        ("overlay", "boot.dtb", "FILE", "-o", "new"),
    ],
    "check": [
        ("check", "FILE"),
        ("check", "boot.dtb", "--image", "FILE"),
        ("check", "boot.dtb", "--elfcorehdr", "FILE@0x40000000"),
        ("check", "boot.dtb", "--root", "FILE"),
    ],
    "diff": [("diff", "FILE", "boot.dtb"), ("diff", "boot.dtb", "FILE")],
    "proposal": [("proposal", "verify", "--dtc", "FILE")],
}
# A header that promises 400 bytes, and no more: version 17, blocks inside of these
LIES = struct.pack(">10I", 0xD00DFEED, 400, 56, 200, 40, 17, 16, 0, 100, 150)
BAD = {"empty": b"", "folder": None, "lies": LIES, "missing": None}
# What says to a reader of that line alone what to do; "is missing" and the kernel's
# own words for it do: the name was wrong
WAY_OUT = re.compile(
    r"No such file or directory|is missing|not a regular file|, not a folder"
    r"|has 40 bytes at least|take it again|; give |is no directory; |'pyfdtx capture'"
    r"|has no device tree|is not a folder"
)


def test_every_command_is_here():
    assert set(INPUTS) == set(COMMANDS)


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(
    "args",
    [way for ways in INPUTS.values() for way in ways],
    ids=lambda a: " ".join(map(str, a[:4])).replace(str(ROOT), ""),
)
def test_a_file_that_is_wrong_is_named_with_a_way_out(cli, args, kind):
    (cli.folder / "Image").write_bytes(
        struct.pack("<8x6Q4s4x", 0, 20 << 20, 0b1010, 0, 0, 0, b"ARM\x64")
    )
    if kind == "folder":
        (cli.folder / kind).mkdir()
    elif BAD[kind] is not None:
        (cli.folder / kind).write_bytes(BAD[kind])
    before = cli.names()
    status, out, err = cli.run(*(str(a).replace("FILE", kind) for a in args))
    assert b"Traceback" not in out + err
    assert b"internal error" not in err
    assert cli.names() == before
    if "FILE@0x40000000" in args and kind in ("empty", "lies"):
        # What a core header of any bytes means is the checker's to say
        assert (status, err) == (1, b"")
        assert b"core-not-sane" in out
        return
    assert status in (1, 2)
    assert err.count(b"\n") == 1
    assert re.search(rf"(^|[ /]){kind}[:/ ]", err.decode()[len("pyfdtx: ") :]), err
    assert WAY_OUT.search(err.decode()), err
