# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench exact`: the integer engines against qonnx and Brevitas, logit by logit."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark, add_data, add_models, check_models
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["EXACT", "MODELS"]

MODELS = tuple(
    f"{data}-{network}"
    for data, network in (
        *(("mnist", f"tfc-{bits}") for bits in ("w1a1", "w1a2", "w2a2")),
        *(("cifar10", f"cnv-{bits}") for bits in ("w1a1", "w2a2", "w4a4")),
    )
)


@dataclass(frozen=True)
class ExactBenchmark(Benchmark):
    """One row a model and rival, then one for each kind of random graph."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the models, the images of each, the random graphs and the cluster."""
        add_models(parser, MODELS, "zoo models", nargs="*")
        parser.add_argument(
            "--images", type=int, metavar="N", help="test images (default: the whole test set)"
        )
        parser.add_argument(
            "--graphs", type=int, metavar="N", default=1000, help="random graphs (default: 1000)"
        )
        add_cluster(parser)
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Compare model by model, then graph by graph."""
        from brevitas_models.pretrained import trained  # noqa: PLC0415 - imports torch
        from flow.bench import exact_check  # noqa: PLC0415 - imports qonnx

        check_models(options.models, trained())
        for option, least in (("images", 1), ("graphs", 0)):
            given = getattr(options, option)
            if given is not None and given < least:
                raise SettingError(f"{option} {given}: give at least {least}", option)
        with cluster_of(options) as cluster:
            for name in options.models:
                yield from exact_check.check_model(name, options.data, options.images, cluster)
            if options.graphs:
                yield from exact_check.check_graphs(options.graphs, cluster)


EXACT = ExactBenchmark(
    name="exact", help="compare every logit of the exact engines with qonnx and with Brevitas"
)
