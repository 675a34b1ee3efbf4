# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow simulate`: logits of any QONNX classifier against qonnx's executor."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx_models import GraphBuilder, finish, tiny_qonnx

from flow.cli import main
from flow.engines import simulation
from flow.engines.simulation import as_pixels, read_images
from flow.errors import FlowError
from flow.integer import Flatten, IntegerNetwork
from flow.lowering import InputEncoding, lower


@pytest.fixture(scope="module")
def own() -> ModelWrapper:
    """Return a model that takes uint8 NHWC."""
    return tiny_qonnx()


@pytest.fixture(scope="module")
def foreign() -> ModelWrapper:
    """Return a model that takes float NCHW, pixels divided by 255."""
    graph = GraphBuilder(np.random.default_rng(1))
    graph.then("Conv", graph.weights((2, 3, 3, 3), 0.125), kernel_shape=[3, 3])
    graph.then("Relu")
    graph.tensor = graph.quant(graph.tensor, 0.11, 4, signed=False)
    graph.then("Reshape", graph.constant(np.array([1, -1])))
    graph.then("MatMul", graph.weights((32, 5), 0.25))
    model = finish(graph, 6, 5)
    model.set_tensor_shape("images", [1, 3, 6, 6])
    return model


@pytest.fixture
def files(tmp_path: Path, own: ModelWrapper) -> tuple[Path, Path, Path]:
    model, images, output = (tmp_path / name for name in ("m.onnx", "images.npy", "logits.npy"))
    own.save(str(model))
    np.save(images, _images(9, (6, 6, 1)))
    return model, images, output


def _images(count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, *shape), dtype=np.uint8)


def _pixels(values: np.ndarray, network: IntegerNetwork) -> np.ndarray:
    return as_pixels(values, network.input_shape, network.preprocessing)


def _expected(model: ModelWrapper, tensors: np.ndarray) -> np.ndarray:
    model = model.transform(InferShapes())
    name = model.graph.output[0].name
    feeds = [{"images": tensor[None].astype(np.float32)} for tensor in tensors]
    return np.concatenate([execute_onnx(model, feed)[name] for feed in feeds])


def test_logits_times_scale_are_qonnx_s(
    files: tuple[Path, Path, Path], own: ModelWrapper, capsys: pytest.CaptureFixture[str]
) -> None:
    model, images, output = files
    assert main(["simulate", str(model), str(images), "--output", str(output)]) == 0
    found = np.load(output)
    scale = float(capsys.readouterr().out.split("scale: ")[1].split()[0])
    assert found.dtype == np.int32
    expected = _expected(own, np.load(images))
    assert found * scale == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("isa", ["portable", None])
def test_models_own_input_gives_the_same_logits(
    tmp_path: Path, foreign: ModelWrapper, isa: str | None
) -> None:
    images = _images(5, (6, 6, 3))
    tensors = (images / 255.0).transpose(0, 3, 1, 2).astype(np.float32)
    model, output = tmp_path / "m.onnx", tmp_path / "l.npy"
    foreign.save(str(model))
    found = []
    for name, values in (("pixels", images), ("tensors", tensors)):
        np.save(tmp_path / f"{name}.npy", values)
        report = simulation.simulate(model, tmp_path / f"{name}.npy", output, isa=isa)
        found.append(report.logits)
    assert (found[0] == found[1]).all()
    expected = _expected(foreign, tensors)
    assert found[0] * report.scale + report.offset == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_encoding_on_the_command_line_is_used(tmp_path: Path, foreign: ModelWrapper) -> None:
    images = _images(4, (6, 6, 3))
    model, path, output = (tmp_path / name for name in ("m.onnx", "i.npy", "l.npy"))
    foreign.save(str(model))
    np.save(path, images)
    options = ["--pixel-scale", "0.0078125", "--mean", "0", "0.5", "1", "--std", "2"]
    assert main(["simulate", str(model), str(path), "--output", str(output), *options]) == 0
    tensors = ((images / 128 - [0, 0.5, 1]) / 2).transpose(0, 3, 1, 2)
    encoding = InputEncoding(scale=1 / 128, mean=(0, 0.5, 1.0), std=(2,))
    report = simulation.simulate(model, path, output, encoding=encoding)
    expected = _expected(foreign, tensors)
    assert (np.load(output) == report.logits).all()
    assert report.logits * report.scale + report.offset == pytest.approx(expected, abs=1e-4)


@pytest.fixture(scope="module")
def sequences() -> ModelWrapper:
    """Return a model that takes float [1, C, L], pixels divided by 255."""
    graph = GraphBuilder(np.random.default_rng(1))
    graph.then("Conv", graph.weights((2, 3, 3), 0.125), kernel_shape=[3])
    graph.then("Relu")
    graph.tensor = graph.quant(graph.tensor, 0.11, 4, signed=False)
    graph.then("Reshape", graph.constant(np.array([1, -1])))
    graph.then("MatMul", graph.weights((12, 5), 0.25))
    model = finish(graph, 6, 5)
    model.set_tensor_shape("images", [1, 3, 8])
    return model


