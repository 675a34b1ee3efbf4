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
from brevitas_models.bits import Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.selection import (
    Cost,
    Option,
    score_layers,
    select_bits,
    weight_bits_cost,
)
from brevitas_models.settings import ArchitectureSettings
from flow.experiments.study import Study
from flow.experiments.trained import Trained

__all__ = ["Candidates"]

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
        """Score a network whose layers all have the same bits of activations."""
        network = build(trained.network.settings)
        network.load_state_dict(dict(trained.state))
        images = torch.from_numpy(study.dataset.train_images[:_IMAGES]).permute(0, 3, 1, 2) / 255
        kept = network.settings.bits.default.activation_bits
        precisions = [Precision(weight_bits=bits, activation_bits=kept) for bits in _WIDTHS]
        return cls(study, trained, network.eval(), score_layers(network, images, precisions))

    @property
    def weights(self) -> int:
        """How many there are."""
        return sum(layer.weight.numel() for layer in self.network.layers().values())

    def uniform(self, bits: int) -> dict[str, Option]:
        """Return every layer's option of that width."""
        return {one.layer: one for one in self.options if one.precision.weight_bits == bits}

    def layerwise(self, bits: int) -> dict[str, Option]:
        """Return the options of least score with as many bits as that uniform width."""
        cost = weight_bits_cost(self.network)
        uniform = self.uniform(bits).values()
        each = (cost(one.layer, bits, one.precision.activation_bits) for one in uniform)
        return self.within(sum(each), cost)

    def within(self, budget: float, cost: Cost) -> dict[str, Option]:
        """Return the options of least score at so much cost.

        Raises:
            ModelError: no choice is as cheap.
        """
        chosen = select_bits(self.options, cost, budget).options
        return {one.layer: one for one in chosen}

    def settings(self, chosen: Mapping[str, Option]) -> ArchitectureSettings:
        """Return the network's settings with those widths."""
        before = self.trained.network.settings
        widths = {name: option.precision for name, option in chosen.items()}
        return replace(before, bits=replace(before.bits, layers=widths))

    def quantized(self, label: str, chosen: Mapping[str, Option]) -> Trained:
        """Return the network with those widths, without a step of training."""
        state = dict(self.trained.state)
        names = {id(layer): name for name, layer in self.network.weighted_layers()}
        for name, layer in self.network.layers().items():
            key = f"{names[id(layer)]}.{_RANGE}"
            largest = layer.weight.detach().abs().max()
            state[key] = (chosen[name].weight_range * largest).reshape(state[key].shape)
        settings = self.settings(chosen)
        return self.study.requantized(label, replace(self.trained, state=state), settings)
