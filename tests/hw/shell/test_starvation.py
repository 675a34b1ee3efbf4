# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An accelerator that memory can feed is neither starved nor blocked by the shell between them."""

from collections.abc import Iterator

import numpy as np
import pytest
from hashing_kernel import Geometry, write_hashing_kernel

from hw.runner.backends.virtual import Memory, VirtualDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.verilator.kernel import build_kernel

pytestmark = pytest.mark.slow

# What is read and written is close to a beat of memory a cycle; the accelerator pauses in a quarter
# of the cycles by itself. As many reads are outstanding as `write_kernel` chooses at this rate.
GEOMETRIES = {
    "reads": Geometry(
        in_bytes=8, frame_beats=98, out_beats=1, lanes=5, value_bits=11, outstanding=32
    ),
    "reads_on_512_bits": Geometry(
        data_bytes=64, in_bytes=49, frame_beats=16, out_beats=1, lanes=10, outstanding=32
    ),
    "writes": Geometry(
        in_bytes=8, frame_beats=1, out_beats=40, lanes=2, value_bits=32, outstanding=32
    ),
}
MEMORIES = (
    Memory(latency_cycles=40, jitter_cycles=160, seed=1),
    Memory(latency_cycles=200, jitter_cycles=0),
    Memory(latency_cycles=120, jitter_cycles=80, seed=2),
)
_FEW, _MANY = 20, 120  # images


@pytest.fixture(scope="module", params=list(GEOMETRIES))
def driver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    """A kernel on the virtual board."""
    kernel = write_hashing_kernel(GEOMETRIES[request.param], tmp_path_factory.mktemp(request.param))
    program = build_kernel(kernel, kernel.folder / "verilator")
    device = VirtualDevice(program, kernel.folder)
    with Driver(device, Description.load(kernel.folder / "kernel.json")) as found:
        yield found


@pytest.mark.parametrize("memory", MEMORIES, ids=str)
def test_only_the_first_beats_are_waited_for(driver: Driver, memory: Memory) -> None:
    assert isinstance(driver.device, VirtualDevice)
    driver.device.set_memory(memory)
    shape = (_MANY, *driver.description.image_shape)
    images = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    few, many = driver.run(images[:_FEW]), driver.run(images)
    first = memory.latency_cycles + memory.jitter_cycles + 20
    assert few.starved <= first
    assert many.starved <= first
    assert many.blocked == 0


def test_a_memory_that_cannot_feed_it_shows(driver: Driver) -> None:
    assert isinstance(driver.device, VirtualDevice)
    memory = Memory(latency_cycles=100, stall=0.8, seed=3)
    driver.device.set_memory(memory)
    images = np.zeros((_FEW, *driver.description.image_shape), np.uint8)
    found = driver.run(images)
    first = memory.latency_cycles + 20  # what the first beats explain
    assert found.starved + found.blocked > 3 * first
