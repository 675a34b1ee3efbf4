#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds kernel.xclbin in the folder of its plan; link.cfg says for which platform and clock.
# Not yet run on Vitis by its authors.
set -euo pipefail

fail() {
    echo "error: $1"
    echo "$2: exit status $3"
    exit 1
}

vivado -mode batch -notrace -source package.tcl || fail "no kernel.xo; see vivado.log" vivado $?
in_runs() { grep -rhs --include=runme.log "$1" _x || true; } # which have logs of their own
v++ --link --target hw --save-temps --report_level 2 --config link.cfg kernel.xo \
    -o kernel.xclbin || {
    status=$?
    in_runs "^ERROR: "
    fail "no kernel.xclbin; see v++_kernel.log" v++ $status
}
in_runs "^CRITICAL WARNING: \[Synth "
for kind in timing_summary full_util; do
    found=$(find _x -name "*${kind}*postroute_physopted.rpt" | sort | head -n 1)
    [ -n "$found" ] || found=$(find _x -name "*${kind}*routed.rpt" | sort | head -n 1)
    [ -n "$found" ] || fail "v++ left no ${kind} report under _x" v++ 1
    cp "$found" "$kind.rpt"
done
# Its own checks refuse nets that are not routed; what it says of them is read where it is left.
find _x -name "*route_status.rpt" -exec cat {} + >route.rpt
xclbinutil --info --input kernel.xclbin >xclbin.txt || fail "kernel.xclbin is damaged" xclbinutil $?
