# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Kria KV260."""

from hw.boards.vivado.settings import ULTRASCALE
from hw.boards.zynq import ZynqBoard

__all__ = ["BOARD"]

BOARD = ZynqBoard(
    name="kv260",
    title="Kria KV260",
    part_name="xck26-sfvc784-2LV-c",
    system=ULTRASCALE,
    memory="2G",
)
