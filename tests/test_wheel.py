# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The wheel, installed in an environment of its own, used where no checkout is near."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGES = ("flow", "hw", "brevitas_models", "steelflow_names")
MINI: dict[str, Any] = {
    "name": "mini",
    "data": {"source": "digits", "train_images": 200, "test_images": 40},
    "network": {"channels": [4], "strides": [2]},
    "training": {"epochs": 1, "warmup_epochs": 1, "epsilon_255": 8, "pgd_steps": 1},
    "compile": {"target_fps": 10_000.0},
}


def tracked(*paths: str) -> list[str]:
    """Return the files that git has, relative to the root."""
    command = ["git", "ls-files", "-z", "--", *paths]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.rstrip("\0").split("\0")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git has, so that nothing else in the folder gets in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked(*PACKAGES, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", out, source], check=True)
    (path,) = out.glob("steelflow-*.whl")
    return path


@pytest.fixture(scope="module")
def steelflow(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a new environment, which borrows all packages but steelflow from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
    subprocess.run([*pip, "--no-index", "--no-deps", wheel], check=True)
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    borrowed = sysconfig.get_path("purelib")  # its own .pth files, the editable one, do not count
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    return folder / "bin" / "steelflow"


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without a checkout, which has the configuration of a small run."""
    folder = tmp_path_factory.mktemp("away")
    (folder / "config.yaml").write_text(yaml.safe_dump(MINI))
    return folder


def run(command: Path, *arguments: str, home: Path) -> str:
    """Run a command that succeeds; return what it prints."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [command, *arguments],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def synthesized(steelflow: Path, away: Path) -> Path:
    """The workspace of the run, trained, exported, compiled and synthesised."""
    assert run(steelflow, "synth", "config.yaml", home=away) == "synth: build/mini/synth\n"
    return away / "build" / "mini"


def test_it_holds_every_file_that_is_not_python(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    lacking = [name for name in tracked(*PACKAGES) if name not in packed]
    assert lacking == []


def test_it_holds_nothing_but_these_packages(wheel: Path) -> None:
    roots = {name.split("/")[0].split(".")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert roots == {*PACKAGES, "steelflow-0"}


def test_the_environment_does_not_see_the_checkout(steelflow: Path, away: Path) -> None:
    code = "import brevitas_models, flow, hw; print(flow.__file__, hw.__file__)"
    found = run(steelflow.with_name("python"), "-c", code, home=away).split()
    assert all(path.startswith(str(steelflow.parents[1])) for path in found)


def test_doctor_says_that_everything_can_run(steelflow: Path, away: Path) -> None:
    text = run(steelflow, "doctor", home=away)
    assert "outside this range" not in text
    assert "yes " in text.split("possible with what is here")[1]


def test_simulate_runs_the_native_engine(steelflow: Path, synthesized: Path, away: Path) -> None:
    np.save(away / "images.npy", np.zeros((3, 8, 8, 1), np.uint8))
    model = str(synthesized / "export" / "robust.onnx")
    output = run(steelflow, "simulate", model, "images.npy", "--output", "logits.npy", home=away)
    assert output.startswith("simulate: 3 images, 10 logits each")


def test_compile_takes_a_model_file(steelflow: Path, synthesized: Path, away: Path) -> None:
    model = str(synthesized / "export" / "robust.onnx")
    options = ("--output", "compiled", "--fps", "10000", "--verify", "2")
    output = run(steelflow, "compile", model, *options, home=away)
    assert "2 images through the RTL, 0 logits differ" in output


def test_synth_counts_luts(synthesized: Path) -> None:
    document = yaml.safe_load((synthesized / "synth" / "synth.json").read_text())
    assert document["resources"]["lut"] > 100
