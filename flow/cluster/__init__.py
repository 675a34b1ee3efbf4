# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One map over chunks and trials: on this machine's cores, a Dask cluster or a job queue.

The names are loaded when they are first used: a command declares its options without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flow.cluster.address import open_cluster
    from flow.cluster.base import Cluster
    from flow.cluster.fingerprint import DataFile
    from flow.cluster.processes import ProcessCluster
    from flow.cluster.store import ResultStore
    from flow.cluster.work import Work

__all__ = ["Cluster", "DataFile", "ProcessCluster", "ResultStore", "Work", "open_cluster"]

_MODULES = {
    "Cluster": "base",
    "DataFile": "fingerprint",
    "ProcessCluster": "processes",
    "ResultStore": "store",
    "Work": "work",
    "open_cluster": "address",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what the name stands for
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
