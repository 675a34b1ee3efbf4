# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A climb leaves the cores to the kernels of the twin, and torch as it was."""

import numpy as np
import pytest
import torch
from quantized_digits import digits, digits_network
from torch import Tensor, nn

from flow.attacks import build_attack
from flow.attacks._victim import Victim as Asked
from flow.classifier import Images, Logits
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.integer.twin import Twin
from flow.threads import kernel_threads, kernels_alone

IMAGES, LABELS = digits().test_images[:20], digits().test_labels[:20]


class Watched(nn.Module):
    """A twin that notes the threads of torch and of the kernels whenever it computes."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.network, self.threads = network.twin(), set[tuple[int, int]]()

    def forward(self, images: Tensor) -> Tensor:
        self.threads.add((torch.get_num_threads(), kernel_threads()))
        found: Tensor = self.network(images)
        return found


class Victim:
    """The digits' network with such a twin."""

    def __init__(self) -> None:
        self.network, self.watched = digits_network(), Watched(digits_network())
        self.input_shape, self.classes = self.network.input_shape, self.network.classes
        self.scale = self.network.scale

    def logits(self, images: Images) -> Logits:
        return self.network.logits(images)

    def twin(self) -> nn.Module:
        return self.watched


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("name", ["pgd", "apgd_ce", "deepfool"])
def test_the_twins_kernels_have_all_cores(name: str) -> None:
    victim, attack = Victim(), build_attack(name, steps=5, restarts=1)
    found = attack.run(victim, IMAGES, LABELS, 16, 0)
    assert victim.watched.threads == {(1, 2)}
    assert torch.get_num_threads() == kernel_threads() == 2
    with kernels_alone():
        assert np.array_equal(found, attack.run(digits_network(), IMAGES, LABELS, 16, 0))


@pytest.mark.parametrize("name", ["square", "noise", "zoo"])
def test_a_black_box_asks_for_no_twin(name: str) -> None:
    victim, attack = NativeNetwork(digits_network()), build_attack(name, steps=5, restarts=1)
    assert not hasattr(victim, "twin")
    assert attack.run(victim, IMAGES, LABELS, 16, 0).shape == IMAGES.shape


@pytest.mark.usefixtures("two_threads")
def test_a_twin_of_torchs_operations_keeps_torchs_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "traced_plan", lambda *_: None)
    victim = Victim()
    build_attack("pgd", steps=2, restarts=1).run(victim, IMAGES, LABELS, 16, 0)
    assert victim.watched.threads == {(2, 2)}


@pytest.mark.usefixtures("two_threads")
def test_a_twin_elsewhere_keeps_torch_s_threads() -> None:
    twin = nn.Sequential(nn.Linear(1, 1, device="meta"), digits_network().twin())
    victim = Victim()
    victim.twin = lambda: twin  # type: ignore[method-assign]
    with Asked(victim).threads():
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_blocks_in_each_other_leave_the_kernels_their_threads() -> None:
    with kernels_alone(), kernels_alone():
        assert (torch.get_num_threads(), kernel_threads()) == (1, 2)
    assert torch.get_num_threads() == 2
