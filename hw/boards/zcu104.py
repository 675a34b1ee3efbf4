# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ZCU104."""

from hw.boards.vivado.settings import ULTRASCALE
from hw.boards.zynq import ZynqBoard

__all__ = ["BOARD"]

BOARD = ZynqBoard(
    name="zcu104",
    title="ZCU104",
    part_name="xczu7ev-ffvc1156-2-e",
    system=ULTRASCALE,
    memory="2G",
)
