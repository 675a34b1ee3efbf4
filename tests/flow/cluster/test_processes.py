# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The map on this machine's processes: order, store, deaths."""

import os
from pathlib import Path

import pytest
from squares import always_dies, breaks, dies_once, squares, times, torch_threads

from flow.cluster import DataFile, ProcessCluster, ResultStore, Work, open_cluster
from flow.errors import FlowError, SettingError

EXPECTED = [(item, item * item) for item in range(12)]


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int, tmp_path: Path) -> None:
    with ProcessCluster(processes) as cluster:
        assert list(cluster.map(squares(tmp_path), range(12), total=12, title="x")) == EXPECTED


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    with ProcessCluster(1, store) as cluster:
        list(cluster.map(squares(tmp_path), range(5, 9), total=4, title="x"))
        assert list(cluster.map(squares(tmp_path), range(12), total=12, title="x")) == EXPECTED
    assert [times(tmp_path, item) for item in range(12)] == [1] * 12


def test_a_stopped_map_goes_on(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    with ProcessCluster(1, store) as cluster:
        some = cluster.map(squares(tmp_path), range(12), total=12, title="x")
        assert [next(some) for _ in range(3)] == EXPECTED[:3]
        some.close()
        assert list(cluster.map(squares(tmp_path), range(12), total=12, title="x")) == EXPECTED
    assert [times(tmp_path, item) for item in range(12)] == [1] * 12


def test_no_item_is_begun_where_whole_says_no(tmp_path: Path) -> None:
    with ProcessCluster(1) as cluster:
        found = cluster.map(
            squares(tmp_path), range(9), total=9, title="x", whole=lambda: not times(tmp_path, 2)
        )
        assert list(found) == EXPECTED[:3]


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    work = Work(name="dies once", version=1, do=dies_once, shared=tmp_path)
    with ProcessCluster(2) as cluster:
        assert list(cluster.map(work, range(12), total=12, title="x")) == EXPECTED


@pytest.mark.parametrize(("floats", "threads"), [(False, None), (True, 1)])
def test_torch_is_loaded_for_floats_alone_and_has_one_thread(
    floats: bool, threads: int | None
) -> None:
    work = Work(name="torch", version=1, do=torch_threads, floats=floats)
    with ProcessCluster(2) as cluster:
        assert set(cluster.map(work, range(3), total=3, title="x")) == {threads}


def test_an_item_that_always_kills_ends_the_map(tmp_path: Path) -> None:
    work = Work(name="dies", version=1, do=always_dies, shared=tmp_path)
    with ProcessCluster(2) as cluster, pytest.raises(FlowError, match="died 3 times in a row"):
        list(cluster.map(work, range(1), total=1, title="x"))


@pytest.mark.parametrize("processes", [1, 2])
def test_the_error_of_an_item_comes_through(processes: int) -> None:
    work = Work(name="breaks", version=1, do=breaks)
    with ProcessCluster(processes) as cluster, pytest.raises(FlowError, match=r"item \d is broken"):
        list(cluster.map(work, range(3), total=3, title="x"))


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "no data file"), ("other", "has other content")]
)
def test_other_data_are_refused(content: str | None, problem: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "data").write_text(content)
    files = (DataFile(path=tmp_path / "data", sha256="0" * 64),)
    work = Work(name="reads", version=1, do=breaks, files=files)
    with ProcessCluster(1) as cluster, pytest.raises(FlowError, match=problem):
        list(cluster.map(work, range(3), total=3, title="x"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("0", "0 processes: is not at least 1"),
        ("local:0", "cluster local:0: 0 is not at least 1"),
        ("elsewhere", r"cluster elsewhere: is no address; give N, local:N, tcp://HOST:PORT"),
        ("missing.yaml", r"cluster missing\.yaml: cannot be read as YAML"),
    ],
)
def test_other_addresses_are_refused(address: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        open_cluster(address)


def test_without_an_address_there_is_a_process_for_each_core() -> None:
    with open_cluster() as cluster:
        assert isinstance(cluster, ProcessCluster)
        assert cluster.processes == len(os.sched_getaffinity(0))
