# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random networks: their text, their shrinking, and the RTL that is made of them."""

import pytest

from flow.bench import random_check
from flow.bench.random_check import check_one, measure
from flow.errors import FlowError
from flow.random_networks import NetworkSpec, build, draw, shrunk
from flow.tables import Row


@pytest.mark.parametrize("seed", range(8))
def test_a_network_is_its_text(seed: int) -> None:
    spec = draw(seed)
    assert NetworkSpec.parse(spec.text()) == spec
    assert build(spec).operations[-1].name == build(spec).operations[-1].name


@pytest.mark.parametrize("text", ["", "{}", '{"layers": 3}', '{"layers": [], "colour": 1}'])
def test_a_text_that_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(FlowError, match=r"spec: .*give the line that the benchmark printed"):
        NetworkSpec.parse(text)


@pytest.mark.parametrize("seed", range(4))
def test_shrinking_ends_and_every_step_can_be_built(seed: int) -> None:
    spec, steps = draw(seed), 0
    while simpler := next(shrunk(spec), None):
        build(simpler)
        spec, steps = simpler, steps + 1
    assert 0 < steps < 100
    assert not spec.layers


def test_a_failing_network_is_shrunk_to_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_with_pools(text: str) -> Row:
        kinds = [layer.kind for layer in NetworkSpec.parse(text).layers]
        return {"problem": "2 logits differ" if "maxpool" in kinds else ""}

    monkeypatch.setattr(random_check, "measure", fails_with_pools)
    spec = next(s for s in map(draw, range(100)) if "maxpool" in [la.kind for la in s.layers])
    with pytest.raises(FlowError, match=r"2 logits differ; reproduce it with: (.*)") as caught:
        check_one(spec.text())
    command = str(caught.value).split("--spec ")[1]
    (layer,) = NetworkSpec.parse(command.strip("'")).layers
    assert layer.kind == "maxpool"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 44, 55, 136])
def test_rtl_of_random_networks_equals_the_integers_at_the_predicted_rate(seed: int) -> None:
    row = measure(draw(seed).text())
    assert row["problem"] == ""
    assert row["logits_differ"] == 0
    assert row["cycles_measured"] == pytest.approx(row["cycles_predicted"], rel=0.01)


def test_an_error_inside_of_a_tool_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: object) -> None:
        raise AssertionError("no such\n mode")

    monkeypatch.setattr(random_check, "to_dataflow", breaks)
    assert measure(draw(0).text())["problem"] == "AssertionError: no such mode"
