# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN RTL operators of ours, round the modules in hw/rtl/layers."""

from hw.layers.registration import register

__all__ = ["register"]
