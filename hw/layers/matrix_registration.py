# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Makes our matrix operators FINN's: its passes find and choose them, and are not changed."""

import functools
from collections.abc import Callable

from finn.custom_op.fpgadataflow import custom_op as finn_ops
from finn.custom_op.fpgadataflow.rtl import custom_op as finn_rtl_ops
from finn.transformation.fpgadataflow import specialize_layers
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import add_op_to_domain, getCustomOp

from hw.layers.matrix import MVAU, MVAU_rtl
from hw.layers.matrix_rules import dsp_possible, unit_problem
from hw.layers.vector import VVAU, VVAU_rtl

__all__ = ["register_matrix_units"]

_DOMAIN = "finn.custom_op.fpgadataflow"
_Choose = Callable[[NodeProto, str, ModelWrapper], str]


def register_matrix_units() -> None:
    """Let FINN use our matrix units, in this process, from now on; repeated calls do nothing more.

    SpecializeLayers then makes MVAU_rtl and VVAU_rtl of every MVAU and VVAU that FINN's unit or
    ours can compute, unless `preferred_impl_style` is hls.
    """
    for layer in (MVAU, VVAU):
        finn_ops[layer.__name__] = layer
        add_op_to_domain(_DOMAIN, layer)  # also if already looked up
    for rtl_layer in (MVAU_rtl, VVAU_rtl):
        finn_rtl_ops[rtl_layer.__name__] = rtl_layer
        add_op_to_domain(f"{_DOMAIN}.rtl", rtl_layer)
    _wrap_finn()


@functools.cache  # once a process
def _wrap_finn() -> None:
    choose = specialize_layers._determine_impl_style
    specialize_layers._determine_impl_style = _with_matrix_units(choose)


def _with_matrix_units(finns: _Choose) -> _Choose:
    @functools.wraps(finns)
    def choose(node: NodeProto, fpgapart: str, model: ModelWrapper) -> str:
        layer = getCustomOp(node)
        if (
            not isinstance(layer, MVAU | VVAU)
            or layer.get_nodeattr("preferred_impl_style") == "hls"
        ):
            return finns(node, fpgapart, model)
        possible = dsp_possible(layer, fpgapart, model)
        if not possible and unit_problem(layer):
            return finns(node, fpgapart, model)
        layer.set_nodeattr("dsp_possible", int(possible))  # the attributes go with the node
        return "rtl"

    return choose
