# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Steps keyed by the content they are made from, and the pipeline that runs those out of date.

A workspace looks like this:

    <workspace>/<step>/...              finished outputs, complete or absent
    <workspace>/<step>/step.json        what they were made from, their checksums, the time taken
    <workspace>/.work/<step>-<digest>/  outputs being written, and state to resume from
    <workspace>/.cache/                 what is expensive to build and safe to lose
    <workspace>/.lock                   held while a pipeline runs

A step is one class:

    class Export(Step):
        name = "export"
        needs = ("train",)
        tools = ("brevitas", "onnx")
        version = 1

        def settings(self, context: Context) -> Settings:
            return {"network": context.config.network}

        def run(self, context: Context, folder: Path, scratch: Path) -> None:
            name = context.config.deployed
            model = load_checkpoint(context.folder("train") / f"{name}.pt")
            export_qonnx_model(model, folder / f"{name}.onnx")
"""

import json
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from flow.errors import FlowError, SettingError
from flow.progress import banner, saved
from flow.run.configuration import RunConfig
from flow.storage.records import RECORD_NAME, Fingerprint, StepRecord, checksums, sha256, write_json
from flow.storage.workspace import disk_errors_in_one_line, drop_empty, locked
from steelflow_names import hint

__all__ = ["Context", "Pipeline", "Settings", "Step"]

Settings = Mapping[str, object]  # JSON values and pydantic models


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every step of one run shares."""

    config: RunConfig
    workspace: Path  # absolute, so that a tool that runs elsewhere finds it
    data: Path | None = None  # folder of data sets that are not embedded, absolute too

    def __post_init__(self) -> None:
        object.__setattr__(self, "workspace", self.workspace.absolute())
        object.__setattr__(self, "data", self.data and self.data.absolute())

    def folder(self, step: str) -> Path:
        """Return the folder of a step's finished outputs; the reader lists the step in `needs`."""
        return self.workspace / step

    def cache(self, name: str) -> Path:
        """Return a folder, made if absent, that outlives steps and can be deleted at any time."""
        path = self.workspace / ".cache" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def record(self, step: str) -> StepRecord | None:
        """Return what is known of a finished step (settings, tools, seconds), or None."""
        return StepRecord.load(self.folder(step))

    def timings_s(self, steps: Sequence[str]) -> dict[str, float]:
        """Return the seconds that each finished step took when it last really ran."""
        records = {step: self.record(step) for step in steps}
        return {step: record.seconds for step, record in records.items() if record}


class Step(ABC):
    """Input artifacts and settings -> output artifacts, keyed by the hash of their content."""

    name: ClassVar[str]  # the folder of the outputs, and the subcommand
    needs: ClassVar[tuple[str, ...]] = ()  # earlier steps whose outputs are read
    tools: ClassVar[tuple[str, ...]] = ()  # distributions whose version the outputs depend on
    version: ClassVar[int] = 1  # raise it when the same inputs come to give other outputs

    @abstractmethod
    def settings(self, context: Context) -> Settings:
        """Return the part of the configuration, seed included, that the outputs depend on."""

    def inputs(self, context: Context) -> Sequence[Path]:
        """Return the files that `run` reads: by default every output of the steps in `needs`.

        Override it to add files from outside the workspace, or to leave out files that make no
        difference (a step then stays valid when only those change).
        """
        return [
            context.folder(step) / name
            for step in self.needs
            if (record := context.record(step))
            for name in sorted(record.outputs)
        ]

    def needed_files(self, context: Context) -> Sequence[Path]:  # noqa: ARG002 - of subclasses
        """Return files from outside the workspace that `run` reads and `inputs` leaves out.

        Like those of `inputs`, they must be there before the first step of a run starts.
        """
        return []

    @abstractmethod
    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Write the outputs into `folder`.

        Args:
            context: the run.
            folder: empty; it is renamed once complete, so that no output may hold its path.
            scratch: kept when the run is interrupted and handed back when the same work, with the
                same settings and inputs, starts again; deleted on success. Its files must be
                written so that a kill at any moment leaves them readable (write, then rename).
        """


@dataclass(frozen=True)
class Pipeline:
    """Steps in an order in which each comes after those it needs."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for step in self.steps:
            missing = [need for need in step.needs if need not in seen]
            assert not missing, f"{step.name} needs {missing}, which do not come before it"
            assert step.name not in seen, f"two steps are called {step.name}"
            assert step.name.isidentifier(), f"{step.name!r} is no plain folder name"
            seen.add(step.name)

    def run(self, context: Context, target: str | None = None) -> None:
        """Run, as make would, the steps that are out of date among `target` and all it needs.

        Args:
            context: the run.
            target: a step's name; all steps when None.

        Raises:
            FlowError: a file that some step needs from outside the workspace, or a tool, is
                missing, which is found before the first step starts; the workspace is in use or
                cannot be written, its disk is full, or a step refuses its input.
        """
        steps = self.selection(target)
        for step in steps:
            _check_needs(step, context)
        with disk_errors_in_one_line("workspace", context.workspace), locked(context.workspace):
            for number, step in enumerate(steps, start=1):
                _bring_up_to_date(step, context, f"[{number}/{len(steps)}] {step.name}")

    def selection(self, target: str | None = None) -> tuple[Step, ...]:
        """Return the target and every step that it needs, directly or not, in order.

        Raises:
            FlowError: no step has this name.
        """
        if target is None:
            return self.steps
        by_name = {step.name: step for step in self.steps}
        if target not in by_name:
            raise FlowError(f"step {target!r}: is unknown{hint(target, by_name)}")
        wanted = {target}
        for step in reversed(self.steps):
            if step.name in wanted:
                wanted.update(step.needs)
        return tuple(step for step in self.steps if step.name in wanted)


