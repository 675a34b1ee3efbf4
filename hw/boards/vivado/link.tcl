# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Fills the black boxes of the layers that build.tcl has synthesised on their own. The run of the
# implementation sources it before opt_design. Not yet run on Vivado by its authors.

set plan [file dirname [file normalize [info script]]]
source [file join $plan settings.tcl]

foreach {name shared own} $layers {
    set cells [get_cells -hierarchical -filter "NAME =~ */${name}_netlist"]
    if {[llength $cells] != 1} {
        error "layer $name: [llength $cells] cells; \"set layers {}\" in settings.tcl does without"
    }
    read_checkpoint -cell $cells [file join $plan layers $name.dcp]
}
set boxes [get_cells -hierarchical -filter {IS_BLACKBOX}]
if {[llength $boxes] > 0} {
    error "black boxes without contents: $boxes"
}
