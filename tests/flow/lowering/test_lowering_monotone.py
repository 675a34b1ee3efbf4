# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Functions that never fall before a quantizer, against their execution and against floats."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from agreement import assert_equal, finished, quantized, single, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.errors import FlowError
from flow.integer import MaxPool, Threshold
from flow.lowering import lower
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
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
FUNCTIONS: dict[str, dict[str, float]] = {
    "Celu": {"alpha": 0.75},
    "Elu": {"alpha": 1.5},
    "Erf": {},
    "Exp": {},
    "HardSigmoid": {"alpha": 0.2},
    "LeakyRelu": {"alpha": 0.1},
    "Selu": {},
    "Sigmoid": {},
    "Softplus": {},
    "Softsign": {},
    "Tanh": {},
    "ThresholdedRelu": {"alpha": 0.5},
}


def _sums(g: GraphWriter, x: str, *, factor: float = 2.0**-8) -> str:
    kernel = weights(g, (4, 2, 3, 3))
    return g.node("Mul", g.node("Conv", x, kernel), g.constant(factor))


def _levels(g: GraphWriter, tensor: str) -> str:
    return quantized(g, tensor, signed=bool((g.values[tensor] < 0).any()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_quantizer_behind_a_function_is_thresholds(name: str) -> None:
    network = assert_equal(
        single(lambda g, x: _levels(g, g.node(name, _sums(g, x), **FUNCTIONS[name])), (1, 2, 6, 7))
    )
    kinds = [type(item).__name__ for item in network.operations]
    assert kinds == ["Convolution", "Threshold", "Flatten", "Dense"]


def _where_softplus(g: GraphWriter, x: str) -> str:
    return g.node("Where", g.node("Greater", x, g.constant(20.0)), x, g.node("Softplus", x))


def _where_softplus_of(g: GraphWriter, x: str, beta: float, divisor: float) -> str:
    scaled = g.node("Mul", x, g.constant(beta))
    found = g.node("Div", g.node("Softplus", scaled), g.constant(divisor))
    return g.node("Where", g.node("Greater", scaled, g.constant(20.0)), x, found)


def _divided(g: GraphWriter, x: str) -> str:
    return g.node("Div", x, g.node("Add", g.node("Abs", x), g.constant(1.0)))


LAYERS: dict[str, Layer] = {
    "slopes of channels": lambda g, x: g.node(
        "PRelu", _sums(g, x), g.constant(np.array([0.1, 0.0, 1.0, 0.33]).reshape(4, 1, 1))
    ),
    "falls": lambda g, x: g.node("Mul", g.node("Tanh", _sums(g, x)), g.constant(-3.0)),
    "falls before it": lambda g, x: g.node("Sigmoid", g.node("Neg", _sums(g, x))),
    "falls twice": lambda g, x: g.node(
        "Neg", g.node("Elu", g.node("Neg", _sums(g, x, factor=2.0**-7)))
    ),
    "a function of a function": lambda g, x: g.node(
        "Softplus", g.node("Mul", g.node("Tanh", _sums(g, x)), g.constant(4.0))
    ),
    "clipped": lambda g, x: g.node(
        "Clip", g.node("Tanh", _sums(g, x)), g.constant(-0.25), g.constant(0.7)
    ),
    "before a max pool": lambda g, x: g.node(
        "MaxPool", g.node("LeakyRelu", _sums(g, x), alpha=0.1), kernel_shape=[2, 2]
    ),
    "of features": lambda g, x: g.node(
        "Tanh", g.node("Flatten", g.node("Mul", _sums(g, x), g.constant(0.5)))
    ),
    "of chosen channels": lambda g, x: g.node(
        "Gather", g.node("Tanh", _sums(g, x)), g.constant(np.array([2, 0])), axis=1
    ),
    "of a constant channel": lambda g, x: g.node(
        "Sigmoid", g.node("Mul", x, g.constant(np.array([0.0, 0.02]).reshape(2, 1, 1)))
    ),
    "a root": lambda g, x: g.node("Sqrt", g.node("Relu", _sums(g, x))),
    "a logarithm": lambda g, x: g.node(
        "Log", g.node("Add", g.node("Relu", _sums(g, x)), g.constant(1.5))
    ),
    "softplus as torch writes it": lambda g, x: _where_softplus(g, _sums(g, x)),
    "softplus with a beta": lambda g, x: _where_softplus_of(g, _sums(g, x), 3.0, 3.0),
    "softsign as torch writes it": lambda g, x: _divided(g, _sums(g, x)),
    "logsigmoid": lambda g, x: g.node("Log", g.node("Sigmoid", _sums(g, x))),
    "max with constants of channels": lambda g, x: g.node(
        "Max", _sums(g, x), g.constant(np.array([-0.4, 0.3, -9.0, 0.0]).reshape(4, 1, 1))
    ),
    "min with a constant": lambda g, x: g.node("Min", g.constant(0.37), _sums(g, x)),
    "rounded": lambda g, x: g.node("Floor", _sums(g, x, factor=2.0**-5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_functions_among_other_layers(name: str) -> None:
    assert_equal(single(lambda g, x: _levels(g, LAYERS[name](g, x)), (1, 2, 6, 7)))


def test_a_pool_behind_a_function_takes_the_sums() -> None:
    network = assert_equal(
        single(lambda g, x: _levels(g, LAYERS["before a max pool"](g, x)), (1, 2, 6, 7))
    )
    assert [type(item) for item in network.operations[1:3]] == [MaxPool, Threshold]


@pytest.mark.parametrize("name", ["LeakyRelu", "ThresholdedRelu"])
def test_a_piecewise_function_of_few_integers_needs_no_quantizer(name: str) -> None:
    def body(g: GraphWriter, x: str) -> str:
        codes = g.quant(g.node("Sub", x, g.constant(100.0)), 16.0, 5, signed=True)
        return g.node(name, codes, alpha=0.25)

    assert_equal(single(body, (1, 2, 6, 7)))


def test_a_hard_sigmoid_at_the_end_clamps_the_logits() -> None:
    g = GraphWriter()
    g.values["images"] = np.random.default_rng(0).integers(0, 256, (1, 12)).astype(np.float32)
    sums = g.node("MatMul", "images", weights(g, (12, 4)))
    model = finished(g, (1, 12), g.node("HardSigmoid", sums, alpha=0.004, beta=0.6))
    network = assert_equal(model, nchw=False)
    assert network.classes == 4


FLOATS: dict[str, tuple[Growing, Callable[[float], float]]] = {
    "Tanh": (Tanh(), math.tanh),
    "Sigmoid": (Sigmoid(), lambda x: 1 / (1 + math.exp(-x))),
    "Softplus": (Softplus(), lambda x: math.log1p(math.exp(x))),
    "Softsign": (Softsign(), lambda x: x / (1 + abs(x))),
    "Erf": (Erf(), math.erf),
    "Exp": (Exp(), math.exp),
    "Log": (Log(), lambda x: math.log(abs(x)) if x > 0 else -math.inf),
    "Sqrt": (Sqrt(), lambda x: math.sqrt(max(x, 0.0))),
    "Elu": (Exponential(Fraction(3, 2)), lambda x: x if x > 0 else 1.5 * math.expm1(x)),
    "Celu": (
        Exponential(Fraction(2), Fraction(2)),
        lambda x: x if x > 0 else 2 * math.expm1(x / 2),
    ),
    "Selu": (
        Exponential(Fraction(5, 3), gain=Fraction(21, 20)),
        lambda x: 1.05 * x if x > 0 else 5 / 3 * math.expm1(x),
    ),
    "Leaky": (Leaky(Fraction(1, 4)), lambda x: x if x > 0 else x / 4),
    "Hard": (
        HardSigmoid(Fraction(1, 4), Fraction(1, 2)),
        lambda x: min(max(x / 4 + 0.5, 0.0), 1.0),
    ),
    "flat": (Leaky(Fraction(0)), lambda x: max(x, 0.0)),
    "Thresholded": (ThresholdedRelu(Fraction(1, 2)), lambda x: x if x > 0.5 else 0.0),
    "Floor": (Floor(), math.floor),
    "Ceil": (Ceil(), math.ceil),
    "Round": (Round(), round),
}


@pytest.mark.parametrize("name", FLOATS)
@given(
    bound=st.one_of(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), st.floats(-3, 3, width=16)),
    inclusive=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_function_reaches_a_bound_from_its_cut_on(
    name: str, bound: float, inclusive: bool
) -> None:
    function, real = FLOATS[name]
    found = function.reach(Fraction(bound), 120, inclusive=inclusive)
    for x in np.linspace(0 if name == "Sqrt" else -6, 6, 97).tolist():
        value = float(np.float32(real(x)))
        if abs(value - bound) < 1e-6 * max(1.0, abs(bound)) and value != bound:
            continue  # within the last places of a float32
        inside = value >= bound if inclusive else value > bound
        assert (found if isinstance(found, bool) else found.holds(Fraction(x))) == inside


@pytest.mark.parametrize(
    ("function", "limit", "last"), [(Tanh(), 1, 9.0), (Sigmoid(), 1, 16.6), (Erf(), 1, 3.8)]
)
def test_a_function_reaches_its_limit_where_float32_does(
    function: Growing, limit: int, last: float
) -> None:
    cut = function.reach(Fraction(limit), 80, inclusive=True)
    assert not isinstance(cut, bool)
    assert last < cut.lo < cut.hi < last + 1
    assert function.reach(Fraction(limit), 80, inclusive=False) is False


def _with_sigmoid(g: GraphWriter, x: str) -> tuple[str, str]:
    return x, g.node("Sigmoid", x)


REFUSED: dict[str, tuple[Layer, str]] = {
    "not monotone": (
        lambda g, x: g.node("HardSwish", _sums(g, x)),
        r"HardSwish_3 \(HardSwish\): HardSwish falls below -1.5 and grows above, so that "
        r"thresholds .*; use Relu, LeakyRelu, Elu",
    ),
    "swish": (
        lambda g, x: g.node("Mul", *_with_sigmoid(g, _sums(g, x))),
        r"Mul_4 \(Swish\): Swish falls below -1.28 and grows above",
    ),
    "softplus with another limit": (
        lambda g, x: g.node("Where", g.node("Greater", x, g.constant(2.0)), x, g.node("Elu", x)),
        r"Where_2 \(Where\): there is no integer form of Where",
    ),
    "max of two tensors": (
        lambda g, x: g.node("Max", x, g.node("Mul", x, g.constant(0.1))),
        r"Max_1 \(Max\): it compares 2 tensors that are computed from the image; compare one with "
        r"a constant, or use LeakyRelu for max\(x, a \* x\)",
    ),
    "negative slope": (
        lambda g, x: g.node(
            "PRelu", _sums(g, x), g.constant(np.array([0.1, -0.5, 1, 1]).reshape(4, 1, 1))
        ),
        r"PRelu_3 \(PRelu\): the slope of channel 1 is -0.5 \(1 of 4 are negative\), .*at least 0",
    ),
    "negative alpha": (
        lambda g, x: g.node("LeakyRelu", _sums(g, x), alpha=-0.5),
        r"LeakyRelu_3 \(LeakyRelu\): alpha is -0.5, with which it does not grow; train it with",
    ),
    "logarithm of 0": (
        lambda g, x: g.node("Log", g.node("Relu", _sums(g, x))),
        r"Log_4 \(Log\): its input may be 0 or negative \(down to 0\); clamp the input before it",
    ),
    "root of negative sums": (
        lambda g, x: g.node("Sqrt", _sums(g, x)),
        r"Sqrt_3 \(Sqrt\): its input may be negative \(down to -\d+.*\); clamp the input before it",
    ),
    "no quantizer": (
        lambda g, x: g.node("Conv", g.node("Tanh", _sums(g, x)), weights(g, (3, 4, 1, 1))),
        r"Conv_5 \(Conv\): the values of Tanh before it are not quantized \(of integers "
        r"-?\d+..\d+\); put a Quant node after the activation",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_thresholds_can_do_is_refused(name: str) -> None:
    layer, message = REFUSED[name]
    with pytest.raises(FlowError, match=message):
        lower(single(layer, (1, 2, 6, 7)))
