# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the steps of a run tell each other and the report: a typed record in a JSON file each."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ValidationError, model_validator

from flow.errors import FlowError
from flow.report.schema import (
    AmplificationPoint,
    BoardRun,
    Capacity,
    CertifiedRow,
    Comparison,
    Count,
    EpochPoint,
    Estimate,
    Fraction,
    NoisePoint,
    Record,
    Resources,
    RobustRow,
    Speed,
    WholeTestSet,
)
from flow.storage.records import write_json

__all__ = [
    "Attacked",
    "Broken",
    "Certified",
    "Exported",
    "FloatAccuracy",
    "Proven",
    "Sign",
    "Simulated",
    "Synthesised",
    "Trained",
    "Verified",
]


class _Result(Record):
    file: ClassVar[str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read it from a step's folder.

        Raises:
            FlowError: a value is missing or has another type.
        """
        path = folder / cls.file
        try:
            return cls.model_validate_json(cls._whole(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise FlowError(
                f"{path}: {where}: {problem['msg']}; delete {folder} and run again"
            ) from error

    @staticmethod
    def _whole(text: str) -> str:
        """Return the JSON of all fields from a file's text."""
        return text

    def save(self, folder: Path) -> None:
        """Write it into a step's folder."""
        write_json(folder / self.file, self.model_dump(mode="json", exclude_none=True))


class Trained(_Result):
    """Of train: the epochs of each network."""

    file = "curves.json"

    curves: dict[str, tuple[EpochPoint, ...]]

    @staticmethod
    def _whole(text: str) -> str:
        return f'{{"curves": {text}}}'

    def save(self, folder: Path) -> None:
        """Write the curves alone, by network."""
        write_json(folder / self.file, self.model_dump(mode="json", exclude_none=True)["curves"])


class FloatAccuracy(Record):
    """Of the engines that compute in floating point."""

    brevitas: Fraction
    qonnx: Fraction


class Exported(_Result):
    """Of export, by network."""

    file = "export.json"

    logit_scale: dict[str, float]
    accuracy: dict[str, FloatAccuracy]
    brevitas_vs_qonnx: dict[str, Comparison]

    @model_validator(mode="before")
    @classmethod
    def _comparisons_by_network(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Read the form of version 2 of the step, with a key a network."""
        if "brevitas_vs_qonnx" in document:
            return document
        known = {key: document[key] for key in ("logit_scale", "accuracy")}
        found = {name: document[name]["brevitas_vs_qonnx"] for name in known["accuracy"]}
        return {**known, "brevitas_vs_qonnx": found}


class Verified(_Result):
    """Of verify; without `finn_vs_integer` `skipped` has the reason."""

    file = "verify.json"

    accuracy: dict[str, Fraction]
    test_set: dict[str, WholeTestSet]
    qonnx_vs_integer: Comparison
    finn_vs_integer: Comparison | None = None
    skipped: dict[str, str] | None = None


class Sign(Record):
    """Something about a network's figures that hints at masked gradients, in words."""

    network: str
    sign: str


class Broken(Record):
    """Test images, by index, that something broke within a radius in uint8 units."""

    network: str
    epsilon_255: Count
    images: tuple[Count, ...]


class Attacked(_Result):
    """Of attack."""

    file = "attack.json"

    rows: tuple[RobustRow, ...]
    checks: tuple[RobustRow, ...]  # with more steps
    noise: tuple[NoisePoint, ...]
    amplification: tuple[AmplificationPoint, ...]
    signs: tuple[Sign, ...]
    boards: tuple[BoardRun, ...]
    broken: tuple[Broken, ...] = ()

    @classmethod
    def of_all(cls, networks: Sequence[Self]) -> Self:
        """Return what was measured on several networks as one."""
        kinds = {kind: [getattr(one, kind) for one in networks] for kind in cls.model_fields}
        return cls(**{kind: tuple(chain(*found)) for kind, found in kinds.items()})


class Simulated(_Result):
    """Of rtlsim."""

    file = "rtlsim.json"

    integer_vs_rtlsim: Comparison
    hardware: Speed
    simulated_cycles: int
    cycles_per_second: float


class Synthesised(_Result):
    """Of synth."""

    file = "synth.json"

    estimate: Estimate
    capacity: Capacity
    resources: Resources


class Proven(CertifiedRow):
    """A row with the indices of the images that are not certified."""

    broken_images: tuple[Count, ...]
    open_images: tuple[Count, ...]


class Certified(_Result):
    """Of certify."""

    file = "certify.json"

    rows: tuple[Proven, ...]
