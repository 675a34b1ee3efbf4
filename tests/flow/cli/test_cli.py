# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from brevitas_models.errors import ModelError
from brevitas_models.pretrained import trained
from flow.cli import main
from flow.cli.registry import COMMANDS
from flow.errors import FlowError, SettingError
from flow.run.pipeline import Context, Pipeline, Settings, Step
from hw.errors import HardwareError

STEPS = (
    "train",
    "export",
    "compile",
    "verify",
    "attack",
    "rtlsim",
    "synth",
    "certify",
    "report",
)


BOARD = "http://127.0.0.1:8000/v2/models/digits"


class Toy(Step):
    """Writes the data folder it was given, or raises what it was told to."""

    def __init__(self, name: str, needs: tuple[str, ...], error: BaseException | None) -> None:
        self.name, self.needs, self.error = name, needs, error  # type: ignore[misc]

    def settings(self, context: Context) -> Settings:
        return {"data": str(context.data)}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        if self.error:
            raise self.error
        (folder / "index.html").write_text(str(context.data))


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEELFLOW_DATA", raising=False)
    use_steps(monkeypatch)
    path = tmp_path / "toy.yaml"
    path.write_text("name: toy\n")
    return path


def use_steps(monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    toys = tuple(Toy(name, STEPS[max(0, n - 1) : n], error) for n, name in enumerate(STEPS))
    monkeypatch.setitem(sys.modules, "flow.run.steps", steps := ModuleType("flow.run.steps"))
    monkeypatch.setattr(steps, "all_steps", lambda: toys, raising=False)


def test_run_ends_by_naming_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "toy.yaml"]) == 0
    assert capsys.readouterr().out == "report: build/toy/report/index.html\n"
    assert Path("build/toy/report/index.html").is_file()


@pytest.mark.parametrize("command", ["run", "attack"])
@pytest.mark.parametrize("place", ["virtual", BOARD])
def test_a_board_can_be_named_for_the_attacks(
    command: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Context] = []
    monkeypatch.setattr(Pipeline, "run", lambda _, context, __: seen.append(context))
    assert main([command, "toy.yaml", "--board", place]) == 0
    assert (seen[0].config.attack.engine, seen[0].config.attack.board) == ("board", place)


def test_a_board_that_is_no_place_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "toy.yaml", "--board", "pynq"]) == 2
    assert "--board pynq: board: 'pynq' is refused" in capsys.readouterr().err


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_a_command_that_runs_what_it_needs(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([step, "toy.yaml"]) == 0
    assert f"{step}: build/toy/{step}" in capsys.readouterr().out
    made = {path.name for path in Path("build/toy").iterdir() if path.name in STEPS}
    assert made == set(STEPS[: STEPS.index(step) + 1])


def test_output_names_the_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "toy.yaml", "--output", "elsewhere"]) == 0
    assert capsys.readouterr().out == "train: elsewhere/train\n"
    assert (tmp_path / "elsewhere" / "train" / "step.json").is_file()


def test_the_data_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELFLOW_DATA", "/from/environment")
    main(["train", "toy.yaml"])
    assert Path("build/toy/train/index.html").read_text() == "/from/environment"


def test_the_option_data_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELFLOW_DATA", "/from/environment")
    main(["train", "toy.yaml", "--data", "/from/option"])
    assert Path("build/toy/train/index.html").read_text() == "/from/option"


