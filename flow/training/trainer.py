# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One trainer for every network and every objective.

A float phase, then quantization-aware training; early stopping on the robust accuracy of a slice
of the training images, since robust overfitting is real (Rice et al. 2020); resumes bit for bit.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from torch import nn

from brevitas_models.checkpoint import read_state, write_state
from brevitas_models.lipschitz import LipschitzControl
from flow.config import TrainerSettings
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import Objective
from flow.objectives.base import Logits
from flow.progress import banner, saved
from flow.storage.locks import locked
from flow.training.controls import Controls
from flow.training.fabric import deterministic
from flow.training.float import quantization_off
from flow.training.log import EpochReport, ScalarLog, TrainingResult
from flow.training.run import Penalty, Run

__all__ = [
    "EpochReport",
    "Penalty",
    "TrainingResult",
    "quantization_off",
    "train",
]

Report = Callable[[EpochReport], None]


def train(
    network: nn.Module,
    dataset: Dataset,
    objective: Objective,
    settings: TrainerSettings,
    *,
    seed: int = 0,
    penalties: Mapping[str, Penalty] | None = None,
    controls: Mapping[str, LipschitzControl] | None = None,
    freeze: Callable[[Any], Logits] | None = None,
    state_file: Path | None = None,
    log_folder: Path | None = None,
    report: Report | None = None,
) -> TrainingResult:
    """Train the network in place.

    Args:
        network: maps float32[N, C, H, W] in 0..1 to logits float32[N, K]; on the CPU.
        dataset: only its training images are used.
        objective: what is minimised; a stateful one belongs to this training from now on.
        settings: how it is minimised.
        seed: of everything random but the network's first weights.
        penalties: by name, added to the loss as they are.
        controls: by name; their penalties are added too, and after each step of the optimiser
            they change the weights (spectral normalisation, say).
        freeze: makes the network that training attacks, brevitas_models.frozen.freeze, say; the
            network itself when None, in the float phase and where held-out images are measured.
        state_file: replaced after each epoch; where it holds this very training, training goes
            on from it and gives the same bits as an uninterrupted one. Left in place at the end.
            One of another training, or that another process writes, is never overwritten.
        log_folder: of TensorBoard's event files.
        report: called after each epoch.

    Raises:
        FlowError: the loss diverged, too few images are left to train on, there are too few
            devices, or the state file is another training's.
        ModelError: the state file is corrupt or cannot be written.
    """
    with deterministic(settings):
        run = Run(
            *(network, dataset, objective, settings),
            seed=seed,
            penalties=dict(penalties or {}),
            controls=Controls(controls or {}),
            freeze=freeze,
        )
        with _kept(run, state_file):
            log = ScalarLog(log_folder if run.is_first_device and not run.done else None, run.epoch)
            while not run.done:
                finished = run.train_epoch()
                if state_file is not None and run.is_first_device:
                    write_state(state_file, run.state_dict())
                run.wait_for_all()
                log.write(finished)
                if report is not None and run.is_first_device:
                    report(finished)
            log.close()
        return run.finish()


@contextmanager
def _kept(run: Run, state_file: Path | None) -> Iterator[None]:
    """Go on from the file if it is there, keep others from it, say what an interruption leaves."""
    if state_file is None:
        yield
        return
    remedy = "wait for it, or choose another place"
    with locked(state_file, str(state_file), remedy) if run.is_first_device else nullcontext():
        if state_file.exists():
            _resume(run, state_file)
        with saved(lambda: f"{run.progress} of the training are in {state_file}"):
            yield


def _resume(run: Run, state_file: Path) -> None:
    try:
        run.load_state_dict(read_state(state_file))
    except FlowError as error:
        raise FlowError(
            f"{state_file}: {error}, which this one would overwrite; "
            "delete it, or choose another place"
        ) from error
    if run.is_first_device and not run.done:
        banner(f"training: goes on after {run.progress}, from {state_file}")
