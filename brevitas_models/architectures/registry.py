# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The architectures by name; adding one is a file and a line in the registry."""

from dataclasses import replace

import torch
from torch import nn

from brevitas_models.architectures.architecture import Architecture
from brevitas_models.architectures.chain import Chain, Parts
from brevitas_models.architectures.cnv import CNV
from brevitas_models.architectures.conv_small import CONV_SMALL
from brevitas_models.architectures.convnet import CONVNET
from brevitas_models.architectures.lenet5 import LENET5
from brevitas_models.architectures.lfc import LFC
from brevitas_models.architectures.mobilenet import MOBILENET
from brevitas_models.architectures.resnet8 import RESNET8
from brevitas_models.architectures.resnet18 import RESNET18
from brevitas_models.architectures.resnet20 import RESNET20
from brevitas_models.architectures.tfc import TFC
from brevitas_models.architectures.vgg_small import VGG_SMALL
from brevitas_models.blocks import Edge
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum, Join
from brevitas_models.quantizers import WeightQuantizer, weight_options
from brevitas_models.settings import ArchitectureSettings, Cell, Pool
from steelflow_names import hint

__all__ = ["architecture_names", "build", "check", "layer_names"]

_ARCHITECTURES: dict[str, Architecture] = {
    one.name: one
    for one in (
        TFC,
        LFC,
        LENET5,
        CONVNET,
        CONV_SMALL,
        CNV,
        VGG_SMALL,
        RESNET8,
        RESNET18,
        RESNET20,
        MOBILENET,
    )
}


def architecture_names() -> tuple[str, ...]:
    """Return the name of every architecture."""
    return tuple(_ARCHITECTURES)


def layer_names(settings: ArchitectureSettings) -> tuple[str, ...]:
    """Return the names of the weighted layers, from input to output, for a bit table.

    Raises:
        ModelError: there is no such architecture; the message has the nearest.
    """
    return _find(settings.architecture).layers(settings)


def check(settings: ArchitectureSettings) -> None:
    """Refuse settings that no images could make a network of.

    Raises:
        ModelError: there is no such architecture or layer, convolutions are given to one that
            has its own, or weights cannot have so many bits.
    """
    if settings.cells:
        _check_cells(settings)
    settings.bits.check(settings.architecture, layer_names(settings))
    if (settings.architecture == "convnet") != bool(settings.convolutions):
        raise ModelError(
            f"{settings.architecture}: convolutions {settings.convolutions} cannot be used; "
            "give them to convnet, at least one, and to no other architecture"
        )
    for layer in layer_names(settings):
        weight_options(settings.quantizers.weights, settings.bits.of(layer).weight_bits)


def _check_cells(settings: ArchitectureSettings) -> None:
    count, first = len(settings.convolutions), settings.cells[0]
    if settings.architecture != "convnet":
        problem = "cells are for convnet; leave them out"
    elif len(settings.cells) != count:
        problem = f"{len(settings.cells)} cells for {count} convolutions; give one for each"
    elif first is not Cell.CONV:
        problem = f"the first cell, {first}, would read the image; begin with conv"
    else:
        return
    raise ModelError(f"{settings.architecture}: {problem}")


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


def _built(settings: ArchitectureSettings, architecture: Architecture) -> QuantClassifier:
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
        cells=settings.cells,
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


def _find(name: str) -> Architecture:
    if name not in _ARCHITECTURES:
        raise ModelError(f"architecture: there is no {name!r}{hint(name, _ARCHITECTURES)}")
    return _ARCHITECTURES[name]
