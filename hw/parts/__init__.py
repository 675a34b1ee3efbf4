# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FPGA parts that an accelerator can be built for, and what they hold."""

from hw.parts.lookup import find_part, is_ecp5, known_parts, part_file
from hw.parts.part import Family, Part
from hw.parts.table import PARTS

__all__ = ["PARTS", "Family", "Part", "find_part", "is_ecp5", "known_parts", "part_file"]
