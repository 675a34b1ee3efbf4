# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our engines in the clothes that other attack libraries expect."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Classifier
from flow.errors import FlowError

if TYPE_CHECKING:
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork, PyTorchClassifier
    from torch import nn

    from flow.attacks import Differentiable

__all__ = ["as_art", "as_art_white_box", "as_function", "as_module"]

Floats = NDArray[np.floating[Any]]


def as_function(
    classifier: Classifier, *, scale: float = 1.0, channels_first: bool = True
) -> Callable[[Any], Any]:
    """Return a function of float images in 0..1, as Foolbox and ART call models.

    Args:
        classifier: any engine.
        scale: float logits per integer logit; attacks that look at probabilities need it.
        channels_first: images are [N, C, H, W], else [N, H, W, C].

    Returns:
        A function of a numpy array or a torch tensor that returns the same kind, float32[N, K].
        It rounds to uint8 first: the engine sees what the hardware would see. It raises FlowError
        for values outside 0..1.
    """

    def logits(images: Any) -> Any:  # noqa: ANN401 - of numpy or torch
        tensor = not isinstance(images, np.ndarray)
        values = images.detach().cpu().numpy() if tensor else images
        pixels = _as_pixels(values)
        found = classifier.logits(pixels.transpose(0, 2, 3, 1) if channels_first else pixels)
        scaled = found.astype(np.float32) * np.float32(scale)
        return images.new_tensor(scaled) if tensor else scaled

    return logits


def _as_pixels(images: Floats) -> NDArray[np.uint8]:
    outside = ~((images >= -1e-6) & (images <= 1 + 1e-6))
    if outside.any():
        raise FlowError(f"images: {images[outside][0]} is not within 0..1; clip them to it")
    return np.rint(images * 255).clip(0, 255).astype(np.uint8)


def as_art(classifier: Classifier, *, scale: float = 1.0) -> "BlackBoxClassifierNeuralNetwork":
    """Return an engine as ART's black box of float32[N, C, H, W] in 0..1; see as_function."""
    from art.estimators.classification import (  # noqa: PLC0415 - heavy, and only of the tests
        BlackBoxClassifierNeuralNetwork,
    )

    height, width, channels = classifier.input_shape
    return BlackBoxClassifierNeuralNetwork(
        as_function(classifier, scale=scale),
        input_shape=(channels, height, width),
        nb_classes=classifier.classes,
        channels_first=True,
        clip_values=(0.0, 1.0),
    )


def as_module(network: "Differentiable") -> "nn.Module":
    """Return a torch module of float32[N, C, H, W] in 0..1 -> float32[N, K], with gradients.

    It rounds to uint8 first, the gradient straight through, and gives the twin's logits times the
    network's scale: Foolbox's PyTorchModel and torch attacks see what the hardware would see.
    """
    import torch  # noqa: PLC0415 - slow to import
    from torch import Tensor, nn  # noqa: PLC0415

    class _Pixels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.twin, self.scale = network.twin(), network.scale

        def forward(self, images: Tensor) -> Tensor:
            values = 255 * images.permute(0, 2, 3, 1)
            exact = values.detach().round().clamp(0, 255)
            logits: Tensor = self.twin(exact + (values - values.detach()))
            return (logits * self.scale).to(torch.float32)

    return _Pixels()


def as_art_white_box(network: "Differentiable") -> "PyTorchClassifier":
    """Return as_module as ART's classifier, for its white-box attacks."""
    from art.estimators.classification import PyTorchClassifier  # noqa: PLC0415 - only of the tests
    from torch import nn  # noqa: PLC0415 - slow to import

    height, width, channels = network.input_shape
    return PyTorchClassifier(
        as_module(network),
        loss=nn.CrossEntropyLoss(),
        input_shape=(channels, height, width),
        nb_classes=network.classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
