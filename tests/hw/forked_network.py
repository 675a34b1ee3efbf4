# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the fixture `forked` hands out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from flow.integer import IntegerNetwork
from hw.accelerator import Accelerator

__all__ = ["Forked"]


@dataclass(frozen=True)
class Forked:
    """A network with a residual and a concatenation; [0] gives logits, [1] the label."""

    graphs: tuple[ModelWrapper, ModelWrapper]
    accelerators: tuple[Accelerator, Accelerator]
    deep: dict[str, int]  # FIFO depths of the first that end in no deadlock
    images: NDArray[np.uint8]
    logits: NDArray[np.int32]  # of the images, by the integer network
    network: IntegerNetwork
