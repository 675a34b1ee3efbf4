# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Mistakes for the scripts of a plan: what stands there, what comes in its place, the error."""

__all__ = ["BUILDING", "LAYERS", "PACKAGING"]

BUILDING: dict[str, tuple[str, str, str]] = {
    "a misspelt command": (
        "connect_bd_intf_net [",
        "connect_bd_intf_nets [",
        "invalid command name",
    ),
    "a misspelt option": (
        "-vlnv",
        "-vlvn",
        "create_bd_cell: option -vlvn is not known",
    ),
    "a misspelt setting": (
        "CONFIG.USE_LOCKED",
        "CONFIG.USE_LOCK",
        "clock: no known script sets CONFIG.USE_LOCK of it; did you mean 'USE_LOCKED'",
    ),
    "an IP that is not there": (
        "smartconnect",
        "smartconect",
        "IP smartconect: is not known",
    ),
    "a pin that is not there": (
        "reset/dcm_locked",
        "reset/locked",
        "pin reset/locked: is not there",
    ),
    "a pin that is not enabled": (
        "CONFIG.RESET_TYPE ACTIVE_LOW",
        "CONFIG.RESET_TYPE ACTIVE_HIGH",
        "pin clock/resetn: is not there",
    ),
    "a missing reset": (
        " $kernel/ap_rst_n]",
        "]",
        "reset pin hashing_kernel/ap_rst_n: is open",
    ),
    "a missing clock": (
        "$kernel/ap_clk ",
        "",
        "clock pin hashing_kernel/ap_clk: is open",
    ),
    "two drivers": (
        "[list $kernel/interrupt ",
        "[list $kernel/interrupt clock/locked ",
        "driven by clock/locked and hashing_kernel/interrupt; give it one",
    ),
    "no driver": (
        "[list clock/locked reset/dcm_locked]",
        "[list reset/dcm_locked]",
        "driven by nothing; give it one driver",
    ),
    "a reset that is no reset": (
        "[list reset/peripheral_aresetn ",
        "[list $kernel/interrupt ",
        "is no reset; connect one",
    ),
    "a clock that is no clock": (
        "[list clock/clk_out1 ",
        "[list clock/locked ",
        "does not suit it; connect a clock",
    ),
    "an interface left open": (
        "    connect_interfaces memory/M00_AXI ps/$ps_memory\n",
        "",
        "is not reached from hashing_kernel/m_axi_gmem; connect them",
    ),
    "two masters": (
        "connect_interfaces ps/$ps_control control/S00_AXI",
        "connect_interfaces ps/$ps_control control/M00_AXI",
        "both are masters; turn one",
    ),
    "an interface twice": (
        "connect_interfaces $kernel/m_axi_gmem memory/S00_AXI",
        "connect_interfaces $kernel/m_axi_gmem control/S00_AXI",
        "control/S00_AXI: is connected already",
    ),
    "an interface of another kind": (
        "make_bd_intf_pins_external [get_bd_intf_pins ps/$port]",
        "connect_interfaces ps/$port memory/S00_AXI",
        "ddr is not aximm",
    ),
    "addresses that overlap": (
        "    validate_bd_design\n    save_bd_design\n    make_wrapper",
        (
            "    assign_bd_address -offset 0 -range 4K -target_address_space "
            "[get_bd_addr_spaces $kernel/m_axi_gmem] [get_bd_addr_segs "
            "ps/$ps_segment]\n    validate_bd_design\n    make_wrapper"
        ),
        "overlaps ps/S_AXI_HP0 at 0x0 in hashing_kernel/m_axi_gmem",
    ),
    "addresses out of line": (
        "-range 64K",
        "-range 64M -verbose",
        "option -verbose is not known",
    ),
    "a range that is no power": (
        "-range 64K",
        "-range 96K",
        "is not aligned to a power of two",
    ),
    "a range that is none": (
        "-range 64K",
        "-range big",
        "range big is no size; write 64K",
    ),
    "a segment that is not there": (
        "s_axi_control/reg0",
        "s_axi_control/reg1",
        "address segment .*reg1: is not there",
    ),
    "a space that is not there": (
        "ps/Data]",
        "ps/Date]",
        "address space ps/Date: is not there",
    ),
    "no validation": (
        "    validate_bd_design\n    save_bd_design\n    make_wrapper",
        "    make_wrapper",
        "make_wrapper: the design (is|was) not validated",
    ),
    "a run that was not reset": (
        "        reset_run impl_1\n",
        "",
        "launch_runs impl_1: has run",
    ),
    "a run that is not there": (
        "launch_runs synth_1",
        "launch_runs synth_2",
        "run synth_2: is not there; synth_1 and impl_1 are",
    ),
    "synthesis left out": (
        "    launch_runs synth_1 -jobs $jobs\n    finish_run synth_1 synthesis\n",
        "",
        "launch_runs impl_1: synth_1 has not run",
    ),
    "a property that is not there": (
        "STATS.WNS",
        "STATS.WSN",
        "get_property STATS.WSN of impl_1",
    ),
    "a file that is not there": (
        "-norecurse kernel_ip.v",
        "-norecurse kernel_ip.vh",
        "kernel_ip.vh is not in the plan",
    ),
    "a module that is not there": (
        "-reference kernel_ip",
        "-reference kernel_pi",
        "module kernel_pi: is in no Verilog source",
    ),
    "a cell twice": (
        "add_ip memory smart",
        "add_ip control smart",
        "cell control: is there already",
    ),
    "a cell that is not there": (
        "get_bd_cells clock]",
        "get_bd_cells clok]",
        "cell clok: is not",
    ),
}

