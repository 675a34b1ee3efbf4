# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The architectures by name; adding one is a file and a line in _ARCHITECTURES."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from brevitas_models.architectures import (
    cnv,
    conv_small,
    convnet,
    lenet5,
    lfc,
    mobilenet,
    resnet8,
    resnet18,
    tfc,
    vgg_small,
)
from brevitas_models.architectures.chain import Chain, Parts
from brevitas_models.blocks import Edge
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum, Join
from brevitas_models.quantizers import WeightQuantizer, weight_options
from brevitas_models.settings import ArchitectureSettings, Pool
from steelflow_names import hint

__all__ = ["architecture_names", "build", "check", "layer_names"]

_CIFAR10, _MNIST = (32, 32, 3), (28, 28, 1)


@dataclass(frozen=True)
class _Architecture:
    """What there is before settings: builder, layers' names, the publication's images."""

    append: Callable[[Chain], None]
    layers: tuple[str, ...] | Callable[[ArchitectureSettings], tuple[str, ...]]
    input_shape: tuple[int, int, int]


_ARCHITECTURES = {
    "tfc": _Architecture(tfc.build_tfc, tfc.LAYERS, _MNIST),
    "lfc": _Architecture(lfc.build_lfc, lfc.LAYERS, _MNIST),
    "lenet5": _Architecture(lenet5.build_lenet5, lenet5.LAYERS, _MNIST),
    "convnet": _Architecture(convnet.build_convnet, convnet.layers, _MNIST),
    "conv_small": _Architecture(conv_small.build_conv_small, conv_small.LAYERS, _MNIST),
    "cnv": _Architecture(cnv.build_cnv, cnv.LAYERS, _CIFAR10),
    "vgg_small": _Architecture(vgg_small.build_vgg_small, vgg_small.LAYERS, _CIFAR10),
    "resnet8": _Architecture(resnet8.build_resnet8, resnet8.LAYERS, _CIFAR10),
    "resnet18": _Architecture(resnet18.build_resnet18, resnet18.LAYERS, _CIFAR10),
    "mobilenet": _Architecture(mobilenet.build_mobilenet, mobilenet.LAYERS, _CIFAR10),
}


def architecture_names() -> tuple[str, ...]:
    """Return the name of every architecture."""
    return tuple(_ARCHITECTURES)


def layer_names(settings: ArchitectureSettings) -> tuple[str, ...]:
    """Return the names of the weighted layers, from input to output, for a bit table.

    Raises:
        ModelError: there is no such architecture; the message has the nearest.
    """
    layers = _find(settings.architecture).layers
    return layers(settings) if callable(layers) else layers


def check(settings: ArchitectureSettings) -> None:
    """Refuse settings that no images could make a network of.

    Raises:
        ModelError: there is no such architecture or layer, convolutions are given to one that
            has its own, or weights cannot have so many bits.
    """
    settings.bits.check(settings.architecture, layer_names(settings))
    if (settings.architecture == "convnet") != bool(settings.convolutions):
        raise ModelError(
            f"{settings.architecture}: convolutions {settings.convolutions} cannot be used; "
            "give them to convnet, at least one, and to no other architecture"
        )
    for layer in layer_names(settings):
        weight_options(settings.quantizers.weights, settings.bits.of(layer).weight_bits)


def build(settings: ArchitectureSettings, seed: int = 0) -> QuantClassifier:
    """Build the untrained network with weights drawn from `seed`; torch's own RNG is kept.

    Raises:
        ModelError: see check; or the images are too small for it, it needs a zero that 1-bit
            activations do not have, or it has nothing that a join or a pool of the settings could
            change.
    """
    check(settings)
    found = _find(settings.architecture)
    complete = replace(settings, input_shape=settings.input_shape or found.input_shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _built(complete, found)
        if settings.quantizers.weights is WeightQuantizer.LARGEST:
            for _, layer in network.weighted_layers():
                nn.init.orthogonal_(layer.weight)
        return network


def _built(settings: ArchitectureSettings, architecture: _Architecture) -> QuantClassifier:
    assert settings.input_shape is not None
    height, width, channels = settings.input_shape
    parts = Parts(
        architecture=settings.architecture,
        bits=settings.bits,
        quantizers=settings.quantizers,
        width=settings.width,
        join=settings.join,
        pool=settings.pool,
        convolutions=settings.convolutions,
    )
    chain = Chain(parts, Edge(channels=channels, size=(height, width)))
    if settings.input_bits is not None:
        chain.squeeze(settings.input_bits)
    architecture.append(chain)
    last = parts.linear("classifier", chain.edge, settings.classes, last=True)
    features = chain.module()
    _check_read(settings, {type(module) for module in features.modules()})
    return QuantClassifier(settings, features, last, chain.edge)


def _check_read(settings: ArchitectureSettings, found: set[type[nn.Module]]) -> None:
    """Refuse a setting that nothing in the network follows."""
    needs = (
        ("join", settings.join, Join.CONVEX, ConvexSum, "residual join"),
        ("pool", settings.pool, Pool.AVERAGE, nn.AvgPool2d, "2x2 pool"),
    )
    for key, chosen, other, kind, what in needs:
        if chosen is other and kind not in found:
            raise ModelError(
                f"{settings.architecture}: has no {what}, so that {key}: {chosen} changes nothing; "
                "leave it out"
            )


def _find(name: str) -> _Architecture:
    if name not in _ARCHITECTURES:
        raise ModelError(f"architecture: there is no {name!r}{hint(name, _ARCHITECTURES)}")
    return _ARCHITECTURES[name]
