# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The command line of the second kernel's tree.

Expected values follow the rules of docs/second-kernel.md, "Command line".
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import Parsed, assemble, u32

from pyfdtx import FdtBadParameter, FdtWarning, pure
from pyfdtx.kexec import Crash, second_kernel_dtb

pytestmark = pytest.mark.filterwarnings("error::pyfdtx.FdtWarning")

CELLS = [("#address-cells", u32(1)), ("#size-cells", u32(1))]
USABLE = (0x60000000, 0x7F00000)
INSIDE = Crash(elfcorehdr=(0x67E00000, 0x1000), usable=[USABLE])
# 32-bit arm wants the header outside: the MiB behind the usable range
OUTSIDE = Crash(elfcorehdr=(0x67F00000, 0x1000), usable=[USABLE])
CRASH = {"arm64": INSIDE, "riscv": INSIDE, "arm": OUTSIDE}


def bootargs(old, **job):
    """The property's value after the job; old is its value before, or None."""
    props = [] if old is None else [("bootargs", old)]
    blob = assemble(("", CELLS, [("chosen", props, [])]))
    return Parsed(second_kernel_dtb(blob, **job)).prop("bootargs")


def test_keep_keeps_the_old_one():
    assert bootargs(b"console=ttyAMA0 quiet\0") == b"console=ttyAMA0 quiet\0"
    assert bootargs(None) is None


@pytest.mark.parametrize(
    "old", [b"a b", b"a b\0", b"a b\0\0\0", b"a b\0elfcorehdr=1\0c"]
)
def test_the_old_one_ends_at_its_first_nul_or_its_end(old):
    assert bootargs(old) == b"a b\0"


@pytest.mark.parametrize("old", [b"", b"\0", b"\0x"])
def test_an_empty_old_one_is_not_written_again(old):
    assert bootargs(old) is None
    assert bootargs(old, append="x") == b"x\0"


@pytest.mark.parametrize("old", [None, b"old words\0", b"elfcorehdr=1\0"])
def test_set_and_delete_forget_the_old_one(old):
    assert bootargs(old, cmdline="root=/dev/vda  ") == b"root=/dev/vda  \0"
    assert bootargs(old, cmdline="") is None


def test_append_stands_behind_one_space():
    assert bootargs(b"a b\0", append="maxcpus=1") == b"a b maxcpus=1\0"
    assert bootargs(b"a \0", append=" b") == b"a   b\0"
    assert bootargs(None, append="b c") == b"b c\0"
    assert bootargs(b"elfcorehdr=1\0", append="b") == b"b\0"
    assert bootargs(b"a \t\0", append="") == b"a \t\0"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"elfcorehdr=0x7abff000", None),
        (b"elfcorehdr=", None),
        (b"elfcorehdr=1 a", b"a"),
        (b"a elfcorehdr=1", b"a"),
        (b"a elfcorehdr=1 b", b"a b"),
        (b"a elfcorehdr=1 elfcorehdr=2 b elfcorehdr=3", b"a b"),
        # a cut takes the blanks behind the word, not those before it
        (b"a  elfcorehdr=1 \t  b", b"a  b"),
        (b"  elfcorehdr=1  b", b"  b"),
        # blanks left at the end go, but only if something was cut
        (b"a\t elfcorehdr=1  ", b"a"),
        (b"elfcorehdr=1 a  ", b"a"),
        (b"  elfcorehdr=1", None),
        (b"a  b \t", b"a  b \t"),
        (b"  ", b"  "),
        # other words stay
        (b"xelfcorehdr=1 elfcorehdr a=elfcorehdr=2", None),
        (b"elfcorehdr1 elfcorehd", None),
        # words are what Linux takes for words: lib/cmdline.c next_arg()
        (b"a\nelfcorehdr=1", b"a"),
        (b"a\xa0elfcorehdr=1\v\f\rb", b"a\xa0b"),
        (b'a "elfcorehdr=1" b', b"a b"),
        (b'a elfcorehdr="1 2" b', b"a b"),
        (
            b'note="has elfcorehdr=1 in it" elfcorehdr=2',
            b'note="has elfcorehdr=1 in it"',
        ),
        # what stands behind -- is for init
        (b"a elfcorehdr=1 -- elfcorehdr=2", b"a -- elfcorehdr=2"),
        (b"a -- elfcorehdr=2", None),
        (b"-- elfcorehdr=2 ", None),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\0"])
