# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Files that others wrote, some of them broken."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from agreement import finished, single, weights
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError
from flow.fuzz import random_qonnx
from flow.lowering import lower, read_model
from flow.lowering.constants import Constant, constant_node
from flow.lowering.graph_writer import GraphWriter


@pytest.fixture(scope="module")
def proto() -> ModelProto:
    return random_qonnx(1, hardware=True).model


def _saved(path: Path, proto: ModelProto, change: Callable[[ModelProto], object]) -> Path:
    copy = ModelProto()
    copy.CopyFrom(proto)
    change(copy)
    path.write_bytes(copy.SerializeToString())
    return path


def _unchanged(proto: ModelProto) -> None:
    del proto


def test_a_sound_file_is_read(tmp_path: Path, proto: ModelProto) -> None:
    read = read_model(_saved(tmp_path / "net.onnx", proto, _unchanged))
    again = lower(read).network
    expected = lower(random_qonnx(1, hardware=True)).network
    images = np.random.default_rng(0).integers(0, 256, (3, *again.input_shape)).astype(np.uint8)
    np.testing.assert_array_equal(again.logits(images), expected.logits(images))


def _dynamic_batch(proto: ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"


def test_an_unknown_batch_is_one_image(tmp_path: Path, proto: ModelProto) -> None:
    model = read_model(_saved(tmp_path / "net.onnx", proto, _dynamic_batch))
    assert model.get_tensor_shape(model.graph.input[0].name)[0] == 1
    assert lower(model).network.classes > 0


def _of_eight(proto: ModelProto) -> None:
    for item in (proto.graph.input[0], proto.graph.output[0]):
        item.type.tensor_type.shape.dim[0].dim_value = 8


def _reshaped(batch: int, *, inside: bool) -> ModelProto:
    """Return Reshape to [batch, -1] -> MatMul; the sizes are an initializer or a Constant."""
    graph = GraphWriter()
    graph.values["images"] = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    sizes = graph.constant(np.array([1, -1]))
    tensor = graph.node("Reshape", "images", sizes)
    output = graph.node("MatMul", tensor, weights(graph, (12, 3)))
    proto = finished(graph, (1, 1, 3, 4), output).model
    (shape,) = (item for item in proto.graph.initializer if item.name == sizes)
    shape.CopyFrom(numpy_helper.from_array(np.array([batch, -1]), sizes))
    if inside:
        proto.graph.initializer.remove(shape)
        proto.graph.node.insert(0, helper.make_node("Constant", [], [sizes], value=shape))
    else:  # as some exporters list their constants
        listed = helper.make_tensor_value_info(sizes, TensorProto.INT64, [2])
        proto.graph.input.append(listed)
    del proto.graph.value_info[:]
    return proto


@pytest.mark.parametrize("inside", [False, True])
def test_a_batch_becomes_one_image_and_a_note(tmp_path: Path, inside: bool) -> None:
    path = _saved(tmp_path / "net.onnx", _reshaped(8, inside=inside), _of_eight)
    lowered = lower(read_model(path))
    single = lower(ModelWrapper(_reshaped(1, inside=False)))
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    assert (lowered.network.logits(images) == single.network.logits(images)).all()
    assert "input 'images': its batch of 8 is taken as 1" in lowered.notes


def test_one_of_several_outputs_is_read(tmp_path: Path, proto: ModelProto) -> None:
    path = _saved(tmp_path / "net.onnx", proto, _second_output)
    name = proto.graph.output[0].name
    read = lower(read_model(path, output_name=name)).network
    assert read.classes == lower(ModelWrapper(proto)).network.classes
    with pytest.raises(
        FlowError, match=rf"output_name 'last' is no output; outputs are {name}, t0"
    ):
        read_model(path, output_name="last")


def test_what_is_no_classifier_is_refused_before_it_is_computed() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.zeros((1, 4, 1, 1), dtype=np.float32)
    output = graph.node("Conv", "images", weights(graph, (512, 4, 1, 1)))
    model = finished(graph, (1, 4, 1, 1), output)
    model.set_tensor_shape("images", [1, 4, 1024, 1024])
    model.set_tensor_shape(output, [1, 512, 1024, 1024])
    with pytest.raises(FlowError, match=r"holds 536,870,912 values, and a classifier has at most"):
        lower(model)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.set_tensor_shape("images", [1, 4, 128, 64])
    with pytest.raises(
        FlowError, match=r"holds 4,194,304 values, and a classifier has at most 65,"
    ):
        lower(model)


def _old_domain(proto: ModelProto) -> None:
    for node in proto.graph.node:
        if node.op_type == "Quant":
            node.domain = "onnx.brevitas"


def test_brevitas_first_domain_is_known(tmp_path: Path, proto: ModelProto) -> None:
    model = read_model(_saved(tmp_path / "net.onnx", proto, _old_domain))
    assert {node.domain for node in model.get_nodes_by_op_type("Quant")} == {
        "qonnx.custom_op.general"
    }


def test_data_beside_the_file_is_loaded(tmp_path: Path, proto: ModelProto) -> None:
    copy = ModelProto()
    copy.CopyFrom(proto)
    path = tmp_path / "net.onnx"
    onnx.save(copy, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert (tmp_path / "net.data").is_file()
    assert lower(read_model(path)).network.classes > 0


def _external(location: str) -> Callable[[ModelProto], object]:
    def change(proto: ModelProto) -> None:
        tensor = proto.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def _short_external(proto: ModelProto) -> None:
    _external("short.data")(proto)
    proto.graph.initializer[0].external_data.add(key="offset", value="many")


def _second_input(proto: ModelProto) -> None:
    proto.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def _second_output(proto: ModelProto) -> None:
    first = proto.graph.node[0].output[0]
    proto.graph.output.append(helper.make_tensor_value_info(first, TensorProto.FLOAT, None))


def _no_shape(proto: ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.ClearField("shape")


def _dynamic_height(proto: ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "H"


def _unknown_domain(proto: ModelProto) -> None:
    proto.graph.node[0].domain = "com.example"


def _reversed(proto: ModelProto) -> None:
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes[::-1])


CHANGES: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "nodes": (lambda p: p.graph.ClearField("node"), r"is not a readable ONNX file \(it has 0 nod"),
    "opsets": (lambda p: p.ClearField("opset_import"), r"nodes and 0 opsets\); export or copy it"),
    "second input": (_second_input, r"has inputs images, more and outputs t\d+; a classifier has"),
    "second output": (_second_output, r"has 2 outputs, t\d+, t0; set output_name to the one that"),
    "no output": (lambda p: p.graph.ClearField("output"), r"and outputs none; a classifier has"),
    "no shape": (_no_shape, r"input 'images' has shape \[\]; export it with fixed sizes"),
    "height": (_dynamic_height, r"input 'images' has shape \[1, H, \d+, \d+\]; export it with fi"),
    "domain": (_unknown_domain, r"unknown domains: com.example.Transpose \(1\); export it as QO"),
    "order": (_reversed, r"node '.*' reads '.*', which no node before it computes; export it aga"),
    "missing data": (_external("gone.data"), r"tensor 'c0' lies in 'gone.data', which is no file"),
    "data elsewhere": (_external("../x.data"), r"'../x.data', which is no file in the model's f"),
    "absolute data": (_external("/etc/passwd"), r"lies in '/etc/passwd', which is no file in the"),
    "broken data": (_short_external, r"its external data cannot be read \(.*\); save the model"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_broken_models_are_refused_in_a_line(tmp_path: Path, proto: ModelProto, name: str) -> None:
    change, message = CHANGES[name]
    (tmp_path / "short.data").write_bytes(b"12")
    path = _saved(tmp_path / "net.onnx", proto, change)
    with pytest.raises(FlowError, match=message) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"gone.onnx: cannot be read \(No such file.*check the pat"):
        read_model(tmp_path / "gone.onnx")


@pytest.mark.parametrize("content", [b"", b"hello, world", b"\x08" * 100, bytes(1000)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(FlowError, match=r"net.onnx: is not a readable ONNX file .* copy it again"):
        read_model(path)


def test_every_truncation_is_refused(tmp_path: Path, proto: ModelProto) -> None:
    content = proto.SerializeToString()
    path = tmp_path / "net.onnx"
    for size in range(0, len(content) - 1, 97):
        path.write_bytes(content[:size])
        with pytest.raises(FlowError):
            lower(read_model(path))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(data=st.data())
def test_damaged_bytes_never_crash(tmp_path: Path, proto: ModelProto, data: st.DataObject) -> None:
    content = bytearray(proto.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "net.onnx"
    path.write_bytes(bytes(content))
    with contextlib.suppress(FlowError):
        lower(read_model(path))


def test_a_layout_is_read_and_never_run(proto: ModelProto, tmp_path: Path) -> None:
    model = ModelWrapper(proto, make_deepcopy=True)
    model.set_tensor_layout("images", list("NHWC"))
    (entry,) = (
        entry
        for tensor in model.graph.quantization_annotation
        for entry in tensor.quant_parameter_tensor_names
        if tensor.tensor_name == "images" and entry.key == "tensor_layout"
    )
    trace = tmp_path / "trace"
    entry.value = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    lower(model)
    assert not trace.exists()


def test_a_constant_without_its_data_is_refused(proto: ModelProto) -> None:
    model = ModelWrapper(proto, make_deepcopy=True)
    model.graph.initializer[0].dims[:] = [5, 7]
    with pytest.raises(FlowError, match=r"constant 'c0': its data does not fit its shape and type"):
        lower(model)


def test_functions_are_inlined(tmp_path: Path) -> None:
    model = single(lambda g, x: g.node("Relu", x), (1, 1, 3, 3)).model
    body = helper.make_node("Relu", ["a"], ["b"])
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], [body], [opset]))
    model.opset_import.append(helper.make_opsetid("own", 1))
    call: NodeProto = model.graph.node[0]
    call.op_type, call.domain = "Twice", "own"
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    assert "Relu" in {node.op_type for node in read_model(path).graph.node}


def test_levels_beyond_all_integers_are_floats() -> None:
    given = [np.float32(1), np.float32(0.03125), np.float32(-(2.0**65)), np.float32(4)]
    inputs = {name: Constant(np.asarray(value)) for name, value in zip("xszb", given, strict=True)}
    node = helper.make_node("Quant", [*"xszb"], ["y"], domain="qonnx.custom_op.general")
    assert constant_node(node, inputs, 1)["y"].codes is None
