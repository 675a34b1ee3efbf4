# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow experiment`."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from flow.cli.base import Command, add_data, shown
from flow.cluster.options import add_cluster, cluster_of

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class ExperimentCommand(Command):
    """Try the claims of a paper."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the experiments' names and how much they train and attack."""
        parser.add_argument(
            "name", metavar="NAME", nargs="?", help="the experiment; without it they are listed"
        )
        parser.add_argument(
            "--dataset",
            choices=("mnist", "cifar10", "digits"),
            default="mnist",
            help="images (default: mnist)",
        )
        add_data(parser)
        add_cluster(parser)
        parser.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            default=Path("build", "experiments"),
            help="results go to DIR/NAME, trainings to DIR/trainings (default: build/experiments)",
        )
        parser.add_argument(
            "--architecture",
            metavar="NAME",
            default="lenet5",
            help="network that is trained (default: lenet5)",
        )
        for option, unit in (
            ("train-images", "training images"),
            ("epochs", "epochs of each training"),
            ("images", "test images that are attacked"),
            ("seed", "the first seed of the trainings"),
        ):
            parser.add_argument(
                f"--{option}", metavar="N", type=int, help=f"{unit} (default: the experiment's)"
            )

    def run(self, options: argparse.Namespace) -> int:
        """Run it; print its rows and its verdicts."""
        from flow.experiments.registry import EXPERIMENTS  # noqa: PLC0415 - imports torch

        if options.name is None:
            for one in EXPERIMENTS:
                print(f"{one.name:14} {one.title}")
            return 0
        from flow.experiments.page import write_findings  # noqa: PLC0415
        from flow.experiments.registry import find  # noqa: PLC0415
        from flow.experiments.study import Study  # noqa: PLC0415
        from flow.storage.workspace import output_folder  # noqa: PLC0415 - keeps --help fast
        from flow.tables import as_table  # noqa: PLC0415 - too
        from flow.zoo.networks import dataset_of  # noqa: PLC0415

        experiment = find(options.name)
        keys = ("train_images", "epochs", "images", "seed")
        given = {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
        scale = replace(experiment.scale, **given)
        dataset = dataset_of(options.dataset, options.data)
        trainings = options.output / "trainings"
        with cluster_of(options) as cluster, output_folder("experiment", trainings):
            study = Study(*(dataset, scale, trainings, options.architecture), cluster)
            findings = experiment.run(study)
        folder = options.output / experiment.name
        write_findings(folder, experiment, study.scale, findings)
        print(as_table(findings.rows))
        for verdict in findings.verdicts:
            print(f"{verdict.outcome}: {verdict.claim} ({verdict.evidence})")
        print(f"experiment: {shown(folder / 'index.html')}")
        return 0


COMMAND = ExperimentCommand(
    name="experiment", help="try a claim of the literature and draw what is found"
)
