# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What `--cluster` says: where the work is done."""

import logging
import re
from pathlib import Path

from flow.cluster.base import Cluster
from flow.cluster.processes import ProcessCluster
from flow.cluster.store import ResultStore
from flow.errors import FlowError, SettingError
from steelflow_names import one_line

__all__ = ["open_cluster"]

_FORMS = "give N, local:N, tcp://HOST:PORT, tls://HOST:PORT or FILE.yaml"
_CONNECT_S = 30
_QUIET = {  # what servers and workers do beside the work: at Dask's defaults a tenth of a core
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
}


def open_cluster(address: str | None = None, *, results: Path | None = None) -> Cluster:
    """Return the workers that an address stands for.

    Args:
        address: "4" for so many processes of this machine, without a server; "local:4" for as many
            behind a Dask scheduler with its dashboard; "tcp://HOST:PORT" or "tls://HOST:PORT" of a
            Dask scheduler; a .yaml file of a job queue (see flow.cluster.jobqueue). None: a process
            for each core.
        results: a SQLite file that keeps results as they come; None: none are kept.

    Raises:
        FlowError: another form, a scheduler that does not answer, or a file that cannot be used.
    """
    store = None if results is None else ResultStore(results)
    if address is None or address.isdecimal():
        return ProcessCluster(None if address is None else int(address), store)
    if found := re.fullmatch(r"local:(\d+)", address):
        return _local(int(found.group(1)), store)
    if re.match(r"(tcp|tls)://", address):
        return _existing(address, store)
    if address.endswith((".yaml", ".yml")):
        from flow.cluster.jobqueue import start_jobs  # noqa: PLC0415 - imports dask_jobqueue

        return start_jobs(Path(address), store)
    raise SettingError(f"cluster {address}: is no address; {_FORMS}", "cluster")


def _local(workers: int, store: ResultStore | None) -> Cluster:
    import dask  # noqa: PLC0415 - takes a second
    from distributed import Client, LocalCluster  # noqa: PLC0415 - too

    from flow.cluster.dask import DaskCluster  # noqa: PLC0415 - too

    if workers < 1:
        raise SettingError(
            f"cluster local:{workers}: {workers} is not at least 1; give 1 or more", "cluster"
        )
    with dask.config.set(_QUIET):
        servers = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.ERROR,
        )
    return DaskCluster(Client(servers), also_close=servers.close, store=store)


def _existing(address: str, store: ResultStore | None) -> Cluster:
    """Connect; certificates of tls:// are those of Dask's own configuration."""
    from distributed import Client  # noqa: PLC0415 - as above

    from flow.cluster.dask import DaskCluster  # noqa: PLC0415 - too

    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        reason = one_line(error)
        raise FlowError(
            f"cluster {address}: the scheduler does not answer within {_CONNECT_S} s ({reason}); "
            "start it with: dask scheduler"
        ) from error
    return DaskCluster(client, store=store)
