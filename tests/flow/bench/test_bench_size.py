# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The study of sizes: its networks are what they are called, its stages agree, its options."""

import argparse

import pytest

from flow.bench.size import SIZE
from flow.bench.size_networks import sized_model
from flow.bench.size_stages import STAGES, stage_rows
from flow.errors import SettingError
from flow.integer import Convolution, Dense
from flow.lowering import lower


def test_the_integers_of_a_network_are_qonnx_s() -> None:
    rows = list(stage_rows("resnet8", 32, 100.0, "fold"))
    assert [row["stage"] for row in rows] == list(STAGES[: STAGES.index("fold") + 1])
    figures = {row["stage"]: row["figure"] for row in rows}
    assert figures["qonnx"] == "off by 0 steps"
    assert int(figures["fold"].split(" layers, ")[1].split()[0].replace(",", "")) <= 2_000_000
    assert all(row["peak_mib"] > 50 and row["cpu_s"] >= 0 for row in rows)


def test_mobilenet_has_its_weights_and_products() -> None:
    network = lower(sized_model("mobilenet", 32)).network
    layers = [op for op in network.operations if isinstance(op, Convolution | Dense)]
    assert sum(layer.weights.size for layer in layers) == 4_209_088  # 4.2 million, without biases
    assert len(layers) == 28


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--last", "paint"], "last paint: is no stage; give write, lower"),
        (["--pixels", "64", "16"], "pixels 16: give at least 32"),
        (["--fps", "0"], "fps 0: give more than 0"),
    ],
)
def test_options_are_checked(given: list[str], message: str) -> None:
    parser = argparse.ArgumentParser()
    SIZE.add_options(parser)
    with pytest.raises(SettingError, match=message):
        next(SIZE.rows(parser.parse_args(given)))
