# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Collect what the other steps found into report.json and index.html."""

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from flow.integer import IntegerNetwork
from flow.integer.description import activation_bits, in_words, weight_bits
from flow.report import Example, Report, ReportInputs, pick_examples, write_report
from flow.report.schema import Accuracy, Agreement, Hardware, ModelInfo
from flow.run import results
from flow.run.compiled import compiled_networks
from flow.run.configuration import RunConfig
from flow.run.counterexamples import with_attacks
from flow.run.examples import load_examples
from flow.run.pipeline import Context, Settings, Step
from flow.storage.records import StepRecord

__all__ = ["ReportStep"]

_SOURCES = ("train", "export", "compile", "verify", "rtlsim", "synth", "attack", "certify")


class ReportStep(Step):
    """Everything -> report.json, index.html."""

    name = "report"
    needs = _SOURCES
    version = 3
    tools = ("matplotlib",)

    def settings(self, context: Context) -> Settings:
        """Return the whole configuration, which the report shows, and the steps' times."""
        return {"config": context.config, "timings_s": context.timings_s(_SOURCES)}

    def inputs(self, context: Context) -> list[Path]:
        """Return every output but TensorBoard's files, which no two trainings share."""
        logs = context.folder("train") / "logs"
        return [path for path in super().inputs(context) if not path.is_relative_to(logs)]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Validate every figure against the schema, then write both files."""
        networks = compiled_networks(context)
        report = _report(context, networks[context.config.deployed])
        inputs = ReportInputs(report=report, examples=_examples(context, networks))
        write_report(folder, inputs)


def _report(context: Context, network: IntegerNetwork) -> Report:
    config, attacked = context.config, results.Attacked.load(context.folder("attack"))
    proven = results.Certified.load(context.folder("certify"))
    exported = results.Exported.load(context.folder("export"))
    verified = results.Verified.load(context.folder("verify"))
    simulated = results.Simulated.load(context.folder("rtlsim"))
    synthesised = results.Synthesised.load(context.folder("synth"))
    return Report(
        model=_model(config, network),
        deployed=config.deployed,
        compared=config.compared,
        accuracy=_accuracy(config.deployed, exported, verified),
        test_set=verified.test_set,
        agreement=Agreement(
            brevitas_vs_qonnx=exported.brevitas_vs_qonnx[config.deployed],
            qonnx_vs_integer=verified.qonnx_vs_integer,
            finn_vs_integer=verified.finn_vs_integer,
            skipped=verified.skipped,
            integer_vs_rtlsim=simulated.integer_vs_rtlsim,
        ),
        robust_accuracy=attacked.rows,
        certified=with_attacks(proven.rows, attacked.broken),
        hardware=Hardware(
            **dict(simulated.hardware),
            resources=synthesised.resources,
            capacity=synthesised.capacity,
        ),
        timings_s=context.timings_s(_SOURCES),
        boards=attacked.boards,
        noise_accuracy=attacked.noise,
        masked_gradient_signs=tuple(f"{one.network}: {one.sign}" for one in attacked.signs),
        amplification=attacked.amplification,
        training=results.Trained.load(context.folder("train")).curves,
        plain_accuracy=verified.accuracy.get(config.compared or ""),
        seed=config.seed,
        settings=config.model_dump(mode="json"),
        tool_versions=_tool_versions(context.record(step) for step in _SOURCES),
        machine=_machine(),
    )


def _accuracy(name: str, exported: results.Exported, verified: results.Verified) -> Accuracy:
    return Accuracy(
        **dict(exported.accuracy[name]),
        integer=verified.accuracy[name],
        images=verified.qonnx_vs_integer.images,
    )


def _model(config: RunConfig, network: IntegerNetwork) -> ModelInfo:
    return ModelInfo(
        name=config.name,
        dataset=config.data.source,
        weight_bits=tuple(weight_bits(network)),
        activation_bits=tuple(activation_bits(network)),
        input_shape=network.input_shape,
        layers=in_words(network),
    )


def _examples(context: Context, networks: Mapping[str, IntegerNetwork]) -> tuple[Example, ...]:
    found = load_examples(context.folder("attack"))
    count = min(len(images) for images in found.attacked.values())
    return pick_examples(
        found.clean[:count],
        found.labels[:count],
        {name: images[:count] for name, images in found.attacked.items()},
        networks,
        epsilon_255=context.config.rtlsim.epsilon_255,
    )


def _tool_versions(records: Iterable[StepRecord | None]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for record in records:
        versions |= record.tools if record else {}
    return dict(sorted(versions.items()))


def _machine() -> dict[str, str | int | float]:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }
