# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an accelerator to a kernel: registers, its own DMA, a completion record."""
