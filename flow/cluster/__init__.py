# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One map over chunks and trials: on this machine's cores, a Dask cluster or a job queue."""

from flow.cluster.address import open_cluster
from flow.cluster.base import Cluster
from flow.cluster.fingerprint import DataFile
from flow.cluster.processes import ProcessCluster
from flow.cluster.store import ResultStore
from flow.cluster.work import Work

__all__ = ["Cluster", "DataFile", "ProcessCluster", "ResultStore", "Work", "open_cluster"]
