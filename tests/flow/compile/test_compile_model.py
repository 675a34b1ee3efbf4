# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow compile MODEL.onnx`: what it leaves, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx_models import GraphBuilder, finish, tiny_qonnx

from flow.cli import main
from flow.integer import IntegerNetwork
from hw.accelerator import Accelerator

IMAGES = np.random.default_rng(3).integers(0, 256, (4, 6, 6, 1), dtype=np.uint8)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_qonnx().save("tiny.onnx")
    return Path("tiny.onnx")


def _one_logit() -> ModelWrapper:
    graph = GraphBuilder(np.random.default_rng(0))
    graph.flat_convolution(outputs=3)
    graph.then("MatMul", graph.weights((3, 1), 0.25))
    graph.then("Add", graph.constant(0.37))
    return finish(graph, 6, 1)


def executed(model: ModelWrapper, tensors: NDArray[Any]) -> NDArray[np.float32]:
    """Return qonnx's logits, one image at a time."""
    model = model.transform(InferShapes())
    name = model.graph.output[0].name
    feeds = [{"images": tensor[None].astype(np.float32)} for tensor in tensors]
    return np.concatenate([execute_onnx(model, feed)[name] for feed in feeds])


def _record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("build/tiny/compile.json").read_text())
    return found


REFUSED = [
    (["--part", "xc7z021"], r"part 'xc7z021': is unknown; did you mean 'xc7z0"),
    (["--fps", "1e9"], r"target_fps: 1e\+09 cannot be reached: \w+ takes"),
    (["--fps", "-1"], r"compile: target_fps: -1.0 is refused"),
    (["--verify", "0"], r"error: --verify 0: give at least 1 image"),
    (["--pixel-scale", "-2"], r"input encoding: scale -2.0 is not positive \(--pixel-scale\)"),
    (["--std", "1", "0"], r"input encoding: std 0.0 is not positive \(--std\)"),
    (["--mean", "1", "2"], r"mean has 2 entries for 1 channels; .* \(--mean\)"),
    (["--trace", "waves.txt"], r"--trace waves.txt: name a .fst or .vcd file"),
    (["--trace", "no/waves.vcd"], r"--trace no/waves.vcd: there is no folder no"),
    (["--folding", "none.yaml"], r"--folding none.yaml: cannot be read"),
    (["--output", "."], r"folder .*: is there and no earlier result; .* \(--output\)"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_bad_options_are_refused_in_one_line(
    model: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["compile", str(model), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line
    assert not list(Path("build").glob("*"))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((2, 6, 6, 1), 0.5), "image 0 holds 0.5, which is no input of a uint8 pixel"),
        (np.zeros((2, 7, 6, 1), np.uint8), r"uint8 of shape (2, 7, 6, 1) is neither uint8"),
        (np.zeros((0, 6, 6, 1), np.uint8), "holds no images; give at least one"),
    ],
)
def test_images_of_another_kind_are_refused_before_anything_is_compiled(
    model: Path, capsys: pytest.CaptureFixture[str], images: NDArray[Any], message: str
) -> None:
    np.save("images.npy", images)
    assert main(["compile", str(model), "--images", "images.npy"]) == 2
    assert message in capsys.readouterr().err
    assert not list(Path("build").glob("*"))


@pytest.mark.slow
def test_the_label_comes_out_of_the_hardware(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--fps", "100000", "--label", "--no-synth"]) == 0
    assert "4 images through the RTL, 0 labels differ" in capsys.readouterr().out
    manifest = Accelerator.load(Path("build/tiny/accelerator")).manifest
    assert manifest.output.kind == "label"


@pytest.mark.slow
def test_the_encoding_and_the_offset_are_in_all_that_decode(model: Path) -> None:
    detector = _one_logit()
    detector.save(str(model))
    encoding = ["--pixel-scale", "0.5", "--mean", "0.25", "--std", "2"]
    assert (
        main(["compile", str(model), "--fps", "100000", "--verify", "1", "--no-synth", *encoding])
        == 0
    )
    network = IntegerNetwork.load("build/tiny/network.npz")
    accelerator = Accelerator.load("build/tiny/accelerator")
    tensors = (IMAGES * 0.5 - 0.25) / 2
    expected = executed(detector, tensors)
    np.testing.assert_allclose(network.decode(network.logits(IMAGES)), expected, atol=1e-4)
    np.testing.assert_allclose(accelerator.decode(network.logits(IMAGES)), expected, atol=1e-4)
    np.testing.assert_array_equal(accelerator.encode(tensors), IMAGES)
    assert accelerator.manifest.output.logit_offset == (network.offset,) != (0.0,)
    for path in Path("build/tiny").rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)  # NaN, Infinity, -Infinity
    assert _record()["cycles_measured"] == accelerator.manifest.cycles_measured
    assert _record()["logits"] == {
        "scale": network.scale,
        "offset": network.offset,
        "rounding": 0.0,
    }
    assert _record()["input"]["preprocessing"]["scale"] == [0.25]


def test_a_node_without_integers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = GraphBuilder(np.random.default_rng(0))
    graph.flat_convolution(outputs=2)
    graph.then("Sigmoid")
    graph.then("MatMul", graph.weights((2, 5), 0.25))
    finish(graph, 6, 5).save("sigmoid.onnx")
    assert main(["compile", "sigmoid.onnx"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "Sigmoid" in line


def test_options_of_a_model_do_not_go_with_a_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compile", "digits.yaml", "--fps", "10"]) == 2
    assert "--fps: only for a MODEL.onnx; write it into digits.yaml" in capsys.readouterr().err
