# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's thresholding with the memories that its RTL reads, whatever the output's type."""

from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.thresholding_rtl import (
    Thresholding_rtl as FinnThresholding_rtl,
)
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers.matrix_memory import weight_bits, write_memory
from hw.layers.threshold_memory import search_memories, stage_count

__all__ = ["Thresholding_rtl"]


class Thresholding_rtl(FinnThresholding_rtl):  # noqa: N801 - FINN's name
    """y = ActVal + #{T_i <= x} for the numSteps ascending thresholds T of each channel.

    FINN writes a memory for each bit of the output's type, its RTL searches clog2(numSteps + 1)
    stages: these differ as soon as ActVal widens the type, and the RTL then compares with other
    thresholds. Here a memory is written for each stage.

    The attribute `shared` says that all channels have the same thresholds, of which one row is
    kept; it is set from the thresholds when code is generated.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes and ours."""
        return dict(super().get_nodeattr_types()) | {"shared": ("i", False, 0, {0, 1})}

    def get_pe_mem_geometries(self) -> list[tuple[int, int]]:
        """Return width and depth of each memory of a lane."""
        width = int(self.get_input_datatype(1).bitwidth())
        folds = 1 if self.get_nodeattr("shared") else self.calc_tmem()
        return [(width, folds << stage) for stage in range(stage_count(self))]

    def get_all_meminit_filenames(self, abspath: bool = False) -> list[str]:
        """Return the files of the memories, by stage and lane."""
        folder = self.get_nodeattr("code_gen_dir_ipgen") if abspath else "."
        name, lanes = self.onnx_node.name, range(self.get_nodeattr("PE"))
        stages = range(stage_count(self))
        return [f"{folder}/{name}_threshs_{lane}_{stage}.dat" for stage in stages for lane in lanes]

    def generate_hdl(self, model: ModelWrapper, fpgapart: str, clk: float) -> None:
        """Write the wrapper and the memories to code_gen_dir_ipgen.

        Raises:
            HardwareError: thresholds that do not fit the layer or their type.
        """
        rows = len(model.get_initializer(self.onnx_node.input[1]))
        self.set_nodeattr("shared", int(rows == 1))
        super().generate_hdl(model, fpgapart, clk)

    def make_weight_file(
        self, weights: NDArray[Any], weight_file_mode: str, weight_file_name: str
    ) -> None:
        """Write the thresholds [C or 1, N]; other modes than internal_embedded are FINN's."""
        if weight_file_mode != "internal_embedded":
            super().make_weight_file(weights, weight_file_mode, weight_file_name)
            return
        folder, datatype = Path(weight_file_name).parent, self.get_input_datatype(1)
        thresholds = weights.astype(np.int64)
        steps, channels = self.get_nodeattr("numSteps"), self.get_nodeattr("NumChannels")
        if (thresholds != weights).any() or weights.shape not in ((1, steps), (channels, steps)):
            raise HardwareError(
                f"{self.onnx_node.name}: thresholds {list(weights.shape)} are no integers "
                f"[{channels} or 1, {steps}]; round them up, one row a channel"
            )
        memories = search_memories(thresholds, int(self.get_nodeattr("PE")))
        for stage, memory in enumerate(memories):
            for lane, words in enumerate(memory):
                bits = weight_bits(words.reshape(-1, 1, 1), datatype, planes=False)
                name = f"{self.onnx_node.name}_threshs_{lane}_{stage}.dat"
                write_memory(bits, folder / name)
