# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Activation quantizers: clipped ReLUs with evenly spaced levels, signs, operands of adds."""

from typing import Any

import brevitas.nn as qnn
from brevitas.core.function_wrapper.ops_ste import CeilSte
from brevitas.inject.enum import RestrictValueType, ScalingImplType
from brevitas.quant import SignedBinaryActPerTensorConst, Uint8ActPerTensorFloatMaxInit
from brevitas.quant.base import NarrowIntQuant, ParamMinMaxInitScaling, PerTensorFloatScaling8bit
from brevitas.quant.solver import ActQuantSolver

from brevitas_models.errors import ModelError
from brevitas_models.quantizers.dqa import DynamicQuantizedActivation
from brevitas_models.quantizers.kinds import ActivationQuantizer

__all__ = ["activation", "activation_step", "signed_activation"]


def activation_step(bits: int) -> float:
    """The value of one activation step: 1 for 1 bit (-1 or 1), 1/2 for 2 bits, else 4 / 2**bits."""
    if bits <= 2:
        return 1.0 if bits == 1 else 0.5
    return 4.0 / 2.0**bits


class _Unsigned(Uint8ActPerTensorFloatMaxInit):
    """The step is a parameter that starts at max_val / levels."""


class _UnsignedFixed(_Unsigned):
    scaling_impl_type = ScalingImplType.CONST


class _UnsignedPowerOfTwo(_Unsigned):
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    restrict_value_float_to_int_impl = CeilSte


class _Signed(NarrowIntQuant, ParamMinMaxInitScaling, PerTensorFloatScaling8bit, ActQuantSolver):
    pass


class _SignedFixed(_Signed):
    scaling_impl_type = ScalingImplType.CONST


class _SignedPowerOfTwo(_Signed):
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    restrict_value_float_to_int_impl = CeilSte


_UNSIGNED = {
    ActivationQuantizer.FIXED: _UnsignedFixed,
    ActivationQuantizer.LEARNED: _Unsigned,
    ActivationQuantizer.POWER_OF_TWO: _UnsignedPowerOfTwo,
}
_SIGNED = {
    ActivationQuantizer.FIXED: _SignedFixed,
    ActivationQuantizer.LEARNED: _Signed,
    ActivationQuantizer.POWER_OF_TWO: _SignedPowerOfTwo,
}
_DQA = (ActivationQuantizer.DQA_FIXED, ActivationQuantizer.DQA_LEARNED)


def activation(
    bits: int, kind: ActivationQuantizer = ActivationQuantizer.FIXED, *, fraction: float = 1.0
) -> Any:  # noqa: ANN401 - Brevitas has no types
    """Return the quantizer behind a layer.

    A quantized ReLU with levels 0..2**bits - 1; for 1 bit the sign; for DQA an odd number of
    levels 2**bits - 1 within -1..1 (-1 and 1 for 1 bit), since zero padding needs 0 to be one.

    Args:
        bits: 1 to 8.
        kind: which of these.
        fraction: of the usual range that the ReLU covers at first.
    """
    if kind in _DQA:
        return DynamicQuantizedActivation(
            2 if bits == 1 else 2**bits - 1,
            step=2.0 if bits == 1 else 1.0 if bits == 2 else 2.0 ** (1 - bits),
            learned=kind is ActivationQuantizer.DQA_LEARNED,
        )
    if bits == 1:
        return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    largest = (2**bits - 1) * activation_step(bits) * fraction
    return qnn.QuantReLU(act_quant=_UNSIGNED[kind], bit_width=bits, max_val=largest)


def signed_activation(bits: int, kind: ActivationQuantizer = ActivationQuantizer.FIXED) -> Any:  # noqa: ANN401
    """Return a quantizer with levels -(2**(bits - 1) - 1) .. 2**(bits - 1) - 1, for residual adds.

    It is no activation function, so DQA leaves it fixed.

    Raises:
        ModelError: 1 bit has no such levels.
    """
    if bits == 1:
        raise ModelError("network: activation_bits 1 has no levels for a residual add; use 2")
    largest = (2 ** (bits - 1) - 1) * activation_step(bits)
    quantizer = _SIGNED.get(kind, _SignedFixed)
    return qnn.QuantIdentity(act_quant=quantizer, bit_width=bits, min_val=-largest, max_val=largest)
