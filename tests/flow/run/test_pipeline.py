# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from flow.config import TrainingConfig
from flow.errors import FlowError
from flow.run.configuration import RunConfig
from flow.run.pipeline import Context, Pipeline, Settings, Step

TOY = Path(__file__).parents[1] / "toy_pipeline.py"
Body = Callable[[Context, Path, Path], None]


class Toy(Step):
    """A step whose work is a function, counting how often it runs."""

    def __init__(self, name: str, needs: tuple[str, ...] = (), body: Body | None = None) -> None:
        self.name, self.needs, self.runs = name, needs, 0  # type: ignore[misc]
        self.body = body or self.copy_needed
        self.files: list[Path] = []
        self.needed: list[Path] = []

    def settings(self, context: Context) -> Settings:
        return {"training": context.config.training} if self.name == "train" else {}

    def inputs(self, context: Context) -> Sequence[Path]:
        return [*super().inputs(context), *self.files]

    def needed_files(self, context: Context) -> Sequence[Path]:
        return [*super().needed_files(context), *self.needed]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        self.runs += 1
        self.body(context, folder, scratch)

    def copy_needed(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        texts = [(context.folder(need) / "out.txt").read_text() for need in self.needs]
        (folder / "out.txt").write_text("".join([*texts, self.name]))


def context_in(folder: Path, epochs: int = 1) -> Context:
    config = RunConfig(name="toy", training=TrainingConfig(epochs=epochs))
    return Context(config=config, workspace=folder / "ws")


@pytest.fixture
def chain() -> Pipeline:
    train, export = Toy("train"), Toy("export", ("train",))
    return Pipeline((train, export, Toy("attack", ("train",)), Toy("report", ("export",))))


def runs(pipeline: Pipeline) -> dict[str, int]:
    return {step.name: step.runs for step in pipeline.steps if isinstance(step, Toy)}


def test_a_second_run_skips_every_step(
    chain: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.run(context_in(tmp_path))
    chain.run(context_in(tmp_path))
    assert set(runs(chain).values()) == {1}
    assert "[1/4] train: unchanged, skipped" in capsys.readouterr().err


def test_a_target_runs_only_what_it_needs(chain: Pipeline, tmp_path: Path) -> None:
    chain.run(context_in(tmp_path), "report")
    assert runs(chain) == {"train": 1, "export": 1, "attack": 0, "report": 1}


def test_changed_settings_rerun_the_step_but_not_its_unchanged_successors(
    chain: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.run(context_in(tmp_path))
    chain.run(context_in(tmp_path, epochs=2))
    assert runs(chain) == {"train": 2, "export": 1, "attack": 1, "report": 1}  # same bytes came out
    assert "[1/4] train: settings changed: training\n" in capsys.readouterr().err


def test_changed_content_of_an_outside_file_reruns_its_readers(
    chain: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images.idx"
    images.write_text("1")
    train = chain.steps[0]
    assert isinstance(train, Toy)
    train.files = [images]
    train.body = lambda _context, folder, _: (folder / "out.txt").write_text(images.read_text())
    chain.run(context_in(tmp_path))
    images.write_text("2")
    chain.run(context_in(tmp_path))
    assert set(runs(chain).values()) == {2}
    assert f"train: inputs changed: {tmp_path.name}/images.idx\n" in capsys.readouterr().err


def test_a_new_version_of_the_code_reruns_the_step(
    chain: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.run(context_in(tmp_path), "train")
    chain.steps[0].version = 2  # type: ignore[misc]
    chain.run(context_in(tmp_path), "train")
    assert "train: the code of the step changed\n" in capsys.readouterr().err


def test_another_version_of_a_tool_reruns_the_step(
    chain: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.run(context_in(tmp_path), "train")
    chain.steps[0].tools = ("numpy",)  # type: ignore[misc]
    chain.run(context_in(tmp_path), "train")
    assert "train: tools changed: numpy\n" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("x")])
def test_damaged_output_is_made_again(
    chain: Pipeline, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    context = context_in(tmp_path)
    chain.run(context)
    output = context.folder("train") / "out.txt"
    damage(output)
    chain.run(context)
    assert output.read_text() == "train"
    assert runs(chain) == {"train": 2, "export": 1, "attack": 1, "report": 1}


def test_a_damaged_record_counts_as_no_result(chain: Pipeline, tmp_path: Path) -> None:
    context = context_in(tmp_path)
    chain.run(context, "train")
    (context.folder("train") / "step.json").write_text("{")
    chain.run(context, "train")
    assert runs(chain)["train"] == 2


def test_the_record_holds_settings_checksums_and_time(chain: Pipeline, tmp_path: Path) -> None:
    context = context_in(tmp_path)
    chain.run(context)
    record = json.loads((context.folder("train") / "step.json").read_text())
    assert record["settings"]["training"]["epochs"] == 1
    assert list(record["outputs"]) == ["out.txt"]
    assert context.timings_s(["train", "absent"]) == {"train": record["seconds"]}


def test_a_failing_step_leaves_its_old_result_and_nothing_new(
    chain: Pipeline, tmp_path: Path
) -> None:
    def fail(_context: Context, folder: Path, _scratch: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise FlowError("train: no")

    context = context_in(tmp_path)
    chain.run(context)
    with pytest.raises(FlowError, match=r"^train: no$"):
        Pipeline((Toy("train", body=fail),)).run(context_in(tmp_path, epochs=2))
    assert (context.folder("train") / "out.txt").read_text() == "train"
    assert not list(context.workspace.rglob("half.txt"))


def test_an_unknown_step_is_refused(chain: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"^step 'tarin': is unknown; did you mean 'train'[?] Kn"):
        chain.run(context_in(tmp_path), "tarin")


def test_a_missing_input_file_is_named(chain: Pipeline, tmp_path: Path) -> None:
    train = chain.steps[0]
    assert isinstance(train, Toy)
    train.files = [tmp_path / "absent.idx"]
    with pytest.raises(
        FlowError, match=r"train: input file .*/absent\.idx is missing; .* the data"
    ):
        chain.run(context_in(tmp_path))


def test_a_missing_package_is_named(chain: Pipeline, tmp_path: Path) -> None:
    chain.steps[0].tools = ("no-such-package",)  # type: ignore[misc]
    with pytest.raises(FlowError, match=r"train: the package no-such-package is not installed; "):
        chain.run(context_in(tmp_path))


@pytest.mark.parametrize("kind", ["files", "needed", "tools"])
def test_what_the_last_step_needs_is_missed_before_the_first_runs(
    chain: Pipeline, tmp_path: Path, kind: str
) -> None:
    missing = ("no-such-package",) if kind == "tools" else [tmp_path / "absent.idx"]
    setattr(chain.steps[-1], kind, missing)
    with pytest.raises(
        FlowError, match=r"report: (input file .*absent.idx is missing|the package)"
    ):
        chain.run(context_in(tmp_path))
    assert set(runs(chain).values()) == {0}


def test_a_workspace_that_is_a_file_is_refused(chain: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "ws").write_text("")
    with pytest.raises(FlowError, match=r"^workspace: cannot write under .*/ws \(.*r folder$"):
        chain.run(context_in(tmp_path))


def test_steps_out_of_order_are_our_own_bug() -> None:
    with pytest.raises(AssertionError, match=r"export needs \['train'\]"):
        Pipeline((Toy("export", ("train",)), Toy("train")))


def test_a_write_to_a_full_device_is_said_in_one_line(tmp_path: Path) -> None:
    def write(_context: Context, folder: Path, _scratch: Path) -> None:
        (folder / "big.bin").symlink_to("/dev/full")
        with (folder / "big.bin").open("wb") as file:
            file.write(b"0")

    message = r"^train: no space left on device under \S+ \(.*\); free space and run again$"
    context = context_in(tmp_path)
    with pytest.raises(FlowError, match=message):
        Pipeline((Toy("train", body=write),)).run(context)
    assert not context.folder("train").exists()


def toy_process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(TOY), str(folder), *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)


def test_a_killed_run_resumes_and_gives_the_same_result(tmp_path: Path) -> None:
    with toy_process(tmp_path / "whole") as whole:
        assert whole.wait() == 0
    with toy_process(tmp_path / "cut", "--stop-after-epoch", "3") as cut:
        wait_for(tmp_path / "cut" / "stopped")
        cut.send_signal(signal.SIGKILL)
    assert not (tmp_path / "cut" / "train").exists()
    with toy_process(tmp_path / "cut") as again:
        assert again.wait() == 0
    for name in ("train/weights.txt", "export/model.txt"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert (tmp_path / "cut" / "epochs_run.log").read_text() == "0 1 2 3 4 5 6 7 "
    assert json.loads((tmp_path / "cut" / "train" / "step.json").read_text())["resumed"]
    assert not list((tmp_path / "cut" / ".work").iterdir())


def test_a_kill_between_writing_and_renaming_loses_nothing(tmp_path: Path) -> None:
    context, step = context_in(tmp_path), Toy("train")
    Pipeline((step,)).run(context)
    digest = json.loads((context.folder("train") / "step.json").read_text())["digest"]
    work = context.workspace / ".work" / f"train-{digest[:16]}"
    work.mkdir(parents=True)
    context.folder("train").rename(work / "outputs")
    Pipeline((step,)).run(context)
    assert (context.folder("train") / "out.txt").read_text() == "train"
    assert step.runs == 1


def test_a_second_process_in_the_same_workspace_is_refused(tmp_path: Path) -> None:
    with toy_process(tmp_path / "ws", "--stop-after-epoch", "1") as first:
        wait_for(tmp_path / "ws" / "stopped")
        message = rf"^workspace \S+/ws: is in use by process {first.pid}; wait for it, or "
        with pytest.raises(FlowError, match=message):
            Pipeline((Toy("train"),)).run(context_in(tmp_path))
        first.kill()


@pytest.mark.parametrize("writer", ["", "--by-command"])
def test_a_disk_that_fills_up_is_said_in_one_line_and_the_next_run_goes_on(
    tmp_path: Path, writer: str
) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    script = f"""
        mount -t tmpfs -o size=256k tmpfs {mount} || exit 77
        echo mounted
        {sys.executable} {TOY} {mount}/ws --ballast-kib 4096 {writer} && exit 1
        test ! -e {mount}/ws/train || exit 2
        {sys.executable} {TOY} {mount}/ws || exit 3
        cat {mount}/ws/train/weights.txt
    """
    command = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else []), "sh", "-c"]
    done = subprocess.run([*command, script], capture_output=True, text=True, check=False)
    if "mounted" not in done.stdout:
        pytest.skip(f"no right to mount a small disk here: {done.stderr.strip()}")
    assert "train: no space left on device under" in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["mounted", "28"]


def interrupted(saves: bool) -> Body:
    def body(_context: Context, folder: Path, scratch: Path) -> None:
        if (scratch / "half.txt").exists():
            (folder / "out.txt").write_text("whole")
            return
        if saves:
            (scratch / "half.txt").write_text("half")
        raise KeyboardInterrupt

    return body


@pytest.mark.parametrize(
    ("saves", "note"),
    [
        (True, r"^the step train left 1 file in \S+/\.work/train-\w+/scratch$"),
        (False, "^nothing of the step train is saved: it starts anew; those before it are done$"),
    ],
)
def test_an_interruption_says_what_is_saved(tmp_path: Path, saves: bool, note: str) -> None:
    with pytest.raises(KeyboardInterrupt) as stop:
        Pipeline((Toy("train", body=interrupted(saves)),)).run(context_in(tmp_path))
    (found,) = stop.value.__notes__
    assert re.search(note, found)


def test_a_step_that_goes_on_says_from_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Pipeline((Toy("train", body=interrupted(True)),))
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(context_in(tmp_path))
    pipeline.run(context_in(tmp_path))
    assert "train: goes on from 1 file of an interrupted run, in " in capsys.readouterr().err
