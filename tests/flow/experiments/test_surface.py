# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest

from flow.experiments._planes import loss_plane
from flow.experiments.dqa import dqa_network
from flow.experiments.figures import panels_png
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study, Trained
from flow.experiments.surface import Surface, rises
from tests.flow.bar_images import bars_dataset


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("trainings")
    scale = Scale(train_images=400, epochs=2, images=20)
    return Study(bars_dataset(noise=60, light=120), scale, folder, "tfc")


@pytest.fixture(scope="module")
def trained(study: Study) -> Trained:
    return dqa_network(study, "standard", "relu", 8, 51)


def test_the_middle_of_the_plane_is_the_image(study: Study, trained: Trained) -> None:
    images, labels = study.shown()
    plane = loss_plane(trained, images, labels, (-30, 0, 30), (0, 15), seed=0)
    logits = trained.engine.logits(images).astype(np.float64) * trained.integer.scale
    own = logits[np.arange(20), labels]
    logits[np.arange(20), labels] = -np.inf
    assert plane.loss.shape == (3, 2, 20)
    np.testing.assert_allclose(plane.at(0, 0), logits.max(1) - own)
    assert plane.at(-30, 0).mean() < plane.at(0, 0).mean() < plane.at(30, 0).mean()


def test_planes_are_the_same_for_the_same_seed(study: Study, trained: Trained) -> None:
    images, labels = study.shown()
    one, same, other = (
        loss_plane(trained, images, labels, (0,), (0, 40), seed=seed).loss for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(one[:, 0], other[:, 0])
    assert (one != other).any()


def test_every_network_is_measured_and_drawn(study: Study) -> None:
    surface = Surface(networks=(("standard", "relu", 8),), steps=2)
    found = surface.run(study)
    assert len(found.rows) == 5 * 3
    assert [curve.x for curve in found.panels[0].curves] == [(-51.0, -26.0, 0.0, 26.0, 51.0)] * 3
    assert found.verdicts[0].outcome == "reproduced"
    assert panels_png(found.panels).startswith(b"\x89PNG")


def test_a_rise_counts_outside_of_noise_only() -> None:
    assert rises([2.0, 3.0, 4.0], [0.0, 0.5, 1.0])[0] == "reproduced"
    assert rises([0.0, 0.5, 1.0], [2.0, 3.0, 4.0])[0] == "refuted"
    assert rises([2.0], [0.0])[0] == "undecided"
    assert rises([1.0, 0.0], [0.0, 1.0]) == ("undecided", "+0.00 [-1.96, +1.96] higher")


def test_the_experiment_is_registered() -> None:
    assert find("surface").name == "surface"
