# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network in C++ kernels chosen by its proven ranges: equal to it on every image."""

from flow.integer.native._layout import Kernels
from flow.integer.native._library import instruction_sets, peak_rate
from flow.integer.native._planned import Kind
from flow.integer.native.engine import NativeNetwork, StageTime

__all__ = ["Kernels", "Kind", "NativeNetwork", "StageTime", "instruction_sets", "peak_rate"]
