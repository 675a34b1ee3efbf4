# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Residual networks of basic blocks for small images."""

from collections.abc import Sequence

from brevitas_models.architectures.chain import Chain

__all__ = ["Block", "layer_names", "residual_network"]

Block = tuple[int, int]  # channels, stride


def residual_network(chain: Chain, stem: int, blocks: Sequence[Block]) -> None:
    """Append a padded 3x3 stem, residual blocks and the mean over the image."""
    chain.conv("stem", stem, padding=1)
    for number, (channels, stride) in enumerate(blocks, start=1):
        chain.residual(f"block{number}", channels, stride)
    chain.average("average")
    chain.flatten()


def layer_names(stem: int, blocks: Sequence[Block]) -> tuple[str, ...]:
    """Return the names of the weighted layers of residual_network and the classifier's."""
    names, inputs = ["stem"], stem
    for number, (channels, stride) in enumerate(blocks, start=1):
        names += [f"block{number}.first", f"block{number}.second"]
        if stride != 1 or channels != inputs:
            names.append(f"block{number}.shortcut")
        inputs = channels
    return (*names, "classifier")
