# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial quantization-aware training: PGD (Madry et al. 2018) with the DQ penalty."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brevitas_models.checkpoint import read_state, write_state
from brevitas_models.exact import make_exact
from brevitas_models.frozen import FrozenNetwork, freeze
from brevitas_models.lipschitz import dq_penalty
from brevitas_models.network import NetworkSettings, QuantConvNet, build_network
from flow._threads import one_thread
from flow.data import Dataset
from flow.errors import FlowError
from flow.settings import NetworkConfig, TrainingConfig

__all__ = ["EpochReport", "network_settings", "plain_config", "train_network"]

_LR_WARMUP = 0.15  # share of the steps over which the learning rate rises


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch: means over its minibatches, as the network was while it learned."""

    epoch: int  # 1 .. epochs
    epochs: int
    loss: float
    accuracy: float  # on the attacked training images
    epsilon_255: float  # reached at the end of the epoch


Report = Callable[[EpochReport], None]


def network_settings(config: NetworkConfig, dataset: Dataset) -> NetworkSettings:
    """Return the architecture that `config` asks for on the images of `dataset`."""
    return NetworkSettings(
        input_shape=dataset.input_shape, classes=dataset.classes, **config.model_dump()
    )


def plain_config(config: TrainingConfig) -> TrainingConfig:
    """Return the same training without attack and without penalty, for comparison."""
    return config.model_copy(update={"epsilon_255": 0, "dq_beta": 0.0})


def train_network(
    dataset: Dataset,
    settings: NetworkSettings,
    config: TrainingConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    report: Report | None = None,
) -> QuantConvNet:
    """Train and return a network in eval mode, put into exact form (brevitas_models.exact).

    Epsilon grows linearly from 0 over `warmup_epochs`. The attack sees the network in eval mode,
    whose BatchNorm statistics are those that will be deployed; the update runs in train mode.
    It runs on one thread, which for networks of this size is faster than two that wait for each
    other, and makes the result's bits depend on the arguments and the processor alone.

    After each epoch `state_file` is replaced; when it exists and belongs to this training, it is
    resumed and gives the same bits as an uninterrupted run. It is left in place at the end.

    Raises:
        ModelError: the state file is corrupt or cannot be written.
    """
    with one_thread():
        run = _Run(dataset, settings, config, seed)
        if state_file is not None and state_file.exists():
            run.restore(read_state(state_file))
        while run.epoch < config.epochs:
            finished = run.train_epoch()
            if state_file is not None:
                write_state(state_file, run.state())
            if report is not None:
                report(finished)
        make_exact(run.network)
    return run.network


class _Run:
    """One training, an epoch at a time; an epoch's random numbers depend on seed and epoch only."""

    def __init__(
        self, dataset: Dataset, settings: NetworkSettings, config: TrainingConfig, seed: int
    ) -> None:
        self.config, self.seed, self.epoch = config, seed, 0
        self.images = torch.from_numpy(dataset.train_images).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(dataset.train_labels)
        self.network = build_network(settings, seed)
        self.optimiser = torch.optim.AdamW(_groups(self.network, config.weight_decay))
        self.batch = min(config.batch_size, len(self.labels))
        self.steps = len(self.labels) // self.batch
        self.fingerprint = _fingerprint(dataset, settings, config, seed)

    def state(self) -> dict[str, Any]:
        return {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Any) -> None:  # noqa: ANN401 - whatever the file holds
        """Go on from `state`; one of another training is ignored."""
        if not isinstance(state, dict) or state.get("fingerprint") != self.fingerprint:
            return
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]

    def train_epoch(self) -> EpochReport:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.labels), generator=generator)
        losses, correct = 0.0, 0
        for step in range(self.steps):
            chosen = order[step * self.batch : (step + 1) * self.batch]
            done = self.epoch + step / self.steps
            images = self._attacked(chosen, self._epsilon(done), generator)
            loss, hits = self._update(images, self.labels[chosen], done / self.config.epochs)
            if not math.isfinite(loss):
                raise FlowError(
                    f"training: the loss is {loss} in epoch {self.epoch + 1}; "
                    f"lower training.learning_rate ({self.config.learning_rate:g})"
                )
            losses, correct = losses + loss, correct + hits
        self.epoch += 1
        return EpochReport(
            epoch=self.epoch,
            epochs=self.config.epochs,
            loss=losses / self.steps,
            accuracy=correct / (self.steps * self.batch),
            epsilon_255=self._epsilon(self.epoch),
        )

    def _epsilon(self, epochs_done: float) -> float:
        warmup = self.config.warmup_epochs
        return self.config.epsilon_255 * (min(1.0, epochs_done / warmup) if warmup else 1.0)

    def _attacked(self, chosen: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        clean = self.images[chosen].float()
        if epsilon == 0:
            return clean
        step = self.config.pgd_step_255 * epsilon / self.config.epsilon_255
        self.network.eval()
        victim = freeze(self.network)
        labels, steps = self.labels[chosen], self.config.pgd_steps
        return pgd(victim, clean, labels, epsilon, step=step, steps=steps, generator=generator)

    def _update(self, images: Tensor, labels: Tensor, progress: float) -> tuple[float, int]:
        """Take one step on images float[N, C, H, W] in 0..255; return the loss and the hits."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * one_cycle(progress)
        self.network.train()
        self.optimiser.zero_grad()
        logits = self.network(images / 255)
        loss = F.cross_entropy(logits, labels)
        if self.config.dq_beta > 0:
            loss = loss + self.config.dq_beta / 2 * dq_penalty(self.network)
        loss.backward()
        self.optimiser.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())


def pgd(
    victim: FrozenNetwork,
    clean: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    step: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Ascend the cross-entropy within `epsilon` of `clean`, from a random start.

    Images are float[N, C, H, W] in uint8 units 0..255, as are `epsilon` and `step`; they are not
    rounded. This is training's attack; figures are measured by flow.attacks.
    """
    low, high = (clean - epsilon).clamp_(min=0), (clean + epsilon).clamp_(max=255)
    noise = torch.rand(clean.shape, generator=generator).mul_(2).sub_(1)
    images = torch.clamp(clean + epsilon * noise, low, high)
    for _ in range(steps):
        images.requires_grad_()
        loss = F.cross_entropy(victim(images), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, images)
        images = torch.clamp(images.detach() + step * gradient.sign(), low, high)
    return images


def one_cycle(progress: float) -> float:
    """Return the share of the peak learning rate at `progress` 0..1: a linear rise, a cosine."""
    if progress < _LR_WARMUP:
        return 0.05 + 0.95 * progress / _LR_WARMUP
    return 0.5 * (1 + math.cos(math.pi * (progress - _LR_WARMUP) / (1 - _LR_WARMUP)))


def _groups(network: QuantConvNet, weight_decay: float) -> list[dict[str, Any]]:
    """Decay the weights, never the BatchNorms."""
    weights = [layer.weight for layer in network.weighted_layers()]
    norms = [p for block in network.conv_blocks() for p in block.norm.parameters()]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": norms, "weight_decay": 0.0},
    ]


def _fingerprint(
    dataset: Dataset, settings: NetworkSettings, config: TrainingConfig, seed: int
) -> str:
    """Digest all that decides a training's result, but for the machine."""
    options = config.model_dump(exclude={"checkpoints"})
    digest = hashlib.sha256(f"{asdict(settings)} {options} {seed}".encode())
    digest.update(dataset.train_images.tobytes())
    digest.update(dataset.train_labels.tobytes())
    return digest.hexdigest()
