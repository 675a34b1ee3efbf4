# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The file of a search: what is refused, what candidates are made of, what does not fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from short_search import EXAMPLE, short_config

from flow.config import parse_section
from flow.errors import FlowError, SettingError
from flow.run.loading import parse_config
from flow.search.candidate import layers_of, run_document
from flow.search.cost import Cost, excess
from flow.search.proposals import Proposals
from flow.search.settings import Constraints, Space, load_search
from flow.search.space import suggest, uniform_parameters

DOCUMENT = yaml.safe_load(EXAMPLE.read_text())
_FIRST_READS_THE_IMAGE = {"channels": [8, 16], "strides": [1, 2], "cells": ["residual", "conv"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trails": 3}, r"search .*: unknown key 'trails'; did you mean 'trials'"),
        ({"goals": ["certified"], "final": {}}, "goals has certified, and final.certify_images"),
        (
            {"space": {**DOCUMENT["space"], "parts": ["xc7z021"]}},
            r"search .*: part 'xc7z021': is unknown; did you mean 'xc7z020'",
        ),
        ({"trials": 2}, r"rungs keep \[8, 4\] of 2 trials; keep fewer and fewer"),
        (
            {"space": {**DOCUMENT["space"], "families": [{"chanels": [1]}]}},
            r"space\.families\.0: unknown key 'chanels'",
        ),
        (
            {"space": {**DOCUMENT["space"], "families": [_FIRST_READS_THE_IMAGE]}},
            r"search .*: convnet: the first cell, residual, would read the image",
        ),
    ],
)
def test_other_files_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT | change))
    with pytest.raises(FlowError, match=message):
        load_search(path)


@pytest.mark.parametrize(
    ("text", "message"), [("- 1", "holds no mapping"), ("a: [", "cannot be read")]
)
def test_what_is_no_yaml_mapping_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(text)
    with pytest.raises(FlowError, match=message):
        load_search(path)


class _Last:
    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401
        return choices[-1]


def test_a_candidate_has_its_own_bits_in_each_layer() -> None:
    found = suggest(_Last(), load_search(EXAMPLE))
    assert list(found.network.bits) == ["conv0", "conv1", "conv2", "classifier"]
    assert {one.weight_bits for one in found.network.bits.values()} == {4}
    assert found.training.epsilon_255 == 44
    assert found.compile.part == "xc7z007sclg400-1"
    assert "bits 4/4 4/4 4/4 4/4, 50000 frames/s on xc7z007sclg400-1" in found.text()


def test_a_candidate_is_a_run() -> None:
    config = load_search(EXAMPLE)
    found = suggest(_Last(), config)
    text = yaml.safe_dump(run_document(found, config, "best"))
    run = parse_config(yaml.safe_load(text), "best")
    assert (run.network, run.training, run.compile) == (
        found.network,
        found.training,
        found.compile,
    )


def test_it_is_said_by_how_much_a_candidate_does_not_fit() -> None:
    cost = Cost(lut=15_000, bram36=1.5, dsp=70, fps=900.0)
    limits = Constraints(fps=1000, latency_us=5)
    assert excess(cost, limits, "xc7z007sclg400-1", latency_us=7.5) == (
        "15,000 LUT, 600 more than 14,400; 70 DSP slices, 4 more than 66; "
        "900 frames/s, 100 less than 1,000; latency 7.5 us, more than 5"
    )
    assert excess(cost, Constraints(lut=20_000, dsp=70), "xc7z007sclg400-1") == ""


def test_a_database_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    config = short_config(tmp_path).model_copy(update={"storage": "sqlite:////no/such/folder/x"})
    with pytest.raises(SettingError, match=r"storage sqlite:////no/.*cannot be used \(.*\); give"):
        Proposals(config, tmp_path, lambda _: [])


_CELLS = {
    "families": [{"channels": [8, 16, 16], "strides": [1, 2, 1]}],
    "cells": ["residual", "separable", "conv"],
    "weight_bits": [2, 4],
    "activation_bits": [2, 4],
}


def test_cells_are_placed_one_by_one_and_shortcuts_share_the_bits_of_their_sum() -> None:
    space = parse_section(Space, DOCUMENT["space"] | _CELLS, "space")
    config = load_search(EXAMPLE).model_copy(update={"space": space})
    chosen = {
        **{"0.cell1": "residual", "0.cell2": "separable"},
        **{f"0.conv1.second.{kind}": 2 for kind in ("weight_bits", "activation_bits")},
    }
    candidate = suggest(_Chosen(chosen), config)
    network = candidate.network
    assert network.cells == ("conv", "residual", "separable")
    assert set(network.bits) == set(layers_of(network))
    assert network.bits["conv1.second"].weight_bits == 2
    assert network.bits["conv1.shortcut"].weight_bits == 4
    assert network.bits["conv1.shortcut"].activation_bits == 2
    assert "8-16-16 (conv residual separable)" in candidate.text()
    document = parse_config(run_document(candidate, config, "rebuilt"), "best.yaml")
    assert document.network == network


def test_uniform_bits_come_first_with_one_kind_of_cells() -> None:
    space = parse_section(Space, DOCUMENT["space"] | _CELLS, "space")
    config = load_search(EXAMPLE).model_copy(update={"space": space})
    found = uniform_parameters(config)
    assert [one["0.cell1"] for one in found] == ["residual"] * 2
    assert [one["0.conv2.first.weight_bits"] for one in found] == [2, 4]
    assert suggest(_Chosen(found[0]), config).network.cells == ("conv", "residual", "residual")


class _Chosen:
    """A trial that takes what is given, and else the last choice."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401
        return self._given.get(name, choices[-1])
