# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's RTL simulation on Verilator: what finn.xsi does with Vivado's simulator."""
