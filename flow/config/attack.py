# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The attacks of a run."""

from typing import Annotated, Literal

from flow.config.section import Distinct, Epsilon, Positive, Section

__all__ = ["AttackConfig"]


class AttackConfig(Section):
    """Attacks on the integer network: white box through its torch twin, black box by its logits."""

    attacks: Annotated[tuple[str, ...], Distinct] = ("fgsm", "pgd")  # in this order
    # the radius of l2 where the attack's norm is l2: cw, deepfool, zoo
    epsilons_255: Annotated[tuple[Epsilon, ...], Distinct] = (0, 8, 16, 32, 64, 128)
    images: Positive | None = None  # the first n test images; all when absent
    steps: Positive = 40  # gradients of one restart; for each target of apgd_dlr_targeted
    restarts: Positive = 5  # of every attack that starts at random; 1 of those with queries
    queries: Positive = 5000  # of a black box for an image; of transfer in all
    stop_early: bool = False  # each attack sees only the images that those before it left
    device: Literal["cpu", "cuda"] = "cpu"  # where gradients are computed; cpu judges in any case
    # who judges the network that became hardware: the integers, or a board that has to agree with
    # them; board: `virtual`, or the address that a board's server prints
    engine: Literal["integer", "board"] = "integer"
    board: str = "virtual"
    check_steps: Positive | None = None  # PGD takes so many too, to see that more do no worse
