# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Lipschitz machinery for any Brevitas model: constants, bounds, controls, error amplification."""

from brevitas_models.lipschitz._weights import named_layers
from brevitas_models.lipschitz.amplification import LayerAmplification, error_amplification
from brevitas_models.lipschitz.bound import (
    LayerLipschitz,
    NetworkBound,
    elasticities,
    layer_lipschitz,
    network_bound,
)
from brevitas_models.lipschitz.control import LipschitzControl
from brevitas_models.lipschitz.defensive import DefensiveQuantization, dq_penalty
from brevitas_models.lipschitz.norms import Norm, Window, conv_spectral_norm, operator_norm
from brevitas_models.lipschitz.parseval import ParsevalTightness, parseval_tightness
from brevitas_models.lipschitz.registry import control_names, make_control
from brevitas_models.lipschitz.spectral import SpectralNormalization

__all__ = [
    "DefensiveQuantization",
    "LayerAmplification",
    "LayerLipschitz",
    "LipschitzControl",
    "NetworkBound",
    "Norm",
    "ParsevalTightness",
    "SpectralNormalization",
    "Window",
    "control_names",
    "conv_spectral_norm",
    "dq_penalty",
    "elasticities",
    "error_amplification",
    "layer_lipschitz",
    "make_control",
    "named_layers",
    "network_bound",
    "operator_norm",
    "parseval_tightness",
]
