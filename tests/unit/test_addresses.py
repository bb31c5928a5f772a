# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Buses, PCI and interrupts, on an Fdt and on an FdtView.

Values: the example of the Devicetree Specification v0.4, 2.3.8; the PCI Bus
Binding to IEEE Std 1275-1994; hw/arm/virt.c of QEMU for the captured machine.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, cells

from pyfdtx import Fdt, FdtBadContent, FdtNotFound, FdtView

VIRT = Path(__file__).parents[2] / "examples/arm64-dt/sys/firmware/fdt"


def text(value):
    return value.encode() + b"\0"


BUS = [("#address-cells", cells(1)), ("#size-cells", cells(1))]
TREE = blob(
    [("#address-cells", cells(2)), ("#size-cells", cells(1)),
     ("interrupt-parent", cells(1))],
    [
        # 2.3.8: child 0 at 0xe0000000 of the parent, 1 MiB
        ("soc", [*BUS, ("ranges", cells(0, 0, 0xE0000000, 0x00100000))], [
            ("serial@4600", [
                ("compatible", text("ns16550") + text("vnd,uart")),
                ("reg", cells(0x4600, 0x100)),
                ("interrupts", cells(1, 2, 3, 4, 5, 6)),
            ], []),
            ("far@200000", [("reg", cells(0x200000, 0x100))], []),
            # a window inside the window
            ("bridge@10000", [*BUS, ("ranges", cells(0x100, 0x10000, 0x1000)),
                              ("dma-ranges", cells(0, 0, 0x80000000))], [
                ("dev@180", [("reg", cells(0x180, 8)),
                             ("interrupts-extended", cells(1, 7, 8, 9, 2, 5))], []),
            ]),
            ("same", [*BUS, ("ranges", b"")], [
                ("x@10", [("reg", cells(0x10, 4))], []),
            ]),
            ("i2c", [("#address-cells", cells(1)), ("#size-cells", cells(0))], [
                ("rtc@68", [("reg", cells(0x68))], []),
            ]),
            ("ragged", [*BUS, ("ranges", cells(0, 0))], [("y", [], [])]),
        ]),
        ("pic", [("phandle", cells(1)), ("#interrupt-cells", cells(3))], []),
        ("gpio", [("phandle", cells(2)), ("#interrupt-cells", cells(1)),
                  ("interrupt-parent", cells(1))], []),
        ("wild", [("interrupt-parent", cells(3))], []),
        ("circle", [("phandle", cells(3)), ("interrupt-parent", cells(3)),
                    ("interrupts", cells(1))], []),
        ("aliases", [("serial0", text("/soc/serial@4600"))], []),
        ("chosen", [("stdout-path", text("serial0:115200n8"))], []),
    ],
)  # fmt: skip


@pytest.fixture(params=[Fdt, FdtView], ids=lambda cls: cls.__name__)
def fdt(request):
    return request.param(TREE)


def test_windows_of_a_bus(fdt):
    assert fdt["/soc"].ranges() == [(0, 0xE0000000, 0x100000, None)]
    assert fdt["/soc/bridge"].ranges() == [(0x100, 0x10000, 0x1000, None)]
    assert fdt["/soc/bridge"].dma_ranges() == [(0, 0, 0x80000000, None)]
    assert fdt["/soc/same"].ranges() == []
    assert fdt["/soc/i2c"].ranges() is None
    assert fdt["/soc"].dma_ranges() is None
    assert repr(fdt["/soc"].ranges()[0]) == "BusRange(0x0, 0xe0000000, 0x100000)"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/soc/serial@4600", 0xE0004600),
        ("/soc/bridge/dev@180", 0xE0010080),
        ("/soc/same/x@10", 0xE0000010),
        ("/soc", 0),
    ],
)
def test_an_address_to_the_root_and_back(fdt, path, address):
    node = fdt[path]
    local = node.reg()[0].start if "reg" in node else 0
    assert node.translate(local) == address
    assert node.to_bus(address) == local
    if "reg" in node:
        assert node.addresses() == [(address, node.reg()[0].size)]


def test_an_address_outside_of_all_windows(fdt):
    with pytest.raises(FdtNotFound, match=r"/soc:ranges: no entry has .*0x200000"):
        fdt["/soc/far@200000"].addresses()
    with pytest.raises(FdtNotFound, match="0x1100"):
        fdt["/soc/bridge/dev@180"].translate(0x1100)
    # the last byte of the window, and the first behind it
    assert fdt["/soc/serial@4600"].translate(0xFFFFF) == 0xE00FFFFF
    with pytest.raises(FdtNotFound):
        fdt["/soc/serial@4600"].translate(0x100000)


def test_a_bus_without_a_way_through(fdt):
    with pytest.raises(FdtBadContent, match=r"/soc/i2c: the bus has no ranges"):
        fdt["/soc/i2c/rtc@68"].addresses()


def test_windows_that_are_none(fdt):
    with pytest.raises(FdtBadContent, match=r"/soc/ragged:ranges: 8 bytes .* 1 \+ 1"):
        fdt["/soc/ragged"].ranges()
    with pytest.raises(FdtBadContent, match="the root has no bus"):
        Fdt(blob([("ranges", b"")])).root.ranges()


