# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The course of an attack: what it says of its progress, and where its restarts begin."""

import numpy as np
import pytest
import torch
from quantized_digits import digits, digits_network
from torch import Tensor, nn

from flow.attacks import ATTACKS, Attack, KeepTopK, Restarted, Targeted, build_attack
from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.apgd import ApgdTargetedDlr
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.deepfool import DeepFool
from flow.attacks.fab import FabTargeted
from flow.attacks.flip import Flip
from flow.attacks.hop_skip_jump import HopSkipJump
from flow.attacks.noise import Noise
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import Zoo, ZooLinf
from flow.integer import Dense, Flatten, IntegerNetwork

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


def unbreakable() -> IntegerNetwork:
    """Label 0 always, by a tie."""
    dense = Dense(name="d", weights=np.zeros((6, 4), np.int64))
    return IntegerNetwork((Flatten(name="f"), dense), (3, 2, 1), 1.0)


def fractions(*parts: int) -> list[float]:
    """The numerators over the last one."""
    return [part / parts[-1] for part in parts]


SHARES: list[tuple[Attack, list[float], list[float]]] = [  # of images that hold, of none
    (Pgd(steps=2, restarts=3), fractions(1, 2, 3), fractions(1, 2, 3)),
    (ApgdTargetedDlr(steps=1, restarts=2, targets=2), fractions(*range(1, 5)), []),
    (FabTargeted(steps=1, restarts=2, targets=2), fractions(*range(1, 5)), []),
    (CarliniWagner(steps=1), fractions(*range(1, 10)), [-1]),
    (DeepFool(steps=3), [0, 1 / 3, 2 / 3, 1, 1], [1]),
    (Square(steps=130, restarts=2), fractions(0, 64, 128, 130, 130, 194, 258, 260), [0.5, 1]),
    (Zoo(steps=100), fractions(*range(1, 7)), [-1]),
    (ZooLinf(steps=39, restarts=2), fractions(1, 2, 3, 3, 4, 5, 6, 6), [0.5, 1]),
    (HopSkipJump(steps=30, restarts=2), [0.5, 1], [0.5, 1]),
    (Transfer(steps=1, restarts=3, queries=2, epochs=1), fractions(1, 2, 3), fractions(1, 2, 3)),
    (Noise(restarts=3), fractions(1, 2, 3), fractions(1, 2, 3)),
    (Flip(steps=9, restarts=2, gradient_steps=1), fractions(0, 1, 2, 2, 3, 4), [0.5, 1]),
]


@pytest.mark.parametrize(("attack", "held", "broken"), SHARES, ids=lambda one: str(one)[:8])
def test_shares_are_of_all_steps_and_restarts(
    attack: Attack, held: list[float], broken: list[float]
) -> None:
    victim, images = Victim(unbreakable()), np.full((2, 3, 2, 1), 128, np.uint8)
    for label, expected in ((0, held), (1, broken or held)):
        search = Search(images, np.full(2, label), np.arange(2), 8, 0)
        search.begin(victim.logits(images, by_twin=False))
        found = list(attack._search(victim, search))
        assert found == pytest.approx([one for one in expected if one >= 0])


def told(attack: Attack, labels: list[int]) -> list[tuple[int, int]]:
    images, calls = np.full((len(labels), 3, 2, 1), 128, np.uint8), list[tuple[int, int]]()
    only = np.arange(len(labels)) > 0
    data = unbreakable(), images, np.array(labels), 8, 0
    attack.run(*data, only=only, progress=lambda *now: calls.append(now))
    return calls


def test_progress_counts_images_times_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Noise(restarts=2)
    assert told(Restarted(attack=noise, runs=3), [0] * 5) == [(4, 12), (8, 12), (12, 12)]
    pursuit = build_attack("noise", steps=1, restarts=1, goal=Targeted(target=2))
    assert told(pursuit, [0, 0, 2, 1]) == [(2, 2)]
    pursuit = build_attack("noise", steps=1, restarts=1, goal=KeepTopK(k=2))
    assert told(pursuit, [0, 0, 2, 1]) == [(1, 3), (2, 3), (3, 3)]
    monkeypatch.setattr(Noise, "batch", 3)
    assert told(noise, [0] * 6) == [(3, 10), (6, 10), (8, 10), (10, 10)]


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
