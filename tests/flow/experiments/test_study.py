# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from flow.cli import main
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.experiments.base import Curve, Experiment, Findings, Panel, Verdict
from flow.experiments.figures import panels_png, panels_svg
from flow.experiments.page import write_findings
from flow.experiments.registry import EXPERIMENTS, find
from flow.experiments.scale import Scale
from flow.experiments.study import Study, Training
from tests.flow.bar_images import bars_dataset

_SCALE = Scale(train_images=400, epochs=1, images=20)


def _same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.fixture(scope="module")
def bars() -> Dataset:
    return bars_dataset(noise=60, light=120)


@pytest.fixture
def study(bars: Dataset, tmp_path: Path) -> Study:
    return Study(bars, _SCALE, tmp_path / "trainings", "tfc")


def test_a_training_is_not_repeated_and_another_is_another(study: Study) -> None:
    plain = study.train("plain", study.settings(4, 4), Training())
    again = study.train("again", study.settings(4, 4), Training())
    attacked = study.train("pgd", study.settings(4, 4), Training(objective="pgd", epsilon_255=20))
    files = list(study._folder.iterdir())
    assert len(files) == 2
    assert _same(plain.state, again.state)
    assert not _same(plain.state, attacked.state)


def test_the_network_that_is_attacked_is_the_lowered_one(study: Study, bars: Dataset) -> None:
    trained = study.train("plain", study.settings(3, 3), Training(epochs=2))
    with torch.no_grad():
        images = torch.from_numpy(bars.test_images).permute(0, 3, 1, 2) / 255
        expected = trained.network(images).argmax(1).numpy()
    assert np.mean(trained.engine.logits(bars.test_images).argmax(1) == expected) > 0.98
    assert study.clean(trained) > 0.5
    held = study.attack(trained, "pgd", 0, steps=1)
    broken = study.attack(trained, "pgd", 120, steps=5)
    assert held.row.images == 20
    assert broken.row.accuracy < held.row.accuracy


def test_more_bits_or_fewer_keep_the_function_roughly(study: Study) -> None:
    trained = study.train("8 bits", study.settings(8, 8), Training(epochs=2))
    same = study.requantized("the same", trained, study.settings(8, 8))
    fewer = study.requantized("6 bits", trained, study.settings(6, 6))
    assert study.clean(same) == pytest.approx(study.clean(trained), abs=0.05)
    assert study.clean(fewer) == pytest.approx(study.clean(trained), abs=0.1)
    assert same.result is None


def test_training_goes_on_from_a_network(study: Study) -> None:
    first = study.train("first", study.settings(4, 4), Training())
    on = study.train("on", study.settings(4, 4), Training(initial=first, learning_rate=1e-6))
    key = "classifier.weight"
    assert torch.allclose(on.state[key], first.state[key], atol=1e-3)


def test_a_scale_without_images_is_refused(bars: Dataset, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="images 0: give 1 or more"):
        Scale(images=0)
    with pytest.raises(FlowError, match="images: 101 is more than the 100 test images"):
        Study(bars, Scale(images=101), tmp_path)


def test_the_scale_tells_how_many_training_images_there_are(bars: Dataset, tmp_path: Path) -> None:
    assert Study(bars, replace(_SCALE, train_images=10**6), tmp_path).scale.train_images == 600
    assert Study(bars, _SCALE, tmp_path).scale == _SCALE


_FINDINGS = Findings(
    rows=({"bits": 4, "accuracy": 0.5, "note": None}, {"bits": 2, "accuracy": 0.25, "note": "a<b"}),
    panels=(
        Panel(
            title="one",
            x_label="bits",
            y_label="accuracy",
            curves=(
                Curve(label="dq", x=(0, 1), y=(0.5, 0.25), low=(0.4, 0.2), high=(0.6, 0.3)),
                Curve(label="plain", x=(0, 1), y=(0.4, 0.1)),
            ),
            ticks=("four", "two"),
        ),
        Panel(
            title="two",
            x_label="x",
            y_label="seconds",
            curves=(Curve(label="s", x=(1, 2), y=(3, 400)),),
            percent=False,
        ),
        Panel(title="three", x_label="x", y_label="y", curves=()),
    ),
    verdicts=(Verdict(claim="a < b", outcome="refuted", evidence="50% > 25%"),),
)


class _Toy(Experiment):
    name, title, source = "toy", "A toy & more", "Nobody (2026)"

    def run(self, study: Study) -> Findings:  # noqa: ARG002
        return _FINDINGS


def test_findings_become_a_page_a_picture_and_rows(tmp_path: Path) -> None:
    write_findings(tmp_path, _Toy(), _SCALE, _FINDINGS)
    page = (tmp_path / "index.html").read_text()
    assert "A toy &amp; more" in page
    assert "a &lt; b" in page
    assert "refuted" in page
    assert not re.search(r"(src|href)=\"http", page)
    assert json.loads((tmp_path / "rows.json").read_text()) == [dict(r) for r in _FINDINGS.rows]
    assert json.loads((tmp_path / "verdicts.json").read_text())[0]["outcome"] == "refuted"
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "four" in (tmp_path / "figure.svg").read_text()


def test_panels_of_the_same_curves_share_one_legend() -> None:
    one = _FINDINGS.panels[0]
    assert panels_svg((one, one), "a").count(">plain</text>") == 1
    assert panels_svg(_FINDINGS.panels, "a").count(">plain</text>") == 1
    other = replace(one, curves=one.curves[::-1])
    assert panels_svg((one, other), "a").count(">plain</text>") == 2


def test_equal_findings_give_equal_pictures() -> None:
    assert panels_png(_FINDINGS.panels) == panels_png(_FINDINGS.panels)
    assert panels_svg(_FINDINGS.panels, "a") == panels_svg(_FINDINGS.panels, "a")


def test_every_experiment_is_listed_under_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    names = [one.name for one in EXPERIMENTS]
    assert len(set(names)) == len(names)
    assert all(find(name).name == name for name in names)
    assert main(["experiment"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == names


def test_an_unknown_experiment_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["experiment", "matt", "--output", str(tmp_path)]) == 2
    assert "there is no 'matt'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
