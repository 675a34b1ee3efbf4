# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The command line as a user meets it: the whole flow with every real tool, and bad input."""

import gzip
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

STEELFLOW = str(Path(sys.executable).with_name("steelflow"))
MINI: dict[str, Any] = {
    "name": "mini",
    "data": {"source": "digits", "train_images": 600, "test_images": 120},
    "network": {"channels": [6, 8], "strides": [2, 2]},
    "training": {
        "epochs": 10,
        "warmup_epochs": 2,
        "epsilon_255": 16,
        "pgd_steps": 2,
        "learning_rate": 0.02,
    },
    "compile": {"target_fps": 50_000.0},
    "verify": {"finn_images": 16},
    "rtlsim": {"epsilon_255": 16},
    "attack": {"epsilons_255": [0, 16, 128], "steps": 10, "restarts": 1},
}


def steelflow(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [STEELFLOW, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def write_config(folder: Path, **changes: Any) -> str:  # noqa: ANN401 - YAML holds anything
    document = {key: {**value} if isinstance(value, dict) else value for key, value in MINI.items()}
    for key, value in changes.items():
        document[key] = document.get(key, {}) | value if isinstance(value, dict) else value
    (folder / "config.yaml").write_text(yaml.safe_dump(document))
    return "config.yaml"


@dataclass(frozen=True)
class FinishedRun:
    folder: Path
    output: subprocess.CompletedProcess[str]

    @property
    def report(self) -> dict[str, Any]:
        path = self.folder / "build" / "mini" / "report" / "report.json"
        document: dict[str, Any] = json.loads(path.read_text())
        return document


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    folder = tmp_path_factory.mktemp("run")
    return FinishedRun(folder, steelflow("run", write_config(folder), folder=folder))


@pytest.mark.slow
def test_run_ends_by_naming_a_report_that_exists(finished: FinishedRun) -> None:
    assert finished.output.returncode == 0, finished.output.stderr
    assert finished.output.stdout == "report: build/mini/report/index.html\n"
    assert (finished.folder / "build/mini/report/index.html").is_file()


@pytest.mark.slow
def test_every_engine_gives_the_same_integers(finished: FinishedRun) -> None:
    agreement = finished.report["agreement"]
    assert agreement["brevitas_vs_qonnx"] == {"images": 120, "labels_differ": 0}
    assert agreement["qonnx_vs_integer"]["logits_differ"] == 0
    assert agreement["finn_vs_integer"] == {"images": 16, "labels_differ": 0, "logits_differ": 0}
    rtlsim = agreement["integer_vs_rtlsim"]
    assert rtlsim == {"images": 128, "labels_differ": 0, "logits_differ": 0}


@pytest.mark.slow
def test_the_rtl_is_as_fast_as_predicted(finished: FinishedRun) -> None:
    hardware = finished.report["hardware"]
    predicted = hardware["cycles_per_frame_predicted"]
    assert hardware["cycles_per_frame_measured"] == pytest.approx(predicted, rel=0.01)
    assert hardware["frames_per_second"] >= 50_000 * 0.99


@pytest.mark.slow
def test_the_attack_destroys_both_networks_in_the_end(finished: FinishedRun) -> None:
    rows = finished.report["robust_accuracy"]
    pgd = {(r["network"], r["epsilon_255"]): r for r in rows if r["attack"] == "pgd"}
    for network in ("robust", "plain"):
        assert pgd[network, 0]["accuracy"] > 0.7
        assert pgd[network, 0]["accuracy"] >= pgd[network, 16]["accuracy"]
        assert pgd[network, 128]["accuracy"] <= 0.05
        assert all(r["ci95"][0] <= r["accuracy"] <= r["ci95"][1] for r in rows)


@pytest.mark.slow
def test_synthesis_counts_every_layer_and_fits_the_part(finished: FinishedRun) -> None:
    hardware = finished.report["hardware"]
    rows = hardware["resources"]["per_layer"]
    matrices = [row for row in rows if row["op_type"] == "MVAU_rtl"]
    assert len(matrices) == 3
    assert all(row["dsp"] > 0 or row["lut"] > 100 for row in matrices)  # either unit
    assert 0 < hardware["resources"]["lut"] < hardware["capacity"]["lut"]
    assert sum(row["lut"] for row in rows) == hardware["resources"]["lut"]


@pytest.mark.slow
def test_a_second_run_does_nothing(finished: FinishedRun) -> None:
    again = steelflow("run", "config.yaml", folder=finished.folder)
    assert again.returncode == 0
    assert again.stderr.count("unchanged, skipped") == 9


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_bits(finished: FinishedRun, tmp_path: Path) -> None:
    code = (  # kill -9 as soon as an epoch is saved
        "import os, signal, sys; from flow import cli; from flow.training import trainer\n"
        "write = trainer.write_state\n"
        "def write_and_die(*content):\n    write(*content); os.kill(os.getpid(), signal.SIGKILL)\n"
        "trainer.write_state = write_and_die; sys.exit(cli.main(['train', 'config.yaml']))"
    )
    write_config(tmp_path)
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob("build/mini/.work/*/scratch/robust.state"))
    assert not (tmp_path / "build/mini/train").exists()
    assert steelflow("train", "config.yaml", folder=tmp_path).returncode == 0
    for name in ("robust.pt", "plain.pt"):
        expected = (finished.folder / "build/mini/train" / name).read_bytes()
        assert (tmp_path / "build/mini/train" / name).read_bytes() == expected


@pytest.mark.slow
def test_a_checkpoint_of_another_architecture_is_refused(
    finished: FinishedRun, tmp_path: Path
) -> None:
    checkpoint = str(finished.folder / "build/mini/train/robust.pt")
    config = write_config(
        tmp_path, network={"channels": [6, 9]}, training={"checkpoints": {"robust": checkpoint}}
    )
    refused(steelflow("train", config, folder=tmp_path), "robust.pt", "convolutions")
    assert not (tmp_path / "build/mini/train").exists()


@pytest.mark.slow
def test_a_given_checkpoint_is_used_instead_of_training(
    finished: FinishedRun, tmp_path: Path
) -> None:
    folder = finished.folder / "build/mini/train"
    checkpoints = {name: str(folder / f"{name}.pt") for name in ("robust", "plain")}
    config = write_config(tmp_path, training={"checkpoints": checkpoints})
    assert steelflow("train", config, folder=tmp_path).returncode == 0
    for name in checkpoints:
        found = (tmp_path / "build/mini/train" / f"{name}.pt").read_bytes()
        assert found == (folder / f"{name}.pt").read_bytes()


@pytest.mark.slow
def test_an_illegal_folding_is_refused_with_the_legal_values(finished: FinishedRun) -> None:
    changes = {"folding": {"MVAU_rtl_1": {"pe": 3, "simd": 2}}}
    text = (finished.folder / write_config(finished.folder, compile=changes)).read_text()
    (finished.folder / "illegal.yaml").write_text(text)
    write_config(finished.folder)
    before = (finished.folder / "build/mini/compile/step.json").read_bytes()
    refused(
        steelflow("compile", "illegal.yaml", folder=finished.folder),
        "PE 3 does not divide 8; legal values are 1, 2, 4, 8",
    )
    assert (finished.folder / "build/mini/compile/step.json").read_bytes() == before


def refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Check for exit status 2 and one line on stderr, after the steps' banners, with the parts."""
    *banners, line = result.stderr.splitlines()
    assert result.returncode == 2, result.stderr
    assert line.startswith("steelflow: error: ")
    assert all(banner.startswith("[") for banner in banners), banners
    assert all(part in line for part in parts), line
    assert result.stdout == ""


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, training={"checkpoints": {"robust": "config.yaml"}})
    refused(steelflow("train", config, folder=tmp_path), "config.yaml: cannot be read")


