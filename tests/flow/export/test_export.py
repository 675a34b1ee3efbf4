# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from qonnx.core.data_layout import NHWC
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from flow.classifier import Images
from flow.errors import FlowError
from flow.export.qonnx import ExportResult, export_qonnx_model, load_qonnx, qonnx_logits

SETTINGS = convnet_settings(input_shape=(9, 8, 2), classes=5, channels=(4, 8), strides=(1, 2))


def random_images(count: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, 9, 8, 2)).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> QuantClassifier:
    built = build(SETTINGS, seed=2)
    for step in range(3):
        built(torch.from_numpy(random_images(32, step)).permute(0, 3, 1, 2) / 255)
    make_exact(built)
    return built


@pytest.fixture(scope="module")
def exported(network: QuantClassifier, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    return export_qonnx_model(network, tmp_path_factory.mktemp("export") / "net.onnx")


def test_qonnx_equals_brevitas_to_the_last_integer(
    network: QuantClassifier, exported: ExportResult
) -> None:
    images = random_images(600, seed=5)
    with torch.no_grad():
        floats = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).double().numpy()
    found = qonnx_logits(exported.path, images)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found * exported.logit_scale, floats)
    assert len(np.unique(found)) > 20


def test_batches_change_nothing(exported: ExportResult) -> None:
    model = load_qonnx(exported.path)
    images = random_images(3)
    feeds = ({"global_in": images[i : i + 1].astype(np.float32)} for i in range(3))
    single = [execute_onnx(model.model, feed)["global_out"] for feed in feeds]
    expected = np.concatenate(single) / exported.logit_scale
    np.testing.assert_array_equal(qonnx_logits(exported.path, images), expected)


def test_the_input_is_annotated_uint8_nhwc_with_batch_one(exported: ExportResult) -> None:
    loaded = load_qonnx(exported.path)
    name = loaded.model.graph.input[0].name
    assert loaded.model.get_tensor_shape(name) == [1, 9, 8, 2]
    assert loaded.model.get_tensor_datatype(name) == DataType["UINT8"]
    assert loaded.model.get_tensor_layout(name) == NHWC
    assert (loaded.input_shape, loaded.classes) == ((9, 8, 2), 5)
    assert loaded.logit_scale == exported.logit_scale > 0


def test_the_same_network_gives_the_same_bytes_on_any_path(
    network: QuantClassifier, exported: ExportResult, tmp_path: Path
) -> None:
    again = export_qonnx_model(network, tmp_path / "other.onnx")
    assert again.path.read_bytes() == exported.path.read_bytes()


def test_the_file_holds_no_path_and_no_notes(exported: ExportResult) -> None:
    content = exported.path.read_bytes()
    for secret in (b"/home", b"/work", b"/tmp", b".py", b"stack_trace", b"aten."):
        assert secret not in content


def test_the_weights_in_the_file_are_the_networks(
    network: QuantClassifier, exported: ExportResult
) -> None:
    graph = onnx.load(exported.path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    stored = [value for value in tensors.values() if value.shape == (8, 4, 3, 3)]
    expected = network.blocks()[1].layer.quant_weight().value.detach().numpy()
    assert len(stored) == 1
    np.testing.assert_array_equal(stored[0], expected)


def test_the_export_is_silent(
    network: QuantClassifier, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    export_qonnx_model(network, tmp_path / "net.onnx")
    assert capfd.readouterr() == ("", "")


def test_the_network_still_trains_after_export(network: QuantClassifier, tmp_path: Path) -> None:
    images = torch.from_numpy(random_images(4)).permute(0, 3, 1, 2) / 255
    before = network(images)
    export_qonnx_model(network, tmp_path / "net.onnx")
    assert torch.equal(network(images), before)
    (gradient,) = torch.autograd.grad(network(images).sum(), network.classifier.weight)
    assert gradient.abs().sum() > 0


def test_progress_is_reported(exported: ExportResult) -> None:
    seen: list[tuple[int, int]] = []
    qonnx_logits(exported.path, random_images(260), lambda done, total: seen.append((done, total)))
    assert seen == [(250, 260), (260, 260)]


def test_no_images_give_no_logits(exported: ExportResult) -> None:
    assert qonnx_logits(exported.path, random_images(0)).shape == (0, 5)


def test_images_of_another_size_are_refused(exported: ExportResult) -> None:
    with pytest.raises(FlowError, match=r"shape \(2, 8, 8, 2\) is not \(N, 9, 8, 2\)"):
        qonnx_logits(exported.path, np.zeros((2, 8, 8, 2), dtype=np.uint8))


def test_logits_that_are_no_multiples_of_the_scale_are_refused(
    exported: ExportResult, tmp_path: Path
) -> None:
    model = load_qonnx(exported.path).model
    model.set_metadata_prop("logit_scale", repr(exported.logit_scale * 1.01))
    model.save(str(tmp_path / "wrong.onnx"))
    with pytest.raises(FlowError, match=r"wrong.onnx: a logit over the scale .* from an integer"):
        qonnx_logits(tmp_path / "wrong.onnx", random_images(8))


@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_truncated_file_is_refused(exported: ExportResult, tmp_path: Path, keep: float) -> None:
    content = exported.path.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(FlowError, match=r"cut.onnx: is not a readable ONNX file \(.*; export agai"):
        load_qonnx(tmp_path / "cut.onnx")


@pytest.mark.parametrize("content", [b"plain text", bytes(range(256))])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(FlowError, match=r"bad.onnx: is not a readable ONNX file"):
        load_qonnx(tmp_path / "bad.onnx")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"none.onnx: is not a readable ONNX file \(.*No such file"):
        load_qonnx(tmp_path / "none.onnx")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(FlowError, match=r"empty.onnx: has 0 inputs and logit_scale None"):
        load_qonnx(tmp_path / "empty.onnx")


@pytest.mark.usefixtures("no_room")
def test_a_full_disk_is_one_line_and_leaves_nothing(
    network: QuantClassifier, tmp_path: Path
) -> None:
    with pytest.raises(FlowError, match=r"net.onnx: cannot be written \(File too large\); make ro"):
        export_qonnx_model(network, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_file_alone_is_enough(exported: ExportResult, tmp_path: Path) -> None:
    shutil.copy(exported.path, tmp_path / "moved.onnx")
    images = random_images(4)
    moved = qonnx_logits(tmp_path / "moved.onnx", images)
    np.testing.assert_array_equal(moved, qonnx_logits(exported.path, images))
