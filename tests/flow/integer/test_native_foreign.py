# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The native engine on 64-bit and 32-bit ARM, cross-compiled and under qemu.

What every kernel finds there is compared with the integer network's plain loops here.
"""

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from ctypes import c_int64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.fuzz import random_network
from flow.integer import (
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    Threshold,
)
from flow.integer.native import Kernels
from flow.integer.native._bind import Bound
from flow.integer.native.engine import plan_for
from flow.integer.native.traced import Back

_HERE, _FLOW = Path(__file__).parent, Path(__file__).parents[3] / "flow"
_SOURCES = sorted((_FLOW / "integer" / "native" / "src").glob("*.cpp"))
_OTHERS = [
    *sorted((_FLOW / "integer" / "incremental" / "src").glob("*.cpp")),
    *sorted((_FLOW / "bench" / "held" / "src").glob("*.cpp")),
]
_FLAGS = ["-std=c++20", "-O2", "-ffp-contract=off", "-fwrapv", "-fno-strict-aliasing"]
_FLAGS += ["-pthread", "-Wno-psabi", "-Wall", "-Wextra", "-Werror"]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A processor, its compiler and what runs its programs here."""

    compiler: str
    emulator: tuple[str, ...]
    isas: tuple[str, ...]


MACHINES = {
    "aarch64": Machine(
        compiler="aarch64-linux-gnu-g++",
        emulator=("qemu-aarch64", "-cpu", "max"),
        isas=("portable", "neon", "neon_dot"),
    ),
    "armv7": Machine(
        compiler="arm-linux-gnueabihf-g++",
        emulator=("qemu-arm", "-cpu", "cortex-a9"),
        isas=("portable", "neon"),
    ),
}


@pytest.fixture(scope="module", params=list(MACHINES))
def machine(request: pytest.FixtureRequest) -> Machine:
    found = MACHINES[request.param]
    for tool in (found.compiler, found.emulator[0]):
        if shutil.which(tool) is None:
            pytest.skip(
                f"{tool} is missing: apt-get install g++-aarch64-linux-gnu "
                "g++-arm-linux-gnueabihf qemu-user"
            )
    return found


@pytest.fixture(scope="module")
def program(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foreign") / "run_plans"
    sources = [str(source) for source in [*_SOURCES, _HERE / "foreign" / "run_plans.cpp"]]
    include = ["-I", str(_SOURCES[0].parent)]
    subprocess.run(
        [machine.compiler, *_FLAGS, *include, "-static", *sources, "-o", str(path)], check=True
    )
    return path


def _number(value: int) -> bytes:
    return int(value).to_bytes(8, "little", signed=True)


def _array(values: bytes) -> bytes:
    return _number(len(values)) + values


def _field(bound: Bound | Back, structure: ctypes.Structure, name: str, kind: Any) -> bytes:  # noqa: ANN401
    value = getattr(structure, name)
    if kind is c_int64:
        return _number(value)
    address = value if isinstance(value, int) else ctypes.cast(value, ctypes.c_void_p).value
    if not address:
        return _number(0)
    for held in bound.held:
        begin = held.ctypes.data if isinstance(held, np.ndarray) else ctypes.addressof(held)
        size = held.nbytes if isinstance(held, np.ndarray) else ctypes.sizeof(held)
        if begin <= address < begin + size:
            return _array(ctypes.string_at(address, begin + size - address))
    raise AssertionError(name)


def _structure(
    bound: Bound | Back, structure: ctypes.Structure, without: tuple[str, ...] = ()
) -> bytes:
    fields = [(name, kind) for name, kind in structure._fields_ if name not in without]
    return b"".join(_field(bound, structure, name, kind) for name, kind in fields)


def _case(network: IntegerNetwork, images: np.ndarray, isa: str, kernels: Kernels | None) -> bytes:
    return _forward(plan_for(network, isa, kernels), network, images) + _number(0)


def _case_of_gradients(network: IntegerNetwork, images: np.ndarray, isa: str) -> bytes:
    """Gradients of this processor, whose bits are expected there."""
    twin = network.twin()
    plan = twin.traced_plan(isa)
    assert twin.engine is not None
    assert plan is not None
    given = np.random.default_rng(0).normal(size=(len(images), network.classes))
    logits = given.astype(np.float32)
    expected = twin.engine.pull(twin.engine.logits(images, 1)[1], logits, 1)
    arrays = map(_array, (logits.tobytes(), expected.tobytes()))
    return b"".join([_forward(plan.there, network, images), _back(plan.back), *arrays])


def _back(back: Back) -> bytes:
    plan = back.plan
    parts = [_structure(back, plan, ("fields", "ops", "phases"))]
    parts += [_structure(back, plan.fields[i]) for i in range(plan.field_count)]
    parts += [_structure(back, plan.ops[i]) for i in range(plan.op_count)]
    parts += [_structure(back, plan.phases[i]) for i in range(plan.phase_count)]
    return b"".join(parts)


def _forward(bound: Bound, network: IntegerNetwork, images: np.ndarray) -> bytes:
    plan = bound.plan
    parts = [_structure(bound, plan, ("tensors", "ops"))]
    parts += [_structure(bound, plan.tensors[i]) for i in range(plan.tensor_count)]
    parts += [_structure(bound, plan.ops[i]) for i in range(plan.op_count)]
    logits = network.logits(images).astype("<i4")
    return b"".join(
        [*parts, _number(len(images)), *map(_array, (images.tobytes(), logits.tobytes()))]
    )


def _images(network: IntegerNetwork, seed: int, count: int = 3) -> np.ndarray:
    shape = (count, *network.input_shape)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _few_bits(seed: int, values: list[int], levels: int, channels: int) -> IntegerNetwork:
    rng = np.random.default_rng(seed)
    thresholds = [np.sort(rng.integers(-40, 40, (n, levels)), axis=1) for n in (channels, 40)]
    operations: tuple[Operation, ...] = (
        Convolution(name="c0", weights=rng.integers(-3, 4, (3, 3, 2, channels))),
        Threshold(name="t0", thresholds=thresholds[0], offset=0, step=1),
        MaxPool(name="p", kernel=(2, 2), stride=(1, 1)),
        Convolution(name="c1", weights=rng.choice(values, (3, 3, channels, 40)), padding=(1,) * 4),
        Threshold(name="t1", thresholds=thresholds[1], offset=-1, step=2),
        Flatten(name="f"),
        Dense(name="d", weights=rng.choice(values, (5 * 6 * 40, 5))),
    )
    return IntegerNetwork(operations, (8, 9, 2), 1.0)


def _extreme(weight: int, size: int) -> IntegerNetwork:
    weights = np.full((size, 3), weight)
    weights[:, 1] = np.resize([127, -128], size)
    return IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (1, size, 1), 1.0)


