# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One network, stitched once a session and folding, with FINN's logits of some images."""

from collections.abc import Mapping
from pathlib import Path

import networks
import numpy as np
import pytest
from forked_network import Forked
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


@pytest.fixture(scope="session")
def forked(work: Path) -> Forked:
    """The network with forks, stitched with logits and with a label as output."""
    graphs, accelerators = [], []
    for label in (False, True):
        folder = work / f"forked_{label}"
        graph, network = networks.forked_rtl(folder, label=label)
        graphs.append(graph)
        accelerators.append(networks.stitched(graph, folder / "accelerator", "forked"))
    images = np.random.default_rng(4).integers(0, 256, (7, 6, 6, 2), dtype=np.uint8)
    return Forked(
        graphs=(graphs[0], graphs[1]),
        accelerators=(accelerators[0], accelerators[1]),
        deep={fifo.name: 64 for fifo in accelerators[1].manifest.fifos},
        images=images,
        logits=network.logits(images),
        network=network,
    )
