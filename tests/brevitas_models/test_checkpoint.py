# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brevitas_models.checkpoint import load_checkpoint, save_checkpoint, write_state
from brevitas_models.errors import ModelError
from brevitas_models.network import NetworkSettings, QuantConvNet, build_network

SETTINGS = NetworkSettings(input_shape=(8, 8, 1), classes=10, channels=(4, 8), strides=(1, 2))


@pytest.fixture
def network() -> QuantConvNet:
    built = build_network(SETTINGS, seed=5)
    built(torch.rand(16, 1, 8, 8))
    return built.eval()


@pytest.fixture
def saved(tmp_path: Path, network: QuantConvNet) -> Path:
    save_checkpoint(tmp_path / "robust.pt", network)
    return tmp_path / "robust.pt"


def test_a_saved_network_comes_back(saved: Path, network: QuantConvNet) -> None:
    loaded = load_checkpoint(saved, SETTINGS)
    images = torch.rand(8, 1, 8, 8)
    assert torch.equal(loaded(images), network(images))
    assert loaded.settings == SETTINGS
    assert not loaded.training


def test_the_same_network_gives_the_same_bytes_under_any_name(saved: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "again.pt", load_checkpoint(saved))
    assert (tmp_path / "again.pt").read_bytes() == saved.read_bytes()


def test_another_architecture_is_refused(saved: Path) -> None:
    expected = replace(SETTINGS, channels=(4, 16))
    with pytest.raises(ModelError, match=r"another architecture \(channels \(4, 8\), not \(4, 16"):
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


@pytest.fixture
def no_room() -> Iterator[None]:
    """Files may grow to 1 kB only, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("no_room")
def test_a_write_that_fails_is_one_line_and_leaves_nothing(
    tmp_path: Path, network: QuantConvNet
) -> None:
    with pytest.raises(ModelError, match=r"new.pt: cannot be written \(File too large\); make ro"):
        save_checkpoint(tmp_path / "new.pt", network)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_keeps_the_old_file(saved: Path, network: QuantConvNet) -> None:
    before = saved.read_bytes()
    (saved.parent / "robust.pt.part").mkdir()
    with pytest.raises(ModelError, match=r"robust.pt: cannot be written \(Is a directory\)"):
        save_checkpoint(saved, network)
    assert saved.read_bytes() == before


@pytest.mark.parametrize(("name", "value"), [("weight", float("nan")), ("running_var", -1.0)])
def test_values_that_no_training_leaves_are_refused(
    saved: Path, network: QuantConvNet, name: str, value: float
) -> None:
    tensor = network.conv_blocks()[0].norm.state_dict()[name]
    tensor.fill_(value)
    save_checkpoint(saved, network)
    with pytest.raises(ModelError, match=rf"robust.pt: is a damaged .*norm.{name} holds values"):
        load_checkpoint(saved)
