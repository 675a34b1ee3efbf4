# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel after synthesis for Xilinx' 7 series: its gates as a virtual board."""

from hw.gates.board import build_kernel_gates, plan_kernel_gates

__all__ = ["build_kernel_gates", "plan_kernel_gates"]
