# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The trained Brevitas network as an engine."""

import numpy as np
import torch
from numpy.typing import NDArray

from brevitas_models.classifier import QuantClassifier
from flow.classifier import Images, Logits, check_images
from flow.engines._activations import brevitas_activations
from flow.engines.base import Trace, channels_last

__all__ = ["BrevitasEngine"]

_BATCH = 256


class BrevitasEngine:
    """The trained Brevitas network; its float logits over their scale are integers."""

    name = "brevitas"

    def __init__(self, network: QuantClassifier, scale: float) -> None:
        self.network, self.scale = network.eval(), scale
        self.input_shape, self.classes = network.input_shape, network.classes

    def logits(self, images: Images) -> Logits:
        """Return the rounded multiples of the scale, int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        parts = [np.zeros((0, self.classes), dtype=np.int32)]
        with torch.no_grad():
            for start in range(0, len(images), _BATCH):
                batch = self.network(_as_tensor(images[start : start + _BATCH]))
                parts.append(_steps(batch, self.scale).astype(np.int32))
        return np.concatenate(parts)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        with torch.no_grad():
            *found, logits = brevitas_activations(self.network, _as_tensor(image))
        trace = [(one.name, channels_last(_steps(one.values, one.step))) for one in found]
        return [*trace, ("logits", _steps(logits.values, self.scale))]


def _as_tensor(images: Images) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0


def _steps(values: torch.Tensor, step: float) -> NDArray[np.int64]:
    steps: NDArray[np.int64] = np.rint(values.double().numpy() / step).astype(np.int64)
    return steps
