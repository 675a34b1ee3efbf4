# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Each loss against its formula in NumPy, on the logits of the images that were trained on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from brevitas_models.classifier import QuantClassifier
from flow.objectives import Batch, Model, build_objective
from flow.objectives.interpolated import mix

Values = NDArray[np.float64]


def softmax(network: QuantClassifier, images: torch.Tensor) -> Values:
    with torch.no_grad():
        logits = network(images / 255).double().numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def cross_entropy(probabilities: Values, labels: torch.Tensor) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels.numpy()]).mean())


@pytest.mark.parametrize("name", ["standard", "fgsm", "pgd", "mat_mixed"])
def test_cross_entropy_of_the_attacked_images(
    name: str, network: QuantClassifier, batch: Batch
) -> None:
    outcome = build_objective(name).loss(Model(network), batch)
    found = softmax(network, outcome.attacked)
    assert outcome.loss.item() == pytest.approx(cross_entropy(found, batch.labels), rel=1e-5)
    assert outcome.right.item() == (found.argmax(axis=1) == batch.labels.numpy()).sum()


def test_trades(network: QuantClassifier, batch: Batch) -> None:
    outcome = build_objective("trades").loss(Model(network), batch)
    clean, attacked = softmax(network, batch.images), softmax(network, outcome.attacked)
    divergence = (clean * np.log(clean / attacked)).sum(axis=1).mean()
    expected = cross_entropy(clean, batch.labels) + 6 * divergence
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-5)


def test_logit_pairing(network: QuantClassifier, batch: Batch) -> None:
    outcome = build_objective("logit_pairing").loss(Model(network), batch)
    both = (batch.images, outcome.attacked)
    with torch.no_grad():
        clean, attacked = (network(images / 255).double().numpy() for images in both)
    mean = sum(cross_entropy(softmax(network, images), batch.labels) for images in both) / 2
    expected = mean + 0.5 * ((clean - attacked) ** 2).mean()
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-5)


def test_distillation(network: QuantClassifier, batch: Batch) -> None:
    options = {"teacher_weight": 0.75, "temperature": 3.0}
    taught = replace(batch, teacher=teacher)
    outcome = build_objective("distillation", options).loss(Model(network), taught)
    both = (outcome.attacked, batch.images)
    with torch.no_grad():
        student, clean = (network(images / 255).double().numpy() for images in both)
    found, wanted = (
        np.exp(one / 3) / np.exp(one / 3).sum(axis=1, keepdims=True)
        for one in (student, batch.images.flatten(1)[:, :10].double().numpy() / 20)
    )
    divergence = (wanted * np.log(wanted / found)).sum(axis=1).mean()
    natural = cross_entropy(np.exp(clean) / np.exp(clean).sum(axis=1, keepdims=True), batch.labels)
    assert outcome.loss.item() == pytest.approx(0.75 * 9 * divergence + 0.25 * natural, rel=1e-4)


def test_distillation_without_a_teacher_is_pgd(network: QuantClassifier, batch: Batch) -> None:
    network.eval()  # in training its quantizers collect statistics
    found = build_objective("distillation").loss(Model(network), batch)
    other = replace(batch, generator=torch.Generator().manual_seed(5))
    assert torch.equal(found.loss, build_objective("pgd").loss(Model(network), other).loss)


def test_mart(network: QuantClassifier, batch: Batch) -> None:
    outcome = build_objective("mart").loss(Model(network), batch)
    clean, attacked = softmax(network, batch.images), softmax(network, outcome.attacked)
    rows, labels = np.arange(len(clean)), batch.labels.numpy()
    others = attacked.copy()
    others[rows, labels] = 0
    boosted = -np.log(attacked[rows, labels]) - np.log(1.0001 - others.max(axis=1))
    divergence = (clean * np.log(clean / attacked)).sum(axis=1)
    expected = (boosted + 5 * divergence * (1 - clean[rows, labels])).mean()
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-4)


def test_interpolated(network: QuantClassifier, batch: Batch) -> None:
    outcome = build_objective("interpolated").loss(Model(network), batch)
    generator = torch.Generator().manual_seed(5)
    torch.rand(batch.images.shape, generator=generator)  # the attack's start
    expected = right = 0.0
    for images in (batch.images, outcome.attacked):
        share, partners = mix(len(images), 1.0, generator)
        found = softmax(network, share * images + (1 - share) * images[partners])
        own, other = (cross_entropy(found, one) for one in (batch.labels, batch.labels[partners]))
        expected += (share * own + (1 - share) * other) / 2
        hits = [
            (found.argmax(axis=1) == one.numpy()).sum()
            for one in (batch.labels, batch.labels[partners])
        ]
        right = share * hits[0] + (1 - share) * hits[1]
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-5)
    assert outcome.right.item() == pytest.approx(right, rel=1e-5)


def test_interpolated_takes_a_single_image(network: QuantClassifier, batch: Batch) -> None:
    one = replace(batch, images=batch.images[:1], labels=batch.labels[:1])
    outcome = build_objective("interpolated").loss(Model(network), one)
    losses = [
        cross_entropy(softmax(network, images), one.labels)
        for images in (one.images, outcome.attacked)
    ]
    assert outcome.loss.item() == pytest.approx(sum(losses) / 2, rel=1e-5)


