# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Two strided convolutions and a linear layer: what interval bounds stay tight in.

The shape of the small network of Gowal et al. (2018), which strides instead of pooling, with 5x5
windows at stride 2 twice.
"""

from brevitas_models._chain import Chain

__all__ = ["LAYERS", "build_strided"]

LAYERS = ("conv1", "conv2", "fc1", "classifier")


def build_strided(chain: Chain) -> None:
    """Append convolutions of 16 and 32 channels without padding, and 100 features."""
    chain.conv("conv1", 16, kernel=5, stride=2)
    chain.conv("conv2", 32, kernel=5, stride=2)
    chain.flatten()
    chain.linear("fc1", 100)
