# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the steps tell each other: files of finished runs are read, damaged ones named."""

import json
from pathlib import Path

import pytest

from flow.errors import FlowError
from flow.report.schema import Comparison, EpochPoint
from flow.run.results import Attacked, Certified, Exported, FloatAccuracy, Trained

EXPORTED = Exported(
    logit_scale={"robust": 0.5},
    accuracy={"robust": FloatAccuracy(brevitas=0.9, qonnx=0.9)},
    brevitas_vs_qonnx={"robust": Comparison(images=10, labels_differ=0)},
)


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    EXPORTED.save(tmp_path)
    assert Exported.load(tmp_path) == EXPORTED


def test_the_comparisons_of_earlier_runs_are_read(tmp_path: Path) -> None:
    found = {"images": 10, "labels_differ": 0, "logits_differ": None}
    earlier = {
        "logit_scale": {"robust": 0.5},
        "accuracy": {"robust": {"brevitas": 0.9, "qonnx": 0.9}},
        "robust": {"brevitas_vs_qonnx": found},
    }
    (tmp_path / "export.json").write_text(json.dumps(earlier))
    assert Exported.load(tmp_path) == EXPORTED


@pytest.mark.parametrize("network", ["robust", "curves"])
def test_curves_are_a_mapping_by_network(network: str, tmp_path: Path) -> None:
    trained = Trained(curves={network: (EpochPoint(epoch=1, loss=2.0, accuracy=0.4),)})
    trained.save(tmp_path)
    assert list(json.loads((tmp_path / "curves.json").read_text())) == [network]
    assert Trained.load(tmp_path) == trained


def test_networks_are_put_together_in_order() -> None:
    one = Attacked(**dict.fromkeys(Attacked.model_fields, ()))
    assert Attacked.of_all([one, one]) == one


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "certify.json").write_text('{"rows": 3}')
    with pytest.raises(FlowError, match=r"certify.json: rows: .*array; delete .* and run again"):
        Certified.load(tmp_path)
