# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks at realistic budgets on a real quantized network, against ART as the oracle."""

import warnings
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from quantized_digits import digits, digits_network
from torch import Tensor, nn

from flow.attacks import ATTACKS, Attack, OnDevice, build_attack
from flow.attacks.fgsm import Fgsm
from flow.attacks.mi_fgsm import MiFgsm
from flow.attacks.pgd import Pgd
from flow.classifier import Images, Labels
from flow.errors import FlowError
from flow.evaluation.evaluator import check_budget, classify, linf_distances
from flow.integer import IntegerNetwork
from flow.run.loading import parse_config

IMAGES = digits().test_images[:150]
LABELS = digits().test_labels[:150]
PGD = Pgd(steps=40, restarts=5)


def holds(images: Images) -> Labels:
    return classify(digits_network(), images) == LABELS


def attacked(attack: Attack, epsilon_255: int, seed: int = 0) -> Images:
    return attack.run(digits_network(), IMAGES, LABELS, epsilon_255, seed)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("epsilon_255", [0, 1, 32, 255])
def test_budget_is_kept(name: str, epsilon_255: int) -> None:
    attack, few = build_attack(name, steps=5, restarts=2, queries=50), slice(40)
    found = attack.run(digits_network(), IMAGES[few], LABELS[few], epsilon_255, 0)
    check_budget(name, IMAGES[few], found, epsilon_255, attack.norm)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name != "noise"])
def test_every_attack_breaks_what_noise_does_not(name: str) -> None:
    attack = build_attack(name, steps=10, restarts=1, queries=QUERIES.get(name, 100))
    assert holds(attacked(attack, 80 if attack.norm == "l2" else 16)).mean() < 0.8
    assert holds(attacked(build_attack("noise", steps=1, restarts=1), 16)).mean() > 0.9


QUERIES = {"flip": 600, "zoo": 2000, "hop_skip_jump": 1500, "transfer": 600}
BUDGETS = {
    "fgsm": (1, 1),
    "r_fgsm": (1, 3),
    "bim": (7, 1),
    "mi_fgsm": (7, 1),
    "pgd": (7, 3),
    "pgdpp": (7, 3),
    "apgd_ce": (7, 3),
    "apgd_dlr": (7, 3),
    "apgd_dlr_targeted": (7, 3),
    "fab_t": (7, 3),
    "square": (99, 1),
    "flip": (99, 3),
    "cw": (7, 1),
    "deepfool": (7, 1),
    "zoo": (99, 1),
    "zoo_linf": (99, 1),
    "hop_skip_jump": (99, 1),
    "transfer": (7, 3),
    "noise": (1, 3),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_registry_carries_the_budget(name: str) -> None:
    attack = build_attack(name, steps=7, restarts=3, queries=99)
    assert attack.name == name
    assert (attack.steps, attack.restarts) == BUDGETS[name]


def test_configurations_offer_every_attack() -> None:
    named = {"name": "every", "attack": {"attacks": list(ATTACKS)}}
    assert parse_config(named, "here").attack.attacks == tuple(ATTACKS)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name != "transfer"])
def test_some_images_alone_are_attacked_as_among_all(name: str) -> None:
    only = np.arange(60) % 3 == 1
    attack = build_attack(name, steps=5, restarts=2, queries=400)
    data = digits_network(), IMAGES[:60], LABELS[:60], 40, 7
    some, every = attack.run(*data, only=only), attack.run(*data)
    np.testing.assert_array_equal(some[~only], IMAGES[:60][~only])
    assert (some[only] == every[only]).mean() > 0.99  # float sums may differ by batch size


def test_pgd_is_stronger_than_fgsm_and_both_than_nothing() -> None:
    fgsm, pgd = (holds(attacked(attack, 16)).mean() for attack in (Fgsm(), PGD))
    assert pgd + 0.02 < fgsm < holds(IMAGES).mean() - 0.2


