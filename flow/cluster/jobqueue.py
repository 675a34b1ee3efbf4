# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Workers as jobs of a queue (Slurm, PBS, LSF, ...), by dask-jobqueue, from a YAML file.

The file has `queue`, the queue's kind; `jobs`, how many; and `settings`, keyword arguments of the
class of that kind in dask-jobqueue: cores, memory, walltime, queue, account, ...
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import Field

from flow.cluster.base import Cluster
from flow.cluster.store import ResultStore
from flow.config.section import Positive, Section, parse_section
from flow.errors import FlowError, SettingError
from steelflow_names import one_line

if TYPE_CHECKING:
    from dask_jobqueue.core import JobQueueCluster

__all__ = ["JobQueue", "queue_of", "read_queue", "start_jobs"]

_QUEUE_S = 24 * 3600.0  # that jobs may wait in the queue


class JobQueue(Section):
    """The file."""

    queue: Literal["slurm", "pbs", "lsf", "sge", "oar", "moab", "htcondor", "local"]
    jobs: Positive
    settings: dict[str, Any] = Field(default_factory=dict)


def read_queue(path: Path) -> JobQueue:
    """Read the file.

    Raises:
        FlowError: it cannot be read, or has another form.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = one_line(error)
        raise SettingError(f"cluster {path}: cannot be read as YAML ({reason})", "cluster") from (
            error
        )
    return parse_section(JobQueue, found if isinstance(found, dict) else {}, f"cluster {path}")


def queue_of(queue: JobQueue) -> "JobQueueCluster":
    """Return dask-jobqueue's cluster, with a scheduler here and no job yet; one worker a core.

    Raises:
        FlowError: the settings are not those of the queue.
    """
    import dask_jobqueue  # noqa: PLC0415 - takes a second
    from dask_jobqueue.local import LocalCluster  # noqa: PLC0415 - as above

    names = {name.lower(): name for name in dir(dask_jobqueue) if name.endswith("Cluster")}
    kind = LocalCluster
    if queue.queue != "local":
        kind = getattr(dask_jobqueue, names[f"{queue.queue}cluster"])
    given = {"processes": queue.settings.get("cores", 1), **queue.settings}
    try:
        cluster: JobQueueCluster = kind(**given)
    except (TypeError, ValueError) as error:
        raise FlowError(
            f"cluster settings of {queue.queue}: {' '.join(str(error).split())}; "
            "see the manual of dask-jobqueue"
        ) from error
    return cluster


def start_jobs(path: Path, store: ResultStore | None) -> Cluster:
    """Start a scheduler here and submit the jobs."""
    from distributed import Client  # noqa: PLC0415 - as above

    from flow.cluster.dask import DaskCluster  # noqa: PLC0415 - too

    queue = read_queue(path)
    cluster = queue_of(queue)
    cluster.scale(jobs=queue.jobs)
    return DaskCluster(Client(cluster), also_close=cluster.close, store=store, patience_s=_QUEUE_S)
