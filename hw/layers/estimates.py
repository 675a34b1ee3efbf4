# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What FINN expects of a node: cycles per frame and resources."""

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.util.resource_models import URAM_DEPTH_THRESHOLD
from onnx import helper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import Estimate
from hw.layers.sliding_window import window_cycles
from hw.layers.threshold_memory import threshold_resources

__all__ = ["cycles_per_frame", "fifo_estimate", "resource_estimate"]

_SEARCH = 70.0  # LUTs of a lane's comparisons and queue, by Yosys on 7 layers with 15 thresholds


def resource_estimate(instance: HWCustomOp, part: str) -> Estimate:
    """Return FINN's resource estimate of a node.

    Thresholds are counted by hw.layers.threshold_memory: FINN takes those that are not sent to
    block RAM for UltraRAM, and all for those of a Versal.
    """
    if instance.onnx_node.op_type == "Thresholding_rtl":
        memory = threshold_resources(instance, part)
        logic = _SEARCH * int(instance.get_nodeattr("PE"))
        return Estimate(lut=memory.lut + logic, dsp=0.0, bram18=2 * memory.bram36)
    found = instance.node_res_estimation(part)
    lut, dsp, bram18 = (float(found[name]) for name in ("LUT", "DSP", "BRAM_18K"))
    return Estimate(lut=lut, dsp=dsp, bram18=bram18)


def fifo_estimate(depth: int, width_bits: int, ram_style: str, part: str) -> Estimate:
    """Return FINN's resource estimate of a FIFO; `ram_style` as in RTL.

    Where fifo.sv asks for UltraRAM and the part has none, synthesis takes block RAM.
    """
    if ram_style == "auto" and depth > URAM_DEPTH_THRESHOLD and part.lower().startswith("xc7"):
        ram_style = "block"
    node = helper.make_node(
        "StreamingFIFO_rtl",
        ["in"],
        ["out"],
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        depth=depth,
        folded_shape=[1, 1],
        normal_shape=[1, 1],
        dataType=f"UINT{width_bits}",
        ram_style="srl" if ram_style == "shift" else ram_style,
    )
    return resource_estimate(getCustomOp(node), part)


def cycles_per_frame(instance: HWCustomOp) -> int:
    """Return the cycles between two frames of a node that is never held up.

    FINN's count, but for the sliding window of a convolution: FINN adds the time to fill the
    buffer to that of writing all windows (or of reading all pixels), as for a single frame, and
    overestimates depthwise windows (16,412 cycles where RTL takes 13,787); see
    hw.layers.sliding_window.
    """
    if instance.onnx_node.op_type == "ConvolutionInputGenerator_rtl":
        if instance.select_impl_style() == "parallel":
            return int(instance.get_number_input_values())
        return window_cycles(instance)
    return int(instance.get_exp_cycles())
