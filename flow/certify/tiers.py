# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The tiers, each on what the one before left open."""

import numpy as np

from flow.certify.linear import LinearBounds, Lines
from flow.certify.settings import CertifySettings
from flow.certify.verdict import Answer, Slopes, Tier, Verdict
from flow.classifier import Images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.integer.incremental import (
    Cells,
    IncrementalNetwork,
    cell_numbers,
    cells_of,
    needed_margins,
)
from flow.integer.native.intervals import interval_network
from flow.integer.operations import Integers

__all__ = ["Prover"]

_FEW_CELLS = 4  # of a pixel; see flow.attacks.flip


class Prover:
    """Decides the images of one network; for one thread at a time.

    An answer depends on the image and the settings alone, never on what was decided before.
    """

    def __init__(self, network: object, settings: CertifySettings) -> None:
        """Lay the network out.

        Raises:
            FlowError: it is no IntegerNetwork, or its sums are too large.
        """
        if not isinstance(network, IntegerNetwork):
            raise FlowError(
                f"certify: {type(network).__name__} is no IntegerNetwork, and only its operations "
                "have bounds; give the integer network that it equals"
            )
        self.network, self.settings = network, settings
        self._engine = IncrementalNetwork(network)
        self._both = interval_network(network, threads=1)
        self._numbers = cell_numbers(network)
        self._squeezed = int(self._numbers.max()) < _FEW_CELLS
        self._lines = _linear_bounds(network) if settings.slope_bits else None

    def decide(self, index: int, image: Images, label: int) -> Verdict:
        """Decide whether every image within epsilon has the label.

        Args:
            index: of the image, for the verdict and the seed of the search.
            image: uint8[H, W, C], clean.
            label: its true class.

        Raises:
            FlowError: the image does not fit, or there is no such class.
        """
        need = needed_margins(label, self.network.classes)
        margins, bounds = self._intervals(image, label)
        if (margins < need).any():
            return self._broken(index, label, Tier.CLEAN, image)
        lacking = int((need - bounds).clip(min=0).sum())
        if not lacking:
            return Verdict(
                index=index, label=label, answer=Answer.ROBUST, tier=Tier.INTERVALS, nodes=1
            )
        return self._harder(index, image, label, lacking)

    def _intervals(self, image: Images, label: int) -> tuple[Integers, Integers]:
        """Return the margins int64[K] of the image, and lower bounds of them over its ball."""
        low, high = _ball(image, self.settings.epsilon_255)
        if self._both is None:
            boxes = ((image, image), (low, high))
            clean, bounds = (self._engine.margin_bounds(*box, label)[0] for box in boxes)
            return clean, bounds
        ends = np.stack([image, low]), np.stack([image, high])
        clean, bounds = self._both.margins(*ends, np.array([label, label])).astype(np.int64)
        return clean, bounds

    def _harder(self, index: int, image: Images, label: int, lacking: int) -> Verdict:
        """Decide what intervals over the whole ball leave open.

        Linear bounds come first where search is hopeless, last where it takes milliseconds.
        """
        if not self._squeezed and (slopes := self._linear(image, label)):
            return self._by_lines(index, label, slopes)
        cells = cells_of(self._numbers, image, self.settings.epsilon_255)
        found = self._flip(index, image, label, cells)
        if found is not None:
            return self._broken(index, label, Tier.FLIP, found)
        verdict = self._search(index, image, label, cells, lacking)
        if self._squeezed and verdict.answer is Answer.UNKNOWN:
            slopes = self._linear(image, label)
            return self._by_lines(index, label, slopes) if slopes else verdict
        return verdict

    def _linear(self, image: Images, label: int) -> dict[str, Slopes]:
        """Return the slopes that prove the ball, empty where they do not."""
        if self._lines is None:
            return {}
        need = needed_margins(label, self.network.classes)
        for precision in range(self.settings.slope_bits, 0, -2):
            try:
                bounds, lines = self._lines.margins(
                    *_ball(image, self.settings.epsilon_255), label, precision=precision
                )
            except OverflowError:  # fewer bits need less room
                continue
            return {} if (bounds < need).any() else {k: _slopes(v) for k, v in lines.items()}
        return {}

    @staticmethod
    def _by_lines(index: int, label: int, slopes: dict[str, Slopes]) -> Verdict:
        return Verdict(
            index=index,
            label=label,
            answer=Answer.ROBUST,
            tier=Tier.LINES,
            nodes=1,
            slopes=slopes,
        )

    def _flip(self, index: int, image: Images, label: int, cells: Cells) -> Images | None:
        if not self.settings.flips:
            return None
        most = int(np.diff(cells.start).max(initial=0))
        moved = cells if most <= _FEW_CELLS else cells.extremes()
        found = self._engine.flip(
            *(image, label, moved),
            starts=moved.clean[None],
            evaluations=self.settings.flips,
            seed=index,
        )
        return found.image if found.slack < 0 else None

    def _search(self, index: int, image: Images, label: int, cells: Cells, lacking: int) -> Verdict:
        settings = self.settings
        if not settings.nodes:
            return Verdict(
                index=index, label=label, answer=Answer.UNKNOWN, tier=Tier.NONE, lacking=lacking
            )
        found = self._engine.decide(
            *(image, label, cells),
            evaluations=settings.nodes,
            lookahead=settings.lookahead,
            tree_room=settings.tree_room,
        )
        if found.image is not None:
            return self._broken(index, label, Tier.TREE, found.image, found.evaluations)
        answer = Answer(found.answer)
        return Verdict(
            index=index,
            label=label,
            answer=answer,
            tier=Tier.TREE if answer is Answer.ROBUST else Tier.NONE,
            nodes=found.evaluations,
            lacking=lacking if answer is Answer.UNKNOWN else 0,
            tree=found.tree,
        )

    def _broken(self, index: int, label: int, tier: Tier, image: Images, nodes: int = 0) -> Verdict:
        """Return the verdict after replaying the image through the reference network."""
        logits = self.network.logits(image[None])[0]
        assert int(logits.argmax()) != label, "a counterexample that the network gets right"
        return Verdict(
            index=index,
            label=label,
            answer=Answer.ADVERSARIAL,
            tier=tier,
            nodes=nodes,
            adversarial=image,
        )


def _linear_bounds(network: IntegerNetwork) -> LinearBounds | None:
    """Return the bounds, None for a network that is too large for them."""
    try:
        return LinearBounds(network)
    except OverflowError:
        return None


def _slopes(lines: Lines) -> Slopes:
    below, above = (line.slope.astype(np.int32) for line in (lines.below, lines.above))
    return Slopes(below=below, above=above, bits=lines.below.bits)


def _ball(image: Images, epsilon_255: int) -> tuple[Images, Images]:
    values = image.astype(np.int64)
    low, high = (values - epsilon_255).clip(min=0), (values + epsilon_255).clip(max=255)
    return low.astype(np.uint8), high.astype(np.uint8)
