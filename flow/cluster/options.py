# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The options of every command that divides its work."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flow.cluster.base import Cluster

__all__ = ["add_cluster", "cluster_of"]


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Declare --cluster and --results."""
    parser.add_argument(
        "--cluster",
        metavar="WHERE",
        help="workers: N processes of this machine; local:N, the same with a dashboard; "
        "tcp://HOST:PORT or tls://HOST:PORT, a Dask scheduler; FILE.yaml, a job queue "
        "(default: a process for each core)",
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        type=Path,
        help="keep results there (SQLite) as they come, and take those that are there",
    )


def cluster_of(options: argparse.Namespace) -> "Cluster":
    """Return the workers that the options ask for; close them."""
    from flow.cluster.address import open_cluster  # noqa: PLC0415 - imports torch

    return open_cluster(options.cluster, results=options.results)
