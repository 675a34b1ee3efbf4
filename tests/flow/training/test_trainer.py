# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import BitTable
from brevitas_models.checkpoint import write_state
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.frozen import freeze
from brevitas_models.lipschitz import DefensiveQuantization, LipschitzControl, make_control
from brevitas_models.quantizers import ActivationQuantizer, Quantizers, WeightQuantizer
from brevitas_models.settings import ArchitectureSettings
from flow.config import DataConfig, HeldOut, TrainerSettings
from flow.data.datasets import Dataset, load_dataset
from flow.errors import FlowError
from flow.objectives import build_objective
from flow.storage.network_state import tensors
from flow.training import run as _trainer_run
from flow.training.trainer import (
    EpochReport,
    TrainingResult,
    train,
)

SHORT = TrainerSettings(
    epochs=2,
    learning_rate=0.01,
    epsilon_255=16,
    warmup_epochs=1,
    batch_size=64,
)
FULL = SHORT.changed(
    epochs=3,
    float_epochs=1,
    optimiser="sgd",
    weight_decay=1e-4,
    ema_decay=0.8,
    calibration_batches=2,
    shift=1,
    flip=True,
    held_out=HeldOut(images=60, steps=2, restarts=2),
)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataConfig(train_images=320), None)


class LearnedScales(nn.Module):
    """Scales of activations are statistics for 300 steps, then parameters; see Brevitas."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            qnn.QuantLinear(64, 16, bias=False, weight_bit_width=4),
            nn.BatchNorm1d(16),
            qnn.QuantReLU(bit_width=4),
            qnn.QuantLinear(16, 10, bias=True, weight_bit_width=4),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits


def learned_scales() -> LearnedScales:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LearnedScales()


def fixed_scales() -> QuantClassifier:
    settings = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4, 8), strides=(2, 2))
    return build(settings, seed=1)


def spectral(network: nn.Module) -> LipschitzControl:
    return make_control("spectral", network, (1, 8, 8), 0.5)


def decay(network: nn.Module) -> Tensor:
    return 1e-3 * torch.stack([one.square().sum() for one in network.parameters()]).sum()


def same(first: TrainingResult, second: TrainingResult) -> bool:
    found, expected = tensors(first.network), tensors(second.network)
    histories = [
        [replace(report, seconds=0.0) for report in one.history] for one in (first, second)
    ]
    return (
        found.keys() == expected.keys()
        and all(torch.equal(found[name], expected[name]) for name in found)
        and histories[0] == histories[1]
        and (first.best_epoch, first.held_out) == (second.best_epoch, second.held_out)
    )


def test_a_network_learns_and_is_returned_in_eval_mode(digits: Dataset) -> None:
    settings = SHORT.changed(epochs=8, learning_rate=0.02, batch_size=32)
    network = fixed_scales()
    result = train(network, digits, build_objective("standard"), settings)
    assert result.network is network
    assert not any(module.training for module in network.modules())
    images = torch.from_numpy(digits.test_images).permute(0, 3, 1, 2) / 255
    right = network(images).argmax(1) == torch.from_numpy(digits.test_labels)
    assert right.float().mean() > 0.8
    assert [report.epoch for report in result.history] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert result.history[-1].loss < 0.5 * result.history[0].loss
    assert (result.best_epoch, result.held_out, result.stopped_early) == (8, None, False)


def interrupted(
    digits: Dataset, objective: str, options: dict[str, float], epochs: int, state: Path
) -> TrainingResult:
    """Train, be killed after some epochs, and go on with fresh objects."""

    def kill(report: EpochReport) -> None:
        if report.epoch == epochs:
            raise KeyboardInterrupt

    for report in (kill, None):
        arguments = (learned_scales(), digits, build_objective(objective, options), FULL)
        extra = {"penalties": {"decay": decay}, "state_file": state, "report": report}
        if report is None:
            return train(*arguments, **extra)  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            train(*arguments, **extra)  # type: ignore[arg-type]
    raise AssertionError


@pytest.mark.parametrize(
    ("objective", "options", "interruptions"),
    [
        ("feedback", {"images_per_class": 3}, [1, 2, 4]),
        ("boundary", {"scanned": 64, "steps": 2, "mapping_mu": 7.0}, [3]),
        ("fgsm", {}, [2]),
    ],
)
def test_an_interrupted_training_goes_on_to_the_same_bits(
    digits: Dataset,
    tmp_path: Path,
    objective: str,
    options: dict[str, float],
    interruptions: list[int],
) -> None:
    whole = train(
        learned_scales(),
        digits,
        build_objective(objective, options),
        FULL,
        penalties={"decay": decay},
    )
    for epochs in interruptions:
        state = tmp_path / f"after {epochs}"
        assert same(whole, interrupted(digits, objective, options, epochs, state))


@pytest.mark.parametrize(
    ("weights", "activations"),
    [("learned", "learned"), ("power_of_two", "power_of_two"), ("ternary", "dqa_learned")],
)
def test_networks_of_every_quantizer_go_on_to_the_same_bits(
    tmp_path: Path, weights: str, activations: str
) -> None:
    rng, labels = np.random.default_rng(0), np.arange(40) % 10
    images = rng.integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
    noise = Dataset("noise", images, labels, images, labels, classes=10)
    quantizers = Quantizers(
        weights=WeightQuantizer(weights), activations=ActivationQuantizer(activations)
    )
    architecture = ArchitectureSettings(
        architecture="tfc", bits=BitTable.uniform(2, 2), quantizers=quantizers
    )
    settings = FULL.changed(epochs=1, batch_size=8, held_out=HeldOut(images=16, steps=1))

    def trained(state: Path, report: Callable[[EpochReport], None] | None) -> TrainingResult:
        objective, network = build_objective("fgsm"), build(architecture)
        return train(network, noise, objective, settings, state_file=state, report=report)

    def kill(_: EpochReport) -> None:
        raise KeyboardInterrupt

    whole = trained(tmp_path / "whole", None)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "state", kill)
    assert same(whole, trained(tmp_path / "state", None))


def test_the_seed_decides(digits: Dataset) -> None:
    first, second, other = (
        train(fixed_scales(), digits, build_objective("fgsm"), SHORT, seed=seed)
        for seed in (0, 0, 1)
    )
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.usefixtures("two_threads")
def test_training_leaves_torch_as_it_was(digits: Dataset) -> None:
    before = torch.random.get_rng_state()
    train(fixed_scales(), digits, build_objective("fgsm"), SHORT)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == 2


def test_the_best_epoch_on_the_held_out_images_is_returned(digits: Dataset) -> None:
    settings = SHORT.changed(
        epochs=5,
        learning_rate=0.3,
        epsilon_255=16,  # it goes up and down
        held_out=HeldOut(images=60, steps=2),
    )
    result = train(fixed_scales(), digits, build_objective("fgsm"), settings)
    found = [(report.robust, report.clean) for report in result.history]
    assert found[result.best_epoch - 1] == max(found)
    assert result.held_out is not None
    assert (result.held_out.robust, result.held_out.clean) == max(found)


def test_held_out_images_are_measured_at_times_and_at_the_end(digits: Dataset) -> None:
    held_out = HeldOut(images=20, every=2, steps=1)
    settings = SHORT.changed(epochs=3, held_out=held_out)
    result = train(fixed_scales(), digits, build_objective("standard"), settings)
    assert [report.robust is None for report in result.history] == [True, False, False]


@pytest.mark.parametrize("patience", [1, 2])
def test_patience_ends_a_training_that_does_not_improve(digits: Dataset, patience: int) -> None:
    settings = SHORT.changed(
        epochs=9,
        learning_rate=1e-12,
        held_out=HeldOut(images=60, patience=patience),
    )
    frozen = fixed_scales().eval()
    for block in frozen.blocks():
        block.norm.momentum = 0.0
    result = train(frozen, digits, build_objective("standard"), settings)
    assert (len(result.history), result.best_epoch) == (1 + patience, 1)
    assert result.stopped_early


def test_a_float_network_is_never_the_best(digits: Dataset) -> None:
    seen = []

    def spy(network: nn.Module) -> Tensor:
        seen.append(network.classifier.weight_quant.is_quant_enabled)  # type: ignore[union-attr]
        return torch.zeros(())

    settings = FULL.changed(epochs=1, float_epochs=2)
    result = train(
        fixed_scales(), digits, build_objective("fgsm"), settings, penalties={"spy": spy}
    )
    assert [report.phase for report in result.history] == ["float", "float", "quantized"]
    assert result.best_epoch == 3
    steps = 260 // 64
    assert seen == [False] * 2 * steps + [True] * steps


def test_a_penalty_is_added_and_reported(digits: Dataset) -> None:
    plain, held = (
        train(fixed_scales(), digits, build_objective("standard"), SHORT, penalties=penalties)
        for penalties in (None, {"decay": lambda network: 10 * decay(network)})
    )
    assert decay(held.network) < decay(plain.network)
    report = held.history[0]
    assert 0 < report.penalties["decay"] < report.loss


def test_attacks_may_see_a_frozen_network(digits: Dataset) -> None:
    frozen = []

    def counted(network: QuantClassifier) -> object:
        frozen.append(network.training)
        return freeze(network)

    settings = SHORT.changed(float_epochs=1)
    result = train(
        fixed_scales(),
        digits,
        build_objective("fgsm"),
        settings,
        freeze=counted,  # type: ignore[arg-type]
    )
    assert frozen == [False] * (2 * 5)  # not in the float epoch
    assert result.history[-1].epsilon_255 == 16


def test_bfloat16_learns_too(digits: Dataset) -> None:
    settings = SHORT.changed(epochs=4, learning_rate=0.02, precision="bf16-mixed")
    result = train(fixed_scales(), digits, build_objective("standard"), settings)
    assert result.history[-1].accuracy > 0.6
    assert all(one.dtype == torch.float32 for one in result.network.parameters())


def test_a_diverging_loss_is_named(digits: Dataset) -> None:
    settings = SHORT.changed(epochs=1).model_copy(update={"learning_rate": float("inf")})
    with pytest.raises(FlowError, match=r"the loss is nan in epoch 1; lower the learning rate \("):
        train(fixed_scales(), digits, build_objective("standard"), settings)


def another_training(message: str) -> Any:  # noqa: ANN401 - pytest.raises
    return pytest.raises(FlowError, match=rf"state: holds the state of another training {message}")


def test_the_state_of_another_training_is_never_overwritten(
    digits: Dataset, tmp_path: Path
) -> None:
    state, standard = tmp_path / "state", build_objective("standard")
    train(fixed_scales(), digits, standard, SHORT, state_file=state)
    before = state.read_bytes()
    with another_training(r"\(other seed: seed is 0 there and 7 here\), which this one would"):
        train(fixed_scales(), digits, standard, SHORT, seed=7, state_file=state)
    assert state.read_bytes() == before
    assert list(tmp_path.iterdir()) == [state]


def test_other_images_and_another_version_are_other_trainings(
    digits: Dataset, tmp_path: Path
) -> None:
    state, standard = tmp_path / "state", build_objective("standard")
    train(fixed_scales(), digits, standard, SHORT, state_file=state)
    fewer = replace(digits, train_images=digits.train_images[:-1])
    fewer = replace(fewer, train_labels=digits.train_labels[:-1])
    with another_training(r"\(other training images\)"):
        train(fixed_scales(), fewer, standard, SHORT, state_file=state)
    write_state(state, {"fingerprint": "of a version before"})
    with another_training(r"\(of another version\)"):
        train(fixed_scales(), digits, standard, SHORT, state_file=state)


def test_two_trainings_at_once_keep_off_each_other_s_state(digits: Dataset, tmp_path: Path) -> None:
    state, standard = tmp_path / "state", build_objective("standard")

    def again(_: EpochReport) -> None:
        train(fixed_scales(), digits, standard, SHORT, state_file=state)

    message = rf"state: is in use by process {os.getpid()}; wait for it, or choose another place"
    with pytest.raises(FlowError, match=message):
        train(fixed_scales(), digits, standard, SHORT, state_file=state, report=again)


def test_an_interruption_tells_what_is_saved_and_the_next_run_from_where_it_goes_on(
    digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, standard = tmp_path / "state", build_objective("standard")

    def stop(_: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        train(fixed_scales(), digits, standard, SHORT, state_file=state, report=stop)
    assert stopped.value.__notes__ == [f"1 of 2 epochs of the training are in {state}"]
    train(fixed_scales(), digits, standard, SHORT, state_file=state)
    assert f"training: goes on after 1 of 2 epochs, from {state}\n" in capsys.readouterr().err


def test_a_finished_training_is_not_repeated(digits: Dataset, tmp_path: Path) -> None:
    seen: list[EpochReport] = []
    results = [
        train(
            fixed_scales(),
            digits,
            build_objective("fgsm"),
            SHORT,
            state_file=tmp_path / "state",
            report=seen.append,
        )
        for _ in range(2)
    ]
    assert same(*results)
    assert len(seen) == 2


def test_a_corrupt_state_is_refused(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"not a state")
    with pytest.raises(ModelError, match=r"state: cannot be read \(.*\); delete it"):
        train(
            fixed_scales(),
            digits,
            build_objective("standard"),
            SHORT,
            state_file=tmp_path / "state",
        )


_TWO_DEVICES = """
import os
from pathlib import Path
import numpy as np
from brevitas_models.frozen import freeze
from brevitas_models.lipschitz import DefensiveQuantization, LipschitzControl, make_control
from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from flow.storage.network_state import tensors
from flow.data.datasets import Dataset
from flow.objectives import build_objective
from flow.config import HeldOut, TrainerSettings
from flow.training.trainer import train

