# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""LFC: the large multilayer perceptron of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.perceptron import perceptron

__all__ = ["LFC"]

_LAYERS = ("fc1", "fc2", "fc3", "classifier")


def _append_lfc(chain: Chain) -> None:
    """Append 1024-1024-1024 behind the image."""
    perceptron(chain, (1024, 1024, 1024))


LFC = Architecture(name="lfc", append=_append_lfc, layers=lambda _: _LAYERS, input_shape=MNIST)