def test_elfcorehdr_words_of_an_older_boot_are_cut_out(old, new, end):
    if new is None and not old.lstrip().startswith(b"elfcorehdr="):
        new = old
    want = None if new is None else new + b"\0"
    assert bootargs(old + end) == want
    head, dashes, rest = (new or b"").partition(b"-- ")
    added = b"".join((head, b"" if dashes or not head else b" ", b"z"))
    added += b" " + dashes + rest if dashes else b""
    assert bootargs(old + end, append="z") == added + b"\0"


@pytest.mark.parametrize("arch", ["arm64", "riscv", "arm"])
@pytest.mark.parametrize(
    ("old", "append", "want"),
    [
        (b"a -- single", "b", b"a b -- single"),
        (b"a  -- single", "b", b"a  b -- single"),
        (b"-- single", "b", b"b -- single"),
        (b"a", "b -- single", b"a b -- single"),
        (b"a -- x", "b -- y", b"a b -- x y"),
        (b"a --x", "b", b"a --x b"),
        (b'a "--" x', "b", b'a b "--" x'),
        (b'a="-- x" b', "c", b'a="-- x" b c'),
    ],
)
def test_words_are_added_in_front_of_what_is_for_init(arch, old, append, want):
    """Linux kernel/params.c parse_args(); those for the crash kernel too, which arm
    has behind and riscv in front."""
    assert bootargs(old, append=append, arch=arch) == want + b"\0"
    crash = bootargs(old, append=append, arch=arch, crash=CRASH[arch]).rstrip(b"\0")
    ours = {"riscv": b"elfcorehdr=0x67e00000", "arm64": b""}.get(
        arch, b"elfcorehdr=0x67f00000 mem=130048K"
    )
    assert crash.split() != want.split() or not ours
    assert crash.replace(ours, b"").split() == want.split()
    # in front of the --, where there is one outside of quotes
    for_init = want.rfind(b"-- single") if b'"' not in want else -1
    if for_init >= 0 and ours:
        assert crash.index(ours) < crash.index(b"-- single")


@pytest.mark.parametrize("arch", ["arm64", "riscv", "arm"])
def test_mem_words_are_cut_out_for_arm_alone(arch):
    old = b"mem=1G a mem=2M xmem=3 mem"
    want = b"a xmem=3 mem\0" if arch == "arm" else old + b"\0"
    assert bootargs(old, arch=arch) == want


# --- what a crash kernel is told


def test_arm64_has_the_property_alone():
    assert bootargs(b"a\0", crash=INSIDE) == b"a\0"
    assert bootargs(None, crash=INSIDE) is None


def test_riscv_has_the_word_in_front():
    # arch/riscv/kernel/machine_kexec_file.c puts it there, in hexadecimal
    job = {"crash": INSIDE, "arch": "riscv"}
    word = b"elfcorehdr=0x67e00000"
    assert bootargs(b"a b\0", **job) == word + b" a b\0"
    assert bootargs(b"elfcorehdr=0x1 a\0", **job) == word + b" a\0"
    assert bootargs(None, **job) == word + b"\0"
    assert bootargs(b"a\0", cmdline="", **job) == word + b"\0"
    assert bootargs(b"a\0", cmdline="c", **job) == word + b" c\0"
    assert bootargs(b"a\0", append="c", **job) == word + b" a c\0"


def test_arm_has_header_and_memory_behind():
    # kexec-tools' words: the distance from the region's start to the header
    job = {"crash": OUTSIDE, "arch": "arm"}
    words = b"elfcorehdr=0x67f00000 mem=130048K"  # 0x7f00000 / 1024

    assert bootargs(b"a b\0", **job) == b"a b " + words + b"\0"
    assert bootargs(b"mem=1G a elfcorehdr=2\0", **job) == b"a " + words + b"\0"
    assert bootargs(None, **job) == words + b"\0"
    assert bootargs(b"a\0", cmdline="", **job) == words + b"\0"
    assert bootargs(b"a\0", cmdline="c", **job) == b"c " + words + b"\0"
    assert bootargs(b"a\0", append="c", **job) == b"a c " + words + b"\0"


@pytest.mark.parametrize(("distance", "kib"), [(1024, 1), (2047, 1), (2048, 2)])
def test_arms_memory_is_rounded_down(distance, kib):
    crash = Crash(elfcorehdr=(0x1000 + distance, 16), usable=[(0x1000, 1024)])
    want = f"elfcorehdr={0x1000 + distance:#x} mem={kib}K\0".encode()
    assert bootargs(None, crash=crash, arch="arm") == want


@pytest.mark.parametrize("start", [0, 0xFFF, 0x1000, 0x13FF])
def test_arms_header_must_leave_memory_below_it(start):
    crash = Crash(elfcorehdr=(start, 16), usable=[(0x1000, 1024)])
    with pytest.raises(FdtBadParameter, match=r"crash\.elfcorehdr.*1 KiB above"):
        bootargs(None, crash=crash, arch="arm")


