# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The network of a run."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from flow.config.section import Bits, Positive, Section

__all__ = ["NetworkConfig", "PrecisionConfig", "QuantizersConfig"]


class PrecisionConfig(Section):
    """Bits of one layer's weights and of the activation behind it; 1 bit is -1 or 1."""

    weight_bits: Bits
    activation_bits: Bits


class QuantizersConfig(Section):
    """The kinds of brevitas_models.quantizers; scales that move follow what penalties ask for."""

    weights: Literal["fixed", "learned", "learned_channel", "power_of_two", "binary", "ternary"] = (
        "power_of_two"
    )
    activations: Literal["fixed", "learned", "power_of_two", "dqa_fixed", "dqa_learned"] = "fixed"


class NetworkConfig(Section):
    """3x3 convolutions with BatchNorm and quantized ReLU, then a linear layer; or a named network.

    `bits` gives single layers, conv0, conv1, ... and classifier or the named network's own, others
    than the rest. A residual cell's are conv1.first, .second and, where size or channels change,
    .shortcut, of as many activation_bits as .second; a separable one's conv1_depthwise, _pointwise.
    """

    channels: tuple[Positive, ...] = (16, 32, 32)
    strides: tuple[Literal[1, 2], ...] = (1, 2, 2)
    # what each is; the first a conv, and all of them where nothing is said
    cells: tuple[Literal["conv", "residual", "separable"], ...] = ()
    architecture: str | None = None  # of brevitas_models.architectures: lenet5, cnv, resnet8, ...
    weight_bits: Bits = 4
    activation_bits: Bits = 4
    bits: dict[str, PrecisionConfig] = Field(default_factory=dict)
    # of a named network
    width: Annotated[float, Field(gt=0)] = 1.0  # factor of its channel counts
    quantizers: QuantizersConfig = QuantizersConfig()
    input_bits: Bits | None = None  # bit depth that the image is squeezed to
    join: Literal["sum", "convex"] = "sum"  # of residual branches
    pool: Literal["max", "average"] = "max"  # the 2x2 pools

    @model_validator(mode="after")
    def _keys_of_one_form(self) -> "NetworkConfig":
        named = {"width", "quantizers", "input_bits", "join", "pool"}
        other = {"channels", "strides", "cells"} if self.architecture is not None else named
        given = sorted(other & self.model_fields_set)
        if given:
            form = "a network of channels and strides" if other is not named else "an architecture"
            raise ValueError(f"{given[0]} is for {form} only; remove it")
        return self

    @model_validator(mode="after")
    def _one_stride_a_convolution(self) -> "NetworkConfig":
        if len(self.channels) != len(self.strides) or not self.channels:
            raise ValueError(
                f"channels has {len(self.channels)} entries and strides {len(self.strides)}; "
                "give one stride for each convolution, and at least one"
            )
        return self
