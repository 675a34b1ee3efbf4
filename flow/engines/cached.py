# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An engine that is asked once."""

from flow.classifier import Images, Logits
from flow.engines.base import Engine, Trace

__all__ = ["CachedEngine"]


class CachedEngine:
    """An engine whose last logits are kept, for engines so slow that asking twice costs minutes."""

    def __init__(
        self, engine: Engine, images: Images | None = None, logits: Logits | None = None
    ) -> None:
        self.engine, self.images, self.known = engine, images, logits
        self.name = engine.name
        self.input_shape, self.classes = engine.input_shape, engine.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        if self.known is None or images is not self.images:
            self.images, self.known = images, self.engine.logits(images)
        return self.known

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        return self.engine.trace(image)
