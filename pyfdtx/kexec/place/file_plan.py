# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""FilePlan: a plan for kexec_file_load(2), where the running kernel places segments."""

from __future__ import annotations

__all__ = ["FilePlan"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..check.checker import Finding


class FilePlan:
    """A kernel that the running one loads from its files, by kexec_file_load(2).

    It places the segments and makes tree or boot parameters and core header itself,
    so none of that is here.

    arch: as Machine.arch. crash: whether it is for the crash kernel.
    kernel, initrd: paths of the files; None: no initrd.
    cmdline: the command line.
    findings: none: there is no tree to judge yet. notes: as Plan.
    no_cma, force_dtb: as load_files() of kexec_file_load.py.
    call: the system call that loads it.
    """

    __slots__ = (
        "arch",
        "cmdline",
        "crash",
        "force_dtb",
        "initrd",
        "kernel",
        "no_cma",
        "notes",
    )

    call = "kexec_file_load"
    findings: tuple[Finding, ...] = ()

    def __init__(
        self,
        arch: str,
        kernel: str,
        *,
        crash: bool,
        initrd: str | None,
        cmdline: str,
        notes: tuple[str, ...] = (),
        no_cma: bool = False,
        force_dtb: bool = False,
    ):
        self.arch = arch
        self.kernel = kernel
        self.crash = crash
        self.initrd = initrd
        self.cmdline = cmdline
        self.notes = notes
        self.no_cma = no_cma
        self.force_dtb = force_dtb

    def __repr__(self) -> str:
        return (
            f"FilePlan({self.arch}, {self.kernel!r}, crash={self.crash}, "
            f"initrd={self.initrd!r})"
        )
