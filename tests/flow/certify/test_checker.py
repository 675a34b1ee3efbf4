# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The checker accepts what certify writes, and refuses planted wrong certificates."""

import base64
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from squeezed_networks import squeezed_network, truly_robust

from flow.certify import checker
from flow.certify.checker import Network, WrongCertificate, apply, check_file, load
from flow.certify.checker.lines import margins
from flow.certify.file import CertificateFile
from flow.certify.linear import LinearBounds
from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.fuzz import random_network
from flow.integer import Bias, Dense, Flatten, IntegerNetwork, Threshold

EPSILON = 30
FOLDER = Path(checker.__file__).parent
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[IntegerNetwork, Path, Path]:
    """Return a network, its file and certificates with answers of every kind."""
    folder = tmp_path_factory.mktemp("certificates")
    network = squeezed_network(7, shape=(4, 4, 1))
    network.save(folder / "network.npz")
    shape = (40, *network.input_shape)
    images = np.random.default_rng(0).integers(70, 190, shape, dtype=np.uint8)
    labels = network.logits(images).argmax(axis=1).astype(np.int64)
    settings = CertifySettings(epsilon_255=EPSILON, nodes=200)
    certify(network, images, labels, settings, file=folder / "found.jsonl")
    return network, folder / "network.npz", folder / "found.jsonl"


def _entries(file: Path) -> list[Entry]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _planted(made: tuple[Any, Path, Path], change: Callable[[list[Entry]], object]) -> Path:
    entries = _entries(made[2])
    change(entries)
    path = made[2].with_name("planted.jsonl")
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return path


def _first(entries: list[Entry], holds: Callable[[Entry], bool]) -> Entry:
    return next(entry for entry in entries[1:] if holds(entry))


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(zlib.compress(values.astype(kind).tobytes())).decode()


def _with_tree(entry: Entry) -> bool:
    return "tree" in entry


def test_what_certify_writes_is_accepted(made: tuple[IntegerNetwork, Path, Path]) -> None:
    counts = check_file(made[2], made[1])
    assert sum(counts.values()) == 40
    assert counts["counterexample replayed"]
    assert any(key.startswith("proof checked") for key in counts)
    assert any(map(_with_tree, _entries(made[2])[1:]))


def test_the_checker_runs_alone(made: tuple[IntegerNetwork, Path, Path]) -> None:
    code = (
        "import runpy, sys; "
        f"sys.argv = ['checker', {str(made[2])!r}, {str(made[1])!r}]; "
        f"runpy.run_path({str(FOLDER)!r}, run_name='__main__'); "
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'flow', 'brevitas_models')];"
        "assert not bad, bad"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert found.returncode == 0, found.stderr
    assert "counterexample replayed" in found.stdout


