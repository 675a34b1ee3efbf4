# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Plans for Vitis: the kernel as an RTL kernel on an Alveo card."""
