# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An integer network for readers: its layers in words, the bits that they use."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from flow.integer import Add, Convolution, Dense, IntegerNetwork, MaxPool, SumPool, Threshold
from flow.integer.operations import Integers

__all__ = ["activation_bits", "in_words", "weight_bits"]


def in_words(network: IntegerNetwork) -> str:
    """Return "2 convolutions (5x5) to 12 and 32 channels, 2 max pools, linear layer to 10".

    What squeezes the image to fewer bits comes first; layers follow by kind.
    """
    parts = (_squeezing(network), *_convolutions(network), *_others(network), _dense(network))
    return ", ".join(part for part in parts if part)


def weight_bits(network: IntegerNetwork) -> tuple[int, ...]:
    """Return for each matrix layer the bits that hold its weights, which may be below its type's.

    One bit holds -1 and 1, without 0; n bits hold -2**(n - 1) .. 2**(n - 1) - 1.
    """
    matrices = (op for op in network.operations if isinstance(op, Convolution | Dense))
    return tuple(_signed_bits(op.weights) for op in matrices)


def activation_bits(network: IntegerNetwork) -> tuple[int, ...]:
    """Return for each threshold layer but the image's the bits that its levels need."""
    inner = (
        op for op in network.operations if isinstance(op, Threshold) and op not in _of(network)
    )
    return tuple(_levels_bits(op) for op in inner)


def _signed_bits(weights: Integers) -> int:
    if set(np.unique(weights).tolist()) <= {-1, 1}:
        return 1
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    magnitude: int = max((-low - 1).bit_length(), high.bit_length())
    return magnitude + 1


def _levels_bits(operation: Threshold) -> int:
    count: int = operation.thresholds.shape[1]
    return max(1, count.bit_length())


def _of(network: IntegerNetwork) -> list[Threshold]:
    """Return the thresholds of the image itself."""
    return [op for op in network.readers("image") if isinstance(op, Threshold)]


def _squeezing(network: IntegerNetwork) -> str:
    found = network.readers("image")
    levels = network.ranges()[found[0].name] if found else None
    if levels is None or not isinstance(found[0], Threshold):
        return ""
    return f"image squeezed to {levels.hi - levels.lo + 1} levels"


def _convolutions(network: IntegerNetwork) -> list[str]:
    every = [op for op in network.operations if isinstance(op, Convolution)]
    return [
        _convolution_words([op for op in every if op.depthwise is deep], "depthwise " * deep)
        for deep in (False, True)
    ]


def _convolution_words(found: Sequence[Convolution], kind: str) -> str:
    if not found:
        return ""
    kernels = {f"{op.kernel[0]}x{op.kernel[1]}": None for op in found}
    channels = _listed([op.weights.shape[3] for op in found])
    name = _counted(len(found), f"{kind}convolution")
    return f"{name} ({', '.join(kernels)}) to {channels} channels"


def _others(network: IntegerNetwork) -> list[str]:
    kinds = ((MaxPool, "max pool"), (SumPool, "average pool"), (Add, "residual addition"))
    counts = [
        (sum(isinstance(op, kind) for op in network.operations), name) for kind, name in kinds
    ]
    return [_counted(count, name) for count, name in counts if count]


def _dense(network: IntegerNetwork) -> str:
    sizes = [op.weights.shape[1] for op in network.operations if isinstance(op, Dense)]
    return f"{_counted(len(sizes), 'linear layer')} to {_listed(sizes)}" if sizes else ""


def _counted(count: int, name: str) -> str:
    return name if count == 1 else f"{count} {name}s"


def _listed(sizes: Sequence[int]) -> str:
    """Return "16, 32 (3 times) and 10"."""
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    words = [f"{size}" if count == 1 else f"{size} ({count} times)" for size, count in runs]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
