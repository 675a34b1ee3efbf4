# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How far from a lone threshold a straight-through gradient still passes."""

import numpy as np

from flow.integer.bounds import Interval
from flow.integer.graph import IntegerGraph
from flow.integer.native.lines import Reals
from flow.integer.operations import Convolution, Dense, Flatten, Gather, MaxPool, Threshold

__all__ = ["half_window"]


def half_window(network: IntegerGraph, threshold: Threshold) -> Reals | None:
    """Return the half width of the window round the only threshold of each channel, float64[C].

    A staircase has a scale of its own, the distance between thresholds. A lone step has none, and
    the BatchNorm that had it is folded away: of a sum of products it is the norm of the weights
    times half the range of what they multiply, where Hubara et al. (2016) clip at one standard
    deviation of the normalised sum. Where no product is near, it is half the values' range. None
    for several thresholds.
    """
    if threshold.thresholds.shape[1] != 1:
        return None
    operations = {operation.name: operation for operation in network.operations}
    source = network.sources[threshold.name][0]
    while isinstance(operations.get(source), MaxPool | Flatten | Gather):
        source = network.sources[source][0]
    found, ranges = operations.get(source), network.ranges()
    if not isinstance(found, Convolution | Dense):
        return np.full(len(threshold.thresholds), _half(ranges[source]))
    weights = found.weights.reshape(-1, found.weights.shape[-1]).astype(np.float64)
    norms: Reals = np.sqrt((weights**2).sum(axis=0))
    half: Reals = norms * _half(ranges[network.sources[source][0]])
    if len(half) != len(threshold.thresholds):  # one threshold for all channels, or the reverse
        half = np.full(len(threshold.thresholds), half.max(initial=0.0))
    return np.maximum(half, 0.5)


def _half(values: Interval) -> float:
    return max((values.hi - values.lo) / 2, 0.5)