def test_sequences_are_pixels_in_any_of_three_shapes(
    tmp_path: Path, sequences: ModelWrapper
) -> None:
    pixels = _images(4, (1, 8, 3))
    own = pixels[:, 0].transpose(0, 2, 1)
    expected = _expected(sequences, own / 255.0)
    sequences.save(str(tmp_path / "m.onnx"))
    for values in (pixels, pixels[:, 0], own, (own / 255.0).astype(np.float32)):
        np.save(tmp_path / "i.npy", values)
        paths = (tmp_path / name for name in ("m.onnx", "i.npy", "l.npy"))
        found = simulation.simulate(*paths)
        assert found.logits * found.scale + found.offset == pytest.approx(expected, abs=1e-4)


def test_bytes_in_the_models_own_order_are_pixels(foreign: ModelWrapper) -> None:
    images = _images(3, (6, 6, 3))
    own = lower(foreign).network.preprocessing
    found = as_pixels(images.transpose(0, 3, 1, 2), (6, 6, 3), own)
    np.testing.assert_array_equal(found, images)


def test_an_output_is_chosen_on_the_command_line(
    files: tuple[Path, Path, Path], own: ModelWrapper, capsys: pytest.CaptureFixture[str]
) -> None:
    model, images, output = files
    two = ModelWrapper(own.model, make_deepcopy=True)
    name = two.graph.node[3].output[0]
    two.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    two.save(str(model))
    command = ["simulate", str(model), str(images), "--output", str(output)]
    first, second = (item.name for item in two.graph.output)
    assert main(command) == 2
    assert f"has 2 outputs, {first}, {second}; set output_name" in capsys.readouterr().err
    assert main([*command, "--output-name", first]) == 0
    assert np.load(output).shape == (9, 5)


def test_no_images_give_no_logits(files: tuple[Path, Path, Path]) -> None:
    model, images, output = files
    np.save(images, _images(0, (6, 6, 1)))
    assert main(["simulate", str(model), str(images), "--output", str(output)]) == 0
    assert np.load(output).shape == (0, 5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.zeros((2, 6, 6, 3), np.uint8),
            r"uint8 of shape \(2, 6, 6, 3\) is neither uint8 \(N, 6",
        ),
        (np.zeros((), np.uint8), r"uint8 of shape \(\) is neither"),
        (np.full((2, 6, 6, 1), 0.5), "image 0 holds 0.5, which is no input of a uint8 pixel"),
        (np.full((2, 6, 6, 1), 256), "image 0 holds 256, which is no input"),
        (np.full((2, 6, 6, 1), -1), "image 0 holds -1, which is no input"),
        (np.full((2, 6, 6, 1), np.nan, np.float32), "image 0 holds nan, which is no input"),
        (np.full((2, 6, 6, 1), np.inf), "image 0 holds inf, which is no input"),
    ],
)
def test_other_values_are_refused(own: ModelWrapper, values: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(FlowError, match=message):
        _pixels(values, lower(own).network)


def test_pixels_may_have_the_order_of_the_model_s_own_input(foreign: ModelWrapper) -> None:
    images = _images(3, (6, 6, 3))
    network = lower(foreign).network
    assert (_pixels(images.transpose(0, 3, 1, 2), network) == images).all()


def test_flat_pixels_are_taken_where_the_input_is_flat() -> None:
    flat = IntegerNetwork((Flatten(name="f"),), (1, 1, 7), 1.0)
    images = _images(3, (7,))
    assert (_pixels(images, flat) == images.reshape(3, 1, 1, 7)).all()
    with pytest.raises(FlowError, match=r"float64 of shape \(3, 7\) is neither uint8 \(N, 1, 1, 7"):
        _pixels(images / 255, flat)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a .npy array"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "cannot be read as a .npy array"),
        (b"not an array", "cannot be read as a .npy array"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images.npy"
    path.write_bytes(content)
    with pytest.raises(FlowError, match=message):
        read_images(path)


def test_truncated_images_are_refused(files: tuple[Path, Path, Path]) -> None:
    _, images, _ = files
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(FlowError, match=r"images.npy: cannot be read .*numpy.save"):
        read_images(images)


def test_archives_and_text_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    np.save(tmp_path / "s.npy", np.array(["text"]))
    with pytest.raises(FlowError, match="is an archive of arrays; write one array"):
        read_images(tmp_path / "a.npz")
    with pytest.raises(FlowError, match="holds <U4; give uint8 images"):
        read_images(tmp_path / "s.npy")


@pytest.mark.parametrize("missing", [0, 1])
def test_missing_files_exit_with_2_and_one_line(
    files: tuple[Path, Path, Path], missing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    files[missing].unlink()
    model, images, output = map(str, files)
    assert main(["simulate", model, images, "--output", output]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not files[2].exists()


def test_a_failure_leaves_the_old_result(files: tuple[Path, Path, Path]) -> None:
    model, images, output = files
    output.write_bytes(b"old")
    np.save(images, _images(3, (9, 9, 9)))
    assert main(["simulate", str(model), str(images), "--output", str(output)]) == 2
    assert output.read_bytes() == b"old"


def test_an_output_that_cannot_be_written_is_said(files: tuple[Path, Path, Path]) -> None:
    model, images, output = files
    output.mkdir()
    with pytest.raises(FlowError, match=r"output .*logits.npy: is a folder; name a file"):
        simulation.simulate(model, images, output)


def test_a_missing_folder_is_said_at_once(files: tuple[Path, Path, Path]) -> None:
    model, images, output = files
    with pytest.raises(FlowError, match=r"there is no folder .*none; make it first"):
        simulation.simulate(model, images, output.parent / "none" / "l.npy")
