# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Makes our layers FINN's: its passes find, choose and fold them, and are not changed."""

import functools
from collections.abc import Callable

from finn.custom_op.fpgadataflow.elementwise_binary import ElementwiseAdd
from finn.custom_op.fpgadataflow.rtl import custom_op as finn_rtl_ops
from finn.transformation.fpgadataflow import specialize_layers
from finn.transformation.fpgadataflow.set_folding import SetFolding
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import add_op_to_domain, getCustomOp

from hw.layers.add import ElementwiseAdd_rtl, addition_problem
from hw.layers.folding import fold_stream_layers
from hw.layers.matrix_registration import register_matrix_units
from hw.layers.places import (
    PixelRepeat,
    PixelRepeat_rtl,
    PixelScale,
    PixelScale_rtl,
    PixelSelect,
    PixelSelect_rtl,
)
from hw.layers.pool import GlobalAccPool_rtl, Pool_rtl
from hw.layers.streams import DuplicateStreams_rtl, LabelSelect_rtl, StreamingConcat_rtl
from hw.layers.thresholds import Thresholding_rtl

__all__ = ["LAYERS", "OPERATORS", "register"]

_Apply = Callable[[SetFolding, ModelWrapper], tuple[ModelWrapper, bool]]
_Possible = Callable[[NodeProto, str], bool]

LAYERS = (
    DuplicateStreams_rtl,
    ElementwiseAdd_rtl,
    GlobalAccPool_rtl,
    LabelSelect_rtl,
    Pool_rtl,
    StreamingConcat_rtl,
)
OPERATORS = {  # of ours alone: what stands in a graph, and its RTL
    PixelRepeat: PixelRepeat_rtl,
    PixelScale: PixelScale_rtl,
    PixelSelect: PixelSelect_rtl,
}


def register() -> None:
    """Let FINN use our RTL layers, in this process, from now on; repeated calls do nothing more.

    SpecializeLayers then makes `<Op>_rtl` of every operator above, and of integer additions where
    `addition_problem` has no objection; SetFolding folds them. The matrix units and thresholds with
    the right memories come with them.
    """
    for operator in OPERATORS:
        add_op_to_domain("finn.custom_op.fpgadataflow", operator)
    for layer in (*LAYERS, Thresholding_rtl, *OPERATORS.values()):
        finn_rtl_ops[layer.__name__] = layer
        add_op_to_domain("finn.custom_op.fpgadataflow.rtl", layer)  # also if already looked up
    register_matrix_units()
    _wrap_finn()


@functools.cache  # once a process
def _wrap_finn() -> None:
    possible = specialize_layers._elementwise_rtl_possible
    specialize_layers._elementwise_rtl_possible = _with_integer_additions(possible)
    SetFolding.apply = _with_stream_layers(SetFolding.apply)


def _with_integer_additions(finns: _Possible) -> _Possible:
    @functools.wraps(finns)
    def possible(node: NodeProto, fpgapart: str) -> bool:
        operator = getCustomOp(node)
        if isinstance(operator, ElementwiseAdd) and not addition_problem(operator):
            return True
        return finns(node, fpgapart)

    return possible


def _with_stream_layers(finns: _Apply) -> _Apply:
    @functools.wraps(finns)
    def apply(self: SetFolding, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        fold_stream_layers(model, self.target_cycles_per_frame)
        return finns(self, model)

    return apply
