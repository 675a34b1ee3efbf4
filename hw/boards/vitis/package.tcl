# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Packages the kernel for Vitis: kernel.xo, with its registers as XRT is to see them. build.sh runs
# it. settings.tcl says what is packaged. Not yet run on Vivado by its authors.

source settings.tcl

proc write_wrapper {} {
    set input [open kernel_ip.v.in r]
    set text [read $input]
    close $input
    set output [open kernel_ip.v w]
    puts $output [string map [list @BASE@ "[file normalize kernel/accelerator]/"] $text]
    close $output
}

# A register of `size` bits; that of a buffer names the port by which the kernel reaches it.
proc add_register {block name offset size port} {
    set register [ipx::add_register $name $block]
    set_property address_offset $offset $register
    set_property size $size $register
    if {$port ne ""} {
        set parameter [ipx::add_register_parameter ASSOCIATED_BUSIF $register]
        set_property value $port $parameter
    }
}

proc add_registers {core} {
    set map [ipx::get_memory_maps s_axi_control -of_objects $core]
    set block [ipx::get_address_blocks reg0 -of_objects $map]
    add_register $block CTRL 0x000 32 ""
    add_register $block GIER 0x004 32 ""
    add_register $block IP_IER 0x008 32 ""
    add_register $block IP_ISR 0x00C 32 ""
    add_register $block input 0x010 64 m_axi_gmem
    add_register $block output 0x01C 64 m_axi_gmem
    add_register $block count 0x028 32 ""
    add_register $block record 0x030 64 m_axi_gmem
}

create_project -force package package -part $part
write_wrapper
add_files -norecurse $sources
add_files -norecurse kernel_ip.v
set_property top kernel_ip [get_filesets sources_1]
update_compile_order -fileset sources_1
ipx::package_project -root_dir ip -vendor steelflow -library kernel -taxonomy /KernelIP \
    -import_files -set_current true
set core [ipx::current_core]
set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property auto_family_support_level level_2 $core
ipx::associate_bus_interfaces -busif s_axi_control -clock ap_clk $core
ipx::associate_bus_interfaces -busif m_axi_gmem -clock ap_clk $core
add_registers $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
package_xo -force -xo_path kernel.xo -kernel_name kernel_ip -ip_directory ip \
    -ctrl_protocol ap_ctrl_hs
