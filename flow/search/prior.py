# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bits to begin with: those that a network trained with many bits can spare, layer by layer.

The score is that of brevitas_models.selection: what a layer's quantization and an attack through
it do to the logits, weighted by how the network's Lipschitz bound depends on the layer. Activations
keep a uniform width, so that what a layer costs does not depend on its neighbours' bits.
"""

from collections.abc import Sequence
from typing import Any

import torch

from brevitas_models.bits import Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.selection import score_layers, select_bits
from flow.classifier import Images

__all__ = ["MANY_BITS", "multiplications", "sensitive_bits"]

MANY_BITS = 8  # of the network that is scored


def sensitive_bits(
    network: QuantClassifier, images: Images, weight_bits: Sequence[int], width: int
) -> dict[str, int]:
    """Return weight bits for each layer, of least score at the cost of a uniform width.

    Args:
        network: trained, of MANY_BITS.
        images: uint8[N, H, W, C], from which activation errors are measured; a few dozen.
        weight_bits: what may be chosen; none is more than MANY_BITS.
        width: the uniform width: activations have it, and weights cost as much as with it.

    Raises:
        ModelError: no choice is as cheap.
    """
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    precisions = [Precision(weight_bits=bits, activation_bits=width) for bits in weight_bits]
    options = score_layers(network, pixels, precisions)
    counts = multiplications(network, pixels[:1])

    def cost(layer: str, bits: int, _activation_bits: int) -> float:
        return float(counts[layer] * bits)

    budget = sum(cost(layer, width, width) for layer in counts)
    chosen = select_bits(options, cost, budget).options
    return {one.layer: one.precision.weight_bits for one in chosen}


def multiplications(network: QuantClassifier, image: torch.Tensor) -> dict[str, int]:
    """Return how many a layer takes of an image float[1, C, H, W], by its name in a bit table."""
    found: dict[str, int] = {}

    def counter(name: str) -> Any:  # noqa: ANN401 - torch's hook
        def count(layer: Any, _inputs: Any, output: Any) -> None:  # noqa: ANN401
            values = getattr(output, "value", output)
            found[name] = layer.weight.numel() * values[0, 0].numel()

        return count

    hooks = [layer.register_forward_hook(counter(name)) for name, layer in network.layers().items()]
    with torch.no_grad():
        network.eval()(image)
    for hook in hooks:
        hook.remove()
    return found
