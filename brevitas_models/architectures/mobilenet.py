# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small MobileNet (Howard et al., arXiv:1704.04861): depthwise-separable convolutions."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain

__all__ = ["MOBILENET"]

_STEM = 32
_PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # channels, stride of the depthwise
_LAYERS = (
    "stem",
    *(f"{kind}{number}" for number in range(1, 6) for kind in ("depthwise", "pointwise")),
    "classifier",
)


def _append_mobilenet(chain: Chain) -> None:
    """Append a 3x3 stem of 32 channels, five depthwise-separable pairs and the average pool."""
    chain.conv("stem", _STEM, padding=1)
    for number, (outputs, stride) in enumerate(_PAIRS, start=1):
        name = f"depthwise{number}"
        chain.conv(name, 0, stride=stride, padding=1, depthwise=True)
        chain.conv(f"pointwise{number}", outputs, kernel=1)
    chain.average("average")
    chain.flatten()


MOBILENET = Architecture(
    name="mobilenet", append=_append_mobilenet, layers=lambda _: _LAYERS, input_shape=CIFAR10
)
