# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One map over chunks and trials: on this machine's cores, a Dask cluster or a job queue.

The names are loaded when they are first used: a command declares its options without torch.
"""

from typing import TYPE_CHECKING

from steelflow_names.lazy import loaded_when_used

if TYPE_CHECKING:
    from flow.cluster.address import open_cluster
    from flow.cluster.base import Cluster
    from flow.cluster.fingerprint import DataFile
    from flow.cluster.processes import ProcessCluster
    from flow.cluster.store import ResultStore
    from flow.cluster.work import Work

__all__ = ["Cluster", "DataFile", "ProcessCluster", "ResultStore", "Work", "open_cluster"]

__getattr__ = loaded_when_used(
    __name__,
    {
        "Cluster": "flow.cluster.base",
        "DataFile": "flow.cluster.fingerprint",
        "ProcessCluster": "flow.cluster.processes",
        "ResultStore": "flow.cluster.store",
        "Work": "flow.cluster.work",
        "open_cluster": "flow.cluster.address",
    },
)