@pytest.mark.parametrize("name", ["ranges", "dma-ranges"])
def test_windows_are_no_address_and_size(fdt, name):
    with pytest.raises(FdtBadContent, match=rf"{name}.*has its own method"):
        fdt["/soc/bridge"].reg(name)


# -- PCI ------------------------------------------------------------------------

# phys.hi: npt000ss bbbbbbbb dddddfff rrrrrrrr
PCI = blob(
    [("#address-cells", cells(2)), ("#size-cells", cells(2))],
    [
        ("pcie@0", [
            ("#address-cells", cells(3)), ("#size-cells", cells(2)),
            ("ranges",
             cells(0x01000000, 0, 0, 0, 0x3EFF0000, 0, 0x10000)
             + cells(0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2EFF0000)
             + cells(0x43000000, 0x80, 0, 0x80, 0, 0x80, 0)),
        ], [
            ("eth@3,1", [("reg", cells(0x00011900, 0, 0, 0, 0)
                          + cells(0x81011914, 0, 0x20, 0, 0x40)
                          + cells(0xC2011918, 0, 0x10001000, 0, 0x1000))], []),
        ]),
    ],
)  # fmt: skip


@pytest.mark.parametrize("cls", [Fdt, FdtView])
def test_pci_addresses_are_what_they_are(cls):
    device = cls(PCI)["/pcie@0/eth@3,1"]
    config, io, memory = device.pci_reg()
    assert [(r.bus, r.device, r.function) for r in (config, io, memory)] == [
        (1, 3, 1)
    ] * 3
    assert [r.kind for r in (config, io, memory)] == ["config", "io", "memory"]
    assert [r.register for r in (config, io, memory)] == [0, 0x14, 0x18]
    assert (config.relocatable, io.relocatable, io.prefetchable) == (True, False, False)
    assert (memory.relocatable, memory.prefetchable) == (False, True)
    assert (memory.address, memory.size) == (0x10001000, 0x1000)
    # I/O at 0x20 of its own window, memory at its own
    assert device.addresses() == [(0x3EFF0020, 0x40), (0x10001000, 0x1000)]
    assert device.translate(0x20, io.space) == 0x3EFF0020


@pytest.mark.parametrize("cls", [Fdt, FdtView])
def test_the_windows_of_qemus_pci_host(cls):
    """hw/arm/virt.c: I/O ports, 32-bit memory, 64-bit memory."""
    host = cls(VIRT.read_bytes())["/pcie@10000000"]
    spaces = [(w.space >> 24 & 3, w.child, w.parent, w.size) for w in host.ranges()]
    assert spaces == [
        (1, 0, 0x3EFF0000, 0x10000),
        (2, 0x10000000, 0x10000000, 0x2EFF0000),
        (3, 0x80_0000_0000, 0x80_0000_0000, 0x80_0000_0000),
    ]


def test_what_is_no_pci(fdt):
    with pytest.raises(FdtBadContent, match="not PCI"):
        fdt["/soc/serial@4600"].pci_reg()


# -- interrupts -----------------------------------------------------------------


def test_interrupts_and_their_controllers(fdt):
    found = fdt["/soc/serial@4600"].interrupts()
    assert [(c.path, n) for c, n in found] == [
        ("/pic", (1, 2, 3)),
        ("/pic", (4, 5, 6)),
    ]
    found = fdt["/soc/bridge/dev@180"].interrupts()
    assert [(c.path, n) for c, n in found] == [("/pic", (7, 8, 9)), ("/gpio", (5,))]


def test_interrupts_that_lead_nowhere(fdt):
    with pytest.raises(FdtNotFound, match="/pic:interrupts"):
        fdt["/pic"].interrupts()
    with pytest.raises(FdtBadContent, match="/circle: no node above"):
        fdt["/circle"].interrupts()


# -- looking for nodes ----------------------------------------------------------


def test_nodes_by_compatible_and_by_value(fdt):
    def paths(**wanted):
        return [node.path for node in fdt.find(**wanted)]

    assert paths(compatible="vnd,uart") == ["/soc/serial@4600"]
    assert paths(compatible="vnd") == []
    assert paths(property="#interrupt-cells") == ["/pic", "/gpio"]
    assert paths(property="#interrupt-cells", value=3) == ["/pic"]
    assert paths(property="serial0", value="/soc/serial@4600") == ["/aliases"]
    assert paths(property="serial0", value=b"/soc/serial@4600") == []
    assert paths(compatible="ns16550", property="reg") == ["/soc/serial@4600"]
    for bad in ({}, {"value": 1}, {"compatible": "x", "value": 1}):
        with pytest.raises(TypeError):
            fdt.find(**bad)


def test_the_console(fdt):
    node, options = fdt.stdout_path()
    assert (node.path, options) == ("/soc/serial@4600", "115200n8")


def test_no_console():
    bare = Fdt.empty()
    assert bare.stdout_path() is None
    bare.add_node("/chosen").set_string("stdout-path", "serial9")
    with pytest.raises(FdtNotFound, match="serial9"):
        bare.stdout_path()