@pytest.mark.parametrize("arch", ["riscv", "arm"])
def test_a_plain_kexec_adds_no_words(arch):
    assert bootargs(b"a\0", arch=arch) == b"a\0"


# --- bytes and limits


def test_old_bytes_stay_and_new_text_is_utf_8():
    raw = bytes(range(1, 256))
    assert bootargs(raw + b"\0") == raw + b"\0"
    assert bootargs(raw, append="grün") == raw + b" gr\xc3\xbcn\0"
    # as Python reads /proc/cmdline
    text = b"a=\xff\xfe".decode("utf-8", "surrogateescape")
    assert bootargs(None, cmdline=text) == b"a=\xff\xfe\0"


@pytest.mark.parametrize("argument", ["cmdline", "append"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\0b", "NUL"),
        ("elfcorehdr=0x1", "elfcorehdr="),
        ("a\telfcorehdr=0x1 b", "elfcorehdr="),
        ("a \ud800", "UTF-8"),
    ],
)
def test_text_that_would_mislead_is_refused_by_name(argument, text, why):
    with pytest.raises(FdtBadParameter, match=why) as e:
        bootargs(None, **{argument: text})
    assert e.value.where == argument


def test_words_that_only_contain_elfcorehdr_are_fine():
    assert bootargs(None, cmdline="xelfcorehdr=1") == b"xelfcorehdr=1\0"


@pytest.mark.parametrize("empty", ["", "x"])
def test_cmdline_and_append_exclude_each_other(empty):
    with pytest.raises(FdtBadParameter, match="append: cmdline is given too"):
        bootargs(None, cmdline=empty, append=empty)


@pytest.mark.parametrize("length", range(40))
def test_every_length_is_padded_with_zeros(length):
    want = b"x" * length + b"\0" if length else None
    assert bootargs(None, cmdline="x" * length) == want
    assert bootargs(b"x" * length + b"\0") == want


@pytest.mark.parametrize(
    # Linux arch/*/include/uapi/asm/setup.h COMMAND_LINE_SIZE, NUL included
    ("arch", "size"),
    [("arm64", 2048), ("arm", 1024), ("riscv", 1024)],
)
def test_a_line_that_the_kernel_would_cut_off_is_warned_about(arch, size):
    assert bootargs(None, cmdline="x" * (size - 1), arch=arch)
    with pytest.warns(FdtWarning, match=f"{size} bytes.*COMMAND_LINE_SIZE"):
        bootargs(None, cmdline="x" * size, arch=arch)
    # what counts is the line as written
    with pytest.warns(FdtWarning, match=f"{size} bytes"):
        bootargs(b"x" * (size - 2), append="y", arch=arch)
    words = {"arm64": "", "riscv": "elfcorehdr=0x67e00000 ",
             "arm": " elfcorehdr=0x67f00000 mem=130048K"}[arch]  # fmt: skip
    fits = "x" * (size - 1 - len(words))
    assert len(bootargs(None, cmdline=fits, arch=arch, crash=CRASH[arch])) == size
    with pytest.warns(FdtWarning, match=f"{size} bytes"):
        bootargs(None, cmdline=fits + "x", arch=arch, crash=CRASH[arch])


# Linux, lib/cmdline.c next_arg(): words end at isspace(), which in lib/ctype.c
# is Latin-1 (0xa0 is one), and a quote in front of a word is taken off
@pytest.mark.parametrize("space", [" ", "\t", "\n", "\v", "\f", "\r", "\udca0", "\xa0"])
@pytest.mark.parametrize("word", ["elfcorehdr=1", '"elfcorehdr=1"', "elfcorehdr="])
@pytest.mark.parametrize("job", [second_kernel_dtb, pure.second_kernel_dtb])
@pytest.mark.parametrize("argument", ["cmdline", "append"])
def test_a_word_that_overrides_is_found_as_linux_finds_it(argument, job, word, space):
    blob = assemble(("", CELLS, []))
    for text in (word, f"a{space}{word}", f"{space}{word}{space}b"):
        with pytest.raises(FdtBadParameter, match=f"{argument}.*override"):
            job(blob, **{argument: text})


@pytest.mark.parametrize("word", ["xelfcorehdr=1", 'x"elfcorehdr=1"', "elfcorehdr"])
@pytest.mark.parametrize("job", [second_kernel_dtb, pure.second_kernel_dtb])
def test_what_is_no_such_word_for_linux_is_taken(job, word):
    blob = assemble(("", CELLS, []))
    assert word.encode() in job(blob, cmdline=f"a {word}")
