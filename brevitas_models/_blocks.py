# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the named architectures are made of: fixed power-of-two quantizers, layers and blocks.

Every weight and activation lies on a power-of-two grid that training does not move, so that sums
of products are exact in float32 and every scale is known from the architecture alone.
"""

from dataclasses import dataclass
from typing import Any, Literal

import brevitas.nn as qnn
import torch
from brevitas.core.function_wrapper import InplaceTensorClampSte
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloatMaxInit,
)
from brevitas.quant.base import NarrowIntQuant, ParamMinMaxInitScaling, PerTensorFloatScaling8bit
from brevitas.quant.solver import ActQuantSolver
from torch import Tensor, nn

from brevitas_models.errors import ModelError

__all__ = [
    "IMAGE_STEP",
    "Precision",
    "QuantBlock",
    "QuantClassifier",
    "activation",
    "activation_step",
    "conv",
    "conv_block",
    "linear",
    "linear_block",
    "signed_activation",
    "weight_step",
]

IMAGE_STEP = 1 / 255  # the value of one uint8 unit
_SPREAD = 0.375  # standard deviation of fresh weights; the largest weight is about 1
_COARSE_SPREAD = 0.5  # the same for 1 and 2 bits, where the rounding is at 0 and at +-1/2


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Bits of weights and activations, 1 to 8; 1 bit is -1 or 1."""

    weight_bits: int
    activation_bits: int

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            if not 1 <= getattr(self, name) <= 8:
                raise ModelError(f"network: {name} {getattr(self, name)} is not in 1..8; change it")


def weight_step(bits: int) -> float:
    """The value of one weight step: the weights are within -1..1, and end at 1 for 1 and 2 bits."""
    return 1.0 if bits <= 2 else 2.0 ** (1 - bits)


def activation_step(bits: int) -> float:
    """The value of one activation step: 1 for 1 bit (-1 or 1), 1/2 for 2 bits, else 4 / 2**bits."""
    if bits <= 2:
        return 1.0 if bits == 1 else 0.5
    return 4.0 / 2.0**bits


