# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weight quantizers: fixed, learned and power-of-two scales, binary, ternary."""

from typing import Any

from brevitas.core.function_wrapper import InplaceTensorClampSte
from brevitas.core.function_wrapper.ops_ste import CeilSte
from brevitas.inject.enum import (
    RestrictValueType,
    ScalingImplType,
    ScalingPerOutputType,
    StatsOp,
)
from brevitas.quant import (
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    SignedBinaryWeightPerTensorConst,
)
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.quantizers.kinds import WeightQuantizer

__all__ = ["weight_options", "weight_step"]

_TERNARY_THRESHOLD = 0.7  # of the mean magnitude: Li, Zhang, Liu (2016)


def weight_step(bits: int) -> float:
    """The value of one step of fixed weights: they are within -1..1, and end at 1 below 3 bits."""
    return 1.0 if bits <= 2 else 2.0 ** (1 - bits)


def weight_options(kind: WeightQuantizer, bits: int, *, channels: bool = True) -> dict[str, Any]:
    """Return the arguments of a Brevitas layer that give it this quantizer.

    Args:
        kind: which one.
        bits: 1 to 8.
        channels: whether a kind with a scale for each filter may have them.

    Raises:
        ModelError: binary weights of more than 1 bit, ternary ones of other than 2, or those that
            follow their largest weight of 1.
    """
    if kind is WeightQuantizer.LARGEST:
        if bits < 2:
            raise ModelError(f"network: weight_bits {bits} is not in 2..8; change it")
        quantizer = Int8WeightPerChannelFloat if channels else Int8WeightPerTensorFloat
        return {"weight_quant": quantizer, "weight_bit_width": bits}
    if kind is WeightQuantizer.LEARNED_CHANNEL and not channels:
        kind = WeightQuantizer.LEARNED
    needed = {WeightQuantizer.BINARY: 1, WeightQuantizer.TERNARY: 2}.get(kind, bits)
    if bits != needed:
        raise ModelError(
            f"network: {kind} weights have weight_bits {needed}, not {bits}; change it"
        )
    if kind is WeightQuantizer.TERNARY:
        return {"weight_quant": _Ternary}
    if bits == 1:
        return {"weight_quant": _BINARY[kind]}
    if kind is WeightQuantizer.FIXED:
        largest = (2 ** (bits - 1) - 1) * weight_step(bits)
        return {
            "weight_quant": _Fixed,
            "weight_bit_width": bits,
            "weight_scaling_const": largest,
        }
    return {"weight_quant": _UNIFORM[kind], "weight_bit_width": bits}


class _FixedBinary(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


class _Binary(SignedBinaryWeightPerTensorConst):
    """The scale starts at the mean magnitude (Rastegari et al., XNOR-Net, 2016)."""

    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS
    scaling_stats_op = StatsOp.AVE


class _BinaryPowerOfTwo(_Binary):
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    restrict_value_float_to_int_impl = CeilSte


class _BinaryChannel(_Binary):
    scaling_per_output_type = ScalingPerOutputType.CHANNEL


class _Fixed(Int8WeightPerTensorFloat):
    """Narrow signed weights; `scaling_const` is the largest."""

    scaling_impl_type = ScalingImplType.CONST
    tensor_clamp_impl = InplaceTensorClampSte


class _Learned(Int8WeightPerTensorFloat):
    """Narrow signed weights; the scale starts at that of the largest weight and is trained."""

    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS


class _LearnedChannel(_Learned):
    scaling_per_output_type = ScalingPerOutputType.CHANNEL


class _PowerOfTwo(_Learned):
    """log2 of the threshold is trained, rounded up (Jain et al., TQT, 2019)."""

    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    restrict_value_float_to_int_impl = CeilSte


_BINARY = {
    WeightQuantizer.FIXED: _FixedBinary,
    WeightQuantizer.LEARNED: _Binary,
    WeightQuantizer.LEARNED_CHANNEL: _BinaryChannel,
    WeightQuantizer.POWER_OF_TWO: _BinaryPowerOfTwo,
    WeightQuantizer.BINARY: _Binary,
}
_UNIFORM = {
    WeightQuantizer.LEARNED: _Learned,
    WeightQuantizer.LEARNED_CHANNEL: _LearnedChannel,
    WeightQuantizer.POWER_OF_TWO: _PowerOfTwo,
}


class _TernaryMean(nn.Module):
    """The mean magnitude of the weights above 0.7 of the mean magnitude."""

    def __init__(self) -> None:  # Brevitas reads the arguments here
        super().__init__()

    def forward(self, weights: Tensor) -> Tensor:
        magnitudes = weights.abs()
        kept = magnitudes > _TERNARY_THRESHOLD * magnitudes.mean()
        return (magnitudes * kept).sum() / kept.sum().clamp(min=1)


class _Ternary(_Learned):
    """The scale starts at that of Ternary weight networks (Li, Zhang, Liu, 2016).

    Weights go to the nearest level, which for any scale errs least, where the paper's threshold
    stays at 0.7 of the mean magnitude: about the same for normally distributed weights.
    """

    bit_width = 2
    scaling_stats_impl = _TernaryMean
