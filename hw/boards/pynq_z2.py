# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""PYNQ-Z2."""

from hw.boards.vivado.settings import ZYNQ_7000
from hw.boards.zynq import ZynqBoard

__all__ = ["BOARD"]

BOARD = ZynqBoard(
    name="pynq-z2",
    title="PYNQ-Z2",
    part_name="xc7z020clg400-1",
    system=ZYNQ_7000,
    memory="512M",
    pynq="3.1",
)
