# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The networks of `steelflow bench training`."""

from dataclasses import dataclass

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network and the minibatch on which it is trained."""

    data: str
    architecture: str
    bits: int  # of weights and activations
    batch: int

    @property
    def name(self) -> str:
        """As in the zoo."""
        return f"{self.data}-{self.architecture}-w{self.bits}a{self.bits}"


CASES = (
    Case(data="mnist", architecture="lenet5", bits=4, batch=100),
    Case(data="mnist", architecture="tfc", bits=2, batch=100),
    Case(data="cifar10", architecture="cnv", bits=4, batch=32),
    Case(data="cifar10", architecture="resnet8", bits=4, batch=32),
)
