# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What cannot be lowered, and how it is said."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import quantized, single, weights
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]


def _ints(graph: GraphWriter, *values: int) -> str:
    return graph.constant(np.array(values, dtype=np.int64))


def _floats(graph: GraphWriter, *shape: int) -> str:
    return graph.constant(np.random.default_rng(0).normal(size=shape))


def _const(graph: GraphWriter, *values: float) -> str:
    return graph.constant(np.array(values, dtype=float).reshape((-1, 1, 1) if values[1:] else ()))


def _conv(graph: GraphWriter, x: str, **attributes: object) -> str:
    kernel = weights(graph, (4, graph.values[x].shape[1], 3, 3))
    return graph.node("Conv", x, kernel, **attributes)


def _times(graph: GraphWriter, x: str, *factors: float) -> str:
    """Multiply three times, so that the product has as many bits as three float32."""
    for _ in range(3):
        x = graph.node("Mul", x, _const(graph, *factors))
    return x


def _requantized(graph: GraphWriter, x: str, zero: str) -> str:
    scale = graph.constant([1.0, 2.0])
    return graph.node("DequantizeLinear", graph.node("QuantizeLinear", x, scale, zero), scale, zero)


CASES: dict[str, tuple[Layer, str]] = {
    "float weights": (
        lambda g, x: g.node("Conv", x, _floats(g, 3, 2, 1, 1)),
        r"Conv_0 \(Conv\): its weights are neither quantized nor integers .* put a Quant node",
    ),
    "weights with nan": (
        lambda g, x: g.node("Conv", x, g.constant(np.full((3, 2, 1, 1), np.nan))),
        r"Conv_0 \(Conv\): its weights are not finite; train or export it again",
    ),
    "weights from data": (
        lambda g, x: g.node(
            "MatMul", g.node("Flatten", x), g.node("Transpose", g.node("Flatten", x))
        ),
        r"MatMul_3 \(MatMul\): its weight is computed from the image; freeze it to a constant",
    ),
    "scale inside a kernel": (
        lambda g, x: g.node("Conv", x, weights(g, (3, 2, 2, 1), scale=np.array([[0.5], [0.3]]))),
        r"its weights' scale changes inside a kernel; use one scale for each filter",
    ),
    "products of activations": (
        lambda g, x: g.node("Mul", x, x),
        r"Mul_0 \(Mul\): both its inputs are computed from the image",
    ),
    "constant over data": (
        lambda g, x: g.node("Div", g.constant(1.0), g.node("Add", x, g.constant(1.0))),
        r"Div_1 \(Div\): its divisor is computed from the image; freeze it to a constant",
    ),
    "division by zero": (
        lambda g, x: g.node("Div", x, g.constant(0.0)),
        r"Div_0 \(Div\): its divisor is 0",
    ),
    "infinite factor": (
        lambda g, x: g.node("Mul", x, g.constant(np.inf)),
        r"Mul_0 \(Mul\): a constant is not finite",
    ),
    "broken statistics": (
        lambda g, x: g.node(
            "BatchNormalization", x, *(g.constant([v, v]) for v in (1.0, 0.0, 0.0, -1.0))
        ),
        r"BatchNormalization_0 \(BatchNormalization\): its statistics are not finite",
    ),
    "constant of every place": (
        lambda g, x: g.node("Add", x, _floats(g, 1, 2, 6, 6)),
        r"Add_0 \(Add\): a constant of shape \(1, 2, 6, 6\) does not fit the channels",
    ),
    "unknown operation": (
        lambda g, x: g.node("Sin", x),
        r"Sin_0 \(Sin\): there is no integer form of Sin; replace it by a supported layer",
    ),
    "relu between levels": (
        lambda g, x: _conv(g, g.node("Relu", g.node("Sub", x, g.constant(0.5)))),
        r"an activation before it is clamped at 0, which is no level of its integers",
    ),
    "relu of many levels": (
        lambda g, x: _conv(g, g.node("Relu", _conv(g, x))),
        r"an activation of \d+ levels before it is not quantized; put a Quant node after",
    ),
    "padding between levels": (
        lambda g, x: _conv(g, g.node("Sub", x, g.constant(0.5)), pads=[1, 1, 1, 1]),
        r"it pads with zeros, but 0 is no level of its input \(channel 0 is 1 \* integer \+ -0.5\)",
    ),
    "sum of unequal shapes": (
        lambda g, x: g.node("Add", x, g.node("GlobalMaxPool", x)),
        r"Add_1 \(Add\): its inputs have shapes \(1, 2, 6, 6\), \(1, 2, 1, 1\)",
    ),
    "sum of a transposed branch": (
        lambda g, x: g.node("Add", x, g.node("Transpose", x, perm=[0, 1, 3, 2])),
        r"Add_1 \(Add\): it takes the 6 x 6 places of its input in an order in which they do not",
    ),
    "sum of a transposed vector": (
        lambda g, x: g.node(
            "Add",
            g.node("Flatten", x),
            g.node("Flatten", g.node("Transpose", x, perm=[0, 2, 3, 1])),
        ),
        r"Add_3 \(Add\): its inputs differ in their order of elements; transpose them alike",
    ),
    "data where a constant is": (
        lambda g, x: g.node("Conv", weights(g, (1, 2, 6, 6)), x),
        r"Conv_1 \(Conv\): its weight is computed from the image",
    ),
    "no common scale of channels": (
        lambda g, x: _conv(g, _times(g, x, 0.1234567, 0.7654321)),
        r"the scales of its input's channels have no common unit \(a weight becomes \d+\)",
    ),
    "conv of a transposed image": (
        lambda g, x: _conv(g, g.node("Transpose", x, perm=[0, 1, 3, 2])),
        r"it takes the 6 x 6 places of its input in an order in which they do not arrive",
    ),
    "three-dimensional conv": (
        lambda g, x: g.node(
            "Conv", g.node("Unsqueeze", x, _ints(g, 2)), weights(g, (3, 2, 1, 1, 1))
        ),
        r"its weights have shape \(3, 2, 1, 1, 1\); use 1-D or 2-D convolutions",
    ),
    "too large a dilation": (
        lambda g, x: _conv(g, x, dilations=[600, 600], pads=[600, 600, 600, 600]),
        r"dilations \[600, 600\] make a kernel of \[1201, 1201\]; use kernels of at most 1024",
    ),
    "matrix of three axes": (
        lambda g, x: g.node("MatMul", x, weights(g, (2, 6, 3))),
        r"MatMul_1 \(MatMul\): its weights have shape \(2, 6, 3\); use a matrix",
    ),
    "constant times an image": (
        lambda g, x: g.node("MatMul", weights(g, (3, 72)), g.node("Reshape", x, _ints(g, 72, 1))),
        r"MatMul_2 \(MatMul\): its constant comes first; multiply the image by the transposed one",
    ),
    "rows of an image": (
        lambda g, x: g.node("MatMul", x, weights(g, (6, 3))),
        r"MatMul_1 \(MatMul\): its input of shape \(1, 2, 6, 6\) is neither a vector nor",
    ),
    "transposed gemm": (
        lambda g, x: g.node(
            "Gemm", g.node("Reshape", x, _ints(g, 72, 1)), weights(g, (72, 3)), transA=1
        ),
        r"Gemm_2 \(Gemm\): transA is 1; transpose its weights instead",
    ),
    "gemm without its product": (
        lambda g, x: g.node("Gemm", g.node("Flatten", x), weights(g, (72, 3)), alpha=0.0),
        r"Gemm_2 \(Gemm\): alpha is 0, so that no image counts; set it to 1",
    ),
    "dilated pool": (
        lambda g, x: g.node("MaxPool", x, kernel_shape=[2, 2], dilations=[2, 2]),
        r"kernel_shape \[2, 2\] with dilations \[2, 2\]; use a 2-D pool without dilation",
    ),
    "mean over channels": (
        lambda g, x: g.node("ReduceMean", x, _ints(g, 1)),
        r"axes \[1\] of a tensor of shape \(1, 2, 6, 6\) are not height and width",
    ),
    "padding with ones": (
        lambda g, x: g.node("Pad", x, _ints(g, 0, 0, 1, 1, 0, 0, 1, 1), g.constant(1.0)),
        r"Pad_0 \(Pad\): it pads with 1; pad with zeros",
    ),
    "reflection": (
        lambda g, x: g.node("Pad", x, _ints(g, 0, 0, 1, 1, 0, 0, 1, 1), mode="reflect"),
        r"it pads with mode reflect; pad with zeros",
    ),
    "padded channels": (
        lambda g, x: g.node("Pad", x, _ints(g, 0, 1, 0, 0, 0, 0, 0, 0)),
        r"pads \[\(0, 0\), \(1, 0\), .* of the axes are not zeros around the height and width of",
    ),
    "padding, then transposing away": (
        lambda g, x: g.node(
            "Relu",
            g.node(
                "Reshape",
                g.node(
                    "Transpose",
                    g.node("Pad", x, _ints(g, 0, 0, 1, 1, 0, 0, 1, 1)),
                    perm=[0, 1, 3, 2],
                ),
                _ints(g, 1, -1),
            ),
        ),
        r"zeros are added around a tensor that is then reshaped; pad the image last",
    ),
    "concat of a constant": (
        lambda g, x: g.node("Concat", x, _floats(g, 1, 2, 6, 6), axis=1),
        r"Concat_0 \(Concat\): its input 1 is not computed from the image",
    ),
    "wide quantizer": (
        lambda g, x: g.quant(x, 0.001, 20, signed=False),
        r"Quant_0 \(Quant\): bit width 20 is not an integer in 1..16",
    ),
    "many levels": (
        lambda g, x: g.quant(_conv(g, x), 0.25, 16, signed=True),
        r"Quant_2 \(Quant\): it has 9947 levels, more than 4096; use at most 12 bits",
    ),
    "negative scale": (
        lambda g, x: g.quant(x, -1.0, 4, signed=False),
        r"Quant_0 \(Quant\): scale -1 is not positive",
    ),
    "several zero points": (
        lambda g, x: _requantized(g, x, g.node("Cast", g.constant([1.0, 2.0]), to=3)),
        r"QuantizeLinear_1 .*: its channels have several zero points; use one zero point",
    ),
    "negative output scale": (
        lambda g, x: g.node(
            "MultiThreshold", x, g.constant([[1.0]]), out_dtype="INT8", out_scale=-1.0
        ),
        r"MultiThreshold_0 \(MultiThreshold\): out_scale -1 is not positive",
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_refusals_name_the_node_the_rule_and_a_remedy(name: str) -> None:
    layer, message = CASES[name]
    with pytest.raises(FlowError, match=message):
        lower(single(layer, (1, 2, 6, 6)))


def test_every_problem_is_listed() -> None:
    def body(g: GraphWriter, x: str) -> str:
        first = g.node("HardSwish", g.node("Conv", x, _floats(g, 3, 2, 1, 1)))
        second = g.node("Sin", quantized(g, first))
        return g.node("MaxPool", second, kernel_shape=[2, 2], dilations=[2, 2])

    with pytest.raises(FlowError) as caught:
        lower(single(body, (1, 2, 6, 6)))
    message = str(caught.value)
    assert message.startswith("4 node(s) have no integer form: Conv_0 (Conv)")
    for name in ("HardSwish_1 (HardSwish)", "Sin_3 (Sin)", "MaxPool_4 (MaxPool)"):
        assert name in message
    assert "\n" not in message


def test_a_refused_node_is_not_blamed_again_behind_it() -> None:
    def body(g: GraphWriter, x: str) -> str:
        refused = g.node("Sin", x)
        shifted = g.node("Add", refused, g.constant(0.3))
        return _conv(g, shifted, pads=[1, 1, 1, 1])

    with pytest.raises(FlowError, match=r"^1 node\(s\) have no integer form: Sin_0"):
        lower(single(body, (1, 2, 6, 6)))


def test_nodes_that_the_logits_do_not_need_are_left_out() -> None:
    def body(g: GraphWriter, x: str) -> str:
        g.node("Sin", x)
        return x

    assert lower(single(body, (1, 2, 6, 6))).network.classes == 3


def _relu_model() -> ModelWrapper:
    return single(lambda g, x: g.quant(_conv(g, x), 1.0, 4, signed=True), (1, 2, 6, 6))


def _set_mode(model: ModelWrapper) -> None:
    (quant,) = (node for node in model.graph.node if node.name == "Quant_2")
    (mode,) = (item for item in quant.attribute if item.name == "rounding_mode")
    mode.s = b"STOCHASTIC"


def _drop_input(model: ModelWrapper) -> None:
    (quant,) = (node for node in model.graph.node if node.name == "Quant_2")
    quant.input[3] = ""


def _long_bias(model: ModelWrapper) -> None:
    (conv,) = model.get_nodes_by_op_type("Conv")
    model.set_initializer("bias", np.ones(3, dtype=np.float32))
    conv.input.append("bias")


def _other_channels(model: ModelWrapper) -> None:
    (conv,) = model.get_nodes_by_op_type("Conv")
    conv.attribute.add(name="group", type=2, i=2)


def _other_features(model: ModelWrapper) -> None:
    (matmul,) = model.get_nodes_by_op_type("MatMul")
    matmul.input[1] = "rows"
    model.set_initializer("rows", np.ones((3, 3), dtype=np.float32))


CHANGES = [
    (_set_mode, r"Quant_2 \(Quant\): rounding_mode 'STOCHASTIC' is unknown; use one of ROUND,"),
    (_drop_input, r"Quant_2 \(Quant\): its bit width is missing; export the model again"),
    (_long_bias, r"Conv_1 \(Conv\): its bias has 3 entries for 4 outputs; export the model"),
    (_other_channels, r"its weights read 4 channels in 2 groups, its input has 2; export the"),
    (_other_features, r"its input has 64 features, its weights 3 rows; export the model again"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=range(len(CHANGES)))
def test_changed_nodes_are_refused(change: Callable[[ModelWrapper], None], message: str) -> None:
    model = _relu_model()
    change(model)
    with pytest.raises(FlowError, match=message):
        lower(model)


def test_indices_of_a_maximum_are_refused() -> None:
    model = single(lambda g, x: g.node("MaxPool", x, kernel_shape=[2, 2]), (1, 2, 6, 6))
    model.graph.node[0].output.append("places")
    with pytest.raises(FlowError, match=r"MaxPool_0 .* its indices are used; use the values alone"):
        lower(model)


def test_windows_of_padding_alone_are_refused() -> None:
    model = single(lambda g, x: g.node("MaxPool", x, kernel_shape=[2, 2]), (1, 2, 6, 6))
    model.graph.node[0].attribute.add(name="pads", type=7, ints=[2, 0, 0, 0])
    with pytest.raises(FlowError, match=r"a window of \(2, 2\) may hold padding alone; use less"):
        lower(model)


def test_a_reshape_to_another_size_is_refused() -> None:
    model = single(lambda g, x: g.node("Reshape", x, _ints(g, 1, 72)), (1, 2, 6, 6))
    model.set_initializer("c0", np.array([5, 7]))
    with pytest.raises(FlowError, match=r"shape \[5, 7\] does not fit its input \(1, 2, 6, 6\)"):
        lower(model)


def test_a_slice_without_bounds_is_refused() -> None:
    def body(g: GraphWriter, x: str) -> str:
        return g.node("Slice", x, _ints(g, 0), _ints(g, 1), _ints(g, 1))

    model = single(body, (1, 2, 6, 6))
    model.graph.node[0].input[1] = ""
    with pytest.raises(FlowError, match=r"Slice_0 \(Slice\): its bounds are missing"):
        lower(model)


def test_a_node_without_a_name_gets_one() -> None:
    model = single(lambda g, x: g.node("Sin", x), (1, 2, 6, 6))
    model.graph.node[0].name = ""
    with pytest.raises(FlowError, match=r"Sin_0 \(Sin\): there is no integer form"):
        lower(model)


def test_one_bit_width_is_asked_for() -> None:
    model = single(lambda g, x: g.quant(x, 1.0, 4, signed=False), (1, 2, 6, 6))
    (name,) = (node.input[3] for node in model.graph.node if node.name == "Quant_0")
    model.set_initializer(name, np.array([4.0, 5.0], dtype=np.float32))
    with pytest.raises(FlowError, match=r"its bit width has 2 entries that differ; use one bit"):
        lower(model)


def test_malformed_nodes_are_refused() -> None:
    model = single(lambda g, x: g.node("Transpose", x, perm=[0, 2, 3, 1]), (1, 2, 6, 6))
    model.graph.node[0].attribute[0].ints[:] = [0, 7, 7, 7]
    with pytest.raises(FlowError, match=r"Transpose_0 .* do not fit together \(.*Error: .*\); exp"):
        lower(model)
