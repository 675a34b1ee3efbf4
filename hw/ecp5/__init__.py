# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a kernel to a bitstream for Lattice's ECP5, by Yosys, nextpnr and ecppack alone."""