@pytest.mark.parametrize("seed", range(40))
def test_its_network_is_the_reference(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    network.save(tmp_path / "network.npz")
    shape = (4, *network.input_shape)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    other = Network(load(tmp_path / "network.npz"))
    assert (other.labels(images) == network.logits(images).argmax(axis=1)).all()
    assert other.classes == network.classes


def _swap_answer(entries: list[Entry]) -> None:
    entry = _first(entries, lambda e: e["answer"] == "adversarial" and e["tier"] != "clean")
    entry.update(answer="robust", tier="intervals")
    del entry["adversarial"]


def _clean_as_counterexample(entries: list[Entry]) -> None:
    entry = _first(entries, lambda e: e["answer"] == "adversarial")
    entry["adversarial"] = entry["image"]


def _far_counterexample(entries: list[Entry]) -> None:
    entry = _first(entries, lambda e: e["answer"] == "adversarial")
    far = np.frombuffer(zlib.decompress(base64.b64decode(entry["image"])), "u1") ^ 255
    entry["adversarial"] = _packed(far, "u1")


def _leaf_for_tree(entries: list[Entry]) -> None:
    _first(entries, _with_tree)["tree"] = _packed(np.array([[-1, 0]]), "<i4")


def _cut_tree(entries: list[Entry]) -> None:
    entry = _first(entries, _with_tree)
    tree = np.frombuffer(zlib.decompress(base64.b64decode(entry["tree"])), "<i4").reshape(-1, 2)
    entry["tree"] = _packed(tree[:-1], "<i4")


def _long_tree(entries: list[Entry]) -> None:
    entry = _first(entries, _with_tree)
    tree = np.frombuffer(zlib.decompress(base64.b64decode(entry["tree"])), "<i4").reshape(-1, 2)
    entry["tree"] = _packed(np.concatenate([tree, [[-1, 0]]]), "<i4")


def _split_outside(entries: list[Entry]) -> None:
    _first(entries, _with_tree)["tree"] = _packed(np.array([[0, 999], [-1, 0], [-1, 0]]), "<i4")


def _negative_epsilon(entries: list[Entry]) -> None:
    entries[0]["epsilon_255"] = -1


PLANTED = [
    (_swap_answer, "all images of its ball say otherwise|do not prove"),
    (_clean_as_counterexample, "the counterexample is classified as"),
    (_far_counterexample, "the counterexample is outside the ball"),
    (_leaf_for_tree, "bounds do not prove one of its boxes"),
    (_cut_tree, "the tree ends before all its boxes are proven"),
    (_long_tree, "the tree goes on after its last box"),
    (_split_outside, "the tree splits element 0 at 999, outside its box"),
    (_negative_epsilon, "line 1: epsilon_255 -1 is no radius"),
    (lambda e: e[0].update(network_sha256="0"), "line 1: is of network 0, not"),
    (lambda e: e[0].update(version=2), "is steelflow-certificates 2"),
    (lambda e: e[3].update(label=-1), r"line 4: label -1 is not within 0\.\.3"),
    (lambda e: e[3].update(answer="sure"), "line 4: there is no answer 'sure'"),
    (lambda e: e[3].update(index=0), "line 4: image 0 comes after image 1"),
    (lambda e: e[3].pop("image"), "line 4: is damaged"),
]


@pytest.mark.parametrize(("change", "text"), PLANTED)
@pytest.mark.parametrize("limit", [0, 4096])
def test_a_planted_wrong_certificate_is_refused(
    made: tuple[IntegerNetwork, Path, Path],
    change: Callable[[list[Entry]], object],
    text: str,
    limit: int,
) -> None:
    with pytest.raises(WrongCertificate, match=text):
        check_file(_planted(made, change), made[1], limit)


@pytest.fixture
def with_lines(tmp_path: Path) -> tuple[Path, Path, Entry]:
    """Return a network whose staircases cancel, certificates by lines, and the proof's entry."""
    operations = (
        Flatten(name="flat"),
        Dense(name="copy", weights=np.ones((1, 2), np.int64)),
        Threshold(name="steps", thresholds=np.arange(10, 110, 10)[None], offset=0),
        Dense(name="last", weights=np.array([[3, 0], [-3, 0]])),
        Bias(name="bias", values=np.array([7, 0])),
    )
    network = IntegerNetwork(operations, (1, 1, 1), 1.0)
    network.save(tmp_path / "network.npz")
    settings = CertifySettings(epsilon_255=49, flips=0, nodes=0)
    image, label = np.full((1, 1, 1, 1), 50, np.uint8), np.zeros(1, np.int64)
    certify(network, image, label, settings, file=tmp_path / "found.jsonl")
    return tmp_path / "network.npz", tmp_path / "found.jsonl", _entries(tmp_path / "found.jsonl")[1]


def test_a_proof_by_lines_is_checked_and_read_again(with_lines: tuple[Path, Path, Entry]) -> None:
    network_file, file, entry = with_lines
    assert (entry["tier"], list(entry["lines"])) == ("lines", ["steps"])
    assert check_file(file, network_file, 0) == {"proof checked": 1}
    whole, network = file.read_bytes(), IntegerNetwork.load(network_file)
    settings = CertifySettings(epsilon_255=49, flips=0, nodes=0)
    (verdict,) = CertificateFile(file, network, settings).verdicts
    assert verdict.slopes["steps"].below.shape == (2,)
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ({}, "bounds do not prove"),
        ({"steps": {"bits": 0, "below": [0, 0], "above": [0, 0]}}, "bounds do not prove"),
        ({"steps": {"bits": 4, "below": [1, 1], "above": [9, 9]}}, "bounds do not prove"),
        ({"steps": {"bits": 4, "below": [-1, 1], "above": [1, 1]}}, "a line of steps falls"),
        ({"steps": {"bits": -1, "below": [1, 1], "above": [1, 1]}}, "is damaged"),
        ({"steps": {"bits": 4, "below": [1, 1, 1], "above": [1, 1]}}, "is damaged"),
    ],
)
def test_planted_lines_are_refused(
    with_lines: tuple[Path, Path, Entry], lines: dict[str, Any], text: str
) -> None:
    network_file, file, entry = with_lines
    packed = {
        name: {k: v if k == "bits" else _packed(np.array(v), "<i4") for k, v in one.items()}
        for name, one in lines.items()
    }
    header = file.read_text().splitlines()[0]
    file.write_text(f"{header}\n{json.dumps(entry | {'lines': packed})}\n")
    with pytest.raises(WrongCertificate, match=text):
        check_file(file, network_file, 0)


