# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The memories of FINN's thresholding: where each lies, and what that costs.

Stage s of the binary search reads one of 2**s thresholds a channel, from a memory of its own for
each of the PE lanes; channels with the same thresholds share one row. FINN's attribute
depth_trigger_bram sends memories of some depth to block RAM and the rest to LUTs; without it the
synthesis tool decides.
"""

from dataclasses import dataclass

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from numpy.typing import NDArray

from hw.layers.weight_memory import block_rams, lut_rom, memory_style, stretch_luts

__all__ = [
    "ThresholdOption",
    "chosen_trigger",
    "search_memories",
    "stage_count",
    "threshold_options",
    "threshold_resources",
]

_NEVER = 1 << 30  # words, which no memory has


@dataclass(frozen=True, kw_only=True)
class ThresholdOption:
    """A depth from which on memories lie in block RAM, with the resources of all of them."""

    depth_trigger_bram: int
    lut: float
    bram36: float
    dsp: int = 0

    def apply(self, layer: HWCustomOp) -> None:
        """Set the attribute by which the layer's code is generated so."""
        layer.set_nodeattr("depth_trigger_bram", self.depth_trigger_bram)


def stage_count(layer: HWCustomOp) -> int:
    """Return the stages of a layer's search: those that tell 0 to numSteps thresholds apart."""
    return int(layer.get_nodeattr("numSteps")).bit_length()


def search_memories(thresholds: NDArray[np.int64], pe: int) -> list[NDArray[np.int64]]:
    """Return for each stage the words int64[PE, folds * 2**stage] of its memories.

    Word fold * 2**s + d of stage s is what the search compares with after the decisions d, from
    the top bit down: threshold d * 2**(m - s) + 2**(m - s - 1) - 1 of m stages. Words past the
    last threshold, which the search never heeds, repeat it.

    Args:
        thresholds: ascending, int64[C, N] with N >= 1, or [1, N] for all channels: one fold.
        pe: lanes; channel c is in lane c % PE and fold c // PE.
    """
    rows, count = thresholds.shape
    lanes = np.broadcast_to(thresholds, (pe, count)) if rows == 1 else thresholds
    folded = lanes.reshape(-1, pe, count).swapaxes(0, 1)
    stages = count.bit_length()
    found = []
    for stage in range(stages):
        first, step = (1 << (stages - stage - 1)) - 1, 1 << (stages - stage)
        places = np.minimum(np.arange(1 << stage) * step + first, count - 1)
        found.append(folded[:, :, places].reshape(pe, -1))
    return found


def threshold_options(layer: HWCustomOp, fpgapart: str) -> list[ThresholdOption]:
    """Return every way to place a layer's memories, with its present folding."""
    return [_option(layer, trigger, fpgapart) for trigger in (*_depths(layer), _NEVER)]


def chosen_trigger(layer: HWCustomOp, fpgapart: str) -> ThresholdOption:
    """Return the placement of a layer by itself: where a memory takes the smaller share."""
    width = _width(layer)
    block = [d for d in _depths(layer) if memory_style(d, width, fpgapart) == "block"]
    return _option(layer, min(block, default=_NEVER), fpgapart)


def threshold_resources(layer: HWCustomOp, fpgapart: str) -> ThresholdOption:
    """Return the resources of a layer as its attribute has it; 0 there counts as all in LUTs."""
    return _option(layer, int(layer.get_nodeattr("depth_trigger_bram")) or _NEVER, fpgapart)


def _option(layer: HWCustomOp, trigger: int, fpgapart: str) -> ThresholdOption:
    lanes, width, depths = int(layer.get_nodeattr("PE")), _width(layer), _depths(layer)
    memories = [(depth, width, fpgapart) for depth in depths]
    in_luts = [one for one in memories if one[0] < trigger]
    in_blocks = [one for one in memories if one[0] >= trigger]
    luts = sum(lut_rom(*one) for one in in_luts) + sum(stretch_luts(*one) for one in in_blocks)
    return ThresholdOption(
        depth_trigger_bram=trigger,
        lut=lanes * luts,
        bram36=lanes * sum(block_rams(*one) for one in in_blocks),
    )


def _width(layer: HWCustomOp) -> int:
    return int(layer.get_input_datatype(1).bitwidth())


def _depths(layer: HWCustomOp) -> list[int]:
    return [int(depth) for _, depth in layer.get_pe_mem_geometries()]
