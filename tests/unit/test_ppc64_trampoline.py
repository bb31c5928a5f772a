# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The code that leaves one ppc64le kernel for the next: word for word what GNU as
makes of the source below, which says the same in the words of the Power ISA.

tests/system/test_ppc64le.py runs it.
"""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ppc64_machine import head

from pyfdtx.kexec.arch.ppc64.trampoline import SHARED, trampoline

AS, OBJCOPY = "powerpc64le-linux-gnu-as", "powerpc64le-linux-gnu-objcopy"
KERNEL, DTB, BACKUP = 0x2000_0000, 0x228A_0000, 0x2288_0000
OPAL = (0x3000_0000, 0x3000_0510)

COPY = """\
	li	12, 8192		# 64 KiB of doublewords
	mtctr	12
	li	11, -8
	addi	10, 10, -8
1:	ldu	12, 8(11)
	stdu	12, 8(10)
	bdnz	1b
"""
SOURCE = """\
	bcl	20, 31, .+4
0:	mflr	31
	ld	4, literals-0b(31)	# the kernel
	ld	30, literals+8-0b(31)	# its tree
	ld	10, literals+16-0b(31)	# where the copy goes
	ld	8, literals+24-0b(31)	# OPAL: base and entry
	ld	9, literals+32-0b(31)
{copy}
	li	12, 28			# boot_cpuid_phys in the tree's header
	stwbrx	3, 30, 12		# which is big-endian
	lwz	12, 0(4)
	li	5, 0
	stw	12, 0(5)		# the kernel's own first word, at 0
	dcbst	0, 5
	sync
	icbi	0, 5
	sync
	isync
	mr	3, 30
	li	6, 0
	li	7, 0
	mtctr	4
	bctr
	.balign	8, 0
literals:
	.quad	{kernel}, {dtb}, {backup}, {opal[0]}, {opal[1]}
"""


# What GNU as 2.40 makes of it, without the numbers behind it, for those who have none
WORDS = {
    None: """
    429f0005 7fe802a6 e89f0054 ebdf005c e95f0064 e91f006c e93f0074 3980001c
    7c7e652c 81840000 38a00000 91850000 7c00286c 7c0004ac 7c002fac 7c0004ac
    4c00012c 7fc3f378 38c00000 38e00000 7c8903a6 4e800420
""",
    BACKUP: """
    429f0005 7fe802a6 e89f0074 ebdf007c e95f0084 e91f008c e93f0094 39802000
    7d8903a6 3960fff8 394afff8 e98b0009 f98a0009 4200fff8 3980001c 7c7e652c
    81840000 38a00000 91850000 7c00286c 7c0004ac 7c002fac 7c0004ac 4c00012c
    7fc3f378 38c00000 38e00000 7c8903a6 4e800420 00000000
""",
}


def assembled(tmp_path, source):
    for program in (AS, OBJCOPY):
        if shutil.which(program) is None:
            pytest.skip(
                f"{program} is missing (Debian: binutils-powerpc64le-linux-gnu)"
            )
    (tmp_path / "code.s").write_text(source)
    made, flat = tmp_path / "code.o", tmp_path / "code.bin"
    subprocess.run(
        [AS, "-mpower8", "-o", str(made), str(tmp_path / "code.s")], check=True
    )
    subprocess.run(
        [OBJCOPY, "-O", "binary", "-j", ".text", str(made), str(flat)], check=True
    )
    return flat.read_bytes()


@pytest.mark.parametrize("backup", [None, BACKUP], ids=["kexec", "crash"])
def test_the_code_is_what_an_assembler_makes_of_it(backup, tmp_path):
    code = trampoline(head(), KERNEL, DTB, backup=backup, opal=OPAL)
    source = SOURCE.format(
        copy=COPY if backup else "",
        kernel=KERNEL,
        dtb=DTB,
        backup=backup or 0,
        opal=OPAL,
    )
    assert code[SHARED:] == assembled(tmp_path, source)


@pytest.mark.parametrize("backup", [None, BACKUP], ids=["kexec", "crash"])
def test_the_code_is_what_an_assembler_made_of_it(backup):
    code = trampoline(head(), KERNEL, DTB, backup=backup, opal=OPAL)
    words = [int(word, 16) for word in WORDS[backup].split()]
    numbers = (KERNEL, DTB, backup or 0, *OPAL)
    assert code[SHARED:] == struct.pack(f"<{len(words)}I5Q", *words, *numbers)


def test_all_but_the_first_word_of_what_slaves_run_is_the_kernels_own():
    """Linux arch/powerpc/kernel/misc_64.S copies 0x100 bytes of what is entered
    to address 0; slaves wait at 0x60 for a word that head_64.S has inside."""
    code = trampoline(head(), KERNEL, DTB)
    assert code[4:SHARED] == head()[4:]
    # b .+0x100: Power ISA, I-form, opcode 18
    assert struct.unpack_from("<I", code) == (0x4800_0100,)


def test_the_code_fits_a_page_of_4_kib_and_has_no_place_of_its_own():
    code = trampoline(head(), KERNEL, DTB, backup=BACKUP)
    assert len(code) % 8 == 0
    assert len(code) < 4096


@pytest.mark.parametrize("size", [0, SHARED - 1, SHARED + 1])
def test_another_number_of_bytes_is_no_head(size):
    with pytest.raises(ValueError, match=f"{size} bytes, not {SHARED}"):
        trampoline(bytes(size), KERNEL, DTB)