@pytest.mark.parametrize("seed", range(30))
def test_its_bounds_by_lines_are_the_provers(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    network.save(tmp_path / "network.npz")
    image = np.random.default_rng(seed).integers(0, 256, network.input_shape, dtype=np.uint8)
    low, high = image - image.clip(max=3), image + (255 - image).clip(max=3)
    bounds, lines = LinearBounds(network).margins(low, high, 0, precision=5)
    packed = {
        name: {
            "bits": one.below.bits,
            "below": _packed(one.below.slope, "<i4"),
            "above": _packed(one.above.slope, "<i4"),
        }
        for name, one in lines.items()
    }
    other = Network(load(tmp_path / "network.npz"))
    found = other.run(low[None], high[None])
    assert margins(other, found, 0, packed).tolist() == [bounds.tolist()]


def test_lines_over_a_split_ball_are_refused(with_lines: tuple[Path, Path, Entry]) -> None:
    network_file, file, entry = with_lines
    header = file.read_text().splitlines()[0]
    split = {"tree": _packed(np.array([[0, 50], [-1, 0], [-1, 0]]), "<i4")}
    file.write_text(f"{header}\n{json.dumps(entry | split)}\n")
    with pytest.raises(WrongCertificate, match="its lines are for a single box"):
        check_file(file, network_file, 0)


def test_a_greater_ball_is_refused(made: tuple[IntegerNetwork, Path, Path]) -> None:
    planted = _planted(made, lambda entries: entries[0].update(epsilon_255=EPSILON + 60))
    with pytest.raises(WrongCertificate, match=r"do not prove|say otherwise"):
        check_file(planted, made[1])


def test_brute_force_finds_what_trying_all_images_finds(
    made: tuple[IntegerNetwork, Path, Path],
) -> None:
    network = Network(load(made[1]))
    for entry in _entries(made[2])[1:]:
        image = np.frombuffer(zlib.decompress(base64.b64decode(entry["image"])), "u1")
        image = image.reshape(made[0].input_shape)
        ball = ((image.astype(int) - EPSILON).clip(0), (image.astype(int) + EPSILON).clip(max=255))
        found = checker.brute_force(network, image, ball, entry["label"], 256)
        if found is not None:
            assert found == truly_robust(made[0], image, entry["label"], EPSILON)


def test_a_threshold_that_falls_is_refused() -> None:
    levels = np.zeros((1, 1), np.int64)
    operation = {"kind": "Threshold", "name": "down", "step": -1, "offset": 0, "thresholds": levels}
    with pytest.raises(WrongCertificate, match="down falls where its input rises"):
        apply(operation, [(levels, levels)])


def test_a_negative_factor_of_a_place_is_refused() -> None:
    operation = {"kind": "Scale", "name": "turned", "factors": np.array([[1, -1]])}
    values = np.ones((1, 1, 2, 1), np.int64)
    with pytest.raises(WrongCertificate, match="turned falls where its input rises"):
        apply(operation, [(values, values)])


def test_sums_beyond_64_bits_are_refused() -> None:
    values = np.full((1, 1), 2**40)
    with pytest.raises(WrongCertificate, match="might leave 64 bits"):
        apply({"kind": "Dense", "weights": values}, [(values, values)])
