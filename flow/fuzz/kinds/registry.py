# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""All kinds of layers: a new one is a file beside this and a line here."""

from flow.fuzz.kinds.convolutions import CONVOLUTION, DEPTHWISE, GROUPED
from flow.fuzz.kinds.joins import CONCAT, JOIN, RESIDUAL
from flow.fuzz.kinds.places import CROP, UPSAMPLE
from flow.fuzz.kinds.pools import AVERAGE_POOL, MAX_POOL

__all__ = ["KINDS"]

KINDS = {
    kind.name: kind
    for kind in (
        CONVOLUTION,
        DEPTHWISE,
        GROUPED,
        MAX_POOL,
        AVERAGE_POOL,
        RESIDUAL,
        CONCAT,
        JOIN,
        CROP,
        UPSAMPLE,
    )
}
