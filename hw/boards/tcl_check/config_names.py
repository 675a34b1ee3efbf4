# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Every CONFIG name that a plan may set, and the public script of the vendor that sets it too.

A name was looked up for its own IP, in github.com/Xilinx/PYNQ at 19ed17d4 (Vivado 2024.1) and in
github.com/Xilinx/kria-vitis-platforms at 3f4d37f0.
"""

from collections.abc import Mapping

__all__ = ["CONFIG_NAMES"]

_PYNQ_Z2 = "Xilinx/PYNQ boards/Pynq-Z2/base/base.tcl"
_ZCU104 = "Xilinx/PYNQ boards/ZCU104/base/base.tcl"
_KD240 = "Xilinx/kria-vitis-platforms kd240/platforms/kd240_bist/scripts/config_bd.tcl"
_DPU = "Xilinx/kria-vitis-platforms kv260/overlays/dpu_ip/DPUCZDX8G_v4_0_0/bd/bd.tcl"

# IP, or "pin" for what any pin has -> name without CONFIG. -> where it stands.
CONFIG_NAMES: Mapping[str, Mapping[str, str]] = {
    "processing_system7": {
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": _PYNQ_Z2,
        "PCW_EN_CLK0_PORT": _PYNQ_Z2,
        "PCW_EN_RST0_PORT": _PYNQ_Z2,
        "PCW_USE_M_AXI_GP0": _PYNQ_Z2,
        "PCW_USE_S_AXI_HP0": _PYNQ_Z2,
        "PCW_S_AXI_HP0_DATA_WIDTH": _PYNQ_Z2,
        "PCW_USE_FABRIC_INTERRUPT": _PYNQ_Z2,
        "PCW_IRQ_F2P_INTR": _PYNQ_Z2,
    },
    "zynq_ultra_ps_e": {
        "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": _ZCU104,
        "PSU__FPGA_PL0_ENABLE": _ZCU104,
        "PSU__USE__FABRIC__RST": _ZCU104,
        "PSU__USE__M_AXI_GP0": _ZCU104,
        "PSU__USE__M_AXI_GP1": _ZCU104,
        "PSU__USE__M_AXI_GP2": _ZCU104,
        "PSU__USE__S_AXI_GP2": _ZCU104,
        "PSU__SAXIGP2__DATA_WIDTH": _ZCU104,
        "PSU__USE__IRQ0": _ZCU104,
    },
    "clk_wiz": {
        "PRIM_IN_FREQ": _KD240,
        "PRIM_SOURCE": _KD240,
        "CLKOUT1_REQUESTED_OUT_FREQ": _KD240,
        "USE_LOCKED": _KD240,
        "USE_RESET": _KD240,
        "RESET_TYPE": _KD240,
        "RESET_PORT": _KD240,
    },
    "smartconnect": {"NUM_SI": _KD240},
    "proc_sys_reset": {},
    "pin": {"FREQ_HZ": _DPU},
}
