# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Ultra96-V2."""

from hw.boards.vivado.settings import ULTRASCALE
from hw.boards.zynq import ZynqBoard

__all__ = ["BOARD"]

BOARD = ZynqBoard(
    name="ultra96-v2",
    title="Ultra96-V2",
    part_name="xczu3eg-sbva484-1-i",
    system=ULTRASCALE,
    memory="2G",
)
