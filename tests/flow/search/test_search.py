# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A whole search, from proposals to the page; and one whose process was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from short_search import short_config, write_short

from flow.cluster import ProcessCluster, ResultStore
from flow.errors import FlowError
from flow.run.loading import load_config
from flow.search.measured import cell_search
from flow.search.page import command_of, write_outcome
from flow.search.search import Outcome, search
from flow.search.settings import Constraints, load_search

_COMMAND = "import sys; from flow.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("search")
    return search(short_config(folder), ProcessCluster(1), folder)


@pytest.mark.slow
def test_a_small_network_is_measured_and_a_large_one_refused(outcome: Outcome) -> None:
    (finalist,) = outcome.front
    found = finalist.measured
    assert found.logits_differ == 0
    assert 0 <= (found.certified or 0) <= 1
    assert found.worst_case <= 1
    assert found.fps >= 50_000
    assert 0 < found.lut <= 6000
    assert any("more than 6,000" in why or "cannot be reached" in why for _, why in outcome.refused)


@pytest.mark.slow
def test_best_yaml_is_a_run(outcome: Outcome, tmp_path: Path) -> None:
    config = short_config(tmp_path)
    best = write_outcome(tmp_path, config, outcome)
    assert best is not None
    run = load_config(best)
    assert run.network == outcome.front[0].candidate.network
    assert run.compile == outcome.front[0].candidate.compile
    page = (tmp_path / "index.html").read_text()
    assert command_of(tmp_path, config, outcome.front[0]) in page
    assert outcome.front[0].candidate.text() in page
    assert "http" not in page


@pytest.mark.slow
def test_a_killed_search_ends_with_the_same_front(outcome: Outcome, tmp_path: Path) -> None:
    path, folder = write_short(tmp_path), tmp_path / "out"
    arguments = ["search", str(path), "--output", str(folder), "--cluster", "2"]
    process = subprocess.Popen([sys.executable, "-c", _COMMAND, *arguments], start_new_session=True)
    store = folder / "results.sqlite"
    while process.poll() is None and not (store.exists() and len(ResultStore(store)) >= 2):
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(ResultStore(store))
    again = search(load_search(path), ProcessCluster(1), folder)
    assert kept >= 2
    assert again == outcome


def test_few_cells_are_searched_where_that_is_asked_for() -> None:
    (flip,) = cell_search(500)
    assert (flip.name, flip.steps) == ("flip", 500)
    assert cell_search(0) == []


def test_where_nothing_fits_the_reason_is_said(tmp_path: Path) -> None:
    config = short_config(tmp_path).model_copy(update={"constraints": Constraints(lut=10)})
    with pytest.raises(
        FlowError, match=r"search short: none of 2 candidates .*LUT, .*more than 10"
    ):
        search(config, ProcessCluster(1), tmp_path)
