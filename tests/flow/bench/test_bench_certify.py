# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The constraint solver's answers against ours and against trying all images."""

import numpy as np
import pytest
from squeezed_networks import truly_robust

from flow.bench.certify_rivals import solve_exactly
from flow.certify.settings import CertifySettings
from flow.certify.tiers import Prover
from flow.certify.verdict import Answer
from flow.cli import main
from flow.errors import FlowError
from flow.integer import Bias, Dense, Flatten, IntegerNetwork, MaxPool, Threshold


def _perceptron(seed: int) -> IntegerNetwork:
    rng = np.random.default_rng(seed)
    operations = (
        Threshold(name="squeeze", thresholds=np.sort(rng.integers(90, 170, (1, 2))), offset=0),
        Flatten(name="flat"),
        Dense(name="hidden", weights=rng.integers(-1, 2, (9, 4))),
        Threshold(name="act", thresholds=np.sort(rng.integers(-2, 3, (4, 2)), axis=1), offset=-1),
        Dense(name="last", weights=rng.integers(-2, 3, (4, 3))),
        Bias(name="bias", values=rng.integers(-1, 2, 3)),
    )
    return IntegerNetwork(operations, (3, 3, 1), 1.0)


@pytest.mark.parametrize("seed", range(10))
def test_a_constraint_solver_gives_our_answers(seed: int) -> None:
    network = _perceptron(seed)
    image = np.random.default_rng(seed).integers(80, 180, (3, 3, 1), dtype=np.uint8)
    label = int(network.logits(image[None])[0].argmax())
    ours = Prover(network, CertifySettings(epsilon_255=25)).decide(0, image, label).answer
    theirs, _ = solve_exactly(network, image, label, 25, 60.0)
    truth = truly_robust(network, image, label, 25)
    assert ours == theirs == (Answer.ROBUST if truth else Answer.ADVERSARIAL)


def test_what_is_no_perceptron_is_refused() -> None:
    network, image = _perceptron(0), np.zeros((3, 3, 1), np.uint8)
    pooled = IntegerNetwork(
        (
            network.operations[0],
            MaxPool(name="pool", kernel=(1, 1), stride=(1, 1)),
            *network.operations[1:],
        ),
        (3, 3, 1),
        1.0,
    )
    with pytest.raises(FlowError, match="pool: is not posed to CP-SAT"):
        solve_exactly(pooled, image, 0, 5, 1.0)
    plain = IntegerNetwork(network.operations[1:], (3, 3, 1), 1.0)
    with pytest.raises(FlowError, match="flat: does not squeeze the image"):
        solve_exactly(plain, image, 0, 5, 1.0)


def test_a_budget_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "certify", "--images", "0"]) == 2
    assert "images 0: give at least 1" in capsys.readouterr().err
