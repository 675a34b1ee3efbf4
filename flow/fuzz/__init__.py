# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random networks for tests and benchmarks: drawn from a seed, printed in a line, made simpler."""

from flow.fuzz.drawing import draw, random_qonnx
from flow.fuzz.graph import build
from flow.fuzz.integers import random_network
from flow.fuzz.shrinking import shrink, simplest
from flow.fuzz.spec import Block, GraphSpec

__all__ = [
    "Block",
    "GraphSpec",
    "build",
    "draw",
    "random_network",
    "random_qonnx",
    "shrink",
    "simplest",
]
