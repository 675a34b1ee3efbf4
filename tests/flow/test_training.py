# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from brevitas_models.checkpoint import save_checkpoint
from brevitas_models.errors import ModelError
from brevitas_models.exact import layer_margins
from brevitas_models.frozen import freeze
from brevitas_models.lipschitz import dq_penalty
from brevitas_models.network import QuantConvNet
from flow.data import Dataset, load_dataset
from flow.errors import FlowError
from flow.settings import DataConfig, NetworkConfig, TrainingConfig
from flow.training import (
    EpochReport,
    network_settings,
    one_cycle,
    pgd,
    plain_config,
    train_network,
)

NETWORK = NetworkConfig(channels=(4, 8), strides=(2, 2))
SHORT = TrainingConfig(epochs=4, pgd_steps=2, pgd_step_255=16.0, warmup_epochs=2)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataConfig(train_images=320), None)


def train(
    dataset: Dataset, config: TrainingConfig = SHORT, state: Path | None = None, seed: int = 0
) -> QuantConvNet:
    settings = network_settings(NETWORK, dataset)
    return train_network(dataset, settings, config, seed=seed, state_file=state)


def checkpoint_bytes(network: QuantConvNet, path: Path) -> bytes:
    save_checkpoint(path, network)
    return path.read_bytes()


def accuracy(network: QuantConvNet, dataset: Dataset) -> float:
    images = torch.from_numpy(dataset.test_images).permute(0, 3, 1, 2) / 255
    labels = torch.from_numpy(dataset.test_labels)
    return (network(images).argmax(1) == labels).float().mean().item()


def killed_after(dataset: Dataset, epochs: int, state: Path) -> None:
    """Train and be killed at the end of an epoch."""

    def kill(report: EpochReport) -> None:
        if report.epoch == epochs:
            raise KeyboardInterrupt

    settings = network_settings(NETWORK, dataset)
    with pytest.raises(KeyboardInterrupt):
        train_network(dataset, settings, SHORT, seed=0, state_file=state, report=kill)


def test_two_runs_give_the_same_checkpoint(digits: Dataset, tmp_path: Path) -> None:
    first, second, other = (train(digits, seed=seed) for seed in (0, 0, 1))
    expected = checkpoint_bytes(first, tmp_path / "first.pt")
    assert checkpoint_bytes(second, tmp_path / "second.pt") == expected
    assert checkpoint_bytes(other, tmp_path / "other.pt") != expected


@pytest.mark.parametrize("epochs", [1, 3, 4])
def test_a_killed_run_resumes_to_the_same_bits(
    digits: Dataset, tmp_path: Path, epochs: int
) -> None:
    killed_after(digits, epochs, tmp_path / "state")
    resumed = checkpoint_bytes(train(digits, state=tmp_path / "state"), tmp_path / "resumed.pt")
    assert resumed == checkpoint_bytes(train(digits), tmp_path / "straight.pt")


def test_a_resumed_run_trains_only_the_epochs_that_are_left(
    digits: Dataset, tmp_path: Path
) -> None:
    killed_after(digits, 3, tmp_path / "state")
    seen: list[EpochReport] = []
    train_network(
        digits,
        network_settings(NETWORK, digits),
        SHORT,
        seed=0,
        state_file=tmp_path / "state",
        report=seen.append,
    )
    assert [(report.epoch, report.epochs) for report in seen] == [(4, 4)]


def test_the_state_of_another_training_is_not_resumed(digits: Dataset, tmp_path: Path) -> None:
    killed_after(digits, 3, tmp_path / "state")
    other = train(digits, state=tmp_path / "state", seed=7)
    straight = train(digits, seed=7)
    assert torch.equal(other.classifier.weight, straight.classifier.weight)


def test_a_corrupt_state_file_is_refused(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"not a state")
    with pytest.raises(ModelError, match=r"state: cannot be read \(.*\); delete it"):
        train(digits, state=tmp_path / "state")


@pytest.mark.usefixtures("two_threads")
def test_the_number_of_threads_changes_nothing(digits: Dataset) -> None:
    on_two = train(digits)
    torch.set_num_threads(1)
    assert torch.equal(train(digits).classifier.weight, on_two.classifier.weight)


@pytest.mark.usefixtures("two_threads")
def test_training_leaves_torch_as_it_was(digits: Dataset) -> None:
    before = torch.random.get_rng_state(), torch.get_num_threads()
    train(digits, SHORT.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1] == 2


def test_the_network_learns_and_is_exact() -> None:
    dataset = load_dataset(DataConfig(), None)
    network = train(dataset, plain_config(SHORT).model_copy(update={"learning_rate": 0.01}))
    assert accuracy(network, dataset) > 0.85
    assert all(layer.proven for layer in layer_margins(network))
    assert not network.training


def test_reports_show_the_warm_up_of_epsilon(digits: Dataset) -> None:
    seen: list[EpochReport] = []
    train_network(digits, network_settings(NETWORK, digits), SHORT, seed=0, report=seen.append)
    assert [report.epsilon_255 for report in seen] == [16, 32, 32, 32]
    assert all(0 < report.accuracy < 1 for report in seen)


def test_the_penalty_keeps_layers_closer_to_orthonormal(digits: Dataset) -> None:
    free, held = (
        train(digits, SHORT.model_copy(update={"dq_beta": beta, "learning_rate": 0.02}))
        for beta in (0.0, 0.3)
    )
    assert dq_penalty(held).item() < 0.7 * dq_penalty(free).item()


def test_the_plain_config_has_neither_attack_nor_penalty() -> None:
    plain = plain_config(SHORT)
    assert (plain.epsilon_255, plain.dq_beta) == (0, 0.0)
    assert plain.model_dump(exclude={"epsilon_255", "dq_beta"}) == SHORT.model_dump(
        exclude={"epsilon_255", "dq_beta"}
    )


def attack(network: QuantConvNet, clean: Tensor, labels: Tensor, steps: int) -> Tensor:
    victim, generator = freeze(network), torch.Generator().manual_seed(0)
    return pgd(victim, clean, labels, 20.0, step=5.0, steps=steps, generator=generator)


def test_pgd_stays_in_the_ball_and_beats_its_random_start(digits: Dataset) -> None:
    network = train(digits, plain_config(SHORT).model_copy(update={"learning_rate": 0.02}))
    clean = torch.from_numpy(digits.test_images).permute(0, 3, 1, 2).float()
    labels = torch.from_numpy(digits.test_labels)
    start, found = (attack(network, clean, labels, steps) for steps in (0, 10))
    for images in (start, found):
        assert 19 < (images - clean).abs().max() <= 20 + 1e-4
        assert 0 <= images.min() < images.max() <= 255
    before, noisy, after = (
        F.cross_entropy(network(images / 255), labels).item() for images in (clean, start, found)
    )
    assert after - before > 0.2
    assert after - before > 4 * abs(noisy - before)


@pytest.mark.parametrize(("progress", "rate"), [(0.0, 0.05), (0.15, 1.0), (0.575, 0.5), (1.0, 0.0)])
def test_the_learning_rate_rises_and_falls_once(progress: float, rate: float) -> None:
    assert one_cycle(progress) == pytest.approx(rate, abs=1e-9)


def test_a_training_that_diverges_stops(digits: Dataset) -> None:
    with pytest.raises(FlowError, match=r"the loss is nan in epoch 1; lower training.learning"):
        train(digits, SHORT.model_copy(update={"dq_beta": 3e38}))
