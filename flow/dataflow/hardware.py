# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a folded dataflow graph to generated RTL: width converters, FIFOs, code."""

from collections.abc import Mapping

from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

__all__ = ["generate_rtl", "set_fifo_depths"]


def generate_rtl(model: ModelWrapper, part: str, clock_mhz: float) -> ModelWrapper:
    """Insert width converters and a FIFO on every stream, and generate each node's RTL.

    The code goes to FINN's build folder (hw.finn_session); node attributes say where.
    """
    for step in (
        InsertDWC(),
        InsertFIFO(create_shallow_fifos=True),
        SpecializeLayers(part),
        GiveUniqueNodeNames(),
        GiveReadableTensorNames(),
        PrepareIP(part, 1e3 / clock_mhz),
    ):
        model = model.transform(step)
    return model


def set_fifo_depths(
    model: ModelWrapper, depths: Mapping[str, int], part: str, clock_mhz: float
) -> ModelWrapper:
    """Give the named FIFOs new depths (in stream beats) and generate their RTL again."""
    for name, depth in depths.items():
        fifo = getCustomOp(model.get_node_from_name(name))
        fifo.set_nodeattr("depth", depth)
        fifo.set_nodeattr("code_gen_dir_ipgen", "")
    return model.transform(PrepareIP(part, 1e3 / clock_mhz))
