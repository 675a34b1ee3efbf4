# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""TFC: the small multilayer perceptron of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.perceptron import perceptron

__all__ = ["LAYERS", "build_tfc"]

LAYERS = ("fc1", "fc2", "fc3", "classifier")


def build_tfc(chain: Chain) -> None:
    """Append 64-64-64 behind the image."""
    perceptron(chain, (64, 64, 64))
