# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The memories of FINN's thresholding: where each lies, and what that costs.

Stage s of the binary search reads one of 2**s thresholds a channel, from a memory of its own for
each of the PE lanes. FINN's attribute depth_trigger_bram sends those of some depth to block RAM and
the rest to LUTs; without it the synthesis tool decides.
"""

from dataclasses import dataclass

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from hw.layers.weight_memory import block_rams, lut_rom, memory_style

__all__ = ["ThresholdOption", "chosen_trigger", "threshold_options", "threshold_resources"]

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


def threshold_options(layer: HWCustomOp) -> list[ThresholdOption]:
    """Return every way to place a layer's memories, with its present folding."""
    return [_option(layer, trigger) for trigger in (*_depths(layer), _NEVER)]


def chosen_trigger(layer: HWCustomOp, fpgapart: str) -> ThresholdOption:
    """Return the placement of a layer by itself: where a memory takes the smaller share."""
    width = _width(layer)
    block = [d for d in _depths(layer) if memory_style(d, width, fpgapart) == "block"]
    return _option(layer, min(block, default=_NEVER))


def threshold_resources(layer: HWCustomOp) -> ThresholdOption:
    """Return the resources of a layer as its attribute has it; 0 there counts as all in LUTs."""
    return _option(layer, int(layer.get_nodeattr("depth_trigger_bram")) or _NEVER)


def _option(layer: HWCustomOp, trigger: int) -> ThresholdOption:
    lanes, width, depths = int(layer.get_nodeattr("PE")), _width(layer), _depths(layer)
    return ThresholdOption(
        depth_trigger_bram=trigger,
        lut=lanes * sum(lut_rom(depth, width) for depth in depths if depth < trigger),
        bram36=lanes * sum(block_rams(depth, width) for depth in depths if depth >= trigger),
    )


def _width(layer: HWCustomOp) -> int:
    return int(layer.get_input_datatype(1).bitwidth())


def _depths(layer: HWCustomOp) -> list[int]:
    folds = int(layer.get_nodeattr("NumChannels")) // int(layer.get_nodeattr("PE"))
    stages = int(layer.get_nodeattr("numSteps")).bit_length()
    return [folds << stage for stage in range(stages)]
