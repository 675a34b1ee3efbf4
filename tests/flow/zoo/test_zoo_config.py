# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A run of a trained network: what its configuration says, and what the train step hands on."""

from pathlib import Path

import pytest
from bar_images import same

from brevitas_models.checkpoint import load_checkpoint
from brevitas_models.classifier import QuantClassifier
from brevitas_models.pretrained import card, load, trained
from flow.errors import FlowError
from flow.run.loading import parse_config
from flow.run.pipeline import Context
from flow.run.steps.train import TrainStep
from flow.zoo.defaults import weights_file, zoo_defaults

SMALL = next(name for name in trained() if name.startswith("mnist-tfc"))
COLOUR = next(name for name in trained() if name.startswith("cifar10"))


@pytest.mark.parametrize("name", trained())
def test_every_trained_network_has_a_run(name: str) -> None:
    config = parse_config({"zoo": name}, "here")
    assert config.name == name.replace("-", "_")
    assert (config.zoo, config.networks, config.compared) == (name, (config.name,), None)
    assert config.data.source == card(name).data
    robust = card(name).robust
    strength = robust.epsilon_255 if robust else config.rtlsim.epsilon_255
    assert {0, round(strength / 2), strength, 2 * strength} <= {*config.attack.epsilons_255}
    assert config.rtlsim.epsilon_255 == strength
    assert {"pgd", "apgd_ce", "square"} <= {*config.attack.attacks}
    assert config.attack.stop_early


def test_a_trained_run_compares_with_the_plain_network() -> None:
    config = parse_config({"name": "a"}, "here")
    assert config.networks == (config.deployed, config.compared) == ("robust", "plain")


def test_what_is_given_comes_before_the_zoo() -> None:
    attack = {"images": 7, "epsilons_255": [3]}
    document = {"zoo": SMALL, "name": "mine", "seed": 4, "attack": attack, "verify": {"images": 9}}
    config = parse_config(document, "here")
    assert (config.name, config.seed, config.verify.images) == ("mine", 4, 9)
    assert (config.attack.images, config.attack.epsilons_255) == (7, (3,))
    usual = zoo_defaults(SMALL)
    assert config.attack.steps == usual["attack"]["steps"]
    assert config.verify.finn_images == usual["verify"]["finn_images"]


def test_other_data_are_taken_as_they_are() -> None:
    assert parse_config({"zoo": COLOUR}, "here").data.format == "jpeg"
    few = parse_config({"zoo": COLOUR, "data": {"test_images": 5}}, "here").data
    assert (few.source, few.format, few.test_images) == ("cifar10", "jpeg", 5)
    other = parse_config({"zoo": COLOUR, "data": {"source": "svhn"}}, "here").data
    assert (other.source, other.format) == ("svhn", None)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"training": {}}, "training"), ({"network": {}, "training": {}}, "network and training")],
)
def test_a_trained_network_is_not_trained(given: dict[str, object], said: str) -> None:
    message = rf"^config here: {said} cannot be given with zoo: {SMALL}, which is trained already"
    with pytest.raises(FlowError, match=message):
        parse_config({"zoo": SMALL, **given}, "here")


def test_an_unknown_network_is_refused_with_the_nearest() -> None:
    message = rf"^config here: zoo: there is no network '{SMALL}x'; .*{SMALL}"
    with pytest.raises(FlowError, match=message):
        parse_config({"zoo": f"{SMALL}x"}, "here")


def test_the_train_step_hands_on_the_trained_weights(tmp_path: Path) -> None:
    config = parse_config({"zoo": SMALL}, "here")
    context = Context(config=config, workspace=tmp_path)
    assert TrainStep().inputs(context) == [weights_file(SMALL)]
    TrainStep().run(context, tmp_path, tmp_path)
    found = load_checkpoint(tmp_path / f"{config.deployed}.pt")
    assert isinstance(found, QuantClassifier)
    assert same(found, load(SMALL))
    assert not (tmp_path / "plain.pt").exists()
