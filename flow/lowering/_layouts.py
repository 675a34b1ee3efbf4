# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The tensors that are images: NCHW, NHWC, and sequences [N, C, L] and [N, L, C]."""

from dataclasses import dataclass, replace

import numpy as np

from flow.lowering._values import Value

__all__ = ["Layout", "image_layout", "layouts"]


@dataclass(frozen=True)
class Layout:
    """How a tensor becomes NCHW: by an axis of size 1 or none, then by a transposition.

    Attributes:
        axes: of the transposition.
        added: where the axis is put.
    """

    axes: tuple[int, int, int, int]
    added: int | None = None

    def image(self, value: Value) -> Value:
        """Return the tensor as NCHW."""
        index = value.index if self.added is None else np.expand_dims(value.index, self.added)
        return replace(value, index=index.transpose(self.axes))

    def back(self, value: Value) -> Value:
        """Return an NCHW tensor in this layout."""
        index = value.index.transpose(np.argsort(self.axes))
        return replace(value, index=index if self.added is None else index.squeeze(self.added))

    def place(self, axis: int) -> int:
        """Return where one of the tensor's axes is in NCHW: 1 is the channels."""
        shifted = axis + 1 if self.added is not None and axis >= self.added else axis
        return self.axes.index(shifted)


_FIRST, _LAST = (0, 1, 2, 3), (0, 3, 1, 2)
_LAYOUTS = {
    4: (Layout(_FIRST), Layout(_LAST)),
    3: (Layout(_FIRST, 2), Layout(_FIRST, 3), Layout(_LAST, 1), Layout(_LAST, 2)),
}


def layouts(rank: int) -> tuple[Layout, ...]:
    """Return the layouts of tensors with so many axes, channels first before channels last."""
    return _LAYOUTS.get(rank, ())


def image_layout(value: Value) -> Layout | None:
    """Return the layout in which a tensor is its source's image in order, None if in none."""
    found = layouts(value.index.ndim)
    return next((layout for layout in found if layout.image(value).is_image()), None)
