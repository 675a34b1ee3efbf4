# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""TFC: the small multilayer perceptron of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.perceptron import perceptron

__all__ = ["TFC"]

_LAYERS = ("fc1", "fc2", "fc3", "classifier")


def _append_tfc(chain: Chain) -> None:
    """Append 64-64-64 behind the image."""
    perceptron(chain, (64, 64, 64))


TFC = Architecture(name="tfc", append=_append_tfc, layers=lambda _: _LAYERS, input_shape=MNIST)
