# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import torch
from torch import Tensor

from brevitas_models.classifier import QuantClassifier
from brevitas_models.frozen import freeze
from flow.objectives import Batch, Model, build_objective


def test_it_divides_images_by_255(network: QuantClassifier, batch: Batch) -> None:
    network.eval()
    assert torch.equal(Model(network)(batch.images), network(batch.images / 255))


def test_attacks_see_the_network_in_eval_mode(network: QuantClassifier, batch: Batch) -> None:
    model = Model(network.train())
    with torch.no_grad(), model.attacked() as victim:
        found = victim(batch.images)
    assert network.training
    assert torch.equal(found, network.eval()(batch.images / 255))


def test_weights_are_constant_during_an_attack_and_live_after_it(
    network: QuantClassifier, batch: Batch
) -> None:
    model, weight = Model(network.eval()), network.classifier.weight
    with torch.no_grad(), model.attacked() as victim:
        before = victim(batch.images)
        weight.mul_(-1)
        assert torch.equal(victim(batch.images), before)
    assert not torch.equal(network(batch.images / 255), before)
    assert network.classifier.quant_weight().value.requires_grad


def test_an_attack_inside_an_attack_changes_nothing(network: QuantClassifier, batch: Batch) -> None:
    model = Model(network)
    with torch.no_grad(), model.attacked() as outer:
        expected = outer(batch.images)
        with model.attacked() as inner:
            assert torch.equal(inner(batch.images), expected)
        assert torch.equal(outer(batch.images), expected)


def test_a_frozen_network_is_attacked_in_its_place(network: QuantClassifier, batch: Batch) -> None:
    seen = []

    def frozen(found: QuantClassifier) -> object:
        seen.append(found.training)
        return freeze(found)

    model = Model(network.eval(), freeze=frozen)  # type: ignore[arg-type]
    plain, folded = (
        build_objective("fgsm", {"random_start": False}).loss(one, batch).attacked
        for one in (Model(network), model)
    )
    assert seen == [False]
    assert (plain == folded).float().mean() > 0.98


def test_another_forward_computes_the_loss_only(network: QuantClassifier, batch: Batch) -> None:
    calls = []

    def forward(images: Tensor) -> Tensor:
        calls.append(len(images))
        logits: Tensor = network(images)
        return logits

    build_objective("pgd").loss(Model(network, forward=forward), batch)
    assert calls == [64]