BUILDING |= {
    "no project": (
        "create_project -force kernel vivado -part $part\n",
        "",
        "no project is open; call create_project",
    ),
    "no part": (
        "create_project -force kernel vivado -part $part",
        "create_project -force kernel vivado",
        "create_project kernel: no -part; name one",
    ),
    "a run that was not launched": (
        "    launch_runs synth_1 -jobs $jobs\n",
        "",
        "wait_on_run synth_1: was not launched; launch it",
    ),
    "a strategy that is not there": (
        "set_property strategy $strategy",
        "set_property strategy Performance_Best",
        "strategy Performance_Best: is not known; see UG904",
    ),
}

PACKAGING: dict[str, tuple[str, str, str]] = {
    "registers that overlap": (
        "count 0x028",
        "count 0x020",
        "register count: overlaps output",
    ),
    "a register without a size": (
        "count 0x028 32",
        "count 0x028 0",
        "count: has no offset or size",
    ),
    "a register twice": (
        "$block count",
        "$block input",
        "register input: is there already",
    ),
    "a port that is not there": (
        "0x030 64 m_axi_gmem",
        "0x030 64 m_axi_mem",
        "port m_axi_mem: is",
    ),
    "a parameter that is not there": (
        "ASSOCIATED_BUSIF",
        "ASSOCIATED_BUS",
        "parameter ASSOCIATED_BUS",
    ),
    "a clock that is not there": (
        "-clock ap_clk",
        "-clock clk",
        "ports s_axi_control and clk: are",
    ),
    "a port without a clock": (
        "ipx::associate_bus_interfaces -busif m_axi_gmem -clock ap_clk $core",
        "",
        "port m_axi_gmem: has no clock",
    ),
    "a map that is not there": (
        "get_memory_maps s_axi_control",
        "get_memory_maps s_axi",
        "memory map",
    ),
    "a block that is not there": (
        "get_address_blocks reg0",
        "get_address_blocks r",
        "address block r",
    ),
    "a core that is no kernel": (
        "set_property sdx_kernel true $core\n",
        "",
        "no saved kernel",
    ),
    "another protocol": (
        "ap_ctrl_hs",
        "ap_ctrl_chain",
        "-ctrl_protocol is not ap_ctrl_hs",
    ),
    "a property that is not there": (
        "sdx_kernel_type",
        "sdx_type",
        "set_property sdx_type of core",
    ),
}