def test_a_velocity_keeps_what_gradients_of_size_1_add_up_to() -> None:
    before, gradient = torch.full((1, 2, 1, 1), 0.5), torch.tensor([3.0, -1.0]).reshape(1, 2, 1, 1)
    found = MiFgsm(steps=2, decay=0.5)._velocity(before, gradient)
    torch.testing.assert_close(found.flatten(), torch.tensor([0.25 + 0.75, 0.25 - 0.25]))
    assert (MiFgsm(steps=2)._velocity(0 * before, 0 * gradient) == 0).all()


def test_mi_fgsm_without_momentum_is_bim_with_its_step() -> None:
    bim = Pgd(steps=5, relative_step=1.0, random_start=False)
    np.testing.assert_array_equal(attacked(MiFgsm(steps=5, decay=0.0), 16), attacked(bim, 16))
    assert (attacked(MiFgsm(steps=5), 16) != attacked(bim, 16)).any()


def test_large_epsilon_leaves_nothing() -> None:
    assert holds(attacked(PGD, 128)).mean() <= 0.01


def test_accuracy_falls_with_epsilon() -> None:
    accuracies = [holds(attacked(PGD, epsilon)).mean() for epsilon in (0, 4, 8, 16, 32, 64)]
    assert all(high > low for high, low in pairwise(accuracies))


def test_more_restarts_never_help_the_defender() -> None:
    one, five = (holds(attacked(replace(PGD, restarts=n), 12)) for n in (1, 5))
    assert not (five & ~one).any()


def test_pgd_of_one_full_step_from_the_image_is_fgsm() -> None:
    single = Pgd(steps=1, relative_step=1.0, random_start=False)
    np.testing.assert_array_equal(attacked(single, 20), attacked(Fgsm(), 20))


def test_seed_decides() -> None:
    pgd = Pgd(steps=10, restarts=2)
    np.testing.assert_array_equal(attacked(pgd, 8, seed=3), attacked(pgd, 8, seed=3))
    assert (attacked(pgd, 8, seed=3) != attacked(pgd, 8, seed=4)).any()


def test_batches_do_not_change_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    pgd = Pgd(steps=10, restarts=2)
    whole = attacked(pgd, 16)
    monkeypatch.setattr(Pgd, "batch", 64)
    assert (attacked(pgd, 16) == whole).mean() > 0.999  # float sums may differ by batch size


def test_images_that_are_wrong_already_come_back_clean() -> None:
    wrong = ~holds(IMAGES)
    assert wrong.any()
    np.testing.assert_array_equal(attacked(PGD, 32)[wrong], IMAGES[wrong])


def test_images_that_hold_are_attacked_too() -> None:
    found = attacked(PGD, 8)
    still = holds(found)
    assert (linf_distances(IMAGES, found)[still] > 0).all()


def test_progress_reaches_the_total() -> None:
    calls: list[tuple[int, int]] = []
    Pgd(steps=2, restarts=3).run(
        digits_network(), IMAGES, LABELS, 8, 0, progress=lambda *call: calls.append(call)
    )
    assert calls[-1] == (450, 450)
    assert calls == sorted(calls)


def test_ties_go_to_the_lowest_index() -> None:
    tied = _Constant(logits=(5.0, 5.0))
    image = np.full((1, 1, 1, 1), 100, np.uint8)
    lost = Pgd(steps=1).run(tied, image, np.array([1]), 8, 0)  # label 1 loses the tie at once
    held = Fgsm().run(tied, image, np.array([0]), 8, 0)
    assert lost.item() == 100  # wrong already: returned clean
    assert held.item() == 100  # wins the tie, and a zero gradient moves nothing


class _Constant(nn.Module):
    """Logits that no image changes; its own twin."""

    input_shape = (1, 1, 1)
    classes = 2
    scale = 1.0

    def __init__(self, logits: tuple[float, ...]) -> None:
        super().__init__()
        self.values = torch.tensor(logits)

    def forward(self, images: Tensor) -> Tensor:
        return self.values + 0 * images.flatten(1).sum(1, keepdim=True)

    def twin(self) -> nn.Module:
        return self

    def logits(self, images: Images) -> np.ndarray[Any, np.dtype[np.int32]]:
        return np.tile(self.values.int().numpy(), (len(images), 1))