rng, labels = np.random.default_rng(0), np.arange(160) % 10
images = rng.integers(0, 256, (160, 8, 8, 1), dtype=np.uint8)
network = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4,), strides=(2,))
settings = TrainerSettings(
    epochs=2, learning_rate=0.01, epsilon_255=16,
    batch_size=20,
    ema_decay=0.8,
    held_out=HeldOut(images=60, steps=1),
    devices=2,
)
objective = build_objective("feedback", {"images_per_class": 3})
dataset = Dataset("noise", images, labels, images, labels, classes=10)
result = train(build(network), dataset, objective, settings)
values = [one.detach().double().sum().item() for one in tensors(result.network).values()]
losses = [(one.loss, one.robust) for one in result.history]
found = repr((sum(values), losses, result.best_epoch, result.held_out))
Path(__file__).with_name(f"{os.getpid()}.found").write_text(found)
"""


@pytest.mark.slow
def test_two_devices_agree_on_everything(tmp_path: Path) -> None:
    """Fabric starts the script a second time, for the second process."""
    (tmp_path / "script.py").write_text(_TWO_DEVICES)
    places = {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env=os.environ | places,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    found = [path.read_text() for path in tmp_path.glob("*.found")]
    assert len(found) == 2, done.stderr
    assert found[0] == found[1]


def test_tensorboard_shows_every_report(digits: Dataset, tmp_path: Path) -> None:
    settings = SHORT.changed(held_out=HeldOut(images=20, steps=1))
    result = train(
        fixed_scales(),
        digits,
        build_objective("fgsm"),
        settings,
        penalties={"decay": decay},
        log_folder=tmp_path / "log",
    )
    events = EventAccumulator(str(tmp_path / "log"))
    events.Reload()
    for index, report in enumerate(result.history):
        scalars = {name: events.Scalars(name)[index] for name in events.Tags()["scalars"]}
        assert {one.step for one in scalars.values()} == {report.epoch}
        found = {name: one.value for name, one in scalars.items()}
        assert found == pytest.approx(report.scalars(), rel=1e-6)
    assert "penalty/decay" in found
    assert "held_out/robust" in found


def test_progress_tells_the_robust_accuracy(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = []

    def listed(items: Iterable[object], title: str, **_: object) -> Iterable[object]:
        titles.append(title)
        return items

    monkeypatch.setattr(_trainer_run, "track", listed)
    settings = SHORT.changed(held_out=HeldOut(images=20, steps=1))
    result = train(fixed_scales(), digits, build_objective("fgsm"), settings)
    robust = result.history[0].robust
    assert titles == ["epoch 1 of 2", f"epoch 2 of 2, robust {robust:.1%} held out"]


def test_reports_are_plain_values(digits: Dataset) -> None:
    result = train(fixed_scales(), digits, build_objective("fgsm"), SHORT)
    first, last = result.history
    assert (first.epsilon_255, first.phase, first.epochs) == (16, "quantized", 2)
    assert 0 < last.learning_rate < first.learning_rate < 0.01
    assert asdict(last)["clean"] is None
    assert 0 < first.seconds < last.seconds == result.seconds


class Shrinking(LipschitzControl):
    """Keeps the largest weight of the first layer at its limit; counts the steps."""

    def __init__(self, limit: float) -> None:
        self.limit, self.steps = limit, 0

    def project(self, model: nn.Module) -> None:
        self.steps += 1
        with torch.no_grad():
            next(model.parameters()).clamp_(-self.limit, self.limit)

    def state_dict(self) -> dict[str, int]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self.steps = state["steps"]


def test_a_control_projects_after_every_step(digits: Dataset) -> None:
    control, network = Shrinking(0.01), fixed_scales()
    result = train(network, digits, build_objective("fgsm"), SHORT, controls={"cut": control})
    assert control.steps == 2 * (320 // 64)
    assert next(network.parameters()).abs().max() <= 0.01
    assert result.history[0].penalties == {}


def test_a_controls_penalty_is_added_and_reported(digits: Dataset) -> None:
    control = DefensiveQuantization(0.1)
    networks = [fixed_scales(), fixed_scales()]
    same_term = {"dq": control.penalty}
    by_control = train(
        networks[0], digits, build_objective("fgsm"), SHORT, controls={"dq": control}
    )
    by_penalty = train(networks[1], digits, build_objective("fgsm"), SHORT, penalties=same_term)
    assert same(by_control, by_penalty)
    assert by_control.history[0].penalties["dq"] > 0


@pytest.mark.parametrize("make", [lambda _: Shrinking(0.05), spectral], ids=["own", "spectral"])
def test_controls_go_on_to_the_same_bits(
    make: Callable[[nn.Module], LipschitzControl], digits: Dataset, tmp_path: Path
) -> None:
    def trained(state: Path, report: Callable[[EpochReport], None] | None) -> TrainingResult:
        network = fixed_scales()
        objective, controls = build_objective("fgsm"), {"it": make(network)}
        return train(
            *(network, digits, objective, SHORT),
            controls=controls,
            state_file=state,
            report=report,
        )

    def kill(_: EpochReport) -> None:
        raise KeyboardInterrupt

    whole = trained(tmp_path / "whole", None)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "state", kill)
    assert same(whole, trained(tmp_path / "state", None))


def test_another_strength_is_another_training(digits: Dataset, tmp_path: Path) -> None:
    def trained(beta: float) -> None:
        train(
            *(fixed_scales(), digits, build_objective("standard"), SHORT),
            controls={"dq": DefensiveQuantization(beta)},
            state_file=tmp_path / "state",
        )

    trained(0.0)
    with another_training(r"\(other penalties: .*'beta': 0\.0.* there and .*'beta': 0\.5"):
        trained(0.5)
