# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from brevitas_models.architectures import build
from brevitas_models.checkpoint import save_checkpoint
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.exact import layer_margins, make_exact
from brevitas_models.frozen import freeze
from brevitas_models.lipschitz import dq_penalty
from flow.config import DataConfig, HeldOut, NetworkConfig, TrainingConfig
from flow.data.datasets import Dataset, load_dataset
from flow.errors import FlowError
from flow.threads import one_thread
from flow.training.configured import (
    network_settings,
    objective_of,
    plain_config,
    train_network,
)
from flow.training.trainer import EpochReport

NETWORK = NetworkConfig(channels=(4, 8), strides=(2, 2))
WIDE = NetworkConfig(channels=(16, 8), strides=(1, 2))  # as torch's kernels tell strides apart
SHORT = TrainingConfig(epochs=4, pgd_steps=2, pgd_step_255=16.0, warmup_epochs=2)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataConfig(train_images=320), None)


def train(
    dataset: Dataset, config: TrainingConfig = SHORT, state: Path | None = None, seed: int = 0
) -> QuantClassifier:
    settings = network_settings(NETWORK, input_shape=dataset.input_shape, classes=dataset.classes)
    network = train_network(dataset, settings, config, seed=seed, state_file=state).network
    assert isinstance(network, QuantClassifier)
    return network


def checkpoint_bytes(network: QuantClassifier, path: Path) -> bytes:
    save_checkpoint(path, network)
    return path.read_bytes()


def accuracy(network: QuantClassifier, dataset: Dataset) -> float:
    images = torch.from_numpy(dataset.test_images).permute(0, 3, 1, 2) / 255
    labels = torch.from_numpy(dataset.test_labels)
    return (network(images).argmax(1) == labels).float().mean().item()


def killed_after(dataset: Dataset, epochs: int, state: Path) -> None:
    """Train and be killed at the end of an epoch."""

    def kill(report: EpochReport) -> None:
        if report.epoch == epochs:
            raise KeyboardInterrupt

    settings = network_settings(NETWORK, input_shape=dataset.input_shape, classes=dataset.classes)
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
        network_settings(NETWORK, input_shape=digits.input_shape, classes=digits.classes),
        SHORT,
        seed=0,
        state_file=tmp_path / "state",
        report=seen.append,
    )
    assert [(report.epoch, report.epochs) for report in seen] == [(4, 4)]


def test_the_state_of_another_training_is_not_resumed(digits: Dataset, tmp_path: Path) -> None:
    killed_after(digits, 3, tmp_path / "state")
    before = (tmp_path / "state").read_bytes()
    with pytest.raises(FlowError, match=r"state: holds the state of another training \(other seed"):
        train(digits, state=tmp_path / "state", seed=7)
    assert (tmp_path / "state").read_bytes() == before


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
    train_network(
        digits,
        network_settings(NETWORK, input_shape=digits.input_shape, classes=digits.classes),
        SHORT,
        seed=0,
        report=seen.append,
    )
    assert [report.epsilon_255 for report in seen] == [16, 32, 32, 32]
    assert all(0 < report.accuracy < 1 for report in seen)


def test_the_penalty_keeps_layers_closer_to_orthonormal(digits: Dataset) -> None:
    free, held = (
        train(digits, SHORT.model_copy(update={"dq_beta": beta, "learning_rate": 0.02}))
        for beta in (0.0, 0.3)
    )
    assert dq_penalty(held).item() < 0.7 * dq_penalty(free).item()


def test_the_plain_config_has_neither_attack_nor_penalty() -> None:
    given = SHORT.model_copy(
        update={
            "penalties": {"parseval": 0.1},
            "options": {"random_start": False},
            "held_out": HeldOut(images=5, epsilon_255=3),
        }
    )
    plain = plain_config(given)
    assert (plain.epsilon_255, plain.strengths, plain.held_out.epsilon_255) == (0, {}, None)
    assert objective_of(plain).name == "standard"
    changed = {"epsilon_255", "dq_beta", "penalties", "objective", "options", "held_out"}
    assert plain.model_dump(exclude=changed) == given.model_dump(exclude=changed)


def reference(dataset: Dataset, config: TrainingConfig, seed: int) -> QuantClassifier:
    """Madry et al. (2018) with DQ's penalty, written out."""
    network = build(
        network_settings(WIDE, input_shape=dataset.input_shape, classes=dataset.classes), seed
    )
    images = torch.from_numpy(dataset.train_images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(dataset.train_labels)
    norms = [p for block in network.blocks() for p in block.norm.parameters()]
    weights = [layer.weight for _, layer in network.weighted_layers()]
    decay = {"params": weights, "weight_decay": config.weight_decay}
    optimiser = torch.optim.AdamW([decay, {"params": norms, "weight_decay": 0.0}])
    steps = len(labels) // config.batch_size
    for epoch in range(config.epochs):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = torch.randperm(len(labels), generator=generator)
        for step in range(steps):
            done = epoch + step / steps
            chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
            epsilon = config.epsilon_255 * min(1.0, done / config.warmup_epochs)
            size = config.pgd_step_255 * epsilon / config.epsilon_255
            clean = images[chosen].float()
            low, high = (clean - epsilon).clamp_(min=0), (clean + epsilon).clamp_(max=255)
            attacked = clean
            if epsilon:
                noise = torch.rand(clean.shape, generator=generator) * 2 - 1
                attacked = torch.clamp(clean + epsilon * noise, low, high)
                victim = freeze(network.eval())
                for _ in range(config.pgd_steps):
                    attacked.requires_grad_()
                    loss = F.cross_entropy(victim(attacked), labels[chosen], reduction="sum")
                    (gradient,) = torch.autograd.grad(loss, attacked)
                    attacked = torch.clamp(attacked.detach() + size * gradient.sign(), low, high)
            progress = done / config.epochs
            rise, fall = (
                0.05 + 0.95 * progress / 0.15,
                0.5 * (1 + math.cos(math.pi * (progress - 0.15) / 0.85)),
            )
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * (rise if progress < 0.15 else fall)
            optimiser.zero_grad()
            loss = F.cross_entropy(network.train()(attacked / 255), labels[chosen])
            (loss + config.dq_beta / 2 * dq_penalty(network)).backward()
            optimiser.step()
    make_exact(network)
    return network


def test_the_bits_are_those_of_the_formulas(digits: Dataset) -> None:
    config = SHORT.model_copy(update={"epsilon_255": 44, "weight_decay": 0.1, "dq_beta": 0.01})
    found = train_network(
        digits,
        network_settings(WIDE, input_shape=digits.input_shape, classes=digits.classes),
        config,
        seed=3,
    ).network
    with one_thread():
        expected = reference(digits, config, 3)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor), name


