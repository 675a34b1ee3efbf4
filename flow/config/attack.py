# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The attacks of a run."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from flow.config.section import Distinct, Epsilon, Positive, Section, unless_given

__all__ = ["AttackConfig"]


_SERVED = re.compile(r"https?://[^/\s]+/v2/models/[^/\s]+/?")


def _place(value: str) -> str:
    if value != "virtual" and not _SERVED.fullmatch(value):
        raise ValueError("give virtual, or http[s]://host:port/v2/models/NAME as `serve` prints it")
    return value


class AttackConfig(Section):
    """Attacks on the integer network: white box through its torch twin, black box by its logits."""

    attacks: Annotated[tuple[str, ...], Distinct] = ("fgsm", "pgd")  # in this order
    # the radius of l2 where the attack's norm is l2: cw, deepfool, zoo
    epsilons_255: Annotated[tuple[Epsilon, ...], Distinct] = (0, 8, 16, 32, 64, 128)
    images: Positive | None = None  # the first n test images; all when absent
    steps: Positive = 40  # gradients of one restart; for each target of apgd_dlr_targeted and fab_t
    restarts: Positive = 5  # of every attack that starts at random; 1 of those with queries
    queries: Positive = 5000  # of a black box for an image; of transfer in all
    # of the whole attack with other draws, on the images that it has left: for those with queries
    repeats: Positive = unless_given(1)
    # keep_top_k: success is a label that is not among the top_k largest logits
    goal: Literal["untargeted", "targeted", "keep_top_k"] = unless_given("untargeted")
    target: Annotated[int, Field(ge=0)] | None = unless_given(None)  # class, of goal targeted
    top_k: Positive = unless_given(1)  # of goal keep_top_k
    stop_early: bool = False  # each attack sees only the images that those before it left
    device: Literal["cpu", "cuda"] = "cpu"  # where gradients are computed; cpu judges in any case
    # who judges the network that became hardware: the integers, or a board that has to agree with
    # them; board: `virtual`, or the address that a board's server prints
    engine: Literal["integer", "board"] = "integer"
    board: Annotated[str, AfterValidator(_place)] = "virtual"
    board_images: Positive | None = None  # test images that it must agree on; all when absent
    check_steps: Positive | None = None  # PGD takes so many too, to see that more do no worse
