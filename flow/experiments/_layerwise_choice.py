# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weight widths for a trained network: uniform, or as brevitas_models.selection takes them.

Only weights lose bits; activations keep theirs. Uniform or not, each layer's weights are quantized
in the range of least squared error, so that the two choices differ in the widths alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable, Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.selection import (
    Cost,
    Option,
    score_layers,
    select_bits,
    weight_bits_cost,
)
from flow.experiments.study import Study
from flow.experiments.trained import Trained

__all__ = ["ACTIVATION_BITS", "Candidates"]

ACTIVATION_BITS = 8
_WIDTHS = range(1, 9)
_IMAGES = 64  # from which activation errors are measured
_RANGE = "weight_quant.tensor_quant.scaling_impl.value"


@dataclass(frozen=True)
class Candidates:
    """A trained network and what each of its layers loses at each width.

    Attributes:
        network: with its float weights.
        options: of every layer and width.
    """

    study: Study
    trained: Trained
    network: QuantClassifier
    options: Sequence[Option]

    @classmethod
    def of(cls, study: Study, trained: Trained) -> "Candidates":
        """Score a network of ACTIVATION_BITS."""
        network = build(trained.network.settings)
        network.load_state_dict(dict(trained.state))
        images = torch.from_numpy(study.dataset.train_images[:_IMAGES]).permute(0, 3, 1, 2) / 255
        precisions = [
            Precision(weight_bits=bits, activation_bits=ACTIVATION_BITS) for bits in _WIDTHS
        ]
        return cls(study, trained, network.eval(), score_layers(network, images, precisions))

    @property
    def weights(self) -> int:
        """How many there are."""
        return sum(layer.weight.numel() for layer in self.network.layers().values())

    def uniform(self, bits: int) -> dict[str, Option]:
        """Return every layer's option of that width."""
        return {one.layer: one for one in self.options if one.precision.weight_bits == bits}

    def layerwise(self, bits: int, cost: Cost | None = None) -> dict[str, Option]:
        """Return the options of least score at the cost of that uniform width.

        Args:
            bits: of the uniform width whose cost is the budget.
            cost: of one layer; the bits of its weights by default.
        """
        priced = cost or weight_bits_cost(self.network)
        budget = sum(priced(layer, bits, ACTIVATION_BITS) for layer in self.network.layers())
        chosen = select_bits(self.options, priced, budget).options
        return {one.layer: one for one in chosen}

    def quantized(self, label: str, chosen: Mapping[str, Option]) -> Trained:
        """Return the network with those widths, without a step of training."""
        state = dict(self.trained.state)
        names = {id(layer): name for name, layer in self.network.weighted_layers()}
        for name, layer in self.network.layers().items():
            key = f"{names[id(layer)]}.{_RANGE}"
            largest = layer.weight.detach().abs().max()
            state[key] = (chosen[name].weight_range * largest).reshape(state[key].shape)
        table = BitTable(
            default=Precision(weight_bits=8, activation_bits=ACTIVATION_BITS),
            layers={name: option.precision for name, option in chosen.items()},
        )
        settings = replace(self.trained.network.settings, bits=table)
        return self.study.requantized(label, replace(self.trained, state=state), settings)
