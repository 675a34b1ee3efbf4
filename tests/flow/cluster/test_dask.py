# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The map on real schedulers and workers of this machine, some of which are killed."""

import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from random_kills import random_kills
from servers import ROOT, ended, free_port, scheduler, worker
from slurm_queue import running_slurm
from squares import always_dies, process_of, squares, times

from flow.cluster import ResultStore, Work, open_cluster
from flow.cluster.jobqueue import JobQueue, queue_of, read_queue
from flow.errors import FlowError

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
WHO: Work[int, int] = Work(name="who", version=1, do=process_of)
EXPECTED = [(item, item * item) for item in range(60)]


def test_killed_workers_lose_nothing_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    port, store = free_port(), ResultStore(tmp_path / "results")
    servers = [scheduler(tmp_path, port)]
    chance, over = random.Random(1), threading.Event()

    def kill() -> None:
        for _ in range(3):
            while not over.wait(0.3) and len(store) < 10:
                pass
            servers.append(worker(tmp_path, port))
            victim = chance.choice([one for one in servers[1:-1] if one.poll() is None])
            victim.kill()

    with ended(servers), open_cluster(f"tcp://127.0.0.1:{port}") as cluster:
        servers.extend(worker(tmp_path, port) for _ in range(2))
        cluster.store = store
        killer = threading.Thread(target=kill)
        killer.start()
        found = list(cluster.map(squares(tmp_path), range(60), total=60, title="x"))
        over.set()
        killer.join()
    assert found == EXPECTED
    assert len(store) == 60


@pytest.mark.slow
def test_random_kills_of_workers_scheduler_and_client_change_nothing() -> None:
    found = random_kills(6, seed=1)
    assert found.killed.total() == 6
    assert found.rounds >= 1
    assert found.differences == 0


def test_a_scheduler_that_comes_back_gets_what_is_missing(tmp_path: Path) -> None:
    port = free_port()
    servers = [scheduler(tmp_path, port), worker(tmp_path, port)]
    with ended(servers), open_cluster(f"tcp://127.0.0.1:{port}") as cluster:
        results = cluster.map(squares(tmp_path), range(60), total=60, title="x")
        found = [next(results) for _ in range(5)]
        for server in servers:
            server.kill()
            server.wait()
        servers.extend([scheduler(tmp_path, port), worker(tmp_path, port)])
        assert [*found, *results] == EXPECTED


