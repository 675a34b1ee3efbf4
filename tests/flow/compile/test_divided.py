# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Image sets through RTL on a cluster: the logits of a single simulation, kept as they come."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Built

from flow.cluster import ProcessCluster, ResultStore
from flow.compile import simulate_folder
from flow.compile.opening import open_accelerator

pytestmark = pytest.mark.slow


def test_divided_images_give_the_logits_of_one_simulation(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(built.folder.parent / "cache"))
    shape = open_accelerator(built.folder).accelerator.manifest.input.shape
    images = np.random.default_rng(1).integers(0, 256, (70, *shape), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    store = ResultStore(tmp_path / "results")
    alone = simulate_folder(built.folder, tmp_path / "images.npy")
    for processes in (2, 1):  # the second takes everything from the store
        with ProcessCluster(processes, store) as cluster:
            found = simulate_folder(built.folder, tmp_path / "images.npy", cluster=cluster)
        np.testing.assert_array_equal(found.simulated.logits, alone.simulated.logits)
        assert found.agreement == alone.agreement
        assert found.cycles_per_frame == alone.cycles_per_frame
        assert len(store) == 3