def _extreme_bits(weight: int, size: int) -> IntegerNetwork:
    weights = np.full((size, 3), weight)
    weights[:, 1] = np.resize([1, -1], size)
    levels = np.array([[1]])
    operations = (
        Threshold(name="t", thresholds=levels, offset=0, step=1),
        Flatten(name="f"),
        Dense(name="d", weights=weights),
    )
    return IntegerNetwork(operations, (1, size, 1), 1.0)


def _ends(network: IntegerNetwork) -> np.ndarray:
    """Return all pixels 0, all 255, and both in turn."""
    images = np.resize(np.array([0, 255, 255], np.uint8), (3, *network.input_shape))
    images[0], images[1] = 0, 255
    return images


def _cases(isa: str) -> Iterator[bytes]:
    """Every kernel: random graphs, few bits with every choice, sums at their bounds."""
    for seed in range(25):
        network = random_network(seed)
        yield _case(network, _images(network, seed), isa, None)
    for seed, (values, levels) in enumerate([([-1, 1], 1), ([-1, 0, 1], 3), ([-7, 2, 5], 15)]):
        for channels in (3, 37):
            network = _few_bits(seed, values, levels, channels)
            for planes, tables, shorts in ((0, False, True), (2, False, False), (1, True, True)):
                kernels = Kernels(planes=planes, tables=tables, shorts=shorts)
                yield _case(network, _images(network, seed), isa, kernels)
            yield _case_of_gradients(network, _images(network, seed), isa)
    for weight in (-128, 127, 1):
        for size in (1, 257, 4000):
            network = _extreme(weight, size)
            yield _case(network, _ends(network), isa, None)
    for weight in (-1, 1):
        network = _extreme_bits(weight, 32 * 70)
        for tables in (False, True):
            kernels = Kernels(planes=1, tables=tables)
            yield _case(network, _ends(network), isa, kernels)


@pytest.mark.parametrize("isa", ["portable", "neon", "neon_dot"])
@pytest.mark.parametrize("threads", [1, 4])
def test_every_kernel_gives_the_logits_of_plain_loops(
    machine: Machine, program: Path, tmp_path: Path, isa: str, threads: int
) -> None:
    if isa not in machine.isas:
        pytest.skip(f"{machine.compiler}: {isa} is of 64-bit processors")
    cases = list(_cases(isa))
    (tmp_path / "plans").write_bytes(b"".join(cases))
    command = [*machine.emulator, str(program), str(tmp_path / "plans"), isa, str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0"] * len(cases)


@pytest.mark.parametrize("source", _OTHERS, ids=lambda path: path.name)
def test_the_other_libraries_of_the_wheel_compile(machine: Machine, source: Path) -> None:
    command = [machine.compiler, *_FLAGS, "-fPIC", "-fsyntax-only", str(source)]
    subprocess.run(command, check=True)