def test_a_worker_of_other_sources_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    for package in ("brevitas_models", "flow", "hw", "steelflow_names"):
        shutil.copytree(
            ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (other / "flow" / "errors.py").write_text((ROOT / "flow/errors.py").read_text() + "# other\n")
    port, paths = free_port(), f"{other}:{Path(__file__).parent}"
    servers = [scheduler(tmp_path, port), worker(tmp_path, port, {"PYTHONPATH": paths})]
    with ended(servers), open_cluster(f"tcp://127.0.0.1:{port}") as cluster:
        cluster._patience_s = 1.0  # type: ignore[attr-defined]
        with pytest.raises(FlowError, match=r"none of 1 workers.*other sources of steelflow"):
            list(cluster.map(squares(tmp_path), range(3), total=3, title="x"))
        servers.append(worker(tmp_path, port))
        cluster._patience_s = 60.0  # type: ignore[attr-defined]
        assert list(cluster.map(squares(tmp_path), range(3), total=3, title="x")) == EXPECTED[:3]


def test_a_map_that_was_left_goes_on_where_it_was(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    with open_cluster("local:2", results=tmp_path / "results") as cluster:
        results = cluster.map(squares(tmp_path), range(60), total=60, title="x")
        assert next(results) == EXPECTED[0]
        results.close()
        kept = len(store)
        assert 1 <= kept < 60
        assert list(cluster.map(squares(tmp_path), range(60), total=60, title="x")) == EXPECTED
    assert sum(times(tmp_path, item) for item in range(60)) <= 60 + 6  # those on their way


def test_items_are_dealt_out_evenly() -> None:
    with open_cluster("local:2") as cluster:
        list(cluster.map(WHO, range(4), total=4, title="x"))  # both are known now
        found = list(cluster.map(WHO, range(6), total=6, title="x"))  # all sent at once
    assert sorted(Counter(found).values()) == [3, 3]


def test_an_item_that_ends_its_workers_ends_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flow.cluster.dask._DEATHS", 2)
    work = Work(name="dies", version=1, do=always_dies, shared=tmp_path)
    with (
        open_cluster("local:1") as cluster,
        pytest.raises(FlowError, match="item 0 of dies was with 2 workers that died"),
    ):
        list(cluster.map(work, range(1), total=1, title="x"))


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flow.cluster.address._CONNECT_S", 1)
    with pytest.raises(FlowError, match=r"cluster tcp://127\.0\.0\.1:9: .* dask scheduler"):
        open_cluster("tcp://127.0.0.1:9")


SLURM = """
queue: slurm
jobs: 3
settings: {cores: 2, memory: 4GB, walltime: "01:00:00", queue: short}
"""


def test_a_job_script_asks_slurm_for_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "slurm.yaml").write_text(SLURM)
    with queue_of(read_queue(tmp_path / "slurm.yaml")) as cluster:
        script = cluster.job_script()
    for line in ("#SBATCH -p short", "#SBATCH --cpus-per-task=2", "#SBATCH -t 01:00:00"):
        assert line in script
    assert "--nworkers 2" in script
    assert "--nthreads 1" in script


LOCAL = "{queue: local, jobs: 1, settings: {memory: 2GB, cores: 1}}"


def test_workers_of_a_queue_compute_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests, root = Path(__file__).parent, Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", f"{tests}:{root}")  # a job's environment is its caller's
    (tmp_path / "queue.yaml").write_text(LOCAL)
    with open_cluster(str(tmp_path / "queue.yaml")) as cluster:
        assert list(cluster.map(squares(tmp_path), range(4), total=4, title="x")) == EXPECTED[:4]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A queue of one node with two processors."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{ROOT}")  # a job has its caller's
    with running_slurm(tmp_path / "slurm", monkeypatch):
        yield


def _jobs() -> list[str]:
    """Return the numbers of the jobs that wait or run."""
    command = ["squeue", "--noheader", "--states=PENDING,RUNNING", "--format=%i"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _job_of(folder: Path, item: int) -> str:
    """Return the job whose worker has computed an item."""
    process = (folder / f"{item}").read_text().split()[0]
    variables = Path("/proc", process, "environ").read_text().split("\0")
    return dict(one.split("=", 1) for one in variables if "=" in one)["SLURM_JOB_ID"]


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_jobs_of_slurm_compute_the_same_when_one_is_cancelled(tmp_path: Path) -> None:
    settings = {"cores": 1, "memory": "1GB", "log_directory": str(tmp_path)}
    file = yaml.safe_dump({"queue": "slurm", "jobs": 2, "settings": settings})
    (tmp_path / "queue.yaml").write_text(file)
    with open_cluster(str(tmp_path / "queue.yaml")) as cluster:
        results = cluster.map(squares(tmp_path), range(60), total=60, title="x")
        found = [next(results)]
        jobs, working = _jobs(), _job_of(tmp_path, 0)
        subprocess.run(["scancel", working], check=True)
        assert [*found, *results] == EXPECTED
        assert _jobs() == [other for other in jobs if other != working]
    while _jobs():  # none is left
        time.sleep(0.2)


def test_settings_that_a_queue_does_not_know_are_refused() -> None:
    queue = JobQueue(queue="slurm", jobs=1, settings={"cores": 1, "memory": "1GB", "nonsense": 1})
    with pytest.raises(FlowError, match=r"cluster settings of slurm: .*nonsense"):
        queue_of(queue)


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text("queue: cron\njobs: 1\n")
    with pytest.raises(FlowError, match=r"cluster .*queue: 'cron' is refused"):
        read_queue(tmp_path / "queue.yaml")
