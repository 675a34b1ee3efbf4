# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The rule that lowers each operation; adding one is a function and a line here.

QOPERATORS are operators that are several others, whose rules then lower them.
"""

from collections.abc import Callable

import numpy as np
from onnx import NodeProto

from flow.lowering import (
    _elementwise,
    _matrix,
    _monotone,
    _pooling,
    _qcdq,
    _quantizers,
    _structure,
    _trunc,
)
from flow.lowering._builder import Builder
from flow.lowering._operands import Operands, data
from flow.lowering._qoperator import QOPERATORS
from flow.lowering._refusal import Refusal
from flow.lowering._sequences import lifted
from flow.lowering._values import Value
from flow.lowering.constants import Constant

__all__ = ["QOPERATORS", "RULES", "Rule", "rule_of"]

Rule = Callable[[Builder, NodeProto, Operands], Value | Constant | list[Value]]


def _shape(builder: Builder, node: NodeProto, operands: Operands) -> Constant:  # noqa: ARG001
    return Constant(np.array(data(operands).index.shape, dtype=np.int64))


RULES: dict[str, Rule] = {
    **dict.fromkeys(_monotone.GROWING, _monotone.growing),
    **dict.fromkeys(("Abs", "Gelu", "HardSwish", "Mish", "Swish"), _monotone.falls),
    "Add": _elementwise.add,
    "AveragePool": lifted(_pooling.average_pool),
    "BatchNormalization": _elementwise.batch_norm,
    "BipolarQuant": _quantizers.bipolar_quant,
    "Cast": _elementwise.identity,
    "Clip": _elementwise.clip,
    "Concat": _structure.concat,
    "Conv": lifted(_matrix.conv),
    "DequantizeLinear": _qcdq.dequantize_linear,
    "Div": _elementwise.div,
    "Dropout": _elementwise.identity,
    "Flatten": _structure.flatten,
    "Gather": _structure.gather,
    "Gemm": _matrix.gemm,
    "GlobalAveragePool": lifted(_pooling.global_average),
    "GlobalMaxPool": lifted(_pooling.global_max),
    "Identity": _elementwise.identity,
    "IntQuant": _quantizers.quant,
    "Log": _monotone.log,
    "MatMul": _matrix.matmul,
    "Max": _elementwise.maximum,
    "MaxPool": lifted(_pooling.max_pool),
    "Min": _elementwise.minimum,
    "Mul": _elementwise.mul,
    "MultiThreshold": _quantizers.multi_threshold,
    "Neg": _elementwise.neg,
    "PRelu": _monotone.prelu,
    "Pad": _structure.pad,
    "Quant": _quantizers.quant,
    "QuantizeLinear": _qcdq.quantize_linear,
    "ReduceMax": _pooling.reduce_max,
    "ReduceMean": _pooling.reduce_mean,
    "ReduceSum": _pooling.reduce_sum,
    "Relu": _elementwise.relu,
    "Reshape": _structure.reshape,
    "Resize": _structure.resize,
    "Shape": _shape,
    "Sign": _quantizers.sign,
    "Slice": _structure.slice_,
    "Sqrt": _monotone.sqrt,
    "SpaceToDepth": _structure.space_to_depth,
    "Split": _structure.split,
    "Squeeze": _structure.squeeze,
    "Sub": _elementwise.sub,
    "Sum": _elementwise.add,
    "Transpose": _structure.transpose,
    "Trunc": _trunc.trunc,
    "Unsqueeze": _structure.unsqueeze,
    "Upsample": _structure.resize,
}
_REMEDIES = {
    "ConvTranspose": "use Resize to the nearest pixel, then Conv",
    "DepthToSpace": "use Resize to the nearest pixel, then Conv",
    "Greater": "use Softplus with its threshold of 20, or an activation without a condition",
    "LayerNormalization": "use BatchNormalization",
    "InstanceNormalization": "use BatchNormalization",
    **dict.fromkeys(("Atan", "Sinh", "Asinh"), "use Tanh or Softsign"),
    **dict.fromkeys(
        ("LessOrEqual", "Less", "GreaterOrEqual", "Where"),
        "use an activation without a condition, such as Relu or LeakyRelu",
    ),
    "Softmax": "use it after the logits only",
}
_DOMAINS = ("", "ai.onnx", "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")


def rule_of(node: NodeProto) -> Rule:
    """Return the rule for a node.

    Raises:
        Refusal: there is none.
    """
    if node.op_type in RULES and node.domain in _DOMAINS:
        return RULES[node.op_type]
    domain = f" of domain {node.domain}" if node.domain else ""
    raise Refusal(
        f"there is no integer form of {node.op_type}{domain}",
        _REMEDIES.get(node.op_type, "replace it by a supported layer"),
        structural=True,
    )
