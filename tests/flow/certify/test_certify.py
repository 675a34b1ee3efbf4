# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Certification against trying all images; its file, processes and refusals."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from squeezed_networks import squeezed_network, truly_robust

from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.certify.tiers import Prover
from flow.certify.verdict import Answer, bracket
from flow.cluster import ProcessCluster
from flow.errors import FlowError
from flow.integer import Dense, Flatten, IntegerNetwork, Threshold
from flow.integer.native import NativeNetwork

SETTINGS = CertifySettings(epsilon_255=30, flips=50)


def _images(seed: int, count: int, network: IntegerNetwork) -> tuple[np.ndarray, np.ndarray]:
    shape = (count, *network.input_shape)
    images = np.random.default_rng(seed).integers(80, 180, shape, dtype=np.uint8)
    return images, network.logits(images).argmax(axis=1).astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(1, 2),
    saturating=st.booleans(),
    label=st.integers(0, 3),
    flips=st.sampled_from([0, 40]),
)
def test_every_answer_is_the_truth(
    seed: int, levels: int, saturating: bool, label: int, flips: int
) -> None:
    network = squeezed_network(seed, levels=levels, saturating=saturating)
    image = _images(seed, 1, network)[0][0]
    verdict = Prover(network, CertifySettings(epsilon_255=30, flips=flips)).decide(0, image, label)
    robust = truly_robust(network, image, label, 30)
    assert verdict.answer == (Answer.ROBUST if robust else Answer.ADVERSARIAL)


@pytest.mark.parametrize("clip", [False, True])
def test_a_tie_belongs_to_the_lower_class(clip: bool) -> None:
    operations = [Flatten(name="flat"), Dense(name="last", weights=np.ones((4, 3), np.int64))]
    if clip:  # logits that saturate
        operations.append(Threshold(name="clip", thresholds=np.array([[1, 2]]), offset=0))
    network = IntegerNetwork(tuple(operations), (2, 2, 1), 1.0)
    image = np.full((2, 2, 1), 100, np.uint8)
    answers = [Prover(network, SETTINGS).decide(0, image, label).answer for label in range(3)]
    assert answers == [Answer.ROBUST, Answer.ADVERSARIAL, Answer.ADVERSARIAL]


def test_without_a_budget_what_bounds_leave_open_is_unknown() -> None:
    network = squeezed_network(11)
    images, labels = _images(2, 30, network)
    none = CertifySettings(epsilon_255=30, flips=0, nodes=0)
    verdicts = certify(network, images, labels, none)
    full = certify(network, images, labels, SETTINGS)
    found = bracket(verdicts)
    assert found.unknown
    assert found.certified <= bracket(full).certified <= bracket(full).possible <= found.possible
    open_ones = [one for one in verdicts if one.answer is Answer.UNKNOWN]
    assert all(one.lacking > 0 for one in open_ones)


def test_two_processes_write_the_file_of_one(tmp_path: Path) -> None:
    network = squeezed_network(5)
    images, labels = _images(3, 12, network)
    for processes in (1, 2):
        file = tmp_path / f"{processes}.jsonl"
        with ProcessCluster(processes) as cluster:
            certify(network, images, labels, SETTINGS, file=file, cluster=cluster)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_a_file_that_was_cut_off_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    network, file = squeezed_network(5), tmp_path / "found.jsonl"
    images, labels = _images(3, 8, network)
    certify(network, images, labels, SETTINGS, file=file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    certify(network, images, labels, SETTINGS, file=file)
    assert file.read_bytes() == whole


def test_no_image_is_begun_after_the_budget() -> None:
    network = squeezed_network(5)
    images, labels = _images(3, 8, network)
    assert certify(network, images, labels, SETTINGS, budget_s=1e-9) == []


def test_a_file_of_other_settings_is_refused(tmp_path: Path) -> None:
    network, file = squeezed_network(5), tmp_path / "found.jsonl"
    images, labels = _images(3, 2, network)
    certify(network, images, labels, SETTINGS, file=file)
    other = CertifySettings(epsilon_255=31, flips=50)
    with pytest.raises(FlowError, match="of another network or of other settings"):
        certify(network, images, labels, other, file=file)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    network, file = squeezed_network(5), tmp_path / "found.jsonl"
    images, labels = _images(3, 2, network)
    certify(network, images, labels, SETTINGS, file=file)
    file.write_text(file.read_text() + "{nonsense\n")
    with pytest.raises(FlowError, match="line 4 is damaged"):
        certify(network, images, labels, SETTINGS, file=file)


def test_a_classifier_without_operations_is_refused() -> None:
    network = squeezed_network(5)
    images, labels = _images(3, 2, network)
    with pytest.raises(FlowError, match="NativeNetwork is no IntegerNetwork"):
        certify(NativeNetwork(network), images, labels, SETTINGS)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.zeros(3, np.int64), r"labels of shape \(3,\) for 2 images"),
        (np.full(2, 4), r"labels 4\.\.4 are not within 0\.\.3"),
    ],
)
def test_what_does_not_fit_is_refused(labels: np.ndarray, text: str) -> None:
    network = squeezed_network(5)
    with pytest.raises(FlowError, match=text):
        certify(network, _images(3, 2, network)[0], labels, SETTINGS)


@pytest.mark.parametrize(
    ("key", "value"), [("epsilon_255", 256), ("flips", -1), ("nodes", -1), ("lookahead", 0)]
)
def test_settings_out_of_range_are_refused(key: str, value: int) -> None:
    with pytest.raises(FlowError, match=rf"certify: \w+ {value} is not"):
        CertifySettings(**{"epsilon_255": 1, key: value})
