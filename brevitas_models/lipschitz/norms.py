# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Exact operator norms of linear layers and of strided, padded convolutions."""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

__all__ = [
    "SPECTRAL_TOLERANCE",
    "Norm",
    "Window",
    "conv_row_sum",
    "conv_spectral_norm",
    "operator_norm",
]

SPECTRAL_TOLERANCE = 1e-10
_MAX_RESTARTS = 2_000
_KRYLOV = 16  # vectors between restarts
_TINY = 1e-12


class Norm(StrEnum):
    """The norm of distances before and behind a layer."""

    L2 = "l2"
    LINF = "linf"


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a convolution moves over an image of `size` (height, width)."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def convolve(self, images: Tensor, weight: Tensor) -> Tensor:
        """Map float[N, in, *size] to float[N, out, H', W']."""
        return F.conv2d(images, weight, None, self.stride, self.padding, self.dilation, self.groups)

    def transpose(self, outputs: Tensor, weight: Tensor) -> Tensor:
        """Map float[N, out, H', W'] back by the transposed map."""
        shape = (len(outputs), weight.shape[1] * self.groups, *self.size)
        found: Tensor = conv2d_input(
            shape, weight, outputs, self.stride, self.padding, self.dilation, self.groups
        )
        return found


def operator_norm(
    weight: Tensor, window: Window | None, norm: Norm, tolerance: float = SPECTRAL_TOLERANCE
) -> float:
    """Return the norm of a linear map.

    Args:
        weight: float[out, in], or float[out, in / groups, kh, kw] of a convolution.
        window: of the convolution; None for a matrix.
        norm: largest singular value (l2), or largest sum of magnitudes of a row (linf).
        tolerance: of conv_spectral_norm.
    """
    exact = weight.detach().double()
    if norm is Norm.LINF:
        return float(exact.abs().sum(1).max()) if window is None else conv_row_sum(exact, window)
    if window is None:
        return float(torch.linalg.matrix_norm(exact, 2))
    return conv_spectral_norm(exact, window, tolerance)


def conv_spectral_norm(
    weight: Tensor, window: Window, tolerance: float = SPECTRAL_TOLERANCE
) -> float:
    """Return the largest singular value of a convolution over a zero-padded image.

    Power iteration on A^T A, A the true convolution and not the reshaped kernel; after every 16
    steps it goes on from the best vector in their span (restarted Lanczos), which takes tens of
    steps where the plain iteration takes thousands. `weight` is float64[out, in / groups, kh, kw].
    The start vector is fixed, so the result repeats; it approaches the norm from below, until a
    restart changes it by less than the relative tolerance.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (1, weight.shape[1] * window.groups, *window.size)
    vector = torch.randn(shape, generator=generator, dtype=weight.dtype).to(weight.device)
    estimate = 0.0
    for _ in range(_MAX_RESTARTS):
        previous = estimate
        square, vector = _krylov(weight, window, vector)
        estimate = square**0.5
        if abs(estimate - previous) <= tolerance * estimate:
            break
    return estimate


def _krylov(weight: Tensor, window: Window, start: Tensor) -> tuple[float, Tensor]:
    """Return the largest eigenvalue of A^T A in a Krylov space, and its vector."""
    basis, images, direction = [], [], start
    for _ in range(_KRYLOV):
        length = direction.norm()
        if not length > _TINY * start.norm():  # the space is complete
            break
        basis.append(direction / length)
        images.append(window.transpose(window.convolve(basis[-1], weight), weight))
        direction = images[-1]
        for _ in range(2):  # a second time, against rounding
            for one in basis:
                direction = direction - (one * direction).sum() * one
    rows = torch.cat(basis).flatten(1)
    projected = rows @ torch.cat(images).flatten(1).T
    values, vectors = torch.linalg.eigh((projected + projected.T) / 2)
    best = (vectors[:, -1] @ rows).reshape(start.shape)
    return max(float(values[-1]), 0.0), best


def conv_row_sum(weight: Tensor, window: Window) -> float:
    """Return the largest sum of magnitudes that one output of a convolution takes."""
    shape = (1, weight.shape[1] * window.groups, *window.size)
    return float(window.convolve(torch.ones(shape).to(weight), weight.abs()).max())
