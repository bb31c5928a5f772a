# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""load(): a plan of either kind, given to the running kernel."""

from __future__ import annotations

from ...errors import FdtLoadError
from ..facts.machine import Machine
from ..place.file_plan import FilePlan
from .kexec_file_load import load_files
from .kexec_load import load_segments, need_kexec
from .record import remember

__all__ = ["load"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..place.plan import Plan


def _refuse_errors(plan: Plan | FilePlan) -> None:
    errors = [f for f in plan.findings if f.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise FdtLoadError(
            "load",
            "",
            f"the plan has what its kernel will not take: {errors[0]}{more}; "
            "force=True loads it all the same",
        )


def load(
    plan: Plan | FilePlan,
    machine: Machine | None = None,
    *,
    replace: bool = False,
    force: bool = False,
) -> None:
    """Load what was planned; from now on it starts on a panic (crash), or at
    the next reboot by kexec.

    Args:
        plan: from plan() or make_plan(), with the facts of the running system;
            plan.call says by which system call.
        machine: the running system; None: read anew.
        replace: load even if a kernel is loaded already; that one goes.
        force: load even if the checker found errors in the plan (plan.findings).
    Raises:
        FdtLoadError: the plan has errors, a kernel is loaded already, a file cannot
            be opened, the kernel refused, or this system is not Linux; the message
            says why, as far as the system tells, `errno` and `call` what the kernel
            said, and to what.
        FdtBadParameter: more segments than the kernel takes; a command line with
            a NUL.
        FdtMachineError: no memory is reserved for a crash kernel.
    """
    need_kexec("load")
    if not force:
        _refuse_errors(plan)
    if machine is None:
        machine = Machine()
    if isinstance(plan, FilePlan):
        load_files(
            machine,
            plan.kernel,
            crash=plan.crash,
            cmdline=plan.cmdline,
            initrd=plan.initrd,
            replace=replace,
            no_cma=plan.no_cma,
            force_dtb=plan.force_dtb,
        )
    else:
        load_segments(plan, machine, replace=replace)
    if plan.crash:
        remember(machine)
