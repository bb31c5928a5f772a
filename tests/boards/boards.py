# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Boards that QEMU emulates, with the trees that Debian's kernels have for them.

What each needs on its command line was found by trying; a line says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyfdtx import Fdt

__all__ = ["BOARDS", "Board"]


@dataclass(frozen=True)
class Board:
    """name: of the test, and for BOARDS=. machine: QEMU's -M, and its options.
    architecture: Debian's name. kernel: the meta-package.
    tree: in the kernel's package; "": QEMU's own. edit: what is changed in it first.
    console: as in console=. more: other words of the command line.
    region: crashkernel=. cheap: whether it is among those that are run by default.
    serial: QEMU's serial ports in front of the console.
    warned: whether the doctor warns that CPUs may not be stopped.
    stuck: whether they cannot, and loading fails.
    suite: Debian's release; None: the host's.
    """

    name: str
    machine: tuple[str, ...]
    architecture: str
    kernel: str
    tree: str
    console: str
    more: str = ""
    region: str = "128M"
    cheap: bool = False
    serial: int = 0
    warned: bool = False
    stuck: bool = False
    suite: str | None = None
    edit: Callable[[Fdt], None] | None = None


FIRMWARE = {"power-domains", "resets", "assigned-clocks", "pinctrl-0", "pinctrl-names"}


def fixed_uart_clocks(fdt: Fdt) -> None:
    """QEMU has no power management unit, whose firmware gives clocks, pins and power
    to the UARTs."""
    clock = fdt["/"].add("uart-clock")
    clock.set_string("compatible", "fixed-clock")
    clock.set_u32("#clock-cells", 0)
    clock.set_u32("clock-frequency", 100_000_000)
    phandle = max(n.phandle or 0 for n in fdt.root.walk()) + 1
    clock.set_u32("phandle", phandle)
    for node in fdt.root.walk():
        values = dict(node)
        if b"cdns,uart-r1p12" not in values.get("compatible", b""):
            continue
        node["clocks"] = phandle.to_bytes(4, "big") * 2
        for name in FIRMWARE & set(values):
            del node[name]


def arm(name: str, machine: str, tree: str, console: str, **more: object) -> Board:
    options = tuple(machine.split())
    return Board(name, options, "armhf", "linux-image-armmp", tree, console, **more)  # type: ignore[arg-type]


def arm64(name: str, machine: str, tree: str, console: str, **more: object) -> Board:
    """With a real board's UART wants the full kernel; Debian 13's, for it has been
    downloaded for other tests, too."""
    options = tuple(machine.split())
    kernel = "linux-image-arm64" if tree else "linux-image-cloud-arm64"
    more.setdefault("suite", "trixie" if tree else None)
    return Board(name, options, "arm64", kernel, tree, console, **more)  # type: ignore[arg-type]


BOARDS = {
    board.name: board
    for board in (
        arm64(
            "versal",
            "xlnx-versal-virt -m 4G -smp 4",
            "",
            "ttyAMA0",
            region="256M",
            cheap=True,
        ),
        arm64(
            "zcu102",
            "xlnx-zcu102 -m 2G -smp 4",
            "xilinx/zynqmp-zcu102-rev1.0.dtb",
            "ttyPS0",
            more="earlycon=cdns,0xff000000 clk_ignore_unused",
            region="256M",
            edit=fixed_uart_clocks,
            cheap=True,
        ),
        arm("mcimx6ul", "mcimx6ul-evk -m 512M", "imx6ul-14x14-evk.dtb", "ttymxc0",
            cheap=True),
        arm("sabrelite", "sabrelite -m 1G -smp 4", "imx6q-sabrelite.dtb", "ttymxc1",
            serial=1, warned=True,
            cheap=True),
        arm("highbank", "highbank -m 1G -smp 4", "highbank.dtb", "ttyAMA0", cheap=True),
        arm("midway", "midway -m 1G -smp 4", "ecx-2000.dtb", "ttyAMA0"),
        arm("mcimx7d", "mcimx7d-sabre -m 1G -smp 2", "imx7d-sdb.dtb", "ttymxc0"),
        arm("orangepi-pc", "orangepi-pc -m 1G -smp 4", "sun8i-h3-orangepi-pc.dtb",
            "ttyS0"),
        arm("cubieboard", "cubieboard -m 1G", "sun4i-a10-cubieboard.dtb", "ttyS0"),
        # nr_cpus=1: their code cannot kill a CPU, so kexec_load(2) says EINVAL
        arm("vexpress-a15", "vexpress-a15 -m 1G", "vexpress-v2p-ca15-tc1.dtb",
            "ttyAMA0", more="nr_cpus=1"),
        arm("vexpress-a15-smp", "vexpress-a15 -m 1G -smp 2",
            "vexpress-v2p-ca15-tc1.dtb", "ttyAMA0", warned=True,
            stuck=True),
        arm("vexpress-a9", "vexpress-a9 -m 1G", "vexpress-v2p-ca9.dtb", "ttyAMA0",
            more="nr_cpus=1"),
        arm("raspi2b", "raspi2b -m 1G", "bcm2836-rpi-2-b.dtb", "ttyAMA0",
            more="nr_cpus=1"),
        arm("ast2600", "ast2600-evb -m 1G", "aspeed-ast2600-evb.dtb", "ttyS4",
            more="nr_cpus=1"),
        arm("smdkc210", "smdkc210 -m 1G -smp 2", "exynos4210-smdkv310.dtb", "ttySAC0",
            more="nr_cpus=1"),
    )
}  # fmt: skip
