# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What differs between the processing systems of Zynq-7000 and Zynq UltraScale+."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ULTRASCALE", "ZYNQ_7000", "ProcessingSystem"]


@dataclass(frozen=True, kw_only=True)
class ProcessingSystem:
    """Names of an IP's pins and settings, as Vivado has them.

    Attributes:
        ip: its name.
        settings: CONFIG.* without the prefix.
        clock, reset: of 100 MHz, and its reset, active low.
        control, control_clock: AXI master and its clock.
        memory, memory_clock: AXI slave and its clock.
        interrupt: input.
        segment: of the DDR memory, behind `memory`.
        external: interfaces that are pins of the chip.
        control_offset: where the kernel's registers lie.
        data_bits: of `memory`.
    """

    ip: str
    settings: Mapping[str, str]
    clock: str
    reset: str
    control: str
    control_clock: str
    memory: str
    memory_clock: str
    interrupt: str
    segment: str
    external: tuple[str, ...]
    control_offset: str
    data_bits: int


ZYNQ_7000 = ProcessingSystem(
    ip="processing_system7",
    settings={
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": "100",
        "PCW_EN_CLK0_PORT": "1",
        "PCW_EN_RST0_PORT": "1",
        "PCW_USE_M_AXI_GP0": "1",
        "PCW_USE_S_AXI_HP0": "1",
        "PCW_S_AXI_HP0_DATA_WIDTH": "64",
        "PCW_USE_FABRIC_INTERRUPT": "1",
        "PCW_IRQ_F2P_INTR": "1",
    },
    clock="FCLK_CLK0",
    reset="FCLK_RESET0_N",
    control="M_AXI_GP0",
    control_clock="M_AXI_GP0_ACLK",
    memory="S_AXI_HP0",
    memory_clock="S_AXI_HP0_ACLK",
    interrupt="IRQ_F2P",
    segment="S_AXI_HP0/HP0_DDR_LOWOCM",
    external=("DDR", "FIXED_IO"),
    control_offset="0x40000000",
    data_bits=64,
)

ULTRASCALE = ProcessingSystem(
    ip="zynq_ultra_ps_e",
    settings={
        "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": "100",
        "PSU__FPGA_PL0_ENABLE": "1",
        "PSU__USE__FABRIC__RST": "1",
        "PSU__USE__M_AXI_GP0": "1",
        "PSU__USE__M_AXI_GP1": "0",
        "PSU__USE__M_AXI_GP2": "0",
        "PSU__USE__S_AXI_GP2": "1",
        "PSU__SAXIGP2__DATA_WIDTH": "128",
        "PSU__USE__IRQ0": "1",
    },
    clock="pl_clk0",
    reset="pl_resetn0",
    control="M_AXI_HPM0_FPD",
    control_clock="maxihpm0_fpd_aclk",
    memory="S_AXI_HP0_FPD",
    memory_clock="saxihp0_fpd_aclk",
    interrupt="pl_ps_irq0",
    segment="SAXIGP2/HP0_DDR_LOW",
    external=(),
    control_offset="0xA0000000",
    data_bits=128,
)
