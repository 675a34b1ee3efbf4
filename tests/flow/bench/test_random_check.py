# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench random`: the RTL of random networks, and what it says of one that fails."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.bench import random_check
from flow.bench.random_check import check_all, check_one, lively, measure
from flow.classifier import Images
from flow.cluster import ProcessCluster
from flow.errors import FlowError
from flow.fuzz import GraphSpec, build, draw
from flow.lowering import lower
from flow.tables import Row
from hw.verilator.simulation import Simulation, SimulationResult


def _fails_with_pools(text: str, _runtime: Path | None = None) -> Row:
    kinds = [block.kind for block in GraphSpec.from_json(text).blocks]
    return {"seed": 0, "problem": "2 logits differ" if "maxpool" in kinds else ""}


def test_a_failing_network_is_shrunk_to_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_check, "measure", _fails_with_pools)
    specs = (draw(seed, hardware=True) for seed in range(100))
    spec = next(s for s in specs if "maxpool" in [block.kind for block in s.blocks])
    with pytest.raises(FlowError, match=r"2 logits differ; reproduce it with: (.*)") as caught:
        check_one(spec.to_json())
    command = str(caught.value).split("--spec ")[1]
    (block,) = GraphSpec.from_json(command.strip("'")).blocks
    assert block.kind == "maxpool"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_rtl_of_random_networks_equals_the_integers_at_the_predicted_rate(seed: int) -> None:
    row = measure(draw(seed, hardware=True).to_json())
    assert row["problem"] == ""
    assert row["logits_differ"] == 0
    assert row["words_proven"] > 0
    assert row["cycles_measured"] == pytest.approx(row["cycles_predicted"], rel=0.01)


def test_a_constant_network_is_drawn_again() -> None:
    constant, found = draw(920, hardware=True), lively(920)
    assert len(_logits(constant)) == 1
    assert len(_logits(found)) > 1
    assert found.seed == 920
    assert found == lively(920)


def test_a_network_that_varies_is_kept() -> None:
    assert lively(1) == draw(1, hardware=True)


def test_a_network_that_cannot_be_lowered_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: object) -> None:
        raise AssertionError("no such layer")

    monkeypatch.setattr(random_check, "lower", breaks)
    assert measure(lively(1).to_json())["problem"] == "AssertionError: no such layer"


def _logits(spec: GraphSpec) -> np.ndarray:
    network = lower(build(spec)).network
    noise = np.random.default_rng(0).integers(0, 256, (200, *network.input_shape), dtype=np.uint8)
    return np.unique(network.logits(noise), axis=0)


@pytest.mark.slow
def test_a_layer_with_the_sizes_of_its_defaults_keeps_its_own_choice() -> None:
    """A crop of 2x2 to one pixel was simulated as one that keeps all four."""
    row = measure(draw(920, hardware=True).to_json())
    assert (row["problem"], row["cycles_measured"]) == ("", row["cycles_predicted"])


@pytest.mark.slow
def test_frames_that_come_too_early_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Simulation.run

    def early(simulation: Simulation, images: Images, **rest: Any) -> SimulationResult:  # noqa: ANN401
        found = run(simulation, images, **rest)
        return replace(found, frame_cycles=found.frame_cycles // 2)

    monkeypatch.setattr(Simulation, "run", early)
    problem = str(measure(draw(1, hardware=True).to_json())["problem"])
    assert re.fullmatch(r"[0-9.]+ cycles a frame, \d+ predicted", problem)


def test_an_error_inside_of_a_tool_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: object) -> None:
        raise AssertionError("no such\n mode")

    monkeypatch.setattr(random_check, "to_dataflow", breaks)
    text = draw(0, hardware=True).to_json()
    assert measure(text)["problem"] == "AssertionError: no such mode"


def test_what_the_log_holds_is_not_run_again(tmp_path: Path) -> None:
    rows: list[Row] = [{"seed": seed, "problem": ""} for seed in (4, 5)]
    log = tmp_path / "log"
    log.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert list(check_all((4, 5), ProcessCluster(1), log)) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}\n", "holds no rows of this benchmark"),
        ("3", "cannot be read"),
        ("no", "cannot be read"),
    ],
)
def test_another_log_is_refused(text: str, message: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    with pytest.raises(FlowError, match=rf"log .*: {message}.*; name another file"):
        next(check_all((4,), 1, log))
