# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Kria KR260: the SOM of the KV260 on a carrier for robots."""

from hw.boards.vivado.settings import ULTRASCALE
from hw.boards.zynq import ZynqBoard

__all__ = ["BOARD"]

BOARD = ZynqBoard(
    name="kr260",
    title="Kria KR260",
    part_name="xck26-sfvc784-2LV-c",
    system=ULTRASCALE,
    memory="2G",
)
