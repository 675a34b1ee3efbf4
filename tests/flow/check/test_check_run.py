# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow check CONFIG`: what the steps of a run have found; and the workflow of the example."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from sample_report import minimal_document, robust_row

from flow.check import Limits, check_run
from flow.check import run as check_run_module
from flow.cli import main
from flow.errors import FlowError
from flow.report import parse_report
from flow.report.schema import Capacity, Comparison, Estimate, RobustRow, Speed
from flow.run.loading import parse_config
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Attacked, Simulated, Synthesised, Verified

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "ci"


class Found(Step):
    """A step that has found what it is told."""

    def __init__(self, name: str, result: Verified | Attacked | Simulated | Synthesised) -> None:
        self.name, self.result = name, result  # type: ignore[misc]

    def settings(self, context: Context) -> Settings:  # noqa: ARG002
        return {}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        self.result.save(folder)


def attacked(network: str, epsilon_255: int, accuracy: float) -> RobustRow:
    row = robust_row(network, epsilon_255, accuracy)
    return RobustRow.model_validate(row | {"ci95": tuple(row["ci95"])})


REPORT = parse_report(minimal_document())
FOUND = {
    "verify": Verified(
        accuracy={"robust": 0.9, "plain": 0.99},
        test_set={},
        qonnx_vs_integer=Comparison(images=100, logits_differ=0),
    ),
    "attack": Attacked(
        rows=(
            attacked("robust", 8, 0.6),
            attacked("robust", 8, 0.5),
            attacked("robust", 16, 0.2),
            attacked("plain", 8, 0.0),
        ),
        **dict.fromkeys(("checks", "noise", "amplification", "signs", "boards"), ()),
    ),
    "rtlsim": Simulated(
        integer_vs_rtlsim=Comparison(images=4, logits_differ=0),
        hardware=Speed(
            part="a",
            clock_mhz=100.0,
            cycles_per_frame_predicted=81_000,
            cycles_per_frame_measured=81_001,
            frames_per_second=1234.5,
        ),
        simulated_cycles=400_000,
        cycles_per_second=1e6,
    ),
    "synth": Synthesised(
        estimate=Estimate(lut=700.0),
        capacity=Capacity(lut=53_200, ff=106_400, dsp=220, bram36=140.0),
        resources=REPORT.hardware.resources.model_copy(update={"lut": 777}),
    ),
}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    steps = [Found(name, found) for name, found in FOUND.items()]
    monkeypatch.setattr(check_run_module, "all_steps", lambda: tuple(steps))
    config = parse_config({"name": "a", "attack": {"epsilons_255": [8, 16]}}, "test")
    return Context(config=config, workspace=tmp_path / "ws")


def test_every_figure_is_what_its_step_found(context: Context) -> None:
    limits = Limits(max_lut=1, min_fps=1, min_accuracy=1, min_robust=1, epsilon_255=8)
    found = {figure.name: figure.found.value for figure in check_run(context, limits)}
    assert found == {"accuracy": 0.9, "robust": 0.5, "fps": 1234.5, "lut": 777}


def test_only_the_steps_that_are_needed_run(context: Context) -> None:
    check_run(context, Limits(max_lut=1000))
    assert [path.name for path in context.workspace.iterdir() if path.name[0] != "."] == ["synth"]


def test_an_epsilon_that_was_not_attacked_is_refused_before_anything_runs(context: Context) -> None:
    message = r"epsilon_255 9: is not among attack.epsilons_255 .* \(8, 16\); add it there"
    with pytest.raises(FlowError, match=message):
        check_run(context, Limits(min_robust=0.1, epsilon_255=9))
    assert not context.workspace.exists()


def test_options_of_a_model_are_refused_for_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("name: a\n")
    assert main(["check", str(config), "--max-lut", "1", "--part", "x"]) == 2
    assert f"--part: only for a MODEL.onnx; write it into {config}" in capsys.readouterr().err


def run_lines() -> list[str]:
    workflow = yaml.safe_load((EXAMPLE / "workflow.yml").read_text())
    steps = workflow["jobs"]["check"]["steps"]
    return [step["run"] for step in steps if "run" in step]


def test_the_workflow_installs_and_checks_and_nothing_else() -> None:
    install, check = run_lines()
    assert all(line.startswith("pip install ") for line in install.splitlines())
    assert check.startswith("steelflow check classifier.yaml ")


@pytest.mark.slow
def test_the_workflow_s_lines_run(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "classifier.yaml", tmp_path)
    # what pip would fetch is installed here: it has to say so without an index
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PYTHONPATH": str(ROOT)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in run_lines():
        command = ["bash", "-e", "-c", line]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | offline | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    suite = ET.parse(tmp_path / "check.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "0")
