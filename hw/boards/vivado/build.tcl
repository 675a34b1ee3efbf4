# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds kernel.bit and kernel.hwh in the folder of its plan: vivado -mode batch -source build.tcl
# settings.tcl says what is built. Not yet run on Vivado by its authors; meant for 2022.2 to 2025.2.
#
# The design is the processing system, a clk_wiz that makes the kernel's clock of the PS' 100 MHz, a
# reset, two SmartConnects and the kernel. The kernel's large layers are synthesised out of context
# before, all at once; "set layers {}" in settings.tcl does without. result.txt holds "name value"
# lines of what came out.

source settings.tcl

# The newest version of an IP that this Vivado has.
proc newest_ip {name} {
    set found [lsort -dictionary [get_ipdefs -all -filter "NAME == $name"]]
    if {[llength $found] == 0} {
        error "IP $name: this Vivado has none; install the device family of the part"
    }
    return [lindex $found end]
}

proc add_ip {name ip settings} {
    set cell [create_bd_cell -type ip -vlnv [newest_ip $ip] $name]
    if {[llength $settings] > 0} {
        set_property -dict $settings $cell
    }
}

proc connect_all {pins} {
    foreach pin $pins {
        lappend found [get_bd_pins $pin]
    }
    connect_bd_net {*}$found
}

proc connect_interfaces {one other} {
    connect_bd_intf_net [get_bd_intf_pins $one] [get_bd_intf_pins $other]
}

# Wrappers name the memories' folder.
proc write_wrapper {name} {
    set input [open $name.in r]
    set text [read $input]
    close $input
    set output [open $name w]
    puts $output [string map [list @BASE@ "[file normalize kernel/accelerator]/"] $text]
    close $output
}

# A fileset and a run for one layer; returns the run.
proc add_layer {name sources flow} {
    global part
    set top ${name}_ooc
    write_wrapper layers/$top.sv
    create_fileset -blockset $top
    add_files -fileset $top -norecurse [concat $sources layers/$top.sv layers/ooc.xdc]
    set_property USED_IN {synthesis out_of_context} \
        [get_files -of_objects [get_filesets $top] -filter {FILE_TYPE == XDC}]
    set_property top $top [get_filesets $top]
    update_compile_order -fileset $top
    if {[llength [get_runs -quiet ${top}_synth_1]] == 0} {
        create_run -part $part -flow $flow -constrset $top ${top}_synth_1
    }
    return ${top}_synth_1
}

# Leaves layers/NAME.dcp for each layer.
proc synthesise_layers {} {
    global layers part jobs
    create_project -force layers layer_runs -part $part
    set flow [get_property FLOW [get_runs synth_1]]
    foreach {name shared own} $layers {
        set run_of($name) [add_layer $name [concat $shared $own] $flow]
        lappend runs $run_of($name)
    }
    launch_runs [get_runs $runs] -jobs $jobs
    foreach {name shared own} $layers {
        set run $run_of($name)
        finish_run $run "synthesis of $name"
        file copy -force [get_property DIRECTORY [get_runs $run]]/${name}_ooc.dcp layers/$name.dcp
    }
    close_project
}

# The kernel's wrapper is Verilog, as module references must be. Black boxes stand for layers.
proc add_sources {} {
    global sources layers
    set wanted $sources
    foreach {name shared own} $layers {
        foreach source $own {
            set wanted [lsearch -all -inline -not -exact $wanted $source]
        }
        lappend wanted layers/$name.sv
    }
    add_files -norecurse $wanted
    add_files -norecurse kernel_ip.v
    set_property file_type SystemVerilog [get_files -filter {FILE_TYPE == Verilog && NAME =~ *.sv}]
    update_compile_order -fileset sources_1
}