@pytest.mark.parametrize("step", ["run", "attack"])
def test_a_trained_network_of_the_zoo_takes_the_place_of_a_config(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = trained()[0]
    assert main([step, "--zoo", name]) == 0
    assert f"build/{name.replace('-', '_')}/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "run: no CONFIG and no --zoo; give one of the two"),
        (["synth", "toy.yaml", "--zoo", "x"], "synth: both CONFIG toy.yaml and --zoo x are given"),
        (["compile", "a.onnx", "--zoo", "x"], "compile: both CONFIG a.onnx and --zoo x are given"),
        (
            ["compile", "--zoo", "x", "--fps", "3"],
            "--fps: only for a MODEL.onnx; write it into a C",
        ),
        (["run", "--zoo", "mnist"], "zoo: there is no network 'mnist'; did you mean 'mnist-"),
    ],
)
def test_a_network_is_named_once(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert_one_line(capsys, message)
    assert not Path("build").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: toy\nsede: 1\n", "config toy.yaml: unknown key 'sede'; did you mean 'seed'?"),
        ("name: toy\ntraining: {epoch: 1}\n", "did you mean 'epochs'?"),
        ("seed: 1\n", "config toy.yaml: the key 'name' is missing; add it"),
        ("name: [", "config toy.yaml: is not YAML"),
        ("- toy", "config toy.yaml: holds no keys with values"),
        ("name: ../toy", "name: '../toy' is refused"),
    ],
)
def test_a_bad_config_gets_one_line_and_leaves_nothing(
    config: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    assert main(["run", "toy.yaml"]) == 2
    assert_one_line(capsys, message)
    assert not Path("build").exists()


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_config_that_cannot_be_read_gets_one_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", name]) == 2
    assert_one_line(capsys, f"config {name}: cannot be read")


@pytest.mark.parametrize("kind", [FlowError, HardwareError, ModelError])
def test_an_error_that_a_user_can_mend_gets_one_line(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_steps(monkeypatch, kind("model x.onnx: cannot be parsed\n  (byte 0);\n  export it again"))
    assert main(["run", "toy.yaml"]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[1:] == [
        "steelflow: error: model x.onnx: cannot be parsed (byte 0); export it again"
    ]
    assert not Path("build/toy/train").exists()


@pytest.mark.parametrize(
    ("message", "setting", "said"),
    [
        ("output x: is a file; choose another", "output", "--output x: is a file; choose another"),
        ("x: is no folder; choose another", "output", "x: is no folder; choose another (--output)"),
        ("epochs 0: give at least 1", "epochs", "epochs 0: give at least 1"),  # no flag of run
        ("data: none", "", "data: none"),
    ],
)
def test_a_setting_is_told_with_its_flag(
    message: str,
    setting: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_steps(monkeypatch, SettingError(message, setting))
    assert main(["run", "toy.yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"steelflow: error: {said}"


def test_the_flag_is_found_through_the_errors_that_wrap_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = FlowError("run: failed")
    wrapped.__cause__ = SettingError("no", "data")
    use_steps(monkeypatch, wrapped)
    assert main(["run", "toy.yaml"]) == 2
    assert capsys.readouterr().err.endswith("run: failed (--data)\n")


def test_our_own_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    use_steps(monkeypatch, ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["run", "toy.yaml"])


def test_a_bad_option_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "toy.yaml", "--ouput", "x"])
    assert "unrecognized arguments: --ouput x" in capsys.readouterr().err


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    names = {command.name for command in COMMANDS}
    others = {
        "simulate",
        "parts",
        "package",
        "bitstream",
        "boards",
        "certify",
        "check",
        "zoo",
        "bench",
        "experiment",
        "doctor",
        "search",
    }
    assert names == {"run", *STEPS} | others
    for command in COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            main([command.name, "--help"])
        assert command.help[:40] in capsys.readouterr().out


def test_every_real_step_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flow.run.steps")
    from flow.run.steps import all_steps  # noqa: PLC0415 - the real ones, after the toys

    assert tuple(step.name for step in Pipeline(all_steps()).steps) == STEPS


def test_help_loads_no_heavy_package() -> None:
    heavy = "{'torch', 'numpy', 'onnx', 'finn', 'pydantic', 'rich'}"
    code = (
        "import sys; from flow.cli import main\n"
        "try: main(['run', '--help'])\n"
        f"except SystemExit: sys.exit(bool({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_what_is_saved_and_how_to_resume(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    code = (
        "import signal, sys, time, types, flow.cli\n"
        # as in a terminal, also where the tests themselves run in the background
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from flow.progress import saved\n"
        "def all_steps():\n"
        "    with saved(lambda: '3 of 4 are in x'):\n"
        "        print('ready', flush=True); time.sleep(600)\n"
        "sys.modules['flow.run.steps'] = types.SimpleNamespace(all_steps=all_steps)\n"
        "sys.exit(flow.cli.main(['run', 'toy.yaml']))"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(timeout=300) == status
        said = process.stderr.read()
    assert said == "steelflow: interrupted; 3 of 4 are in x; run the same command to resume\n"


def assert_one_line(capsys: pytest.CaptureFixture[str], message: str) -> None:
    error = capsys.readouterr().err
    assert error.startswith("steelflow: error: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_reader_that_leaves_its_pipe_gets_no_traceback() -> None:
    code = "import sys; from flow.cli import main; sys.exit(main(['zoo', 'list', '--json']))"
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (found.returncode, found.stderr) == (141, "")
