# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The front of a search as a table for the terminal."""

from flow.search.search import Outcome
from flow.tables import as_table

__all__ = ["front_table"]


def front_table(outcome: Outcome) -> str:
    """Return a row a network of the front, every figure measured."""
    return as_table(
        [
            {
                "trial": one.number,
                "worst_case": one.measured.worst_case,
                "certified": one.measured.certified,
                "clean": one.measured.clean,
                "lut": one.measured.lut,
                "bram36": one.measured.bram36,
                "dsp": one.measured.dsp,
                "fps": one.measured.fps,
                "network": one.candidate.text(),
            }
            for one in outcome.front
        ]
    )
