# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz bound of a zoo network, for its card."""

import copy

from torch import nn

from brevitas_models.classifier import QuantClassifier
from brevitas_models.lipschitz import Norm, network_bound
from brevitas_models.model_card import LipschitzFigures
from brevitas_models.quantizers import InputSqueeze

__all__ = ["lipschitz_figures"]

_TOLERANCE = 1e-6  # relative, of each layer's l2 norm; below the digits that are kept
_DIGITS = 5


def lipschitz_figures(network: QuantClassifier) -> LipschitzFigures:
    """Return the l2 bound of a trained network.

    Behind an image of one bit the bound would have slope 0 and say nothing of the layers: there
    it is that of the network behind the squeeze, which reads 0 or 1 a pixel.
    """
    height, width, channels = network.input_shape
    squeezed = [name for name, one in network.features.named_children() if _is_bit(one)]
    model: nn.Module = network
    if squeezed:
        model = copy.deepcopy(network)
        setattr(model.features, squeezed[0], nn.Identity())
    bound = network_bound(model, (channels, height, width), Norm.L2, tolerance=_TOLERANCE)
    what = "network behind its 1-bit input" if squeezed else "network"
    return LipschitzFigures(
        norm=str(bound.norm),
        slope=float(f"{bound.slope:.{_DIGITS}g}"),
        rounding=float(f"{bound.rounding:.{_DIGITS}g}"),
        of=f"{what}, of inputs in 0..1",
    )


def _is_bit(layer: nn.Module) -> bool:
    return isinstance(layer, InputSqueeze) and layer.bits == 1
