# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantizers of weights, activations and images, and what each does to a number."""

from brevitas_models.quantizers.activations import activation, activation_step, signed_activation
from brevitas_models.quantizers.dqa import DynamicQuantizedActivation
from brevitas_models.quantizers.kinds import ActivationQuantizer, Quantizers, WeightQuantizer
from brevitas_models.quantizers.squeeze import InputSqueeze
from brevitas_models.quantizers.staircase import Staircase, staircase
from brevitas_models.quantizers.weights import weight_options, weight_step

__all__ = [
    "ActivationQuantizer",
    "DynamicQuantizedActivation",
    "InputSqueeze",
    "Quantizers",
    "Staircase",
    "WeightQuantizer",
    "activation",
    "activation_step",
    "signed_activation",
    "staircase",
    "weight_options",
    "weight_step",
]
