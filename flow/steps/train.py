# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Train the robust network and, for comparison, the same one without attack and penalty.

A run of the zoo takes a trained network instead.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from brevitas_models.checkpoint import load_checkpoint, save_checkpoint
from brevitas_models.exact import LayerMargin, layer_margins
from brevitas_models.network import QuantConvNet
from brevitas_models.pretrained import load
from flow._records import write_json
from flow.data import Dataset, data_files, load_dataset
from flow.pipeline import Context, Settings, Step
from flow.progress import banner, meter
from flow.settings import TrainingConfig
from flow.training import EpochReport, network_settings, plain_config, train_network
from flow.zoo_config import weights_file

__all__ = ["TrainStep"]


class TrainStep(Step):
    """images -> for each network *.pt, curves.json (epochs), margins.json (of the exact form)."""

    name = "train"
    tools = ("brevitas", "torch")

    def settings(self, context: Context) -> Settings:
        """Return what the checkpoints depend on."""
        config = context.config
        if config.zoo is not None:
            return {"zoo": config.zoo}
        return {
            "seed": config.seed,
            "data": config.data,
            "network": config.network,
            "training": config.training,
        }

    def inputs(self, context: Context) -> Sequence[Path]:
        """Return the data files and the checkpoints that are given, or the zoo's weights."""
        if context.config.zoo is not None:
            return [weights_file(context.config.zoo)]
        given = context.config.training.checkpoints.values()
        return [*data_files(context.config.data, context.data), *(Path(path) for path in given)]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Train both networks; an interrupted training goes on at its last finished epoch."""
        if context.config.zoo is not None:
            _take_trained(context.config.zoo, folder)
            return
        dataset = load_dataset(context.config.data, context.data)
        curves, margins = {}, {}
        for name, training in _trainings(context.config.training):
            job = _Job(context, dataset, name, training, scratch)
            network = job.network()
            save_checkpoint(folder / f"{name}.pt", network)
            curves[name] = job.history.epochs
            margins[name] = [asdict(margin) for margin in _checked_margins(name, network)]
        write_json(folder / "curves.json", curves)
        write_json(folder / "margins.json", margins)


def _take_trained(name: str, folder: Path) -> None:
    """Write a trained network's checkpoint, and that it has neither curves nor margins here."""
    save_checkpoint(folder / "robust.pt", load(name))
    for document in ("curves", "margins"):
        write_json(folder / f"{document}.json", {})


def _checked_margins(name: str, network: QuantConvNet) -> list[LayerMargin]:
    """Say it when float rounding could decide an activation; verification then relies on data."""
    margins = layer_margins(network)
    for margin in margins:
        if not margin.proven:
            banner(
                f"train: {margin.name} of the {name} network: a threshold is {margin.margin:.2g} "
                f"from an integer and float32 may err by {margin.rounding:.2g} accumulator units; "
                "engines agree on tested images, not provably on all"
            )
    return margins


def _trainings(config: TrainingConfig) -> Iterator[tuple[str, TrainingConfig]]:
    yield "robust", config
    yield "plain", plain_config(config)


class _Job:
    """One network: loaded if a checkpoint is given, else trained."""

    def __init__(
        self, context: Context, dataset: Dataset, name: str, training: TrainingConfig, scratch: Path
    ) -> None:
        self.config, self.dataset, self.training = context.config, dataset, training
        self.name, self.state_file = name, scratch / f"{name}.state"
        self.history = _History(scratch / f"{name}-curve.json")

    def network(self) -> QuantConvNet:
        settings = network_settings(self.config.network, self.dataset)
        given = {str(key): path for key, path in self.training.checkpoints.items()}
        if self.name in given:
            network = load_checkpoint(Path(given[self.name]), settings)
            assert isinstance(network, QuantConvNet)
            return network
        with meter(f"training the {self.name} network", unit="epochs") as report:

            def finished(epoch: EpochReport) -> None:
                self.history.add(epoch)
                report(epoch.epoch, epoch.epochs)

            return train_network(
                self.dataset,
                settings,
                self.training,
                seed=self.config.seed,
                state_file=self.state_file,
                report=finished,
            )


class _History:
    """The epochs so far, kept beside the training's state so that a resumed run has them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epochs: list[dict[str, float]] = json.loads(path.read_text()) if path.exists() else []

    def add(self, epoch: EpochReport) -> None:
        self.epochs = [e for e in self.epochs if e["epoch"] < epoch.epoch] + [asdict(epoch)]
        write_json(self.path, self.epochs)
