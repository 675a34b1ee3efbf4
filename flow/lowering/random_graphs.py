# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random quantized CNNs as QONNX graphs, drawn from a seed, that can be shrunk and printed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError

__all__ = ["Block", "GraphSpec", "build", "draw", "random_qonnx", "shrink", "simplest"]

Kind = Literal["conv", "depthwise", "grouped", "maxpool", "avgpool", "residual", "concat"]
Activation = Literal["relu", "clip", "none"]
Quantizer = Literal["quant", "bipolar", "thresholds", "trunc"]
Size = Literal["small", "medium"]

_KERNELS, _STRIDES = (1, 2, 3, 3), (1, 1, 1, 2, 3)
_ROUNDINGS = ("ROUND", "ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A layer with its activation; a kernel that does not fit its input is cut to it.

    Attributes:
        kind: residual and concat are two branches, of convolutions and of what there was before.
        channels: of the output, where the kind has a choice.
        kernel, stride, dilation: (vertical, horizontal).
        padding: top, left, bottom, right.
        weight_bits, bits: of weights and of the activation; 1 bit is -1 and 1.
        activation, quantizer, rounding, zero_point: what follows the layer.
        norm, bias, per_channel: whether there are a BatchNormalization, a bias, weight scales for
            each channel.
        factor: of the shortcut's scale, in a residual block.
        pad_node: whether padding is a node of its own.
    """

    kind: Kind = "conv"
    channels: int = 2
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    weight_bits: int = 4
    bits: int = 4
    activation: Activation = "relu"
    quantizer: Quantizer = "quant"
    rounding: str = "ROUND"
    zero_point: int = 0
    norm: bool = False
    bias: bool = False
    per_channel: bool = False
    factor: int = 1
    pad_node: bool = False


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """A random classifier.

    Attributes:
        seed: of the weights and scales.
        image: (H, W, C).
        nchw: whether the input is NCHW instead of NHWC; both are annotated UINT8.
        blocks: in order.
        classes: number of logits.
        pooled: whether a global average comes before the last layer, instead of flattening.
        weight_bits, bias: of the last layer.
        dyadic: whether all scales are powers of two, so that float32 computes exactly.
        hardware: whether only what RTL can do is built.
        ending: a decision behind the logits.
    """

    seed: int
    image: tuple[int, int, int] = (4, 4, 1)
    nchw: bool = False
    blocks: tuple[Block, ...] = ()
    classes: int = 3
    pooled: bool = False
    weight_bits: int = 4
    bias: bool = False
    dyadic: bool = True
    hardware: bool = False
    ending: Literal["", "Softmax", "ArgMax"] = ""

    def to_json(self) -> str:
        """Return the specification in one line, without what is at its default."""
        return json.dumps(_changed(self, GraphSpec(seed=-1)))

    @classmethod
    def from_json(cls, text: str) -> "GraphSpec":
        """Read what to_json wrote.

        Raises:
            FlowError: it is something else.
        """
        try:
            entries = {key: _tuples(value) for key, value in json.loads(text).items()}
            blocks = tuple(Block(**block) for block in entries.pop("blocks", ()))
            return cls(blocks=blocks, **entries)
        except (ValueError, TypeError, AttributeError) as error:
            raise FlowError(
                f"graph specification {text[:80]!r}: is not one ({error}); use what to_json printed"
            ) from error


def _changed(item: GraphSpec | Block, default: GraphSpec | Block) -> dict[str, Any]:
    plain = asdict(item)
    changed = {key: value for key, value in plain.items() if value != getattr(default, key)}
    if isinstance(item, GraphSpec) and item.blocks:
        changed["blocks"] = [_changed(block, Block()) for block in item.blocks]
    return changed


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def random_qonnx(seed: int, *, size: Size = "small", hardware: bool = False) -> ModelWrapper:
    """Return the random graph of a seed; see draw."""
    return build(draw(seed, size=size, hardware=hardware))


def build(spec: GraphSpec) -> ModelWrapper:
    """Return the graph of a specification; the same one gives the same graph."""
    from flow.lowering._random_layers import write  # noqa: PLC0415 - it needs the classes above

    return write(spec)


def draw(seed: int, *, size: Size = "small", hardware: bool = False) -> GraphSpec:
    """Draw a specification.

    Args:
        seed: of everything.
        size: small has images up to 10x10 and 4 blocks, medium up to 16x16 and 8.
        hardware: keep to what RTL can do.
    """
    rng = np.random.default_rng([seed, size == "medium", hardware])
    sides, count, channels = (
        ((4, 10), (1, 4), (2, 6)) if size == "small" else ((8, 16), (3, 8), (4, 16))
    )
    height, width = (_between(rng, sides) for _ in range(2))
    blocks = [_block(rng, channels, hardware=hardware) for _ in range(_between(rng, count))]
    return GraphSpec(
        seed=seed,
        image=(height, width, int(rng.choice((1, 3)))),
        nchw=not hardware and _chance(rng, 0.5),
        blocks=tuple(blocks),
        classes=_between(rng, (2, 10)),
        pooled=_chance(rng, 0.4),
        weight_bits=_weight_bits(rng),
        bias=_chance(rng, 0.3),
        dyadic=hardware or _chance(rng, 0.5),
        hardware=hardware,
        ending="" if hardware or _chance(rng, 0.7) else rng.choice(("Softmax", "ArgMax")),
    )


def _between(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    return int(rng.integers(ends[0], ends[1] + 1))


def _chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _weight_bits(rng: np.random.Generator) -> int:
    return int(rng.choice((1, 2, 3, 4, 4, 6, 8)))


def _block(rng: np.random.Generator, channels: tuple[int, int], *, hardware: bool) -> Block:
    kinds: tuple[Kind, ...] = (
        "conv",
        "conv",
        "depthwise",
        "maxpool",
        "avgpool",
        "residual",
        "concat",
    )
    kind: Kind = rng.choice(kinds if hardware else (*kinds, "grouped"))
    kernel, stride = (tuple(map(int, rng.choice(sizes, 2))) for sizes in (_KERNELS, _STRIDES))
    square = _chance(rng, 0.5)
    padding = rng.integers(0, 2, 4).tolist() if _chance(rng, 0.6) else [0] * 4
    block = Block(
        kind=kind,
        channels=_between(rng, channels),
        kernel=(kernel[0], kernel[0] if square else kernel[1]),
        stride=(stride[0], stride[0] if square else stride[1]),
        padding=(padding[0], padding[1], padding[2], padding[3]),
        weight_bits=_weight_bits(rng),
        bits=int(rng.choice((1, 2, 3, 4, 4, 5, 8))),
        activation=rng.choice(("relu", "relu", "none")),
        norm=_chance(rng, 0.6),
        bias=_chance(rng, 0.3),
        per_channel=_chance(rng, 0.3),
        factor=int(rng.choice((1, 1, 2, 4))),
    )
    return block if hardware else _software(rng, block)


def _software(rng: np.random.Generator, block: Block) -> Block:
    """Add what hardware has not, or need not have."""
    dilation = tuple(int(i) for i in rng.choice((1, 1, 1, 2), 2))
    return replace(
        block,
        dilation=(dilation[0], dilation[1]),
        activation=rng.choice((block.activation, "clip")),
        quantizer=rng.choice(("quant", "quant", "thresholds", "trunc")),
        rounding=str(rng.choice(_ROUNDINGS)),
        zero_point=int(rng.choice((0, 0, 0, 1, 3))),
        pad_node=_chance(rng, 0.2),
    )


def shrink(spec: GraphSpec) -> Iterator[GraphSpec]:
    """Yield specifications with one thing simpler, the greatest steps first; see simplest."""
    for place in range(len(spec.blocks)):
        yield replace(spec, blocks=spec.blocks[:place] + spec.blocks[place + 1 :])
    plain = GraphSpec(seed=spec.seed)
    height, width, channels = spec.image
    smaller: list[dict[str, Any]] = [
        {"image": (max(height // 2, 1), max(width // 2, 1), channels)},
        {"image": (height, width, 1)},
        {"classes": max(spec.classes // 2, 1)},
        *(
            {key: getattr(plain, key)}
            for key in ("nchw", "pooled", "weight_bits", "bias", "ending")
        ),
        {"dyadic": True},
    ]
    yield from _different(spec, smaller)
    for place, block in enumerate(spec.blocks):
        for simpler in _simpler(block):
            yield replace(spec, blocks=(*spec.blocks[:place], simpler, *spec.blocks[place + 1 :]))


def simplest(spec: GraphSpec, fails: Callable[[GraphSpec], bool]) -> GraphSpec:
    """Return a specification that still fails, and of which no simpler one does."""
    while True:
        found = next((simpler for simpler in shrink(spec) if fails(simpler)), None)
        if found is None:
            return spec
        spec = found


def _simpler(block: Block) -> Iterator[Block]:
    default = Block()
    changes: list[dict[str, Any]] = [{"channels": max(block.channels // 2, 1)}]
    names = [name for name in asdict(block) if name not in ("kind", "channels")]
    changes += [{name: getattr(default, name)} for name in names]
    if block.kind != "conv":
        changes.append({"kind": "conv"})
    yield from (replace(block, **change) for change in changes if replace(block, **change) != block)


def _different(spec: GraphSpec, changes: list[dict[str, Any]]) -> Iterator[GraphSpec]:
    yield from (replace(spec, **change) for change in changes if replace(spec, **change) != spec)