class _BinaryWeight(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


class _FixedWeight(Int8WeightPerTensorFloat):
    """Narrow signed weights; `scaling_const` is the largest."""

    scaling_impl_type = ScalingImplType.CONST
    tensor_clamp_impl = InplaceTensorClampSte


class _FixedUnsigned(Uint8ActPerTensorFloatMaxInit):
    scaling_impl_type = ScalingImplType.CONST


class _FixedSigned(
    NarrowIntQuant, ParamMinMaxInitScaling, PerTensorFloatScaling8bit, ActQuantSolver
):
    scaling_impl_type = ScalingImplType.CONST


def _weight_options(bits: int) -> dict[str, Any]:
    if bits == 1:
        return {"weight_quant": _BinaryWeight}
    largest = (2 ** (bits - 1) - 1) * weight_step(bits)
    return {
        "weight_quant": _FixedWeight,
        "weight_bit_width": bits,
        "weight_scaling_const": largest,
    }


def conv(
    inputs: int,
    outputs: int,
    kernel: int,
    bits: int,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Any:  # noqa: ANN401 - Brevitas has no types
    """A convolution without bias whose weights are on the grid of `bits`."""
    layer = qnn.QuantConv2d(
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=padding,
        groups=groups,
        bias=False,
        **_weight_options(bits),
    )
    return _initialised(layer, bits)


def linear(inputs: int, outputs: int, bits: int) -> Any:  # noqa: ANN401
    """A linear layer without bias whose weights are on the grid of `bits`."""
    return _initialised(qnn.QuantLinear(inputs, outputs, False, **_weight_options(bits)), bits)


def _initialised(layer: Any, bits: int) -> Any:  # noqa: ANN401
    nn.init.normal_(layer.weight, std=_SPREAD if bits > 2 else _COARSE_SPREAD)
    return layer


def activation(bits: int, step: float | None = None) -> Any:  # noqa: ANN401
    """A quantized ReLU with levels 0..2**bits - 1, or the sign for 1 bit."""
    if bits == 1:
        return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    largest = (2**bits - 1) * (step or activation_step(bits))
    return qnn.QuantReLU(act_quant=_FixedUnsigned, bit_width=bits, max_val=largest)


def signed_activation(bits: int) -> Any:  # noqa: ANN401
    """A quantizer with levels -(2**(bits - 1) - 1) .. 2**(bits - 1) - 1, for residual adds."""
    largest = (2 ** (bits - 1) - 1) * activation_step(bits)
    return qnn.QuantIdentity(
        act_quant=_FixedSigned, bit_width=bits, min_val=-largest, max_val=largest
    )


class QuantBlock(nn.Module):
    """A weighted layer, its BatchNorm and a quantized activation.

    Attributes:
        layer: the Brevitas convolution or linear layer.
        norm: its BatchNorm.
        activation: the quantizer, which other blocks may share.
        source_step: the value of one unit of the layer's integer input.
    """

    layer: Any  # neither Brevitas' types nor the common base of the BatchNorms say enough
    norm: Any
    activation: Any

    def __init__(
        self, layer: nn.Module, norm: nn.Module, activation: nn.Module, source_step: float
    ) -> None:
        super().__init__()
        self.layer, self.norm, self.activation = layer, norm, activation
        self.source_step = source_step

    def forward(self, features: Tensor) -> Tensor:
        """Map float[N, inputs, ...] on the source's grid to float[N, outputs, ...] on its own."""
        found: Tensor = self.activation(self.norm(self.layer(features)))
        return found


def conv_block(
    inputs: int,
    outputs: int,
    precision: Precision,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    source_step: float | None = None,
    quantizer: nn.Module | None = None,
) -> QuantBlock:
    """A convolution block; its input has the activations' step unless `source_step` says else."""
    bits = precision.activation_bits
    layer = conv(
        inputs,
        outputs,
        kernel,
        precision.weight_bits,
        stride=stride,
        padding=padding,
        groups=groups,
    )
    step = activation_step(bits) if source_step is None else source_step
    return QuantBlock(layer, nn.BatchNorm2d(outputs), quantizer or activation(bits), step)


def linear_block(
    inputs: int, outputs: int, precision: Precision, *, source_step: float | None = None
) -> QuantBlock:
    """A linear block; its input has the activations' step unless `source_step` says else."""
    bits = precision.activation_bits
    layer = linear(inputs, outputs, precision.weight_bits)
    step = activation_step(bits) if source_step is None else source_step
    return QuantBlock(layer, nn.BatchNorm1d(outputs), activation(bits), step)


class QuantClassifier(nn.Module):
    """A classifier of images float[N, C, H, W], which are the uint8 images over 255.

    Attributes:
        architecture: its name, one of brevitas_models.pretrained's.
        precision: the bits of its weights and activations.
        input_shape: (H, W, C) of one image.
        classes: how many logits there are.
        features: maps images to float[N, F] on the grid of `feature_step`.
        classifier: the last linear layer, whose result times `temperature` is the logits.
    """

    def __init__(
        self,
        architecture: Literal["tfc", "cnv", "resnet8", "mobilenet"],
        precision: Precision,
        features: nn.Module,
        *,
        input_shape: tuple[int, int, int],
        feature_count: int,
        feature_step: float,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.architecture, self.precision = architecture, precision
        self.input_shape, self.classes = input_shape, classes
        self.features, self.feature_step = features, feature_step
        self.classifier = linear(feature_count, classes, precision.weight_bits)
        self.temperature = 2.0 ** -round(torch.tensor(float(feature_count)).log2().item() / 2)

    @property
    def logit_scale(self) -> float:
        """The value of one unit of the integer logits."""
        return weight_step(self.precision.weight_bits) * self.feature_step * self.temperature

    def blocks(self) -> list[QuantBlock]:
        """Return every block with a BatchNorm."""
        return [module for module in self.modules() if isinstance(module, QuantBlock)]

    def norms(self) -> list[tuple[str, Any]]:
        """Return the name and the module of every BatchNorm."""
        kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
        return [(name, one) for name, one in self.named_modules() if isinstance(one, kinds)]

    def weighted_layers(self) -> list[tuple[str, Any]]:
        """Return the name and the Brevitas layer of everything that holds weights."""
        layers = (qnn.QuantConv2d, qnn.QuantLinear)
        return [(name, one) for name, one in self.named_modules() if isinstance(one, layers)]

    def forward(self, images: Tensor) -> Tensor:
        """Map images float[N, C, H, W] in 0..1 to logits float[N, K], multiples of logit_scale."""
        logits: Tensor = self.classifier(self.features(images)) * self.temperature
        return logits
