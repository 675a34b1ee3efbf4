# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Plans for Vivado: a Zynq's block design around the kernel."""
