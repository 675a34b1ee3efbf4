# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exact form of a trained network, in which float rounding can decide nothing.

Torch, onnxruntime and FINN compute the same network with different float32 roundings. They agree
with the integers for certain when, for every channel and every activation level, the threshold at
which the level is reached, in units of the layer's integer accumulator, keeps a distance (the
margin) from every integer that exceeds the rounding error of the float computation. Then

1. weights on a power-of-two grid times activations on a power-of-two grid give sums that float32
   holds exactly, so that only the division of the image by 255 and the BatchNorm round at all;
   on other grids the rounding of each product and addition is counted;
2. a shift of the channel's thresholds by at most half an accumulator unit, through the BatchNorm's
   bias, buys the margin: n thresholds leave, modulo 1, a gap of at least 1 / n between them, so
   the middle of the widest gap is always at least 1 / (2 n) away from all.
"""

from brevitas_models.exact.form import make_exact, weight_codes
from brevitas_models.exact.margins import LayerMargin, layer_margins
from brevitas_models.exact.thresholds import best_shift

__all__ = ["LayerMargin", "best_shift", "layer_margins", "make_exact", "weight_codes"]