def test_shares_of_mixup_follow_the_beta_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [mix(6, 2.0, generator) for _ in range(400)]
    shares = np.array([share for share, _ in drawn])
    assert shares.mean() == pytest.approx(0.5, abs=0.04)
    assert shares.var() == pytest.approx(1 / 20, rel=0.2)  # of Beta(2, 2)
    assert all(sorted(partners.tolist()) == list(range(6)) for _, partners in drawn)


def test_a_mixup_is_drawn_from_the_generator_alone() -> None:
    share, partners = mix(6, 2.0, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    assert share == np.random.default_rng(seed).beta(2.0, 2.0)
    assert partners.tolist() == torch.randperm(6, generator=generator).tolist()


def teacher(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1)[:, :10] / 20


@pytest.mark.parametrize(
    "name", ["trades", "mart", "logit_pairing", "distillation", "mat_mixed", "mat_parallel"]
)
def test_right_counts_the_attacked_images(
    name: str, network: QuantClassifier, batch: Batch
) -> None:
    outcome = build_objective(name).loss(Model(network.eval()), replace(batch, teacher=teacher))
    found = softmax(network, outcome.attacked).argmax(axis=1)
    wanted = np.tile(batch.labels.numpy(), len(found) // len(batch.labels))
    assert outcome.right.item() == (found == wanted).sum()


@pytest.mark.parametrize(("weight", "passes"), [(1.0, 1), (0.5, 2)])
def test_a_teacher_of_full_weight_leaves_no_pass_of_clean_images(
    weight: float, passes: int, network: QuantClassifier, batch: Batch
) -> None:
    calls = []

    def forward(images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return teacher(images)

    options = {"teacher_weight": weight}
    taught = replace(batch, teacher=teacher)
    build_objective("distillation", options).loss(Model(network, forward=forward), taught)
    assert calls == [64] * passes


def test_mart_of_a_certain_network_is_finite(network: QuantClassifier, batch: Batch) -> None:
    """Probabilities of 0 and 1: the logarithms are of 1e-12 and of 1e-4."""
    answers = iter([1000.0, -1000.0])

    def forward(images: torch.Tensor) -> torch.Tensor:
        return F.one_hot(torch.zeros(len(images), dtype=torch.int64), 10) * next(answers)

    batch = replace(batch, labels=torch.ones_like(batch.labels), epsilon_255=0.0)
    found = build_objective("mart", {"weight": 2.0}).loss(Model(network, forward=forward), batch)
    boosted = np.log(9) - np.log(1.0001 - 1 / 9)
    divergence = -np.log(1e-12)
    assert found.loss.item() == pytest.approx(boosted + 2 * divergence, rel=1e-5)


def test_parallel_mat_adds_up_its_branches(network: QuantClassifier, batch: Batch) -> None:
    outcome = build_objective("mat_parallel").loss(Model(network), batch)
    branches = outcome.attacked.split(len(batch.images))
    expected = sum(cross_entropy(softmax(network, one), batch.labels) for one in branches)
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-5)
    reached = [(one - batch.images).abs().max().item() for one in branches]
    assert reached == pytest.approx([0, 8, 16, 24])


def test_mixed_mat_has_equally_many_images_of_each_strength(
    network: QuantClassifier, batch: Batch
) -> None:
    outcome = build_objective("mat_mixed").loss(Model(network), batch)
    reached = (outcome.attacked - batch.images).abs().amax(dim=(1, 2, 3)).round()
    assert sorted(reached.tolist()) == [0.0] * 16 + [8.0] * 16 + [16.0] * 16 + [24.0] * 16


def gradient_in_eval_mode(network: QuantClassifier, batch: Batch) -> torch.Tensor:
    images = batch.images.clone().requires_grad_()
    network.eval()
    F.cross_entropy(network(images / 255), batch.labels).backward()
    network.train()
    assert images.grad is not None
    return images.grad


def test_one_step_is_along_the_signs_of_the_gradient_in_eval_mode(
    network: QuantClassifier, batch: Batch
) -> None:
    options = {"random_start": False, "relative_step": 1.0}
    moved = batch.images + batch.epsilon_255 * gradient_in_eval_mode(network, batch).sign()
    attacked = build_objective("fgsm", options).loss(Model(network), batch).attacked
    assert (attacked == moved.clamp(0, 255)).float().mean() > 0.999


@pytest.mark.parametrize("name", ["fgsm", "pgd", "trades", "mart"])
def test_an_attack_raises_the_loss_of_a_trained_network(
    name: str, network: QuantClassifier, batch: Batch
) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(40):
        loss = F.cross_entropy(network(batch.images / 255), batch.labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    clean = cross_entropy(softmax(network, batch.images), batch.labels)
    attacked = build_objective(name).loss(Model(network), batch).attacked
    noise = batch.images + batch.epsilon_255 * (2 * torch.rand(batch.images.shape) - 1)
    noisy = cross_entropy(softmax(network, noise.clamp(0, 255)), batch.labels)
    assert cross_entropy(softmax(network, attacked), batch.labels) > max(clean, noisy) + 0.1
