# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Train the robust network and, for comparison, the same one without attack and penalty.

A run of the zoo takes a trained network instead.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brevitas_models.checkpoint import load_checkpoint, save_checkpoint
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import layer_margins
from brevitas_models.pretrained import load
from flow.data.datasets import Dataset, data_files, load_dataset
from flow.progress import banner, meter
from flow.report.schema import EpochPoint
from flow.run import results
from flow.run.pipeline import Context, Settings, Step
from flow.storage.records import write_json
from flow.training.configured import Trained, network_settings, plain_config, train_network
from flow.training.trainer import EpochReport
from flow.zoo.defaults import weights_file

__all__ = ["TrainStep"]

# of an epoch, for curves.json; not the seconds, which no two trainings share
_CURVE = ("epoch", "epochs", "phase", "loss", "accuracy", "epsilon_255", "clean", "robust")


class TrainStep(Step):
    """images -> for each network *.pt, curves.json (epochs), margins.json (of the exact form).

    TensorBoard's files are in logs/.
    """

    name = "train"
    version = 2
    tools = ("brevitas", "torch")

    def settings(self, context: Context) -> Settings:
        """Return what the checkpoints depend on."""
        config = context.config
        if config.zoo is not None:
            return {"zoo": config.zoo, "network": config.deployed}
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
        """Train every network; an interrupted training goes on at its last finished epoch."""
        if context.config.zoo is not None:
            trained = {context.config.deployed: Trained(load(context.config.zoo))}
        else:
            dataset = load_dataset(context.config.data, context.data)
            trained = {
                name: _trained(context, dataset, name, scratch) for name in context.config.networks
            }
        for name, found in trained.items():
            save_checkpoint(folder / f"{name}.pt", found.network)
        curves = {
            name: tuple(_point(one) for one in found.history) for name, found in trained.items()
        }
        margins = {name: _checked_margins(name, found.network) for name, found in trained.items()}
        results.Trained(curves=curves).save(folder)
        write_json(folder / "margins.json", margins)
        if (scratch / "logs").is_dir():
            shutil.copytree(scratch / "logs", folder / "logs")


def _trained(context: Context, dataset: Dataset, name: str, scratch: Path) -> Trained:
    """Return one network: loaded if a checkpoint is given, else trained."""
    config = context.config
    settings = network_settings(
        config.network, input_shape=dataset.input_shape, classes=dataset.classes
    )
    given = {str(key): path for key, path in config.training.checkpoints.items()}
    if name in given:
        return Trained(load_checkpoint(Path(given[name]), settings))
    training = plain_config(config.training) if name == config.compared else config.training
    with meter(f"training the {name} network", unit="epochs") as report:
        return train_network(
            *(dataset, settings, training),
            seed=config.seed,
            state_file=scratch / f"{name}.state",
            log_folder=scratch / "logs" / name,
            report=lambda epoch: report(epoch.epoch, epoch.epochs),
        )


def _point(report: EpochReport) -> EpochPoint:
    values = {key: getattr(report, key) for key in _CURVE}
    return EpochPoint(**values, penalties=dict(report.penalties) or None)


def _checked_margins(name: str, network: QuantClassifier) -> list[dict[str, Any]]:
    """Say it when float rounding could decide an activation; verification then relies on data."""
    margins = layer_margins(network)
    for margin in margins:
        if not margin.proven:
            banner(
                f"train: {margin.name} of the {name} network: a threshold is {margin.margin:.2g} "
                f"from an integer and float32 may err by {margin.rounding:.2g} accumulator units; "
                "engines agree on tested images, not provably on all"
            )
    return [asdict(margin) for margin in margins]
