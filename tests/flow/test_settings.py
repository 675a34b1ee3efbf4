# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a configuration may say, and how it is told what it may not."""

from pathlib import Path

import pytest

from flow.errors import FlowError
from flow.settings import load_config, parse_config


def loaded(tmp_path: Path, text: str) -> object:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return load_config(path)


@pytest.mark.parametrize("text", ["2e-3", "0.002", "2.0e-03", ".002"])
def test_a_float_may_be_written_in_any_notation(tmp_path: Path, text: str) -> None:
    config = loaded(tmp_path, f"name: a\ntraining:\n  learning_rate: {text}\n")
    assert config.training.learning_rate == 0.002  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds NoneType, not a mapping; start with name"),
        ("- 1", "holds list, not a mapping"),
        ("name: [", "is not YAML: while parsing"),
        ("name: &a [*a]", r"is not YAML: aliases \(\*name\) are not used here"),
        ("seed: 1", "the key 'name' is missing; add it"),
        ("name: two words", "name: 'two words' is refused"),
        ("name: a\nsed: 1", "unknown key 'sed'; did you mean 'seed'"),
        ("name: a\nseed: 99999999999", "seed: 99999999999 is refused: .*less than 4294967296"),
        ("name: a\ntraining: {learning_rate: .inf}", "learning_rate: inf is refused"),
        ("name: a\ntraining: {epochs: '3'}", "training.epochs: '3' is refused: .*integer"),
        ("name: a\nnetwork: {channels: [4], strides: [1, 2]}", "channels has 1 entries and str"),
        ("name: a\nnetwork: {strides: [1, 2, 3]}", "network.strides.2: 3 is refused"),
        ("name: a\nattack: {epsilons_255: []}", "give at least one, and each once"),
        ("name: a\nattack: {attacks: [pgd, pgd]}", "give at least one, and each once"),
        ("name: a\nattack: {attacks: [zoo]}", "attack.attacks.0: 'zoo' is refused"),
        (
            "name: a\ndata: {source: folder}",
            "source: folder needs path, the folder or tar of the i",
        ),
        ("name: a\ndata: {path: x}", "path is for source: folder only; remove it"),
        ("name: a\ndata: {format: jpeg}", "format is for source: cifar10 only; remove it"),
        ("name: a\ndata: {image_size: [8, 8]}", "image_size is for source: folder only; remove"),
        ("name: a\ndata: {source: folder, path: x, image_size: [0, 8]}", "image_size.0: 0 is ref"),
        ("name: a\nrtlsim: {images: 8}", "rtlsim.images: 8 is refused: .*64"),
        (
            "name: a\ncompile: {folding: {MVAU_rtl_0: {pes: 1, simd: 1}}}",
            "unknown key 'compile.folding.MVAU_rtl_0.pes'; did you mean 'pe'",
        ),
    ],
)
def test_a_bad_configuration_is_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(FlowError, match=message) as caught:
        loaded(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"none.yaml: cannot be read .*give a YAML file"):
        load_config(tmp_path / "none.yaml")


def test_defaults_are_valid() -> None:
    assert parse_config({"name": "a"}, "here").data.source == "digits"