# The same for scripts with layers that are synthesised on their own; the file comes first.
LAYERS: dict[str, tuple[str, str, str, str]] = {
    "a hook that is not set": (
        "build.tcl",
        "set_property STEPS.OPT_DESIGN.TCL.PRE [file normalize link.tcl] [get_runs impl_1]",
        "",
        "opt_design: .*padding_netlist is a black box; read its checkpoint",
    ),
    "a hook by a relative path": (
        "build.tcl",
        "[file normalize link.tcl]",
        "../link.tcl",
        r"STEPS.OPT_DESIGN.TCL.PRE ../link.tcl: is no file",
    ),
    "a layer that is not there": (
        "settings.tcl",
        "set layers {\n    weights\n",
        "set layers {\n    weight\n",
        "couldn't open .*weight_ooc.sv.in",
    ),
    "a layer in the kernel, too": (
        "build.tcl",
        "-inline -not -exact $wanted $source",
        "-inline -not -exact $wanted {}",
        "module padding: is in two files of sources_1; leave one out",
    ),
    "one run after the other": (
        "build.tcl",
        "launch_runs [get_runs $runs] -jobs $jobs",
        "launch_runs [get_runs $runs]",
        "one after the other; give -jobs",
    ),
    "a top that is in no file": (
        "build.tcl",
        "set_property top $top [get",
        "set_property top $name [get",
        "top weights: is in no file of weights_ooc; add the file",
    ),
    "no top": (
        "build.tcl",
        "set_property top $top [get_filesets $top]",
        "",
        "launch_runs weights_ooc_synth_1: weights_ooc has no top; set it",
    ),
    "a fileset that is not there": (
        "build.tcl",
        "add_files -fileset $top",
        "add_files -fileset $name",
        "fileset weights: is not there; known here: sources_1, weights_ooc",
    ),
    "a fileset of another kind": (
        "build.tcl",
        "create_fileset -blockset",
        "create_fileset",
        "create_fileset weights_ooc: is no new -blockset",
    ),
    "a run without the flow of this version": (
        "build.tcl",
        "-flow $flow",
        "-flow {}",
        "-flow is no synthesis of Vivado; ask synth_1",
    ),
    "a run twice": (
        "build.tcl",
        "-constrset $top ${top}_synth_1",
        "-constrset $top synth_1",
        "create_run synth_1: is there already; give it another name",
    ),
    "a layer's clock for the whole design": (
        "build.tcl",
        "{synthesis out_of_context}",
        "{synthesis implementation}",
        "USED_IN synthesis implementation of .*: is for synthesis alone",
    ),
    "a project that stays open": (
        "build.tcl",
        "    close_project\n",
        "",
        "create_project kernel: another one is open; call close_project",
    ),
    "a checkpoint that is not copied": (
        "build.tcl",
        "layers/$name.dcp\n",
        "layers/${name}_1.dcp\n",
        "read_checkpoint: weights.dcp is no checkpoint of weights_ooc",
    ),
    "a checkpoint of another layer": (
        "link.tcl",
        "layers $name.dcp",
        "layers padding.dcp",
        "read_checkpoint: padding.dcp is no checkpoint of weights_ooc",
    ),
    "a cell that is not there": (
        "link.tcl",
        "${name}_netlist",
        "${name}_net",
        'layer weights: 0 cells; "set layers {}" in settings.tcl does without',
    ),
    "cells of the top alone": (
        "link.tcl",
        'get_cells -hierarchical -filter "',
        'get_cells -filter "',
        "get_cells: without -hierarchical it finds the top's cells alone",
    ),
    "a filter that is not there": (
        "link.tcl",
        "NAME =~ ",
        "NAMES =~ ",
        "get_cells: filter NAMES .* is not known; see UG912",
    ),
    "a checkpoint for no cell": (
        "link.tcl",
        "-cell $cells ",
        "",
        "read_checkpoint: no -cell is no black box; name one",
    ),
}