def test_unscaled_logits_hide_the_gradients() -> None:
    """Gupta and Ajanthan 2020: why the attack multiplies by the scale."""
    network = digits_network()
    unscaled = IntegerNetwork(network.operations, network.input_shape, 1.0)
    blind = PGD.run(unscaled, IMAGES, LABELS, 16, 0)
    assert holds(blind).mean() > holds(attacked(PGD, 16)).mean() + 0.1


def art_attack(name: str, epsilon_255: int) -> Images:
    """ART 1.20.1 on the twin with the same budget; its float result rounded to uint8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frameworks that ART looks for, and of numpy 2
        found = _art_attack(name, epsilon_255)
    return np.rint(found).clip(0, 255).astype(np.uint8)


def _art_attack(name: str, epsilon_255: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    from art.attacks import evasion  # noqa: PLC0415 - warns when imported
    from art.estimators.classification import PyTorchClassifier  # noqa: PLC0415

    scaled = _Scaled(digits_network().twin(), digits_network().scale)
    classifier = PyTorchClassifier(
        scaled, nn.CrossEntropyLoss(), (8, 8, 1), 10, clip_values=(0, 255), device_type="cpu"
    )
    budget = {"max_iter": 40, "num_random_init": 5, "eps_step": epsilon_255 / 16, "verbose": False}
    attack = (
        evasion.FastGradientMethod(classifier, eps=float(epsilon_255))
        if name == "fgsm"
        else evasion.ProjectedGradientDescentPyTorch(classifier, eps=float(epsilon_255), **budget)
    )
    return attack.generate(IMAGES.astype(np.float32), np.eye(10, dtype=np.float32)[LABELS])


class _Scaled(nn.Module):
    def __init__(self, twin: nn.Module, scale: float) -> None:
        super().__init__()
        self.twin, self.scale = twin, scale

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.twin(images) * self.scale
        return logits


def test_fgsm_equals_art() -> None:
    right = holds(IMAGES)  # ours leaves images alone that are wrong already
    ours, art = attacked(Fgsm(), 16), art_attack("fgsm", 16)
    np.testing.assert_array_equal(ours[right], art[right])


def test_pgd_is_at_least_as_strong_as_art() -> None:
    np.random.seed(0)  # ART draws from the global generator
    ours, art = holds(attacked(PGD, 8)), holds(art_attack("pgd", 8))
    assert ours.mean() <= art.mean()


def test_unknown_attack_is_refused() -> None:
    with pytest.raises(FlowError, match="attack: 'deepfoul' is unknown; did you mean 'deepfool'"):
        build_attack("deepfoul", steps=1, restarts=1)


@pytest.mark.parametrize("epsilon_255", [-1, 256])
def test_impossible_epsilon_is_refused(epsilon_255: int) -> None:
    with pytest.raises(FlowError, match=f"epsilon_255 {epsilon_255} is not within 0..255"):
        attacked(Fgsm(), epsilon_255)


def test_missing_labels_are_refused() -> None:
    for count in (3, 151):
        labels = np.resize(LABELS, count)
        with pytest.raises(FlowError, match=rf"labels of shape \({count},\) for 150 images"):
            Fgsm().run(digits_network(), IMAGES, labels, 8, 0)


def test_another_device_changes_nothing() -> None:
    moved = OnDevice(digits_network(), "cpu")
    found = Pgd(steps=5).run(moved, IMAGES, LABELS, 16, 0)
    np.testing.assert_array_equal(found, Pgd(steps=5).run(digits_network(), IMAGES, LABELS, 16, 0))
    np.testing.assert_array_equal(moved.logits(IMAGES), digits_network().logits(IMAGES))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        FlowError, match=r"attack.device: cuda is not available to torch 2.*use cpu"
    ):
        OnDevice(digits_network(), "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_attacks_as_well() -> None:
    found = PGD.run(OnDevice(digits_network(), "cuda"), IMAGES, LABELS, 16, 0)
    assert abs(holds(found).mean() - holds(attacked(PGD, 16)).mean()) <= 0.02
