# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The course of an attack: what it says of its progress, and where its restarts begin."""

import numpy as np
import pytest
import torch
from quantized_digits import digits, digits_network
from torch import Tensor, nn

from flow.attacks import ATTACKS, build_attack
from flow.attacks._search import Indices, Search
from flow.attacks.transfer import Transfer

IMAGES, LABELS = digits().test_images[:12], digits().test_labels[:12]


@pytest.mark.parametrize("name", ATTACKS)
def test_progress_never_falls_and_ends_with_all(name: str) -> None:
    attack = build_attack(name, steps=5, restarts=2, queries=60)
    told: list[tuple[int, int]] = []
    attack.run(*(digits_network(), IMAGES, LABELS, 16, 0), progress=lambda *now: told.append(now))
    done = [one for one, _ in told]
    assert done == sorted(done)
    assert told[-1] == (len(IMAGES) * attack.restarts,) * 2


@pytest.mark.parametrize(
    ("name", "starts"), [("pgd", 3), ("apgd_ce", 3), ("apgd_dlr", 3), ("apgd_dlr_targeted", 27)]
)
def test_no_two_restarts_begin_at_one_point(
    name: str, starts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise, found = Search.noise, list[Tensor]()

    def noted(search: Search, restart: int, rows: Indices) -> Tensor:
        found.append(noise(search, restart, rows))
        return found[-1]

    monkeypatch.setattr(Search, "noise", noted)
    attack = build_attack(name, steps=2, restarts=3)
    attack.run(digits_network(), IMAGES[:3], LABELS[:3], 1, 0)  # none falls in so small a ball
    assert len(found) == starts
    assert len(np.unique(np.stack([one.numpy() for one in found]), axis=0)) == starts


class Slopes(nn.Module):
    """Two logits, of which the gradient's signs are +1, -1 and 0 for three pixels."""

    def forward(self, images: Tensor) -> Tensor:
        one = images.flatten(1) @ torch.tensor([1.0, -1.0, 0.0])
        return torch.stack([-one, one], 1) / 255


def test_transfer_climbs_the_substitute_by_the_sign_of_its_gradient() -> None:
    clean = np.full((2, 1, 3, 1), 100, np.uint8)
    search = Search(clean, np.zeros(2, np.int64), np.arange(2), 4, 0)
    attack = Transfer(steps=3, relative_step=0.3)  # of 0.4 each
    found = attack._climb(Slopes(), search, 0, np.arange(2))  # type: ignore[arg-type]
    assert found[:, 0, :, 0].tolist() == [[101, 99, 100]] * 2
