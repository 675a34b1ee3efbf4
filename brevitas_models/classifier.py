# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The class of every network: features on a grid, and a linear layer."""

import math
from typing import Any

import brevitas.nn as qnn
from torch import Tensor, nn

from brevitas_models.bits import Precision
from brevitas_models.blocks import Edge, QuantBlock
from brevitas_models.quantizers import WeightQuantizer
from brevitas_models.settings import ArchitectureSettings

__all__ = ["QuantClassifier"]


class QuantClassifier(nn.Module):
    """A classifier of images float[N, C, H, W], which are the uint8 images over 255.

    Attributes:
        settings: what brevitas_models.architectures.build made it from.
        features: maps images to float[N, F], integers times a step.
        classifier: the last linear layer, whose result times `temperature` is the logits.
    """

    def __init__(
        self,
        settings: ArchitectureSettings,
        features: nn.Sequential,
        classifier: Any,  # noqa: ANN401
        source: Edge,
    ) -> None:
        super().__init__()
        self.settings, self.features, self.classifier = settings, features, classifier
        # scales that follow the weights follow the size of the logits, too
        follows = settings.quantizers.weights is WeightQuantizer.LARGEST
        self.temperature = 1.0 if follows else 2.0 ** -round(math.log2(source.features) / 2)
        self._source = source

    @property
    def architecture(self) -> str:
        """The name of the architecture."""
        return self.settings.architecture

    @property
    def precision(self) -> Precision:
        """The bits of the layers that the bit table does not name."""
        return self.settings.bits.default

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image."""
        assert self.settings.input_shape is not None
        return self.settings.input_shape

    @property
    def classes(self) -> int:
        """How many logits there are."""
        return self.settings.classes

    @property
    def source_step(self) -> float:
        """The value of one unit of the last layer's integer input."""
        return self._source.step

    @property
    def logit_scale(self) -> float:
        """The value of one unit of the integer logits."""
        scale = float(self.classifier.quant_weight().scale.detach())
        return scale * self.source_step * self.temperature

    def blocks(self) -> list[QuantBlock]:
        """Return every block with a BatchNorm."""
        return [module for module in self.modules() if isinstance(module, QuantBlock)]

    def norms(self) -> list[tuple[str, Any]]:
        """Return the name and the module of every BatchNorm."""
        kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
        return [(name, one) for name, one in self.named_modules() if isinstance(one, kinds)]

    def weighted_layers(self) -> list[tuple[str, Any]]:
        """Return the module's name and the Brevitas layer of everything that holds weights."""
        layers = (qnn.QuantConv2d, qnn.QuantLinear)
        return [(name, one) for name, one in self.named_modules() if isinstance(one, layers)]

    def layers(self) -> dict[str, Any]:
        """Return the same by the names that a bit table uses."""
        return {
            name.removeprefix("features.").removesuffix(".layer"): layer
            for name, layer in self.weighted_layers()
        }

    def forward(self, images: Tensor) -> Tensor:
        """Map images float[N, C, H, W] in 0..1 to logits float[N, K], multiples of logit_scale."""
        logits: Tensor = self.classifier(self.features(images))
        return logits if self.temperature == 1 else logits * self.temperature
