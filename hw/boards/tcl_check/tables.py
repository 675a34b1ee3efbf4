# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the model knows: commands with their options, IPs with their pins and CONFIG names.

Commands and options are those of UG835; pins those of public block-design scripts (PYNQ's base and
FINN's Zynq shell designs), in the versions 2022.2 on; CONFIG names those of `config_names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hw.boards.tcl_check.config_names import CONFIG_NAMES

__all__ = ["COMMANDS", "IPS", "STRATEGIES", "Command", "Interface", "Ip", "Pin"]


@dataclass(frozen=True)
class Command:
    """Options that take a value, options that are flags, and how many words may follow."""

    values: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    least: int = 0
    most: int = 10_000


@dataclass(frozen=True)
class Pin:
    """A pin: "in" or "out", its width, and "clock", "reset" or nothing; `needed`: never open."""

    way: str
    width: int = 1
    kind: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Interface:
    """An interface: "master" or "slave", its protocol, its width in bits, and the clock's pin.

    `segment` of a slave is what it maps, `space` of a master the addresses that it sees.
    """

    way: str
    protocol: str
    width: int = 0
    clock: str = ""
    segment: str = ""
    space: str = ""
    address_bits: int = 64


@dataclass(frozen=True, kw_only=True)
class Ip:
    """An IP: what it always has; `when` names a setting that a pin or interface is there for."""

    pins: Mapping[str, Pin] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    settings: frozenset[str] = frozenset()
    when: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def _command(values: str = "", flags: str = "", least: int = 0, most: int = 10_000) -> Command:
    return Command(frozenset(values.split()), frozenset(flags.split()), least, most)


COMMANDS: Mapping[str, Command] = {
    "add_files": _command("fileset", "norecurse", 1, 1),
    "assign_bd_address": _command("offset range target_address_space", "", 1, 1),
    "close_project": _command("", "", 0, 0),
    "connect_bd_intf_net": _command("", "", 2, 2),
    "connect_bd_net": _command("", "", 1),
    "create_bd_cell": _command("type vlnv reference", "", 1, 1),
    "create_bd_design": _command("", "", 1, 1),
    "create_fileset": _command("", "blockset", 1, 1),
    "create_project": _command("part", "force", 2, 2),
    "create_run": _command("part flow constrset", "", 1, 1),
    "get_bd_addr_segs": _command("", "", 1, 1),
    "get_bd_addr_spaces": _command("", "", 1, 1),
    "get_bd_cells": _command("", "", 1, 1),
    "get_bd_intf_pins": _command("", "", 1, 1),
    "get_bd_pins": _command("", "", 1, 1),
    "get_cells": _command("filter", "hierarchical", 0, 1),
    "get_files": _command("filter of_objects", "", 0, 1),
    "get_filesets": _command("", "", 1, 1),
    "get_ipdefs": _command("filter", "all", 0, 1),
    "get_property": _command("", "", 2, 2),
    "get_runs": _command("", "quiet", 1, 1),
    "launch_runs": _command("to_step jobs", "", 1, 1),
    "make_bd_intf_pins_external": _command("", "", 1, 1),
    "make_wrapper": _command("files", "top import", 0, 0),
    "open_bd_design": _command("", "", 1, 1),
    "open_run": _command("", "", 1, 1),
    "read_checkpoint": _command("cell", "", 1, 1),
    "report_route_status": _command("file", "", 0, 0),
    "report_timing_summary": _command("file", "", 0, 0),
    "report_utilization": _command("file", "", 0, 0),
    "reset_run": _command("", "", 1, 1),
    "save_bd_design": _command("", "", 0, 0),
    "set_property": _command("dict", "", 1, 3),
    "update_compile_order": _command("fileset", "", 0, 0),
    "validate_bd_design": _command("", "", 0, 0),
    "version": _command("", "short", 0, 0),
    "wait_on_run": _command("", "", 1, 1),
}

STRATEGIES = frozenset(
    (
        "Vivado Implementation Defaults",
        "Performance_ExplorePostRoutePhysOpt",
        "Performance_NetDelay_high",
        "Performance_ExtraTimingOpt",
        "Congestion_SpreadLogic_high",
    )
)

_AXI = "aximm"
_ZYNQ_7000 = Ip(
    pins={
        "FCLK_CLK0": Pin("out", 1, "clock"),
        "FCLK_RESET0_N": Pin("out", 1, "reset"),
        "M_AXI_GP0_ACLK": Pin("in", 1, "clock"),
        "S_AXI_HP0_ACLK": Pin("in", 1, "clock"),
        "IRQ_F2P": Pin("in", 1, "", needed=False),
    },
    interfaces={
        "DDR": Interface("master", "ddr"),
        "FIXED_IO": Interface("master", "fixed_io"),
        "M_AXI_GP0": Interface("master", _AXI, 32, "M_AXI_GP0_ACLK", space="Data", address_bits=32),
        "S_AXI_HP0": Interface("slave", _AXI, 64, "S_AXI_HP0_ACLK", segment="HP0_DDR_LOWOCM"),
    },
    settings=frozenset(CONFIG_NAMES["processing_system7"]),
    when={
        "FCLK_CLK0": ("PCW_EN_CLK0_PORT", "1"),
        "FCLK_RESET0_N": ("PCW_EN_RST0_PORT", "1"),
        "M_AXI_GP0": ("PCW_USE_M_AXI_GP0", "1"),
        "M_AXI_GP0_ACLK": ("PCW_USE_M_AXI_GP0", "1"),
        "S_AXI_HP0": ("PCW_USE_S_AXI_HP0", "1"),
        "S_AXI_HP0_ACLK": ("PCW_USE_S_AXI_HP0", "1"),
        "IRQ_F2P": ("PCW_IRQ_F2P_INTR", "1"),
    },
)
_ULTRASCALE = Ip(
    pins={
        "pl_clk0": Pin("out", 1, "clock"),
        "pl_resetn0": Pin("out", 1, "reset"),
        "maxihpm0_fpd_aclk": Pin("in", 1, "clock"),
        "saxihp0_fpd_aclk": Pin("in", 1, "clock"),
        "pl_ps_irq0": Pin("in", 1, "", needed=False),
    },
    interfaces={
        "M_AXI_HPM0_FPD": Interface(
            "master", _AXI, 128, "maxihpm0_fpd_aclk", space="Data", address_bits=40
        ),
        "S_AXI_HP0_FPD": Interface(
            "slave", _AXI, 128, "saxihp0_fpd_aclk", segment="SAXIGP2/HP0_DDR_LOW"
        ),
    },
    settings=frozenset(CONFIG_NAMES["zynq_ultra_ps_e"]),
    when={
        "pl_clk0": ("PSU__FPGA_PL0_ENABLE", "1"),
        "pl_resetn0": ("PSU__USE__FABRIC__RST", "1"),
        "M_AXI_HPM0_FPD": ("PSU__USE__M_AXI_GP0", "1"),
        "maxihpm0_fpd_aclk": ("PSU__USE__M_AXI_GP0", "1"),
        "S_AXI_HP0_FPD": ("PSU__USE__S_AXI_GP2", "1"),
        "saxihp0_fpd_aclk": ("PSU__USE__S_AXI_GP2", "1"),
        "pl_ps_irq0": ("PSU__USE__IRQ0", "1"),
    },
)

IPS: Mapping[str, Ip] = {
    "processing_system7": _ZYNQ_7000,
    "zynq_ultra_ps_e": _ULTRASCALE,
    "clk_wiz": Ip(
        pins={
            "clk_in1": Pin("in", 1, "clock"),
            "clk_out1": Pin("out", 1, "clock"),
            "resetn": Pin("in", 1, "reset"),
            "locked": Pin("out"),
        },
        settings=frozenset(CONFIG_NAMES["clk_wiz"]),
        when={"resetn": ("RESET_TYPE", "ACTIVE_LOW"), "locked": ("USE_LOCKED", "true")},
    ),
    "proc_sys_reset": Ip(
        pins={
            "slowest_sync_clk": Pin("in", 1, "clock"),
            "ext_reset_in": Pin("in", 1, "reset"),
            "dcm_locked": Pin("in"),
            "peripheral_aresetn": Pin("out", 1, "reset"),
            "interconnect_aresetn": Pin("out", 1, "reset"),
        }
    ),
    "smartconnect": Ip(
        pins={"aclk": Pin("in", 1, "clock"), "aresetn": Pin("in", 1, "reset")},
        interfaces={
            "S00_AXI": Interface("slave", _AXI, 0, "aclk"),
            "M00_AXI": Interface("master", _AXI, 0, "aclk"),
        },
        settings=frozenset(CONFIG_NAMES["smartconnect"]),
    ),
}
