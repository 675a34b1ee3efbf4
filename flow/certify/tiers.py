# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The tiers, each on what the one before left open."""

import numpy as np

from flow.certify.settings import CertifySettings
from flow.certify.verdict import Answer, Tier, Verdict
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
        self._numbers = cell_numbers(network)

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
        margins, _ = self._engine.margin_bounds(image, image, label)
        if (margins < need).any():
            return self._broken(index, label, Tier.CLEAN, image)
        low, high = _ball(image, self.settings.epsilon_255)
        bounds, _ = self._engine.margin_bounds(low, high, label)
        lacking = int((need - bounds).clip(min=0).sum())
        if not lacking:
            return Verdict(
                index=index, label=label, answer=Answer.ROBUST, tier=Tier.INTERVALS, nodes=1
            )
        cells = cells_of(self._numbers, image, self.settings.epsilon_255)
        found = self._flip(index, image, label, cells)
        if found is not None:
            return self._broken(index, label, Tier.FLIP, found)
        return self._search(index, image, label, cells, lacking)

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


def _ball(image: Images, epsilon_255: int) -> tuple[Images, Images]:
    values = image.astype(np.int64)
    low, high = (values - epsilon_255).clip(min=0), (values + epsilon_255).clip(max=255)
    return low.astype(np.uint8), high.astype(np.uint8)
