# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""LeNet-5 (LeCun et al., 1998) with BatchNorm, quantized activations and fully connected C3."""

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain

__all__ = ["LENET5"]

_LAYERS = ("conv1", "conv2", "fc1", "fc2", "classifier")


def _append_lenet5(chain: Chain) -> None:
    """Append two 5x5 convolutions (6, 16 channels), each with a 2x2 pool, and 120-84.

    The first convolution pads by 2, as for the publication's 32x32 images; the settings choose the
    pool: the average of the publication has trained coefficients, which BatchNorm makes idle here.
    """
    chain.conv("conv1", 6, kernel=5, padding=2)
    chain.pool("pool1")
    chain.conv("conv2", 16, kernel=5)
    chain.pool("pool2")
    chain.flatten()
    chain.linear("fc1", 120)
    chain.linear("fc2", 84)


LENET5 = Architecture(
    name="lenet5", append=_append_lenet5, layers=lambda _: _LAYERS, input_shape=MNIST
)
