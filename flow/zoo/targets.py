# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the zoo's networks are folded for."""

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Target", "target_of"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a network is folded for, and how many test images its RTL sees by default."""

    frames_per_second: float
    images: int
    part: str = "xc7z020clg400-1"
    clock_mhz: float = 100.0


# by the second word of a name; 1,000 frames a second are 98,304 cycles for a CNV at 100 MHz
_BY_NETWORK = {
    "tfc": Target(frames_per_second=100_000, images=1000),
    "convsmall": Target(frames_per_second=3000, images=32),
    "lenet": Target(frames_per_second=3000, images=32),
    "mobilenet": Target(frames_per_second=500, images=16),
    "resnet8": Target(frames_per_second=1000, images=16),
}
_OTHERS = Target(frames_per_second=1000, images=8)


def target_of(name: str, **given: Any) -> Target:  # noqa: ANN401 - of Target's fields
    """Return the target of a zoo network; what is given and not None replaces its fields.

    A name is <data>-<network>-<bits>, which may go on.
    """
    default = _BY_NETWORK.get(name.split("-")[1], _OTHERS)
    return replace(default, **{key: value for key, value in given.items() if value is not None})
