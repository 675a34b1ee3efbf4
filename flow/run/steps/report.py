# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Collect what the other steps found into report.json and index.html."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from flow.integer import IntegerNetwork
from flow.integer.description import activation_bits, in_words, weight_bits
from flow.report import Example, ReportInputs, parse_report, pick_examples, write_report
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
    version = 4
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
        found = _Findings(context)
        report = parse_report(found.document())
        write_report(folder, ReportInputs(report=report, examples=found.examples()))


class _Findings:
    """The files of the other steps."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.export, self.verify = self._json("export"), self._json("verify")
        self.rtlsim, self.synth = self._json("rtlsim"), self._json("synth")
        self.attack = self._json("attack")
        self.networks = {
            name: IntegerNetwork.load(context.folder("compile") / f"{name}.npz")
            for name in context.config.networks
        }

    def _json(self, step: str, name: str = "") -> dict[str, Any]:
        path = self.context.folder(step) / f"{name or step}.json"
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document

    def document(self) -> dict[str, Any]:
        """Return report.json's content, see flow.report.schema."""
        config, deployed = self.context.config, self.context.config.deployed
        return {
            "schema": 1,
            "model": self._model(),
            "deployed": deployed,
            "compared": config.compared,
            "accuracy": {
                **self.export["accuracy"][deployed],
                "integer": self.verify["accuracy"][deployed],
                "images": self.verify["qonnx_vs_integer"]["images"],
            },
            "test_set": self.verify["test_set"],
            "agreement": {
                "brevitas_vs_qonnx": self.export[deployed]["brevitas_vs_qonnx"],
                "qonnx_vs_integer": self.verify["qonnx_vs_integer"],
                "finn_vs_integer": self.verify.get("finn_vs_integer"),
                "skipped": self.verify.get("skipped"),
                "integer_vs_rtlsim": self.rtlsim["integer_vs_rtlsim"],
            },
            "robust_accuracy": self.attack["rows"],
            "certified": with_attacks(self._json("certify")["rows"], self._broken()),
            "hardware": {
                **self.rtlsim["hardware"],
                "resources": self.synth["resources"],
                "capacity": self.synth["capacity"],
            },
            "timings_s": self.context.timings_s(_SOURCES),
            "boards": self.attack["boards"],
            "noise_accuracy": self.attack["noise"],
            "masked_gradient_signs": [f"{s['network']}: {s['sign']}" for s in self.attack["signs"]],
            "amplification": self.attack["amplification"],
            "training": self._json("train", "curves"),
            "plain_accuracy": self.verify["accuracy"].get(config.compared),
            "seed": config.seed,
            "settings": config.model_dump(mode="json"),
            "tool_versions": _tool_versions(self.context.record(step) for step in _SOURCES),
            "machine": _machine(),
        }

    def _broken(self) -> list[dict[str, Any]]:
        deployed = self.context.config.deployed
        return [entry for entry in self.attack["broken"] if entry["network"] == deployed]

    def _model(self) -> dict[str, Any]:
        config, network = self.context.config, self.networks[self.context.config.deployed]
        return {
            "name": config.name,
            "dataset": config.data.source,
            "weight_bits": weight_bits(network),
            "activation_bits": activation_bits(network),
            "input_shape": network.input_shape,
            "layers": in_words(network),
        }

    def examples(self) -> tuple[Example, ...]:
        """Return the pictures."""
        found = load_examples(self.context.folder("attack"))
        count = min(len(images) for images in found.attacked.values())
        return pick_examples(
            found.clean[:count],
            found.labels[:count],
            {name: images[:count] for name, images in found.attacked.items()},
            self.networks,
            epsilon_255=self.context.config.rtlsim.epsilon_255,
        )


def _tool_versions(records: Iterable[StepRecord | None]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for record in records:
        versions |= record.tools if record else {}
    return dict(sorted(versions.items()))


def _machine() -> Mapping[str, str | int | float]:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }
