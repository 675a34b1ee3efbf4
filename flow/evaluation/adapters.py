# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our engines in the clothes that other attack libraries expect, and what they find in ours.

The libraries search a ball of floats; run_art and run_foolbox hand back its uint8 images.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Classifier, Images, Labels, check_images
from flow.errors import FlowError
from flow.evaluation.rounding import Norm, radius_255, round_into_ball

if TYPE_CHECKING:
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork, PyTorchClassifier
    from torch import nn

    from flow.classifier import Differentiable

__all__ = [
    "as_art",
    "as_art_white_box",
    "as_foolbox",
    "as_function",
    "as_module",
    "run_art",
    "run_foolbox",
]

Floats = NDArray[np.floating[Any]]


class _Decoding(NamedTuple):
    """The trained network's float logits are scale * integer logits + offset."""

    scale: float
    offset: float


def _decoding(classifier: Classifier, scale: float | None, offset: float | None) -> _Decoding:
    own = getattr(classifier, "network", classifier)  # of the native engine
    return _Decoding(
        getattr(own, "scale", 1.0) if scale is None else scale,
        getattr(own, "offset", 0.0) if offset is None else offset,
    )


def as_function(
    classifier: Classifier,
    *,
    scale: float | None = None,
    offset: float | None = None,
    channels_first: bool = True,
) -> Callable[[Any], Any]:
    """Return a function of float images in 0..1, as Foolbox and ART call models.

    Args:
        classifier: any engine.
        scale: float logits per integer logit; attacks that look at probabilities need it. None
            for that of the engine's network, 1 where it has none.
        offset: added to the scaled logits; None for that of the engine's network, else 0.
        channels_first: images are [N, C, H, W], else [N, H, W, C].

    Returns:
        A function of a numpy array or a torch tensor that returns the same kind, float32[N, K].
        It rounds to uint8 first: the engine sees what the hardware would see. It raises FlowError
        for values outside 0..1.
    """
    decoding = _decoding(classifier, scale, offset)

    def logits(images: Any) -> Any:  # noqa: ANN401 - of numpy or torch
        tensor = not isinstance(images, np.ndarray)
        values = images.detach().cpu().numpy() if tensor else images
        pixels = _as_pixels(values)
        found = classifier.logits(pixels.transpose(0, 2, 3, 1) if channels_first else pixels)
        decoded = (found * decoding.scale + decoding.offset).astype(np.float32)
        return images.new_tensor(decoded) if tensor else decoded

    return logits


def _as_pixels(images: Floats) -> NDArray[np.uint8]:
    outside = ~((images >= -1e-6) & (images <= 1 + 1e-6))
    if outside.any():
        raise FlowError(f"images: {images[outside][0]} is not within 0..1; clip them to it")
    return np.rint(images * 255).astype(np.uint8)


def as_art(
    classifier: Classifier, *, scale: float | None = None, offset: float | None = None
) -> "BlackBoxClassifierNeuralNetwork":
    """Return an engine as ART's black box of float32[N, C, H, W] in 0..1; see as_function."""
    from art.estimators.classification import (  # noqa: PLC0415 - heavy, and optional
        BlackBoxClassifierNeuralNetwork,
    )

    height, width, channels = classifier.input_shape
    return BlackBoxClassifierNeuralNetwork(
        as_function(classifier, scale=scale, offset=offset),
        input_shape=(channels, height, width),
        nb_classes=classifier.classes,
        channels_first=True,
        clip_values=(0.0, 1.0),
    )


def as_module(network: "Differentiable") -> "nn.Module":
    """Return a torch module of float32[N, C, H, W] in 0..1 -> float32[N, K], with gradients.

    It rounds to uint8 first, the gradient straight through, and gives the twin's logits times the
    network's scale, plus its offset where it has one: Foolbox's PyTorchModel and torch attacks see
    what the hardware would see.
    """
    import torch  # noqa: PLC0415 - slow to import
    from torch import Tensor, nn  # noqa: PLC0415

    class _Pixels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.twin, self.decoding = network.twin(), _decoding(network, None, None)

        def forward(self, images: Tensor) -> Tensor:
            values = 255 * images.permute(0, 2, 3, 1)
            exact = values.detach().round().clamp(0, 255)
            logits: Tensor = self.twin(exact + (values - values.detach()))
            return (logits * self.decoding.scale + self.decoding.offset).to(torch.float32)

    return _Pixels()


def as_art_white_box(network: "Differentiable") -> "PyTorchClassifier":
    """Return as_module as ART's classifier, for its white-box attacks."""
    from art.estimators.classification import PyTorchClassifier  # noqa: PLC0415 - optional
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


def as_foolbox(network: "Differentiable") -> Any:  # noqa: ANN401 - of a library without types
    """Return as_module as Foolbox's PyTorchModel of images in 0..1."""
    foolbox: Any = import_module("foolbox")  # heavy, and optional
    return foolbox.PyTorchModel(as_module(network).eval(), bounds=(0, 1), device="cpu")


def run_art(attack: Any, images: Images, labels: Labels) -> Images:  # noqa: ANN401 - of ART
    """Return what an attack of ART finds, as uint8 images in the ball that it was asked for.

    Its ball of floats is first narrowed to the whole pixels inside it (epsilon 0.03 to 7/255), so
    that it sees no image that could not be handed back; without `eps`, whatever it finds is only
    rounded. The attack's settings are afterwards as they were.

    Args:
        attack: an evasion attack on as_art or as_art_white_box; `eps` and `norm` are read.
        images: uint8[N, H, W, C].
        labels: int64[N], the true ones.

    Raises:
        FlowError: the images do not fit the estimator, or the attack's norm is not inf or 2.
    """
    channels, height, width = attack.estimator.input_shape
    check_images(images, (height, width, channels))
    asked, norm = getattr(attack, "eps", None), _norm(getattr(attack, "norm", np.inf))
    if asked is None:
        return _from_floats(images, attack.generate(_floats(images), labels), 1.0, "linf")
    epsilon = _whole(asked, norm)
    if epsilon == 0:  # which ART refuses
        return images.copy()
    given = {key: getattr(attack, key) for key in ("eps", "eps_step") if hasattr(attack, key)}
    narrowed = {key: min(value, epsilon) for key, value in given.items()}
    attack.set_params(**narrowed)
    try:
        found = attack.generate(_floats(images), labels)
    finally:
        attack.set_params(**given)
    return _from_floats(images, found, epsilon, norm)


def run_foolbox(
    attack: Any,  # noqa: ANN401 - of Foolbox
    model: Any,  # noqa: ANN401
    images: Images,
    labels: Labels,
    *,
    epsilon: float,
    norm: Norm = "linf",
) -> Images:
    """Return what an attack of Foolbox finds, as uint8 images in the ball; see run_art.

    Args:
        attack: one of foolbox.attacks.
        model: as_foolbox.
        images: uint8[N, H, W, C].
        labels: int64[N], the true ones.
        epsilon: radius for images in 0..1.
        norm: of the attack, which does not tell it.

    Raises:
        FlowError: epsilon is no radius.
    """
    import torch  # noqa: PLC0415 - slow to import

    values, targets = torch.from_numpy(_floats(images)), torch.from_numpy(np.asarray(labels))
    whole = _whole(epsilon, norm)
    _, clipped, _ = attack(model, values, targets, epsilons=whole)
    return _from_floats(images, clipped.numpy(), whole, norm)


def _norm(norm: object) -> Norm:
    known: dict[object, Norm] = {np.inf: "linf", "inf": "linf", 2: "l2", "2": "l2"}
    if norm not in known:
        raise FlowError(f"attack: norm {norm} has no ball of pixels here; choose inf or 2")
    return known[norm]


def _whole(epsilon: float, norm: Norm) -> float:
    """Return the largest radius of whole pixels in the ball; of l2 every radius is good."""
    radius = radius_255(epsilon)
    return (np.floor(radius) if norm == "linf" else radius) / 255


def _floats(images: Images) -> NDArray[np.float32]:
    return (images / 255).transpose(0, 3, 1, 2).astype(np.float32)


def _from_floats(images: Images, found: NDArray[Any], epsilon: float, norm: Norm) -> Images:
    return round_into_ball(images, found.transpose(0, 2, 3, 1), epsilon, norm)
