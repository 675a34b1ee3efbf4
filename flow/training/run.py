# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One training, an epoch at a time."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from flow.config import TrainerSettings
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import Batch, Model, Objective
from flow.objectives.base import Logits
from flow.progress import track
from flow.storage.network_state import capture, restore
from flow.training.average import Average
from flow.training.controls import Controls
from flow.training.data import TrainingImages, seeded
from flow.training.fabric import average_buffers, build_optimiser, launch, mean_over_devices
from flow.training.fingerprint import difference, fingerprint
from flow.training.float import learned_scales_anew, quantization_off
from flow.training.held_out import Measured, measure
from flow.training.log import EpochReport, TrainingResult
from flow.training.norms import calibrate
from flow.training.schedule import Phase, epsilon, phase_of
from flow.training.selection import Selection
from flow.training.teacher import Teacher

__all__ = ["Penalty", "Run"]

Penalty = Callable[[nn.Module], Tensor]  # the network -> a scalar that is added to the loss

_BETWEEN = 500_000  # first seed of what objectives draw between epochs
_CHECKED = 50  # steps between two looks at the loss, each of which waits for the device


class Run:
    """One training; an epoch's random numbers depend on seed, epoch and device only.

    Attributes:
        epoch: how many are done.
    """

    def __init__(
        self,
        network: nn.Module,
        dataset: Dataset,
        objective: Objective,
        settings: TrainerSettings,
        *,
        seed: int,
        penalties: dict[str, Penalty],
        controls: Controls,
        freeze: Callable[[Any], Logits] | None,
    ) -> None:
        self.epoch, self._seconds = 0, 0.0
        self._history: list[EpochReport] = []
        self._network, self._objective, self._settings = network, objective, settings
        self._seed = seed
        self._penalties, self._controls = penalties | controls.penalties, controls
        self._selection = Selection()
        self._teacher: Teacher | None = None
        self._fingerprint = fingerprint(
            *(network, dataset, objective, settings),
            seed=seed,
            penalties=penalties,
            controls=controls.describe(),
        )
        self._fabric = launch(settings)
        rank, world = self._fabric.global_rank, self._fabric.world_size
        self._data = TrainingImages(dataset, settings, seed=seed, rank=rank, world=world)
        objective.prepare(network)
        self._arrange(self._memory_format)
        self._inner = build_optimiser(network, settings)
        self._wrapped, self._optimiser = self._fabric.setup(network, self._inner)
        autocast = self._fabric.autocast
        self._plain = Model(network, forward=self._wrapped, autocast=autocast)
        self._frozen = Model(network, forward=self._wrapped, autocast=autocast, freeze=freeze)
        decay = settings.ema_decay
        self._average = None if decay is None else Average(network, decay)

    @property
    def done(self) -> bool:
        """Whether all epochs are trained or patience has ended."""
        patience = self._settings.held_out.patience
        stopped = patience is not None and self._selection.stale >= patience
        return stopped or self.epoch >= self._settings.all_epochs

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        return f"{self.epoch} of {self._settings.all_epochs} epochs"

    @property
    def is_first_device(self) -> bool:
        """Whether this process writes the files."""
        return self._fabric.is_global_zero

    @property
    def _memory_format(self) -> torch.memory_format:
        last = self._settings.channels_last
        return torch.channels_last if last else torch.contiguous_format

    def _arrange(self, memory_format: torch.memory_format) -> None:
        self._network.to(memory_format=memory_format)  # type: ignore[call-overload]

    def wait_for_all(self) -> None:
        """Wait for the processes of the other devices."""
        self._fabric.barrier()

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next epochs depend on."""
        return {
            "fingerprint": self._fingerprint,
            "epoch": self.epoch,
            "seconds": self._seconds,
            "history": [asdict(report) for report in self._history],
            "network": capture(self._network),
            "optimiser": self._inner.state_dict(),
            "precision": self._fabric.strategy.precision.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "objective": self._objective.state_dict(),
            "teacher": None if self._teacher is None else self._teacher.state_dict(),
            "controls": self._controls.state_dict(),
            "selection": self._selection.state_dict(),
        }

    def load_state_dict(self, state: Any) -> None:  # noqa: ANN401 - whatever a file holds
        """Go on from `state`.

        Raises:
            FlowError: it is another training's.
        """
        stored = state.get("fingerprint") if isinstance(state, dict) else None
        if differs := difference(stored, self._fingerprint):
            raise FlowError(f"holds the state of another training ({differs})")
        self.epoch, self._seconds = state["epoch"], state["seconds"]
        self._history = [EpochReport(**report) for report in state["history"]]
        restore(self._network, state["network"])
        self._inner.load_state_dict(state["optimiser"])
        self._fabric.strategy.precision.load_state_dict(state["precision"])
        self._objective.load_state_dict(state["objective"])
        if state.get("teacher") is not None:
            self._teacher = Teacher(self._network, state["teacher"])
        self._controls.load_state_dict(state.get("controls", {}))
        self._selection.load_state_dict(state["selection"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])

    def train_epoch(self) -> EpochReport:
        """Train, let the objective learn, measure the held-out images."""
        started = time.monotonic()
        phase = phase_of(self.epoch, self._settings)
        if self.epoch == phase.first > 0:
            self._start_anew()
        with nullcontext() if phase.quantized else quantization_off(self._network):
            model = self._frozen if phase.quantized else self._plain
            means = self._pass_over_images(model, phase)
            self.epoch += 1
            self._end_epoch(model)
            found = self._measure_when_due(choose=phase.quantized)
        self._seconds += time.monotonic() - started
        self._history.append(self._report(means, phase, found))
        return self._history[-1]

    def _start_anew(self) -> None:
        """Leave the float phase: its moments and averages belong to other gradients."""
        if self._objective.has_teacher:
            with self._averaged():
                self._teacher = Teacher(self._network)
        learned_scales_anew(self._network)
        self._inner.state.clear()
        if self._average is not None:
            self._average.reset()

    def _pass_over_images(self, model: Model, phase: Phase) -> dict[str, float]:
        """Train on every minibatch; return the means of what _update returns."""
        steps, sums = self._data.steps, dict[str, Tensor]()
        self._wrapped.train()
        batches = self._data.minibatches(self.epoch)
        if self.is_first_device:
            batches = track(batches, self._title(), total=steps, unit="minibatches")
        for step, (images, labels, generator) in enumerate(batches):
            done = self.epoch + step / steps
            self._set_rate(phase.rate(done))
            batch = self._batch(images, labels, generator, done)
            for name, value in self._update(model, batch).items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value
            if step % _CHECKED == 0 or step == steps - 1:
                self._check(float(sums["loss"]), phase)
        return {name: float(self._mean(value)) / steps for name, value in sums.items()}

    def _title(self) -> str:
        """Return the text before the progress bar, with the last robust accuracy."""
        title = f"epoch {self.epoch + 1} of {self._settings.all_epochs}"
        measured = [one.robust for one in self._history if one.robust is not None]
        return f"{title}, robust {measured[-1]:.1%} held out" if measured else title

    def _set_rate(self, rate: float) -> None:
        for group in self._inner.param_groups:
            group["lr"] = rate

    def _check(self, loss: float, phase: Phase) -> None:
        if not math.isfinite(loss):
            raise FlowError(
                f"trainer: the loss is {loss} in epoch {self.epoch + 1}; "
                f"lower the learning rate ({phase.learning_rate:g})"
            )

    def _batch(
        self, images: Tensor, labels: Tensor, generator: torch.Generator, done: float
    ) -> Batch:
        images = images.to(self._fabric.device)
        if self._settings.channels_last:
            images = images.to(memory_format=torch.channels_last)
        # else the strides stay: of one channel they are ambiguous, and choose torch's kernels
        full, reached = self._settings.epsilon_255, epsilon(done, self._settings)
        return Batch(
            images=images,
            labels=labels.to(self._fabric.device),
            epsilon_255=reached,
            generator=generator,
            ramp=reached / full if full else 1.0,
            teacher=self._teacher,
        )

    def _update(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """Take one step; return its loss, accuracy and penalties, detached."""
        outcome = self._objective.loss(model, batch)
        penalties = {name: penalty(self._network) for name, penalty in self._penalties.items()}
        loss = sum(penalties.values(), outcome.loss)
        self._inner.zero_grad()
        self._fabric.backward(loss)
        self._optimiser.step()
        self._controls.project(self._network)
        if self._average is not None:
            self._average.update()
        accuracy = outcome.right.float() / len(outcome.attacked)
        found = {name: value.detach() for name, value in penalties.items()}
        return {"loss": loss.detach(), "accuracy": accuracy, **found}

    def _mean(self, tensor: Tensor) -> Tensor:
        return mean_over_devices(self._fabric, tensor)

    def _end_epoch(self, model: Model) -> None:
        """Let all devices have the same network, and the objective learn from it."""
        average_buffers(self._fabric, self._network.buffers())
        if self._average is not None:
            average_buffers(self._fabric, self._average.tensors())
        reached = epsilon(self.epoch, self._settings)
        generator = seeded(self._seed, _BETWEEN + self.epoch)
        self._objective.end_epoch(model, self._data.training, reached, generator)
        if self._fabric.world_size > 1:
            self._objective.load_state_dict(self._fabric.broadcast(self._objective.state_dict()))

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self._average is None else self._average.applied()

    def _measure_when_due(self, *, choose: bool) -> Measured | None:
        held_out, last = self._settings.held_out, self._settings.all_epochs
        if not held_out.images or (self.epoch % held_out.every and self.epoch < last):
            return None
        with self._averaged():
            found = self._measure()
            if choose:
                self._selection.see(found, self.epoch, self._network)
        return found

    def _measure(self) -> Measured:
        held_out, strength = self._settings.held_out, self._settings.epsilon_255
        strength = strength if held_out.epsilon_255 is None else held_out.epsilon_255
        found = measure(self._plain, self._data.held_out, strength, held_out)
        return self._fabric.broadcast(found)

    def _report(self, means: dict[str, float], phase: Phase, found: Measured | None) -> EpochReport:
        return EpochReport(
            epoch=self.epoch,
            epochs=self._settings.all_epochs,
            phase=phase.name,
            loss=means["loss"],
            accuracy=means["accuracy"],
            epsilon_255=epsilon(self.epoch, self._settings),
            learning_rate=phase.rate(self.epoch - 1 / self._data.steps),
            seconds=self._seconds,
            clean=None if found is None else found.clean,
            robust=None if found is None else found.robust,
            penalties={name: means[name] for name in self._penalties},
        )

    def finish(self) -> TrainingResult:
        """Take the best weights, calibrate, and give the network back as it came."""
        if self._selection.network is not None:
            restore(self._network, self._selection.network)
        elif self._average is not None:
            self._average.store()
        if self._settings.calibration_batches:
            calibrate(self._network, self._calibration_passes(), self._mean)
        self._objective.finish(self._network)
        self._network.eval()
        self._arrange(torch.contiguous_format)
        held_out = self._measure() if self._settings.held_out.images else None
        return TrainingResult(
            network=self._network.cpu(),
            history=tuple(self._history),
            best_epoch=self._selection.epoch or self.epoch,
            held_out=held_out,
            stopped_early=self.epoch < self._settings.all_epochs,
            seconds=self._seconds,
        )

    def _calibration_passes(self) -> Iterator[Callable[[], object]]:
        """Yield forward passes of the objective on minibatches that no epoch had."""
        count, epochs = self._settings.calibration_batches, self._settings.all_epochs
        batches = self._data.minibatches(epochs)
        for _, (images, labels, generator) in zip(range(count), batches, strict=False):
            batch = self._batch(images, labels, generator, float(epochs))
            yield partial(self._objective.loss, self._frozen, batch)
