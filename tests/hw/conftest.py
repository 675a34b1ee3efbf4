# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One network, stitched once a session and folding, with FINN's logits of some images."""

from collections.abc import Mapping
from pathlib import Path

import networks
import numpy as np
import pytest
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from hw.accelerator import Accelerator


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the session."""
    return tmp_path_factory.mktemp("hw")


@pytest.fixture(scope="session")
def build_dir(work: Path) -> Path:
    """Compiled simulations, shared by all tests."""
    return work / "verilator"


@pytest.fixture(scope="session")
def graph(work: Path) -> ModelWrapper:
    """The dataflow graph before folding."""
    return networks.dataflow_graph(work)


@pytest.fixture(scope="session")
def rtl_graphs(graph: ModelWrapper, work: Path) -> Mapping[str, ModelWrapper]:
    """The graph with generated code, by folding."""
    foldings = networks.FOLDINGS.items()
    return {n: networks.folded_rtl(graph, folding, work / n) for n, folding in foldings}


@pytest.fixture(scope="session")
def accelerators(rtl_graphs: Mapping[str, ModelWrapper], work: Path) -> Mapping[str, Accelerator]:
    """The stitched accelerator, by folding."""
    return {n: networks.stitched(g, work / n / "accelerator") for n, g in rtl_graphs.items()}


@pytest.fixture(params=list(networks.FOLDINGS))
def accelerator(
    request: pytest.FixtureRequest, accelerators: Mapping[str, Accelerator]
) -> Accelerator:
    """Each of the accelerators."""
    return accelerators[request.param]


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    """Twelve random images, and the extremes."""
    rng = np.random.default_rng(1)
    shape = (networks.SIZE, networks.SIZE, networks.CHANNELS)
    noise = rng.integers(0, 256, (12, *shape), dtype=np.uint8)
    return np.concatenate(
        [noise, np.zeros((1, *shape), np.uint8), np.full((1, *shape), 255, np.uint8)]
    )


@pytest.fixture(scope="session")
def expected(graph: ModelWrapper, images: NDArray[np.uint8], work: Path) -> NDArray[np.int32]:
    """FINN's logits of the images."""
    return networks.finn_logits(graph, images, work)
