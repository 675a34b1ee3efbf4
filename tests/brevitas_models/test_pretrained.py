# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from zoo_networks import images

from brevitas_models.errors import ModelError
from brevitas_models.model_card import (
    AttackFigure,
    HardwareFigures,
    LipschitzFigures,
    ModelCard,
    RobustFigures,
)
from brevitas_models.pretrained import (
    FOLDER,
    build,
    card,
    load,
    save,
    save_card,
    trained,
)

TFC = "mnist-tfc-w2a2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one trained network, which tests may damage."""
    save(load(TFC), card(TFC), tmp_path)
    return tmp_path


def test_every_trained_network_has_its_file_and_card() -> None:
    assert {path.stem for path in FOLDER.glob("*.npz")} >= set(trained())
    for name in trained():
        found, network = card(name), load(name)
        assert not network.training
        assert found.name == name
        assert (found.weight_bits, found.activation_bits) == (
            network.precision.weight_bits,
            network.precision.activation_bits,
        )
        scales = sum(one.numel() for key, one in network.named_parameters() if "quant" in key)
        assert found.parameters == sum(one.numel() for one in network.parameters()) - scales


def test_a_saved_network_is_the_same_and_has_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    network, again = load(TFC), load(TFC, folder)
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    shown = images(network, 16)
    assert torch.equal(network(shown), again(shown))
    save(again, card(TFC, folder), tmp_path / "again")
    for suffix in ("npz", "yaml"):
        file = f"{TFC}.{suffix}"
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_loading_leaves_torchs_random_numbers_alone() -> None:
    before = torch.random.get_rng_state()
    load(TFC)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("use", [load, card, build])
def test_an_unknown_name_lists_the_nearest(use: Callable[[str], object]) -> None:
    with pytest.raises(ModelError, match=r"no network 'cifar-cnv-w2'; did you mean 'cifar10-cnv"):
        use("cifar-cnv-w2")


@pytest.mark.parametrize(("use", "suffix"), [(load, "npz"), (card, "yaml")])
def test_a_missing_file_names_the_command_that_makes_it(
    use: Callable[[str, Path], object], suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(
        ModelError, match=rf"no {TFC}.{suffix} in .*; run steelflow zoo train {TFC}"
    ):
        use(TFC, tmp_path)


DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda content: content[: len(content) // 2],
    lambda content: b"plain text",  # noqa: ARG005
    lambda content: content[:200] + bytes(50) + content[250:],
]


@pytest.mark.parametrize("damage", DAMAGE, ids=["truncated", "not a zip", "damaged inside"])
def test_a_damaged_file_is_refused(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    path = folder / f"{TFC}.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=rf"{TFC}.npz: is damaged \(.*\); install steelflow again"):
        load(TFC, folder)


def rewrite(path: Path, **changed: Any) -> None:  # noqa: ANN401
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files} | changed
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value for key, value in arrays.items() if value is not None})
    path.write_bytes(buffer.getvalue())


CODES = "classifier.codes"


@pytest.mark.parametrize(
    "value", [None, np.zeros((10, 63), np.int8), np.zeros((10, 64))], ids=["none", "shape", "dtype"]
)
def test_an_array_of_another_kind_is_refused(folder: Path, value: object) -> None:
    rewrite(folder / f"{TFC}.npz", **{CODES: value})
    with pytest.raises(ModelError, match=r"has no int8\[10, 64\] classifier.codes; install"):
        load(TFC, folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (CODES, np.full((10, 64), 2, np.int8)),
        ("features.1.norm.gain", np.full(64, np.nan, np.float32)),
    ],
)
def test_impossible_values_are_refused(folder: Path, key: str, value: object) -> None:
    rewrite(folder / f"{TFC}.npz", **{key: value})
    with pytest.raises(ModelError, match=rf"{key} holds values that no training leaves; install"):
        load(TFC, folder)


ROBUST = RobustFigures(
    norm="linf",
    epsilon_255=26,
    seed=3,
    images=200,
    attacks=(
        AttackFigure(attack="pgd", steps=50, restarts=10, accuracy=0.9),
        AttackFigure(attack="square", steps=5000, restarts=1, accuracy=0.85),
    ),
    accuracy=0.85,
    ci95=(0.79, 0.89),
)


LIPSCHITZ = LipschitzFigures(norm="l2", slope=2.5e16, rounding=0.25, of="network")
HARDWARE = HardwareFigures(
    part="xc7z020clg400-1",
    clock_mhz=100.0,
    lut=1014,
    ff=848,
    dsp=0,
    bram36=2.5,
    frames_per_second=111_607.1,
    latency_us=20.5,
    measured="by hand",
)


def test_figures_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = dataclasses.replace(
        card(TFC), robust=ROBUST, objective="pgd", lipschitz=LIPSCHITZ, hardware=HARDWARE
    )
    save_card(written, tmp_path)
    assert card(TFC, tmp_path) == written


def test_a_card_from_before_there_were_robust_figures_is_read(tmp_path: Path) -> None:
    save_card(card(TFC), tmp_path)
    path = tmp_path / f"{TFC}.yaml"
    content = yaml.safe_load(path.read_text())
    for key in ("robust", "objective", "lipschitz", "hardware", "trained_with"):
        del content[key]
    path.write_text(yaml.safe_dump(content))
    found = card(TFC, tmp_path)
    assert (found.robust, found.objective) == (None, "standard")
    assert (found.lipschitz, found.hardware, found.trained_with) == (None, None, "unknown")


def test_a_network_is_trained_where_both_files_are(folder: Path) -> None:
    assert trained(folder) == (TFC,)
    (folder / f"{TFC}.npz").unlink()
    assert trained(folder) == ()


def test_a_card_has_the_settings_that_its_network_is_built_from() -> None:
    assert dataclasses.replace(card(TFC).network, input_shape=(28, 28, 1)) == build(TFC).settings


def test_a_card_without_the_network_is_refused(folder: Path) -> None:
    path = folder / f"{TFC}.yaml"
    content = yaml.safe_load(path.read_text())
    del content["network"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(
        ModelError,
        match=rf"{TFC}.yaml: is no model card \(card: .*network: Field required.*; install",
    ):
        load(TFC, folder)


@pytest.mark.parametrize("change", [{"attacks": 3}, {"ci95": [0.1]}, {"other": 1}])
def test_damaged_robust_figures_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    save_card(dataclasses.replace(card(TFC), robust=ROBUST), tmp_path)
    path = tmp_path / f"{TFC}.yaml"
    content = yaml.safe_load(path.read_text())
    content["robust"] |= change
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ModelError, match=rf"{TFC}.yaml: is no model card \(.*\); install"):
        card(TFC, tmp_path)


@pytest.mark.parametrize("text", ["name: 1", "[", "", "\x00", "- a"])
def test_a_damaged_card_is_refused(folder: Path, text: str) -> None:
    (folder / f"{TFC}.yaml").write_text(text)
    with pytest.raises(ModelError, match=rf"{TFC}.yaml: is no model card \(.*\); install"):
        card(TFC, folder)


def test_the_card_is_plain_yaml(folder: Path) -> None:
    stored = yaml.safe_load((folder / f"{TFC}.yaml").read_text())
    assert ModelCard.from_mapping(stored) == card(TFC)
    assert list(stored) == [field.name for field in dataclasses.fields(ModelCard)]


@pytest.mark.usefixtures("no_room")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"npz: cannot be written \(File too large\); make room"):
        save(load(TFC), card(TFC), tmp_path)
    assert list(tmp_path.iterdir()) == []