def test_a_training_that_diverges_stops(digits: Dataset) -> None:
    with pytest.raises(
        FlowError, match=r"the loss is nan in epoch 1; lower the learning rate \(0.002"
    ):
        train(digits, SHORT.model_copy(update={"dq_beta": 3e38}))


LENET = NetworkConfig.model_validate(
    {
        "architecture": "lenet5",
        "width": 0.5,
        "weight_bits": 3,
        "input_bits": 2,
        "pool": "average",
        "bits": {"conv1": {"weight_bits": 8, "activation_bits": 4}},
    }
)


def enlarged(dataset: Dataset) -> Dataset:
    """Digits of 16x16, which LeNet-5 can take."""
    train, test = (
        images.repeat(2, axis=1).repeat(2, axis=2)
        for images in (dataset.train_images, dataset.test_images)
    )
    return replace(dataset, train_images=train, test_images=test)


def test_a_named_architecture_gets_the_images_and_the_bits(digits: Dataset) -> None:
    images = enlarged(digits)
    found = network_settings(LENET, input_shape=images.input_shape, classes=images.classes)
    assert (found.input_shape, found.classes) == ((16, 16, 1), 10)
    assert found.bits.of("conv1").weight_bits == 8
    assert (found.bits.of("fc1").weight_bits, found.bits.of("fc1").activation_bits) == (3, 4)
    assert (found.width, found.input_bits, str(found.pool)) == (0.5, 2, "average")
    assert str(found.quantizers.weights) == "power_of_two"


def test_layers_of_a_plain_chain_get_their_bits(digits: Dataset) -> None:
    bits = {"conv1": {"weight_bits": 2, "activation_bits": 3}}
    network = NetworkConfig.model_validate(
        {**NETWORK.model_dump(include={"channels", "strides"}), "bits": bits}
    )
    found = network_settings(network, input_shape=digits.input_shape, classes=digits.classes).bits
    assert (found.of("conv1").weight_bits, found.of("conv0").weight_bits) == (2, 4)


@pytest.mark.parametrize("penalties", [{"dq": 1e-3}, {"spectral": 1.0}, {"parseval": 1e-3}])
def test_a_named_architecture_learns_with_each_control(
    digits: Dataset, penalties: dict[str, float], tmp_path: Path
) -> None:
    images = enlarged(digits)
    config = TrainingConfig(
        epochs=3,
        learning_rate=0.01,
        epsilon_255=8,
        options={"steps": 2},
        penalties=penalties,
        float_epochs=1,
        ema_decay=0.9 if "dq" in penalties else None,
        calibration_batches=2,
        held_out=HeldOut(images=40, steps=2),
    )
    settings = network_settings(LENET, input_shape=images.input_shape, classes=images.classes)
    trained = train_network(images, settings, config, seed=0, log_folder=tmp_path)
    assert isinstance(trained.network, QuantClassifier)
    assert [one.phase for one in trained.history] == ["float", *["quantized"] * 3]
    assert accuracy(trained.network, images) > 0.4
    assert list(tmp_path.glob("events.*"))
    assert all(norm.running_mean.abs().max() == 0 for _, norm in trained.network.norms())


def test_the_trainer_reads_the_configuration_itself(digits: Dataset) -> None:
    config = TrainingConfig(
        epochs=1,
        objective="trades",
        options={"beta": 3.0, "steps": 1},
        penalties={},
        float_epochs=1,
        held_out=HeldOut(images=9, steps=1),
    )
    trained = train_network(
        digits,
        network_settings(NETWORK, input_shape=digits.input_shape, classes=digits.classes),
        config,
        seed=7,
    )
    assert [one.phase for one in trained.history] == ["float", "quantized"]
    assert trained.history[-1].robust is not None
    assert objective_of(config).name == "trades"


def test_pgd_of_strength_0_is_standard_training() -> None:
    assert objective_of(TrainingConfig(epsilon_255=0)).name == "standard"
    assert objective_of(TrainingConfig(epsilon_255=0.5)).name == "pgd"


def test_pgd_takes_its_own_keys_or_options() -> None:
    found = objective_of(TrainingConfig(epsilon_255=32, pgd_steps=3, pgd_step_255=4.0)).settings
    assert (found.steps, found.relative_step) == (3, 0.125)
    found = objective_of(TrainingConfig(options={"steps": 9, "random_start": False})).settings
    assert (found.steps, found.relative_step, found.random_start) == (9, 0.25, False)
