# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow zoo evaluate`."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command
from flow.cli.json_file import check_json, write_json
from flow.cli.zoo.options import add_measured, add_name, chosen_folder
from flow.cluster.options import add_cluster, cluster_of

__all__ = ["ACTION"]


@dataclass(frozen=True)
class EvaluateCommand(Command):
    """Measure a network and print it beside its card."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the attacks' budget, the folders and what is written."""
        add_name(parser)
        parser.add_argument(
            "--images",
            type=int,
            metavar="N",
            help="test images attacked, the first N (default: the card's, else 1000)",
        )
        parser.add_argument(
            "--epsilon",
            type=int,
            metavar="E",
            help="radius of the ball in uint8 units (default: the card's; if none, no attack)",
        )
        parser.add_argument(
            "--seed", type=int, default=0, metavar="S", help="of the attacks (default: 0)"
        )
        add_measured(parser)
        add_cluster(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Measure, print, write."""
        check_json(options.json)
        from brevitas_models.pretrained import card, save_card  # noqa: PLC0415 - imports torch
        from flow.zoo.evaluation import measure  # noqa: PLC0415 - imports torch
        from flow.zoo.tables import evaluation_record, evaluation_table  # noqa: PLC0415 - too

        folder = chosen_folder(options)
        found = card(options.name, folder)
        with cluster_of(options) as cluster:
            measured = measure(
                options.name,
                options.data,
                folder=folder,
                epsilon_255=options.epsilon,
                images=options.images,
                seed=options.seed,
                cluster=cluster,
            )
        print(evaluation_table(found, measured))
        write_json(options.json, evaluation_record(found, measured))
        if options.write:
            save_card(measured.on_card(found), folder)
        return 0


ACTION = EvaluateCommand(
    name="evaluate",
    help="measure a network's accuracy, its worst case over the attacks and its Lipschitz bound",
)
