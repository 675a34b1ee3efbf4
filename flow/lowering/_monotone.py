# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Activations that never fall: a quantizer behind them becomes thresholds before them."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._growing import (
    Ceil,
    Erf,
    Exp,
    Exponential,
    Floor,
    Growing,
    HardSigmoid,
    Leaky,
    Log,
    Round,
    Sigmoid,
    Softplus,
    Softsign,
    Sqrt,
    Tanh,
    ThresholdedRelu,
)
from flow.lowering._operands import Operands, channel_constants, constant, data
from flow.lowering._refusal import Refusal
from flow.lowering._settle import unpadded
from flow.lowering._values import INFINITY, Value
from flow.lowering.constants import attribute

__all__ = ["GROWING", "falls", "growing", "log", "prelu", "sqrt"]

_FIFTH, _HUNDREDTH = float(np.float32(0.2)), float(np.float32(0.01))  # ONNX's defaults
_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def _setting(node: NodeProto, name: str, default: float, *, zero: bool = False) -> Fraction:
    """Return an attribute; Refusal if it is negative, or 0 where that makes no sense."""
    found = attribute(node, name, default)
    if not 0 <= found < float("inf") or (found == 0 and not zero):
        raise Refusal(
            f"{name} is {found:g}, with which it does not grow",
            f"train it with {name} {'of at least' if zero else 'above'} 0, or use Relu",
            structural=True,
        )
    return Fraction(found)


def _elu(node: NodeProto) -> Growing:
    return Exponential(_setting(node, "alpha", 1.0))


def _hard_sigmoid(node: NodeProto) -> Growing:
    alpha = _setting(node, "alpha", _FIFTH)
    return HardSigmoid(alpha, Fraction(attribute(node, "beta", 0.5)))


def _celu(node: NodeProto) -> Growing:
    alpha = _setting(node, "alpha", 1.0)
    return Exponential(alpha, alpha)


def _selu(node: NodeProto) -> Growing:
    alpha = _setting(node, "alpha", _SELU_ALPHA)
    gamma = _setting(node, "gamma", _SELU_GAMMA)
    return Exponential(alpha * gamma, gain=gamma)


GROWING: dict[str, Callable[[NodeProto], Growing]] = {
    "Ceil": lambda _: Ceil(),
    "Celu": _celu,
    "Elu": _elu,
    "Erf": lambda _: Erf(),
    "Exp": lambda _: Exp(),
    "Floor": lambda _: Floor(),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": lambda node: Leaky(_setting(node, "alpha", _HUNDREDTH, zero=True)),
    "Round": lambda _: Round(),
    "Selu": _selu,
    "Sigmoid": lambda _: Sigmoid(),
    "Softplus": lambda _: Softplus(),
    "Softsign": lambda _: Softsign(),
    "Tanh": lambda _: Tanh(),
    "ThresholdedRelu": lambda node: ThresholdedRelu(_setting(node, "alpha", 1.0, zero=True)),
}


def growing(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower a function of GROWING."""
    return _bent(builder, node, operands, GROWING[node.op_type](node))


def _bent(builder: Builder, node: NodeProto, operands: Operands, function: Growing) -> Value:
    value = unpadded(builder, node.name, data(operands))
    return value.bent([function] * value.channels)


def prelu(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower PRelu: slopes of each channel or one for all."""
    value = unpadded(builder, node.name, data(operands))
    value, (slopes,) = channel_constants(builder, node, value, [constant(operands, 1, "slope")])
    negative = [channel for channel, slope in enumerate(slopes) if slope < 0]
    if negative:
        raise Refusal(
            f"the slope of channel {negative[0]} is {float(slopes[negative[0]]):g} "
            f"({len(negative)} of {value.channels} are negative), with which it falls below 0 and "
            "then grows",
            "train it with slopes of at least 0, or use Relu",
            structural=True,
        )
    return value.bent([Leaky(slope) for slope in slopes])


def sqrt(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Sqrt of numbers that are proven not to be negative."""
    _refuse_domain(builder, operands, least=Fraction(0), what="negative")
    return _bent(builder, node, operands, Sqrt())


def log(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Log of numbers that are proven to be positive."""
    _refuse_domain(builder, operands, least=Fraction(1, 2**149), what="0 or negative")
    return _bent(builder, node, operands, Log())


def _refuse_domain(builder: Builder, operands: Operands, *, least: Fraction, what: str) -> None:
    value = data(operands)
    lowest = min(value.lo)
    if value.curves and lowest == -INFINITY:
        lowest = _lowest(value)
    if not value.curves:
        bounds, _ = value.constants_clamped().ends(builder.interval(value))
        lowest = min(max(low, bound) for low, bound in zip(value.lo, bounds, strict=True))
    if value.known and lowest < least:
        raise Refusal(
            f"its input may be {what} (down to {float(lowest):g})", "clamp the input before it"
        )


def _lowest(value: Value) -> Fraction | float:
    """Return a bound from below behind a function."""
    positive = all(isinstance(f, Sigmoid | Softplus | Exp) for f in value.curves[-1].functions)
    if positive and min(value.scale) > 0 and min(value.offset) >= 0:
        return Fraction(1)  # any positive number: it is not 0
    return -INFINITY


_TURNS = {"Gelu": "-0.75", "HardSwish": "-1.5", "Mish": "-1.19", "Swish": "-1.28", "Abs": "0"}


def falls(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Refuse a function that falls and then grows."""
    raise Refusal(
        f"{node.op_type} falls below {_TURNS[node.op_type]} and grows above, so that thresholds "
        "before it cannot take its quantizer's place",
        "use Relu, LeakyRelu, Elu or another function that never falls",
        structural=True,
    )
