# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where thresholds lie, and what their memories are predicted to cost."""

import pytest
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from onnx import helper
from qonnx.custom_op.registry import getCustomOp

from hw.layers.estimates import resource_estimate
from hw.layers.threshold_memory import chosen_trigger, threshold_options, threshold_resources

_PYNQ = "xc7z020clg400-1"


def _layer(channels: int, bits: int, pe: int = 1, steps: int = 15) -> HWCustomOp:
    node = helper.make_node(
        "Thresholding_rtl", ["in", "thresholds"], ["out"], backend="fpgadataflow",
        domain="finn.custom_op.fpgadataflow.rtl", NumChannels=channels, PE=pe, numSteps=steps,
        inputDataType="INT16", weightDataType=f"INT{bits}", outputDataType="UINT4", ActVal=0,
        numInputVectors=[1],
    )  # fmt: skip
    return getCustomOp(node)


def test_options_send_more_and_more_memories_to_luts() -> None:
    options = threshold_options(_layer(512, 13), _PYNQ)
    assert [option.depth_trigger_bram for option in options[:4]] == [512, 1024, 2048, 4096]
    assert [option.bram36 for option in options] == [3.5, 3.0, 2.5, 1.5, 0]
    assert options[0].lut == 10  # that choose between two halves of the longest
    assert [option.lut for option in options] == sorted(option.lut for option in options)
    assert options[-1].lut == 13 * (8 + 16 + 32 + 64 + 1 + 1 + 3 + 5)


def test_lanes_have_memories_of_their_own() -> None:
    one, four = (threshold_options(_layer(512, 13, pe=pe), _PYNQ)[-1].lut for pe in (1, 4))
    assert one * 0.9 < four <= one * 1.1


@pytest.mark.parametrize(("channels", "bits", "found"), [(16, 8, 1 << 30), (4096, 16, 4096)])
def test_a_memory_goes_where_it_takes_the_smaller_share(
    channels: int, bits: int, found: int
) -> None:
    layer = _layer(channels, bits)
    chosen = chosen_trigger(layer, _PYNQ)
    assert chosen.depth_trigger_bram == found
    chosen.apply(layer)
    assert threshold_resources(layer, _PYNQ) == chosen


# LUTs and block RAMs by Yosys, of layers of CNV 4w4a.
@pytest.mark.parametrize(("channels", "bits", "trigger", "lut", "bram36"), [
    (128, 13, 1 << 30, 496, 0), (256, 14, 2048, 499, 1.0), (512, 13, 4096, 867, 1.5),
    (512, 15, 2048, 428, 3.0),
])  # fmt: skip
def test_estimates_are_near_synthesis(
    channels: int, bits: int, trigger: int, lut: int, bram36: float
) -> None:
    layer = _layer(channels, bits)
    layer.set_nodeattr("depth_trigger_bram", trigger)
    estimate = resource_estimate(layer, _PYNQ)
    assert estimate.lut == pytest.approx(lut, rel=0.15)
    assert estimate.bram18 / 2 == pytest.approx(bram36, abs=0.5)
