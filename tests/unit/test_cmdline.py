# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Command lines by the kernel's own rules: Linux lib/cmdline.c next_arg(), lib/ctype.c
isspace(), kernel/params.c parse_args() and parameq().
"""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_plan import EXAMPLES, arm64

from pyfdtx import Fdt, FdtWarning, pure
from pyfdtx.kexec import Machine, check_tree, make_plan, plan, second_kernel_dtb
from pyfdtx.kexec.cmdline import STARVING, joined, lost, reused, with_words, words
from pyfdtx.kexec.place.plan import reused_cmdline


@pytest.mark.parametrize(
    ("line", "want"),
    [
        (b"", []),
        (b" \t\n ", []),
        (b"a b=c", ["a", "b=c"]),
        (b"a\tb\nc\vd\fe\rf\xa0g", list("abcdefg")),
        (b'note="uses mem=512M and more" x', ["note=uses mem=512M and more", "x"]),
        (b'"note=a b" x', ["note=a b", "x"]),
        (b'a="b" "c" d"e f"g', ["a=b", "c", 'd"e f"g']),
        (b'a="b', ["a=b"]),
        (b"=x a==b", ["=x", "a==b"]),
        (b"a -- b", ["a"]),
        (b"a --b -- c", ["a", "--b"]),
        (b"a --=x b", ["a", "--=x", "b"]),
        (b'a "--" b', ["a"]),
    ],
)
def test_words_as_the_kernel_finds_them(line, want):
    assert [w.text for w in words(line)] == want


def test_the_name_is_read_with_dashes_as_underscores():
    (word,) = words(b"log-buf-len=1M")
    assert word.is_called("log_buf_len")
    assert not word.is_called("log_buf")


@pytest.mark.parametrize(
    ("line", "want", "gone"),
    [
        # the field's: a word inside of quotes is none
        (
            'ro note="uses mem=512M and crashkernel=256M here" quiet',
            'ro note="uses mem=512M and crashkernel=256M here" quiet',
            [],
        ),
        # white space of any kind in front of it
        ("ro\tcrashkernel=256M\nquiet", "ro quiet", []),
        ('ro "crashkernel=256M" quiet', "ro quiet", []),
        ("crashkernel=1G,high crashkernel=64M,low ro", "ro", []),
        ("ro mem=4G hugepages=8 hugepagesz=1G", "ro", ["mem=4G", "hugepages=8",
                                                        "hugepagesz=1G"]),
        ("default_hugepagesz=1G ro log-buf-len=16M", "ro",
         ["default_hugepagesz=1G", "log-buf-len=16M"]),
        ("kho=on kho_scratch=512M,256M,64M kho_bootmem=1M ro", "ro",
         ["kho=on", "kho_scratch=512M,256M,64M", "kho_bootmem=1M"]),
        ("ro -- crashkernel=1 mem=2", "ro -- crashkernel=1 mem=2", []),
        ("xmem=1 cmas=2 hugepage=3 ro", "xmem=1 cmas=2 hugepage=3 ro", []),
        ("BOOT_IMAGE=/x elfcorehdr=0x1 ro", "ro", []),
    ],
)  # fmt: skip
def test_a_crash_kernels_line_loses_what_starves_it(line, want, gone):
    assert reused(line, crash=True) == (want, gone)


@pytest.mark.parametrize("name", STARVING)
def test_each_word_of_the_list_goes_and_stays_for_a_plain_kexec(name):
    line = f"ro {name}=1M quiet"
    assert reused(line, crash=True)[0] == "ro quiet"
    assert reused(line, crash=False) == (line, [])
    kept, _ = reused(line, crash=True, keep=True)
    assert kept == ("ro quiet" if name in ("crashkernel", "mem") else line)


def test_the_list_is_in_the_documentation():
    page = (Path(__file__).resolve().parents[2] / "docs/kdump.md").read_text()
    for name in STARVING:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize(
    ("line", "text", "want"),
    [
        ("a -- single", "b", "a b -- single"),
        ("a", "b -- single", "a b -- single"),
        ("a -- x", "b -- y", "a b -- x y"),
        ("", "-- y", "-- y"),
        ("a  ", "b", "a   b"),
        ("a", None, "a"),
        ("gr\u00e0n -- x", "b", "gr\u00e0n b -- x"),
    ],
)
def test_words_are_added_in_front_of_what_is_for_init(line, text, want):
    assert with_words(line, text) == want


TEXTS = st.lists(
    st.sampled_from(
        [b"a", b"elfcorehdr=1", b"mem=2", b" ", b"  ", b"\t", b"\n", b"\xa0", b'"',
         b"--", b"=", b"x=", b"-"]
    ),
    max_size=9,
).map(b"".join)  # fmt: skip


@given(TEXTS, TEXTS, st.sampled_from(["arm64", "arm", "riscv"]))
def test_plain_python_agrees_on_every_line(old, more, arch):
    """pyfdtx.pure has a reading of its own."""
    tree = ("", [], [("chosen", [("bootargs", old)], [])])
    blob = pure.flatten(tree)
    job = {"append": more.decode("utf-8", "surrogateescape"), "arch": arch}
    job |= {"kaslr_seed": None, "rng_seed": None}
    results = []
    for make in (second_kernel_dtb, pure.second_kernel_dtb):
        try:
            results.append(make(blob, **job))
        except ValueError as e:
            results.append(type(e))
    assert results[0] == results[1]


def test_nops_in_front_of_the_root_do_not_hide_the_line():
    """libfdt finds no path then."""
    from second_kernel_blobs import assemble

    tree = ("", [], [("chosen", [("bootargs", b'a "b c"\0')], [])])
    job = {"append": "d", "kaslr_seed": None, "rng_seed": None}
    want = second_kernel_dtb(assemble(tree), **job)
    assert second_kernel_dtb(assemble(tree, nops=1), **job) == want
    assert Fdt(want)["/chosen"].get_string("bootargs") == 'a "b c" d'


@given(TEXTS, TEXTS)
def test_joined_lines_have_the_words_of_both(line, text):
    """But for a quote that is not closed, which swallows what follows."""
    if line.count(b'"') % 2 or text.count(b'"') % 2:
        return
    both = [w.text for part in (line, text) for w in words(part)]
    assert [w.text for w in words(joined(line, text))] == both


# Plans


def machine_with(tmp_path, line):
    import shutil

    shutil.copytree(EXAMPLES / "arm64-dt", tmp_path / "root")
    (tmp_path / "root/proc/cmdline").write_text(line + "\n")
    return Machine(tmp_path / "root")


def bootargs(made):
    return Fdt(made["dtb"].data)["/chosen"].get_string("bootargs")


def test_a_plan_says_what_was_not_taken_over(tmp_path):
    machine = machine_with(tmp_path, "ro cma=1G crashkernel=256M hugepages=9 -- s")
    made = make_plan(machine, arm64(), append="maxcpus=1")
    assert bootargs(made) == "ro maxcpus=1 -- s"
    assert made.notes == (
        "words that would starve a crash kernel were not taken over: "
        "cma=1G hugepages=9",
    )
    kept = make_plan(machine, arm64(), append="maxcpus=1", keep_words=True)
    assert (bootargs(kept), kept.notes) == ("ro cma=1G hugepages=9 maxcpus=1 -- s", ())
    assert reused_cmdline(machine, crash=True, keep_words=True).startswith("ro cma=1G")
    own = make_plan(machine, arm64(), cmdline="cma=1G", append="x")
    assert (bootargs(own), own.notes) == ("cma=1G x", ())
    by_file = plan(machine, "/boot/Image", by_file=True)
    assert (by_file.cmdline, by_file.notes) == ("ro -- s", made.notes)


def test_a_line_that_is_too_long_says_what_is_lost():
    """arm64 reads 2047 bytes (COMMAND_LINE_SIZE 2048)."""
    line = "ro " + "x" * 2040
    made = make_plan(Machine(EXAMPLES / "arm64-dt"), arm64(), cmdline=line,
                     append="maxcpus=1 reset_devices")  # fmt: skip
    (found,) = [f for f in made.findings if f.severity == "error"]
    assert found.rule == "cmdline-too-long"
    assert found.why.endswith("; lost: maxcpus=1 reset_devices")
    with pytest.warns(FdtWarning, match="drops the rest: maxcpus=1 reset_devices"):
        second_kernel_dtb(
            Machine(EXAMPLES / "arm64-dt").fdt,
            cmdline=line + " maxcpus=1 reset_devices",
        )
    assert lost(b"a " * 100, 100).endswith(" ...")
    assert lost(b"a b", 100) == ""


def test_a_quote_that_is_not_closed_is_warned_about():
    made = make_plan(
        Machine(EXAMPLES / "arm64-dt"), arm64(), cmdline='a="b', append="c"
    )
    assert bootargs(made) == 'a="b c'
    assert [f.rule for f in made.findings if f.severity == "warning"] == [
        "cmdline-quote"
    ]
    assert check_tree(made["dtb"].data)
