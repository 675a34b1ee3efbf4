# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import BitTable
from brevitas_models.checkpoint import load_checkpoint, save_checkpoint, write_state
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.exact import make_exact
from brevitas_models.quantizers import Quantizers, WeightQuantizer
from brevitas_models.settings import ArchitectureSettings

SETTINGS = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4, 8), strides=(1, 2))


@pytest.fixture
def network() -> QuantClassifier:
    built = build(SETTINGS, seed=5)
    built(torch.rand(16, 1, 8, 8))
    make_exact(built)
    return built


@pytest.fixture
def saved(tmp_path: Path, network: QuantClassifier) -> Path:
    save_checkpoint(tmp_path / "robust.pt", network)
    return tmp_path / "robust.pt"


def test_a_saved_network_comes_back(saved: Path, network: QuantClassifier) -> None:
    loaded = load_checkpoint(saved, SETTINGS)
    images = torch.rand(8, 1, 8, 8)
    assert torch.equal(loaded(images), network(images))
    assert loaded.settings == SETTINGS
    assert not loaded.training


def test_the_same_network_gives_the_same_bytes_under_any_name(saved: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "again.pt", load_checkpoint(saved))
    assert (tmp_path / "again.pt").read_bytes() == saved.read_bytes()


def test_another_architecture_is_refused(saved: Path) -> None:
    expected = replace(SETTINGS, convolutions=((4, 1), (16, 2)))
    with pytest.raises(ModelError, match=r"\(convolutions \(\(4, 1\), \(8, 2\)\), not"):
        load_checkpoint(saved, expected)


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.pt: there is no such file; run the train step"):
        load_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize("length", [0, 10, 3000])
def test_a_corrupt_checkpoint_is_refused(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"robust.pt: cannot be read \(.*\); delete it"):
        load_checkpoint(saved)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"format": os.getcwd}, tmp_path / "code.pt")
    with pytest.raises(ModelError, match=r"code.pt: cannot be read \("):
        load_checkpoint(tmp_path / "code.pt")


def test_another_torch_file_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ModelError, match=r"list.pt: is not a steelflow checkpoint of format 1"):
        load_checkpoint(tmp_path / "list.pt")


def test_weights_that_do_not_fit_the_settings_are_refused(tmp_path: Path) -> None:
    content = {"format": 1, "settings": {}, "state": {}}
    write_state(tmp_path / "empty.pt", content)
    with pytest.raises(ModelError, match=r"empty.pt: is a damaged checkpoint \("):
        load_checkpoint(tmp_path / "empty.pt")


@pytest.mark.usefixtures("no_room")
def test_a_write_that_fails_is_one_line_and_leaves_nothing(
    tmp_path: Path, network: QuantClassifier
) -> None:
    with pytest.raises(ModelError, match=r"new.pt: cannot be written \(File too large\); make ro"):
        save_checkpoint(tmp_path / "new.pt", network)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_keeps_the_old_file(saved: Path, network: QuantClassifier) -> None:
    before = saved.read_bytes()
    (saved.parent / "robust.pt.part").mkdir()
    with pytest.raises(ModelError, match=r"robust.pt: cannot be written \(Is a directory\)"):
        save_checkpoint(saved, network)
    assert saved.read_bytes() == before


def old_file(network: QuantClassifier, path: Path) -> Path:
    """What versions wrote before convolutions were an architecture."""
    state = {
        re.sub(r"^features\.conv(\d+)\.", r"blocks.\1.", name).replace(".layer.", ".conv."): value
        for name, value in network.state_dict().items()
    }
    shape = {"channels": (4, 8), "strides": (1, 2), "weight_bits": 4, "activation_bits": 4}
    layers = {"conv1": {"weight_bits": 4, "activation_bits": 4}}
    settings = {"input_shape": (8, 8, 1), "classes": 10, **shape, "layers": layers}
    write_state(path, {"format": 1, "settings": settings, "state": state})
    return path


def test_a_checkpoint_of_an_older_version_comes_back(
    network: QuantClassifier, tmp_path: Path
) -> None:
    loaded = load_checkpoint(old_file(network, tmp_path / "old.pt"))
    images = torch.rand(8, 1, 8, 8)
    assert torch.equal(loaded(images), network(images))
    assert loaded.settings.convolutions == SETTINGS.convolutions
    assert "conv1" in loaded.settings.bits.layers


@pytest.mark.parametrize(("name", "value"), [("weight", float("nan")), ("running_var", -1.0)])
def test_values_that_no_training_leaves_are_refused(
    network: QuantClassifier, tmp_path: Path, name: str, value: float
) -> None:
    tensor = network.blocks()[0].norm.state_dict()[name]
    tensor.fill_(value)
    old = old_file(network, tmp_path / "old.pt")
    with pytest.raises(ModelError, match=rf"old.pt: is a damaged .*norm.{name} holds values"):
        load_checkpoint(old)


@pytest.fixture
def classifier(tmp_path: Path) -> tuple[Path, QuantClassifier]:
    """A small LeNet with trained scales, in the form to save."""
    built = build(
        ArchitectureSettings(
            architecture="lenet5",
            bits=BitTable.uniform(4, 3),
            input_shape=(12, 12, 1),
            width=0.5,
            quantizers=Quantizers(weights=WeightQuantizer.LEARNED),
            input_bits=2,
        ),
        seed=3,
    )
    built(torch.rand(16, 1, 12, 12, generator=torch.Generator().manual_seed(0)))
    make_exact(built)
    save_checkpoint(tmp_path / "lenet.pt", built)
    return tmp_path / "lenet.pt", built


def test_a_saved_classifier_comes_back(
    classifier: tuple[Path, QuantClassifier], tmp_path: Path
) -> None:
    path, network = classifier
    loaded = load_checkpoint(path, network.settings)
    images = torch.rand(8, 1, 12, 12)
    assert torch.equal(loaded(images), network(images))
    assert not loaded.training
    save_checkpoint(tmp_path / "again.pt", loaded)
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


def test_a_classifier_of_other_settings_is_refused(
    classifier: tuple[Path, QuantClassifier],
) -> None:
    path, network = classifier
    with pytest.raises(ModelError, match=r"another architecture \(width 0.5, not 2.0\); train"):
        load_checkpoint(path, replace(network.settings, width=2.0))
    with pytest.raises(ModelError, match=r"architecture lenet5, not convnet"):
        load_checkpoint(path, SETTINGS)


def test_a_classifier_without_its_weights_is_refused(
    classifier: tuple[Path, QuantClassifier], tmp_path: Path
) -> None:
    settings = classifier[1].settings.to_mapping()
    write_state(tmp_path / "empty.pt", {"format": 1, "architecture": settings})
    with pytest.raises(ModelError, match=r"empty.pt: has no int8\[3, 1, 5, 5\] features.1.layer"):
        load_checkpoint(tmp_path / "empty.pt")
