# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a configuration may say, and how it is told what it may not."""

from pathlib import Path

import pytest

from flow.config import CompileConfig, parse_section
from flow.errors import FlowError
from flow.run.loading import load_config, parse_config


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
        ("", "holds no keys with values; start with name"),
        ("- 1", "holds no keys with values"),
        ("name: [", "is not YAML: while parsing"),
        ("name: &a [*a]", r"is not YAML: aliases \(\*name\) are not used here"),
        ("seed: 1", "the key 'name' is missing; add it"),
        (
            "name: a\ndata: mnist",
            "data: 'mnist' is refused: it is a section; give its keys: so",
        ),
        ("name: a\ncompile: {part: xc7z021}", "part 'xc7z021': is unknown; did you mean 'xc7z020'"),
        ("name: a\ncompile: {part: no.yaml}", "part no.yaml: cannot be read as YAML"),
        ("name: two words", "name: 'two words' is refused"),
        ("name: a\nsed: 1", "unknown key 'sed'; did you mean 'seed'"),
        ("name: a\nseed: 99999999999", "seed: 99999999999 is refused: .*less than 4294967296"),
        ("name: a\ntraining: {learning_rate: .inf}", "learning_rate: inf is refused"),
        ("name: a\ntraining: {epochs: '3'}", "training.epochs: '3' is refused: .*integer"),
        ("name: a\nnetwork: {channels: [4], strides: [1, 2]}", "channels has 1 entries and str"),
        ("name: a\nnetwork: {strides: [1, 2, 3]}", "network.strides.2: 3 is refused"),
        ("name: a\nattack: {epsilons_255: []}", "give at least one, and each once"),
        ("name: a\nattack: {attacks: [pgd, pgd]}", "give at least one, and each once"),
        (
            "name: a\nattack: {attacks: [zou]}",
            "attack.attacks: 'zou' is unknown; did you mean 'zoo'",
        ),
        (
            "name: a\ndata: {source: fasion_mnist}",
            "data.source: 'fasion_mnist' is unknown; did you mean 'fashion_mnist'",
        ),
        (
            "name: a\ndata: {source: folder}",
            "source: folder needs path, the folder or tar of the i",
        ),
        ("name: a\ndata: {path: x}", "path is for source: folder only; remove it"),
        ("name: a\ndata: {format: jpeg}", "format is for source: cifar10 only; remove it"),
        ("name: a\ndata: {image_size: [8, 8]}", "image_size is for source: folder only; remove"),
        ("name: a\ndata: {source: folder, path: x, image_size: [0, 8]}", "image_size.0: 0 is ref"),
        (
            "name: a\nattack: {board: board1}",
            "attack.board: 'board1' is refused: .*give virtual, or",
        ),
        ("name: a\nrtlsim: {images: 8}", "rtlsim.images: 8 is refused: .*64"),
        ("name: a\nnetwork: {architecture: lenet}", "there is no 'lenet'; did you mean 'lenet5'"),
        (
            "name: a\nnetwork:\n  architecture: lenet5\n"
            "  bits: {conv: {weight_bits: 2, activation_bits: 2}}",
            "lenet5: there is no layer 'conv' to give bits; did you mean 'conv",
        ),
        (
            "name: a\nnetwork: {bits: {conv9: {weight_bits: 2, activation_bits: 2}}}",
            "convnet: there is no layer 'conv9' to give bits; did you mean 'conv",
        ),
        (
            "name: a\nnetwork: {bits: {conv0: {weight_bit: 2, activation_bits: 2}}}",
            "unknown key 'network.bits.conv0.weight_bit'; did you mean 'weight_bits'",
        ),
        ("name: a\nnetwork: {weight_bits: 1}", "network: weight_bits 1 is not in 2..8"),
        (
            "name: a\nnetwork: {architecture: tfc, channels: [4]}",
            "channels is for a network of chan",
        ),
        ("name: a\nnetwork: {width: 2.0}", "width is for an architecture only; remove it"),
        (
            "name: a\nnetwork: {architecture: tfc, quantizers: {weights: fixed}}",
            "the penalty dq of 0.001 needs .* that move, and .* power_of_two, or dq_beta: 0",
        ),
        (
            "name: a\nnetwork: {architecture: tfc, quantizers: {weights: fixed}}\n"
            "training: {penalties: {dq: 0, parseval: 1e-3}}",
            "the penalty parseval of 0.001 needs .* choose power_of_two, or remove the penalty",
        ),
        (
            "name: a\nnetwork: {architecture: tfc, quantizers: {weights: int8}}",
            "weights: 'int8' is ref",
        ),
        ("name: a\ntraining: {objective: trade}", "'trade' is unknown; did you mean 'trades'"),
        (
            "name: a\ntraining: {objective: trades, options: {betta: 6}}",
            "objective trades: there is no setting 'betta'; did you mean 'beta'",
        ),
        (
            "name: a\ntraining: {options: {steps: x}}",
            "training.options: .* cannot be used .*; give nu",
        ),
        ("name: a\ntraining: {options: {steps: 0}}", "steps 0 is not at least 1"),
        (
            "name: a\ntraining: {penalties: {spectra: 1.0}}",
            "'spectra' is unknown; did you mean 'spec",
        ),
        (
            "name: a\ntraining: {penalties: {dq: 1.0}, dq_beta: 0.1}",
            "dq_beta is given beside penalties",
        ),
        (
            "name: a\ntraining: {objective: mart, pgd_steps: 3}",
            "pgd_steps is for objective: pgd with",
        ),
        (
            "name: a\ntraining: {options: {relative_step: 0.1}, pgd_step_255: 3.0}",
            "pgd_step_255 is for",
        ),
        ("name: a\ntraining: {devices: 2}", "training.devices: 2 is more than the 1 that a run"),
        (
            "name: a\ntraining: {precision: 16-mixed}",
            "precision 16-mixed is not for the cpu",
        ),
        (
            "name: a\ntraining: {held_out: {patience: 2}}",
            "patience 2 needs held-out images",
        ),
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


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("clock", r"^compile: unknown key 'clock'; did you mean 'clock_mhz'\? Known here: part, "),
        (
            "xyz",
            r"^compile: unknown key 'xyz'; known here: part, clock_mhz, target_fps, folding",
        ),
        ("seed", r"^compile: unknown key 'seed'; known here: part, "),  # of a run, not of this
    ],
)
def test_a_section_s_keys_are_compared_with_its_own(key: str, message: str) -> None:
    with pytest.raises(FlowError, match=message):
        parse_section(CompileConfig, {key: 1}, "compile")
