# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""At which depths a FIFO of FINN's costs less: its memory comes in steps."""

from hw.accelerator import Fifo
from hw.layers.estimates import fifo_estimate

__all__ = ["cheaper_depths", "fifo_cost"]

# Depths up to which FINN's fifo.sv needs no more memory: shift registers hold 32 beats a LUT,
# LUTRAM 64, block RAM 512, each with one in the output register.
_STEPS = (2, 33, 65, 129, 257, 513, 769, 1025, 1537, 2049, 3073, 4097, 8193, 16385)
_LUT_PER_BRAM18 = 190.0  # the ratio in which a Zynq 7020 has them


def cheaper_depths(fifo: Fifo, depth: int, part: str) -> tuple[int, ...]:
    """Return depths below `depth` at which the FIFO costs less: ascending, each another cost."""
    costs = {step: fifo_cost(fifo, step, part) for step in _STEPS if step < depth}
    found: list[int] = []
    least = fifo_cost(fifo, depth, part)
    for step in sorted(costs, reverse=True):
        if costs[step] < least:
            found.append(step)
            least = costs[step]
    return tuple(reversed(found))


def fifo_cost(fifo: Fifo, depth: int, part: str) -> float:
    """Return what FINN estimates for a FIFO of this depth, in LUTs."""
    estimate = fifo_estimate(depth, fifo.width_bits, fifo.ram_style, part)
    return estimate.lut + _LUT_PER_BRAM18 * estimate.bram18