proc build_design {} {
    global kernel clock_mhz ps_ip ps_settings ps_clock ps_reset ps_control ps_control_clock
    global ps_memory ps_memory_clock ps_interrupt ps_segment ps_external control_offset memory_range
    create_bd_design design_1
    add_ip ps $ps_ip $ps_settings
    add_ip clock clk_wiz [list \
        CONFIG.PRIM_IN_FREQ 100.000 \
        CONFIG.PRIM_SOURCE Global_buffer \
        CONFIG.CLKOUT1_REQUESTED_OUT_FREQ $clock_mhz \
        CONFIG.USE_LOCKED true \
        CONFIG.USE_RESET true \
        CONFIG.RESET_TYPE ACTIVE_LOW \
        CONFIG.RESET_PORT resetn]
    add_ip reset proc_sys_reset {}
    add_ip control smartconnect {CONFIG.NUM_SI 1}
    add_ip memory smartconnect {CONFIG.NUM_SI 1}
    create_bd_cell -type module -reference kernel_ip $kernel
    foreach port $ps_external {
        make_bd_intf_pins_external [get_bd_intf_pins ps/$port]
    }
    connect_all [list ps/$ps_clock clock/clk_in1]
    connect_all [list ps/$ps_reset clock/resetn reset/ext_reset_in]
    connect_all [list clock/locked reset/dcm_locked]
    connect_all [list clock/clk_out1 reset/slowest_sync_clk control/aclk memory/aclk \
        $kernel/ap_clk ps/$ps_control_clock ps/$ps_memory_clock]
    connect_all [list reset/peripheral_aresetn control/aresetn memory/aresetn $kernel/ap_rst_n]
    connect_all [list $kernel/interrupt ps/$ps_interrupt]
    connect_interfaces ps/$ps_control control/S00_AXI
    connect_interfaces control/M00_AXI $kernel/s_axi_control
    connect_interfaces $kernel/m_axi_gmem memory/S00_AXI
    connect_interfaces memory/M00_AXI ps/$ps_memory
    assign_bd_address -offset $control_offset -range 64K \
        -target_address_space [get_bd_addr_spaces ps/Data] \
        [get_bd_addr_segs $kernel/s_axi_control/reg0]
    assign_bd_address -offset 0x00000000 -range $memory_range \
        -target_address_space [get_bd_addr_spaces $kernel/m_axi_gmem] \
        [get_bd_addr_segs ps/$ps_segment]
    validate_bd_design
    save_bd_design
    make_wrapper -files [get_files design_1.bd] -top -import
    set_property top design_1_wrapper [get_filesets sources_1]
}

proc finish_run {run what} {
    wait_on_run $run
    if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
        set folder [get_property DIRECTORY [get_runs $run]]
        error "$what: [get_property STATUS [get_runs $run]]; see $folder/runme.log"
    }
}

# Implement with one strategy after the other; return the slack of the last.
proc implement {} {
    global strategies layers jobs
    foreach strategy $strategies {
        reset_run impl_1
        set_property strategy $strategy [get_runs impl_1]
        if {[llength $layers] > 0} {
            set_property STEPS.OPT_DESIGN.TCL.PRE [file normalize link.tcl] [get_runs impl_1]
        }
        launch_runs impl_1 -to_step write_bitstream -jobs $jobs
        finish_run impl_1 implementation
        set slack [get_property STATS.WNS [get_runs impl_1]]
        puts "strategy $strategy: worst slack $slack ns"
        if {$slack >= 0} {
            break
        }
    }
    return $slack
}

proc make_clock {mhz} {
    open_bd_design [get_files design_1.bd]
    set_property CONFIG.CLKOUT1_REQUESTED_OUT_FREQ $mhz [get_bd_cells clock]
    validate_bd_design
    save_bd_design
    reset_run synth_1
}

proc real_clock_mhz {} {
    open_bd_design [get_files design_1.bd]
    return [expr {[get_property CONFIG.FREQ_HZ [get_bd_pins clock/clk_out1]] / 1e6}]
}

# Runs of synthesis have processes and logs of their own: what is critical there must be seen here.
# Not what an IP's own constraints provoke.
proc tell_warnings {} {
    foreach log [lsort [glob -nocomplain */*.runs/*/runme.log]] {
        set input [open $log r]
        foreach line [split [read $input] \n] {
            if {[string match {CRITICAL WARNING: \[Synth *} $line]} {
                puts $line
            }
        }
        close $input
    }
}

proc write_products {slack} {
    global clock_mhz lower_clock
    open_run impl_1
    report_timing_summary -file timing.rpt
    report_utilization -file utilisation.rpt
    report_route_status -file route.rpt
    file copy -force vivado/kernel.runs/impl_1/design_1_wrapper.bit kernel.bit
    file copy -force vivado/kernel.gen/sources_1/bd/design_1/hw_handoff/design_1.hwh kernel.hwh
    set output [open result.txt w]
    puts $output "vivado [version -short]"
    puts $output "asked_mhz $clock_mhz"
    puts $output "clock_mhz [real_clock_mhz]"
    puts $output "slack_ns $slack"
    puts $output "lower_clock $lower_clock"
    close $output
}

if {[llength $layers] > 0} {
    synthesise_layers
}
create_project -force kernel vivado -part $part
write_wrapper kernel_ip.v
add_sources
build_design
set asked_mhz $clock_mhz
for {set round 0} {$round < 4} {incr round} {
    launch_runs synth_1 -jobs $jobs
    finish_run synth_1 synthesis
    set slack [implement]
    if {$slack >= 0 || !$lower_clock} {
        break
    }
    set asked_mhz [format %.3f [expr {0.98 * 1000.0 / (1000.0 / $asked_mhz - $slack)}]]
    make_clock $asked_mhz
}
if {$slack < 0} {
    error "timing: worst slack $slack ns at $asked_mhz MHz; ask for a lower clock"
}
tell_warnings
write_products $slack
