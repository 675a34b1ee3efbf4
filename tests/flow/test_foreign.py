# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow compile MODEL.onnx`: what it leaves, and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from qonnx_models import GraphBuilder, finish, tiny_qonnx

from flow.cli import main
from flow.integer import IntegerNetwork
from hw.accelerator import Accelerator


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_qonnx().save("tiny.onnx")
    return Path("tiny.onnx")


@pytest.mark.slow
def test_a_model_becomes_a_checked_accelerator(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--fps", "100000", "--verify", "3", "--trace", "waves.vcd"]
    assert main(["compile", str(model), *options]) == 0
    assert "$var wire" in Path("waves.vcd").read_text()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("note: input 'images': taken as 0..255")
    assert re.match(r"\d{3} words of weights, thresholds and constants read back", lines[-3])
    assert lines[-2].startswith("3 images through the RTL, 0 logits differ; ")
    assert lines[-1] == "compile: build/tiny"
    record = json.loads(Path("build/tiny/compile.json").read_text())
    assert record["integer_vs_rtlsim"] == {"images": 3, "labels_differ": 0, "logits_differ": 0}
    assert record["cycles_measured"] == record["cycles_predicted"]
    manifest = Accelerator.load(Path("build/tiny/accelerator")).manifest
    assert manifest.part == "xc7z020clg400-1"
    assert record["memory_words_proven"] == manifest.memory_words_proven > 500
    assert IntegerNetwork.load(Path("build/tiny/network.npz")).classes == 5


REFUSED = [
    (["--part", "xc7z021"], r"part 'xc7z021' is not in hw/parts.py"),
    (["--fps", "1e9"], r"target_fps: 1e\+09 cannot be reached: \w+ takes"),
    (["--fps", "-1"], r"compile: target_fps: -1.0 is refused"),
    (["--verify", "0"], r"--verify 0: give at least 1 image"),
    (["--pixel-scale", "-2"], r"--pixel-scale -2.0: give a positive number"),
    (["--trace", "waves.txt"], r"--trace waves.txt: name a .fst or .vcd file"),
    (["--trace", "no/waves.vcd"], r"--trace no/waves.vcd: there is no folder no"),
    (["--folding", "none.yaml"], r"--folding none.yaml: cannot be read"),
    (["--output", "."], r"--output .: is there and no earlier result; choose another"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_bad_options_are_refused_in_one_line(
    model: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["compile", str(model), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line
    assert not list(Path("build").glob("*"))


def test_images_of_another_kind_are_refused_before_anything_is_compiled(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("float.npy", np.zeros((2, 6, 6, 1)))
    assert main(["compile", str(model), "--images", "float.npy"]) == 2
    assert "dtype float64 is not uint8" in capsys.readouterr().err
    assert not list(Path("build").glob("*"))


@pytest.mark.slow
def test_the_label_comes_out_of_the_hardware(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--fps", "100000", "--label"]) == 0
    assert "4 images through the RTL, 0 labels differ" in capsys.readouterr().out
    manifest = Accelerator.load(Path("build/tiny/accelerator")).manifest
    assert manifest.output.kind == "label"


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
