# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bar_images import bars_dataset, same

from brevitas_models.pretrained import build, load
from flow.config import HeldOut, Recipe
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.training.trainer import EpochReport
from flow.zoo import training as zoo_training
from flow.zoo.entries import ENTRIES, entry
from flow.zoo.entry import Start
from flow.zoo.networks import brevitas_logits
from flow.zoo.start import blend
from flow.zoo.training import train_entry

PLAIN = "mnist-tfc-w2a2"
ON_ONE_BIT = next(
    name for name, one in ENTRIES.items() if "-tfc-" in name and one.network.input_bits == 1
)
STANDARD = Recipe(epochs=3, learning_rate=5e-3, batch_size=20, calibration_batches=5, shift=1)
ADVERSARIAL = STANDARD.changed(
    objective="pgd",
    options={"steps": 2},
    epochs=2,
    learning_rate=1e-2,
    epsilon_255=26,
    held_out=HeldOut(images=100, steps=3),
    shift=0,
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return bars_dataset(noise=110, light=145)


def test_training_learns_and_gives_what_is_shipped(dataset: Dataset, tmp_path: Path) -> None:
    found = train_entry(replace(entry(PLAIN), recipe=STANDARD), dataset, tmp_path / "state")
    right = brevitas_logits(found.network, dataset.test_images).argmax(1) == dataset.test_labels
    assert right.mean() > 0.8
    assert (found.seconds > 0, len(found.history)) == (True, 3)
    assert not found.network.training
    assert all(norm.running_mean.abs().max() == 0 for _, norm in found.network.norms())


def test_the_same_recipe_gives_the_same_bits_and_tells_of_each_epoch(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(zoo_training, "banner", lines.append)
    first = train_entry(
        replace(entry(ON_ONE_BIT), recipe=ADVERSARIAL, start=None), dataset, tmp_path / "state"
    )
    again = train_entry(
        replace(entry(ON_ONE_BIT), recipe=ADVERSARIAL, start=None), dataset, tmp_path / "other"
    )
    assert same(first.network, again.network)
    assert len(lines) == 4
    assert f"{ON_ONE_BIT}: epoch 2 of 2 (quantized), loss" in lines[1]
    assert float(lines[1].split("clean, ")[1].split()[0]) > 0.5


def test_a_finished_training_is_not_done_again(dataset: Dataset, tmp_path: Path) -> None:
    first = train_entry(replace(entry(PLAIN), recipe=STANDARD), dataset, tmp_path / "state")
    again = train_entry(replace(entry(PLAIN), recipe=STANDARD), dataset, tmp_path / "state")
    assert same(first.network, again.network)
    assert again.seconds == first.seconds


def test_penalties_and_trained_weights_change_the_result(dataset: Dataset, tmp_path: Path) -> None:
    short = replace(
        entry(ON_ONE_BIT),
        recipe=ADVERSARIAL.changed(epochs=1, learning_rate=1e-3, held_out=HeldOut()),
        start=None,
    )
    entries = [
        short,
        replace(short, recipe=short.recipe.changed(penalties={"dq": 1e-2})),
        replace(short, start=Start(network=PLAIN)),
    ]
    found = [
        train_entry(one, dataset, tmp_path / str(index)).network
        for index, one in enumerate(entries)
    ]
    assert not same(found[0], found[1])
    assert not same(found[0], found[2])


def test_a_penalty_of_another_strength_is_another_training(
    dataset: Dataset, tmp_path: Path
) -> None:
    weak, strong = (
        replace(entry(PLAIN), recipe=STANDARD.changed(epochs=1, penalties={"dq": beta}))
        for beta in (1e-3, 1e-1)
    )
    train_entry(weak, dataset, tmp_path / "state")
    with pytest.raises(FlowError, match=r"state: holds the state of another training \(other pen"):
        train_entry(strong, dataset, tmp_path / "state")


def test_blending_moves_weights_by_the_share() -> None:
    fresh, blended, trained = build(PLAIN), build(PLAIN), load(PLAIN)
    blend(blended, Start(network=PLAIN, share=0.25))
    layers = zip(*(network.weighted_layers() for network in (fresh, blended, trained)), strict=True)
    for (_, one), (_, other), (_, target) in layers:
        expected = 0.75 * one.weight + 0.25 * target.weight
        torch.testing.assert_close(other.weight, expected)


@pytest.mark.parametrize(
    ("epsilon_255", "after"), [(0.0, "accuracy 0.5000; 3 s"), (26.0, "0.5000 attacked; 3 s")]
)
def test_a_report_without_measurement_is_a_line(epsilon_255: float, after: str) -> None:
    report = EpochReport(
        epoch=1, epochs=2, phase="float", loss=1, accuracy=0.5, epsilon_255=epsilon_255,
        learning_rate=0.1, seconds=3,
    )  # fmt: skip
    line = zoo_training.epoch_line(report)
    assert line.startswith("epoch 1 of 2 (float), loss 1.0000, ")
    assert line.endswith(after)


def test_a_diverging_loss_is_named(dataset: Dataset, tmp_path: Path) -> None:
    recipe = STANDARD.model_copy(update={"learning_rate": float("inf")})
    with pytest.raises(FlowError, match=r"the loss is nan in epoch 1; lower the learning rate"):
        train_entry(replace(entry(PLAIN), recipe=recipe), dataset, tmp_path / "state")


def test_the_memory_format_changes_no_more_than_rounding(tmp_path: Path) -> None:
    """One step, so that rounding cannot grow; the network comes back as it is saved."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 32, 32, 3), generator=rng, dtype=torch.uint8).numpy()
    labels = torch.arange(4).numpy()
    dataset = Dataset("cifar10", images, labels, images, labels, classes=10)
    found = []
    for last in (False, True):
        recipe = Recipe(epochs=1, learning_rate=1e-3, batch_size=4, channels_last=last)
        found.append(
            train_entry(
                replace(entry("cifar10-resnet8-w4a4"), recipe=recipe), dataset, tmp_path / str(last)
            )
        )
    plain, other = (one.network for one in found)
    for (_, one), (_, two) in zip(plain.weighted_layers(), other.weighted_layers(), strict=True):
        assert two.weight.is_contiguous()
        assert (one.weight != two.weight).float().mean() < 0.01  # of weights on the grid