@pytest.mark.slow
def test_an_unknown_part_is_refused_before_anything_is_built(finished: FinishedRun) -> None:
    text = (finished.folder / "config.yaml").read_text()
    path = finished.folder / "part.yaml"
    path.write_text(text.replace("target_fps", "part: xc7z021\n  target_fps"))
    result = steelflow("compile", "part.yaml", folder=finished.folder)
    refused(result, "part 'xc7z021'", "did you mean 'xc7z020'")


@pytest.mark.slow
def test_more_images_than_there_are_are_refused(finished: FinishedRun) -> None:
    text = (finished.folder / "config.yaml").read_text()
    path = finished.folder / "many.yaml"
    path.write_text(text.replace("restarts: 1", "restarts: 1\n  images: 121"))
    result = steelflow("attack", "many.yaml", folder=finished.folder)
    refused(result, "attack.images: 121 is more than the 120 test images")


def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    config = write_config(tmp_path, training={"epoch": 3})
    refused(steelflow("run", config, folder=tmp_path), "'training.epoch'", "mean 'epochs'")
    assert not (tmp_path / "build").exists()


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    config = write_config(tmp_path, data={"source": "mnist"})
    result = steelflow("train", config, "--data", "data", folder=tmp_path)
    refused(result, "train-images-idx3-ubyte", "data")


def test_a_corrupt_data_file_is_named(tmp_path: Path) -> None:
    for split in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            with gzip.open(tmp_path / f"{split}-{kind}-ubyte.gz", "wb") as file:
                file.write(b"\0\0\x08\x03 not an IDX file")
    config = write_config(tmp_path, data={"source": "mnist"})
    refused(
        steelflow("train", config, "--data", str(tmp_path), folder=tmp_path), "train-images-idx3"
    )
    assert not (tmp_path / "build/mini/train").exists()
