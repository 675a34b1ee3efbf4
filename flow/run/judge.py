# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whose logits decide over attacks: the integers, or a board that has to agree with them."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from flow.classifier import Classifier, Images
from flow.engines.board import BoardEngine, BoardFigures, CheckedBoard, virtual_board
from flow.engines.board_client import Link, RemoteBoard
from flow.environment import board_authority, board_certificate, board_key, board_token
from flow.evaluation.accuracy import BoardUse
from flow.integer import IntegerNetwork
from flow.progress import meter
from flow.report.schema import BoardOnTestSet, BoardRun
from flow.run.pipeline import Context
from hw.accelerator import Accelerator
from hw.shell.kernel import kernel_digest

__all__ = ["Judge", "judging"]

_BATCH = 256  # images between two steps of the meter


@dataclass
class Judge:
    """A victim, the engine's name for the rows, and what a board did for it.

    Attributes:
        victim: whose logits decide.
        engine: "integer" or "board".
        figures: of the board, which go on counting; None without one.
        test_set: what `compare` found.
    """

    victim: Classifier
    engine: str
    figures: BoardFigures | None = None
    test_set: BoardOnTestSet | None = None

    def used(self, before: BoardUse | None = None) -> BoardUse | None:
        """Return what the board has done, in all or since `before`; None without a board."""
        done = self.figures
        if done is None:
            return None
        queries, seconds = (before.queries, before.seconds) if before else (0, 0.0)
        return BoardUse(
            digest=done.digest,
            clock_mhz=done.clock_mhz,
            queries=done.queries - queries,
            seconds=done.seconds - seconds,
        )

    def compare(self, images: Images) -> None:
        """Send all of uint8[N, H, W, C] to the board: every logit must be the integers'.

        Raises:
            FlowError: a logit differs; the images are kept.
        """
        if self.figures is None or not isinstance(self.victim, CheckedBoard):
            return
        cycles, link_s, begin = self.figures.cycles, self.figures.link_s, time.perf_counter()
        with meter("test images on the board", unit="images") as report:
            for start in range(0, len(images), _BATCH):
                self.victim.logits(images[start : start + _BATCH])  # raises where one differs
                report(min(start + _BATCH, len(images)), len(images))
        seconds = time.perf_counter() - begin
        self.test_set = BoardOnTestSet(
            images=self.victim.compared,
            images_differ=self.victim.differing,
            cycles_per_image=(self.figures.cycles - cycles) / len(images),
            images_per_second=len(images) / seconds,
            link_share=(self.figures.link_s - link_s) / seconds,
        )

    def boards(self, network: str) -> list[BoardRun]:
        """Return the board's figures and the comparison; nothing without a board."""
        if self.figures is None:
            return []
        assert self.test_set is not None, "compare was called"
        return [BoardRun(network=network, **asdict(self.figures), test_set=self.test_set)]


@contextmanager
def judging(context: Context, name: str, network: IntegerNetwork, scratch: Path) -> Iterator[Judge]:
    """Give the integers, or for the network that became hardware the board, checked by them."""
    if context.config.attack.engine == "integer" or name != context.config.deployed:
        yield Judge(network, "integer")
        return
    with closing(_board(context)) as board:
        checked = CheckedBoard(board, network, scratch / "contradiction.npy")
        yield Judge(checked, board.name, board.figures)


def _board(context: Context) -> BoardEngine | RemoteBoard:
    """Return the board that the settings name; it must hold the accelerator that was compiled."""
    place = context.config.attack.board
    accelerator = Accelerator.load(context.folder("compile") / "accelerator")
    if place == "virtual":
        return virtual_board(
            accelerator, folder=context.cache("kernel"), build_dir=context.cache("verilator")
        )
    link = Link(
        url=place,
        token=board_token(),
        authority=board_authority(),
        certificate=board_certificate(),
        key=board_key(),
    )
    return RemoteBoard(link, kernel_digest(accelerator))
