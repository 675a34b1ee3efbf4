# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The incremental engine: bounds of margins over boxes of images, and searches in them."""

import ctypes
import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.integer.incremental._bind import Bound
from flow.integer.incremental._library import CCells, CFlipTask, CTreeTask, library
from flow.integer.incremental._program import make_program
from flow.integer.incremental.cells import Cells
from flow.integer.network import IntegerNetwork
from flow.integer.operations import Integers

__all__ = ["Decision", "Flip", "IncrementalNetwork", "needed_margins"]

_ANSWERS = ("robust", "adversarial", "unknown")


def needed_margins(label: int, classes: int) -> NDArray[np.int32]:
    """Return the least margins int32[K] over each class with which the label wins.

    Ties go to the lowest index: 1 over classes before the label, 0 over those after it; 0 for the
    label itself, whose margin is 0.
    """
    return (np.arange(classes) < label).astype(np.int32)


@dataclass(frozen=True, kw_only=True)
class Flip:
    """What a search for a misclassified image found.

    Attributes:
        image: uint8[H, W, C] of the least slack.
        slack: its least margin minus what is needed; negative exactly if it is misclassified.
        evaluations: images that were evaluated.
    """

    image: NDArray[np.uint8]
    slack: int
    evaluations: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a complete search decided.

    Attributes:
        answer: robust, adversarial or unknown.
        evaluations: boxes whose bounds were computed.
        leaves: boxes that bounds proved.
        image: uint8[H, W, C], misclassified, where the answer is adversarial.
        tree: int32[T, 2] in preorder, (image element, first value of the upper half) for a split
            and (-1, 0) for a proven box; None unless robust, or where there was no room.
    """

    answer: str
    evaluations: int
    leaves: int
    image: NDArray[np.uint8] | None
    tree: NDArray[np.int32] | None


class IncrementalNetwork:
    """An IntegerNetwork that is told what changes in its image; for one thread at a time."""

    def __init__(self, network: IntegerNetwork) -> None:
        """Lay the network out.

        Raises:
            FlowError: a sum may pass 2**62, or the library was not built.
        """
        self.network = network
        self._bound = Bound(make_program(network))
        self._engine = library().si_create(ctypes.byref(self._bound.program))
        weakref.finalize(self, library().si_destroy, self._engine)

    def margin_bounds(
        self, low: NDArray[np.uint8], high: NDArray[np.uint8], label: int
    ) -> tuple[Integers, Integers]:
        """Return bounds int64[K] of logit[label] - logit[j] over all images low <= x <= high.

        Interval arithmetic, exact at each operation, over the differences of the last layer's
        rows. low and high are uint8[H, W, C].

        Raises:
            FlowError: they do not fit the network, cross, or there is no such label.
        """
        self._check(low, label)
        self._check(high, label)
        if (low > high).any():
            raise FlowError("incremental engine: low is above high somewhere; swap them")
        ends = [np.ascontiguousarray(end, dtype=np.int32) for end in (low, high)]
        found = np.empty((2, self.network.classes), np.int64)
        library().si_bounds(
            *(self._engine, ends[0].ctypes.data, ends[1].ctypes.data, low.size, label),
            *(found[0].ctypes.data, found[1].ctypes.data),
        )
        return found[0], found[1]

    def flip(
        self,
        image: NDArray[np.uint8],
        label: int,
        cells: Cells,
        *,
        starts: NDArray[np.int32],
        evaluations: int,
        seed: int,
        tenure: int = 4,
        patience: int = 20,
    ) -> Flip:
        """Search the cells for a misclassified image: tabu from each start, then annealed.

        Args:
            image: uint8[H, W, C]; what the pixels without cells stay at.
            label: of the image.
            cells: of the ball.
            starts: int32[S, cells.count], a cell for each pixel, numbered as in `cells`.
            evaluations: images that may be evaluated.
            seed: of ties and of the annealing.
            tenure: moves for which a pixel that moved rests.
            patience: moves without a new least slack after which a tabu search ends.

        Raises:
            FlowError: the image does not fit the network, or there is no such label.
        """
        self._check(image, label)
        need = needed_margins(label, self.network.classes)
        best = np.zeros(max(cells.count, 1), np.int32)
        starts = np.ascontiguousarray(starts, dtype=np.int32)
        task = CFlipTask(
            cells=_bound_cells(cells),
            need=need.ctypes.data,
            label=label,
            seed=seed,
            evaluations=evaluations,
            tenure=tenure,
            patience=patience,
            start_count=len(starts),
            starts=starts.ctypes.data,
            best=best.ctypes.data,
        )
        whole = np.ascontiguousarray(image, dtype=np.int32)
        library().si_flip(self._engine, whole.ctypes.data, image.size, ctypes.byref(task))
        found = cells.image(image, best[: cells.count])
        return Flip(image=found, slack=int(task.best_slack), evaluations=int(task.spent))

    def decide(
        self,
        image: NDArray[np.uint8],
        label: int,
        cells: Cells,
        *,
        evaluations: int,
        lookahead: int = 1,
        tree_room: int = 0,
    ) -> Decision:
        """Prove that all images of the cells have the label, or find one that has not.

        Args:
            image: uint8[H, W, C]; what the pixels without cells stay at.
            label: of the image.
            cells: of the ball.
            evaluations: boxes that may be bounded, after which the answer is unknown.
            lookahead: pixels whose split is tried at each box.
            tree_room: entries of the tree that are kept.

        Raises:
            FlowError: the image does not fit the network, or there is no such label.
        """
        self._check(image, label)
        need = needed_margins(label, self.network.classes)
        broken = np.zeros(max(cells.count, 1), np.int32)
        tree = np.zeros((max(tree_room, 1), 2), np.int32)
        task = CTreeTask(
            cells=_bound_cells(cells),
            need=need.ctypes.data,
            label=label,
            evaluations=evaluations,
            lookahead=lookahead,
            tree_room=tree_room,
            tree=tree.ctypes.data,
            broken=broken.ctypes.data,
        )
        whole = np.ascontiguousarray(image, dtype=np.int32)
        library().si_decide(self._engine, whole.ctypes.data, image.size, ctypes.byref(task))
        answer = _ANSWERS[task.answer]
        kept = answer == "robust" and task.tree_size <= tree_room
        wrong = cells.image(image, broken[: cells.count]) if answer == "adversarial" else None
        return Decision(
            answer=answer,
            evaluations=int(task.spent),
            leaves=int(task.leaves),
            image=wrong,
            tree=tree[: task.tree_size].copy() if kept else None,
        )

    def _check(self, image: NDArray[np.uint8], label: int) -> None:
        if image.dtype != np.uint8 or image.shape != self.network.input_shape:
            raise FlowError(
                f"incremental engine: {image.dtype}{list(image.shape)} is not "
                f"uint8{list(self.network.input_shape)}; give one image of the network's size"
            )
        if not 0 <= label < self.network.classes:
            raise FlowError(
                f"incremental engine: label {label} is not within 0..{self.network.classes - 1}"
            )


def _bound_cells(cells: Cells) -> CCells:
    return CCells(
        count=cells.count,
        **{
            name: getattr(cells, name).ctypes.data
            for name in ("pixel", "start", "low", "high", "pick")
        },
    )
