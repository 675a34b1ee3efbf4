# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmarks, in the order of the help."""

from flow.bench.benchmark import Benchmark
from flow.bench.board import BOARD
from flow.bench.certify import CERTIFY
from flow.bench.cluster import CLUSTER
from flow.bench.exact import EXACT
from flow.bench.hardware import HARDWARE
from flow.bench.kernel import KERNEL
from flow.bench.random_rtl import RANDOM
from flow.bench.search_cost import SEARCH_COST
from flow.bench.simulator import SIMULATOR
from flow.bench.size import SIZE
from flow.bench.training import TRAINING
from flow.bench.units import UNITS

__all__ = ["BENCHMARKS"]

BENCHMARKS: tuple[Benchmark, ...] = (
    HARDWARE,
    KERNEL,
    BOARD,
    UNITS,
    RANDOM,
    EXACT,
    SIMULATOR,
    TRAINING,
    CERTIFY,
    SIZE,
    SEARCH_COST,
    CLUSTER,
)
