# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench exact`: it sees a difference, says where, and refuses what it cannot do."""

from pathlib import Path

import numpy as np
import pytest

from flow.bench import exact_check
from flow.classifier import Images
from flow.cli import main
from flow.cluster import ProcessCluster
from flow.data.datasets import Dataset
from flow.fuzz import build, draw
from flow.fuzz.agreement import compare_graph, nearest_tie
from flow.integer.native import instruction_sets
from flow.zoo import networks as zoo


@pytest.fixture(autouse=True)
def noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images instead of MNIST, which a machine without data lacks."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
    labels = np.zeros(6, dtype=np.int64)
    dataset = Dataset("noise", images, labels, images, labels, 10)
    monkeypatch.setattr(zoo, "dataset", lambda _name, _folder: dataset)


@pytest.mark.slow
def test_every_engine_computes_the_same_logits(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--models", "mnist-tfc-w2a2", "--graphs", "2", "--cluster", "1"]
    assert main(["bench", "exact", *arguments]) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert {"qonnx", "brevitas", "twin", "twin, native", "portable kernels"} <= {
        cell.strip() for line in lines for cell in line
    }


def test_a_difference_is_counted_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(_network: object, images: Images) -> np.ndarray:
        logits = np.zeros((len(images), 10), np.int32)
        logits[:, 3] = 1
        return logits

    monkeypatch.setattr(zoo, "brevitas_logits", wrong)
    rows = exact_check.check_model("mnist-tfc-w2a2", None, 2, ProcessCluster(1))
    found = {row["against"]: row for row in (next(rows) for _ in range(2))}
    assert found["qonnx"]["images_differ"] == 0
    assert found["brevitas"]["images_differ"] == 2
    assert found["brevitas"]["labels_differ"] >= 1
    assert "image 0: labels " in capsys.readouterr().err


def test_every_kind_of_kernel_is_compared() -> None:
    rows = list(exact_check.check_model("mnist-tfc-w2a2", None, 6, ProcessCluster(1)))
    expected = {f"{isa} kernels" for isa in instruction_sets()}
    expected |= {f"{isa} kernels of bits" for isa in instruction_sets()[1:]}
    assert expected <= {row["against"] for row in rows}
    assert all(row["images_differ"] == 0 for row in rows)


def test_a_graph_whose_engines_agree() -> None:
    found = compare_graph(draw(2, hardware=True))
    assert (found.images, found.engines_differ, found.qonnx_differs) == (3, 0, 0)


def test_the_nearest_boundary_is_that_of_a_quantizer() -> None:
    spec = draw(2, hardware=True)
    model = build(spec)
    height, width, channels = spec.image
    tie = nearest_tie(model, np.zeros((height, width, channels), np.uint8), nchw=spec.nchw)
    assert tie.node in {node.name for node in model.graph.node}
    assert 0 <= tie.distance < np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "resnet"], "--models resnet: unknown; known here: "),
        (["--images", "0"], "--images 0: give at least 1"),
        (["--cluster", "0"], "0 processes: is not at least 1; give 1 or more"),
        (["--graphs", "-1"], "--graphs -1: give at least 0"),
    ],
)
def test_other_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "exact", *arguments, "--data", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
