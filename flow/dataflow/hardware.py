# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a folded dataflow graph to generated RTL: width converters, FIFOs, code."""

from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

__all__ = ["generate_rtl", "with_streams"]


def generate_rtl(model: ModelWrapper, part: str, clock_mhz: float) -> ModelWrapper:
    """Insert width converters and a FIFO on every stream, and generate each node's RTL.

    The code goes to FINN's build folder (hw.finn.session); node attributes say where.
    """
    return with_streams(model, part).transform(PrepareIP(part, 1e3 / clock_mhz))


def with_streams(model: ModelWrapper, part: str) -> ModelWrapper:
    """Insert width converters and a FIFO on every stream."""
    for step in (
        InsertDWC(),
        InsertFIFO(create_shallow_fifos=True),
        SpecializeLayers(part),
        GiveUniqueNodeNames(),
        GiveReadableTensorNames(),
    ):
        model = model.transform(step)
    return model
