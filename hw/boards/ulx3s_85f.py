# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ULX3S with the largest ECP5."""

from hw.boards.ulx3s import Ulx3s

__all__ = ["BOARD"]

BOARD = Ulx3s(name="ulx3s-85f", title="ULX3S 85F", part_name="LFE5U-85F-6BG381C")
