# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A random quantized CNN as plain data, in a line of JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flow.errors import FlowError

__all__ = ["Block", "GraphSpec"]

Activation = Literal["relu", "clip", "none", "leaky", "tanh", "sigmoid"]
Quantizer = Literal["quant", "thresholds", "trunc", "linear"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A layer with its activation; a kernel that does not fit its input is cut to it.

    Attributes:
        kind: one of flow.fuzz.kinds.
        channels: of the output, where the kind has a choice.
        kernel, stride, dilation: (vertical, horizontal).
        padding: top, left, bottom, right.
        pad_node: whether padding is a node of its own.
        ceil_mode, count_include_pad: of a pool.
        weight_bits, bits: of weights and of the activation; 1 bit is -1 and 1.
        activation: in front of the quantizer; tanh and sigmoid only where scales are floats.
        quantizer: Quant, MultiThreshold, Quant and Trunc, or QuantizeLinear and DequantizeLinear.
        rounding, narrow: of the quantizer.
        zero_point: how far it lies above the quantizer's lowest level; 0 for none.
        unsigned: whether it has no negative levels although it reads negative values.
        norm, bias, per_channel: whether there are a BatchNormalization, a bias, weight scales for
            each channel.
        factor: of the shortcut's scale, in a residual block.
    """

    kind: str = "conv"
    channels: int = 2
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_node: bool = False
    ceil_mode: bool = False
    count_include_pad: bool = True
    weight_bits: int = 4
    bits: int = 4
    activation: Activation = "relu"
    quantizer: Quantizer = "quant"
    rounding: str = "ROUND"
    zero_point: int = 0
    narrow: bool = False
    unsigned: bool = False
    norm: bool = False
    bias: bool = False
    per_channel: bool = False
    factor: int = 1


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
        cycles: that each layer may take for a frame, in hardware.
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
    cycles: int = 5000

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
