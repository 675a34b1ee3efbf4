# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Specifications drawn at random: every setting of every kind of layer comes up."""

from typing import Literal, TypeVar

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow.fuzz.graph import build
from flow.fuzz.kinds.registry import KINDS
from flow.fuzz.spec import Activation, Block, GraphSpec, Quantizer

__all__ = ["draw", "random_qonnx"]

Size = Literal["small", "medium"]
T = TypeVar("T")

_KERNELS, _STRIDES = (1, 2, 3, 3), (1, 1, 1, 2, 3)
_ROUNDINGS = ("ROUND", "ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
_ACTIVATIONS: tuple[Activation, ...] = ("relu", "relu", "none", "none", "clip", "leaky")
_CURVES: tuple[Activation, ...] = ("tanh", "sigmoid")
_QUANTIZERS: tuple[Quantizer, ...] = ("quant", "quant", "quant", "thresholds", "trunc", "linear")
_CYCLES = (1, 40, 100, 250, 600, 5000)


def random_qonnx(seed: int, *, size: Size = "small", hardware: bool = False) -> ModelWrapper:
    """Return the random graph of a seed; see draw."""
    return build(draw(seed, size=size, hardware=hardware))


def draw(seed: int, *, size: Size = "small", hardware: bool = False, attempt: int = 0) -> GraphSpec:
    """Draw a specification.

    Args:
        seed: of everything.
        size: small has images up to 10x10 and 4 blocks, medium up to 16x16 and 8.
        hardware: keep to what RTL can do.
        attempt: another network of the same seed, for one that does not serve.
    """
    again = [attempt] if attempt else []
    rng = np.random.default_rng([seed, size == "medium", hardware, *again])
    sides, count, channels = (
        ((4, 10), (1, 4), (2, 6)) if size == "small" else ((8, 16), (3, 8), (4, 16))
    )
    height, width = (_between(rng, sides) for _ in range(2))
    dyadic = _chance(rng, 0.5)
    blocks = [_block(rng, channels, dyadic=dyadic) for _ in range(_between(rng, count))]
    return GraphSpec(
        seed=seed,
        image=(1 if _chance(rng, 0.1) else height, width, int(rng.choice((1, 2, 3)))),
        nchw=_chance(rng, 0.5),
        blocks=tuple(blocks),
        classes=_between(rng, (2, 10)),
        pooled=_chance(rng, 0.4),
        weight_bits=_weight_bits(rng),
        bias=_chance(rng, 0.3),
        dyadic=dyadic,
        hardware=hardware,
        ending="" if hardware or _chance(rng, 0.7) else rng.choice(("Softmax", "ArgMax")),
        cycles=int(rng.choice(_CYCLES)) if hardware else 5000,
    )


def _between(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    return int(rng.integers(ends[0], ends[1] + 1))


def _chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _choice(rng: np.random.Generator, items: tuple[T, ...]) -> T:
    return items[int(rng.integers(len(items)))]


def _weight_bits(rng: np.random.Generator) -> int:
    return int(rng.choice((1, 2, 3, 4, 4, 6, 8)))


def _block(rng: np.random.Generator, channels: tuple[int, int], *, dyadic: bool) -> Block:
    weights = np.array([kind.weight for kind in KINDS.values()])
    kernel, stride = (tuple(map(int, rng.choice(sizes, 2))) for sizes in (_KERNELS, _STRIDES))
    dilation = tuple(int(i) for i in rng.choice((1, 1, 1, 2), 2))
    square = _chance(rng, 0.5)
    padding = rng.integers(0, 2, 4).tolist() if _chance(rng, 0.6) else [0] * 4
    bits = int(rng.choice((1, 2, 3, 4, 4, 5, 6, 7, 8)))
    return Block(
        kind=str(rng.choice(list(KINDS), p=weights / weights.sum())),
        channels=_between(rng, channels),
        kernel=(kernel[0], kernel[0] if square else kernel[1]),
        stride=(stride[0], stride[0] if square else stride[1]),
        dilation=(dilation[0], dilation[1]),
        padding=(padding[0], padding[1], padding[2], padding[3]),
        pad_node=_chance(rng, 0.2),
        ceil_mode=_chance(rng, 0.3),
        count_include_pad=_chance(rng, 0.6),
        weight_bits=_weight_bits(rng),
        bits=bits,
        activation=_choice(rng, _ACTIVATIONS if dyadic else _ACTIVATIONS + _CURVES),
        quantizer=_choice(rng, _QUANTIZERS),
        rounding=str(rng.choice(_ROUNDINGS)),
        zero_point=_zero_point(rng, bits),
        narrow=_chance(rng, 0.4),
        unsigned=_chance(rng, 0.3),
        norm=_chance(rng, 0.6),
        bias=_chance(rng, 0.3),
        per_channel=_chance(rng, 0.3),
        factor=int(rng.choice((1, 1, 2, 3, 4, 5))),
    )


def _zero_point(rng: np.random.Generator, bits: int) -> int:
    """Return 0 half of the time, else an integer up to a quarter of the levels beyond."""
    return 0 if _chance(rng, 0.5) else _between(rng, (-(2**bits // 4), 5 * 2**bits // 4))