def _check_needs(step: Step, context: Context) -> None:
    for tool in step.tools:
        _installed_version(tool, step.name)
    for path in (*step.inputs(context), *step.needed_files(context)):
        if not path.is_relative_to(context.workspace):
            _refuse_missing(step, path)


def _refuse_missing(step: Step, path: Path) -> None:
    if not path.is_file():
        raise SettingError(
            f"{step.name}: input file {path} is missing; "
            "put it there, or correct the config or the data folder",
            "data",
        )


def _bring_up_to_date(step: Step, context: Context, label: str) -> None:
    now = _fingerprint(step, context)
    reason = _out_of_date(context.folder(step.name), now)
    if not reason:
        banner(f"{label}: unchanged, skipped")
        return
    banner(f"{label}: {reason}")
    work = context.workspace / ".work" / f"{step.name}-{now.digest[:16]}"
    if _out_of_date(work / "outputs", now):  # else a kill came between writing and renaming
        _execute(step, context, work, now)
    _publish(work, context.folder(step.name))
    record = context.record(step.name)
    banner(f"{label}: done in {record.seconds if record else 0:.1f} s")


def _fingerprint(step: Step, context: Context) -> Fingerprint:
    return Fingerprint(
        step=step.name,
        version=step.version,
        settings=json.loads(json.dumps(step.settings(context), default=_as_json)),
        inputs=dict(_hashed_inputs(step, context)),
        tools={tool: _installed_version(tool, step.name) for tool in step.tools},
    )


def _installed_version(distribution: str, step: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise FlowError(
            f"{step}: the package {distribution} is not installed; run build_scripts/setup.sh"
        ) from error


def _as_json(model: BaseModel) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return model.model_dump(mode="json")


def _hashed_inputs(step: Step, context: Context) -> Iterator[tuple[str, str]]:
    for path in step.inputs(context):
        _refuse_missing(step, path)
        inside = path.is_relative_to(context.workspace)
        label = path.relative_to(context.workspace) if inside else Path(path.parent.name, path.name)
        yield label.as_posix(), sha256(path)


def _out_of_date(folder: Path, now: Fingerprint) -> str:
    """Return why the folder is not what `now` would give; "" when it is."""
    record = StepRecord.load(folder)
    if record is None:
        return "no result yet"
    if difference := record.difference(now):
        return difference
    damaged = record.damaged(folder)
    return f"output missing or damaged: {', '.join(damaged)}" if damaged else ""


def _execute(step: Step, context: Context, work: Path, now: Fingerprint) -> None:
    try:
        with (
            disk_errors_in_one_line(step.name, context.workspace),
            saved(lambda: _kept(step, work)),
        ):
            _run_and_record(step, context, work, now)
    except BaseException:
        shutil.rmtree(work / "outputs", ignore_errors=True)
        drop_empty(work / "scratch", work, work.parent)
        raise


def _run_and_record(step: Step, context: Context, work: Path, now: Fingerprint) -> None:
    folder, scratch = work / "outputs", work / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    resumed = scratch.is_dir() and any(scratch.iterdir())
    if resumed:
        banner(
            f"{step.name}: goes on from {_files_in(scratch)} of an interrupted run, in {scratch}"
        )
    scratch.mkdir(exist_ok=True)
    start = time.monotonic()
    step.run(context, folder, scratch)
    outputs = checksums(folder)
    seconds = round(time.monotonic() - start, 3)
    record = StepRecord(
        **asdict(now), digest=now.digest, outputs=outputs, seconds=seconds, resumed=resumed
    )
    write_json(folder / RECORD_NAME, record.model_dump())


def _kept(step: Step, work: Path) -> str:
    """Say what an interrupted step leaves to go on from."""
    scratch = work / "scratch"
    if not (scratch.is_dir() and any(scratch.iterdir())):
        return f"nothing of the step {step.name} is saved: it starts anew; those before it are done"
    return f"the step {step.name} left {_files_in(scratch)} in {scratch}"


def _files_in(folder: Path) -> str:
    count = sum(path.is_file() for path in folder.rglob("*"))
    return f"{count} file{'s' * (count != 1)}"


def _publish(work: Path, final: Path) -> None:
    """Put the complete outputs in place and drop what this step left at work, now or earlier.

    A kill at any point leaves at `final` the old outputs, nothing or the new outputs; in the
    second case the new ones are still at work, complete, and the next run publishes them.
    """
    old = work / "replaced"
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    (work / "outputs").rename(final)
    for leftover in work.parent.glob(f"{final.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
