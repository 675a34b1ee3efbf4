# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Cycle-accurate simulation of an accelerator with Verilator."""
