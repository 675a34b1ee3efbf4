# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What report.json holds: typed, frozen and strict, so that no figure has the wrong kind."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flow.errors import FlowError

__all__ = [
    "Accuracy",
    "Agreement",
    "AmplificationPoint",
    "BoardOnTestSet",
    "BoardRun",
    "BoardUse",
    "Capacity",
    "CertifiedRow",
    "Comparison",
    "EpochPoint",
    "Estimate",
    "Fraction",
    "Hardware",
    "LayerResources",
    "ModelInfo",
    "NoisePoint",
    "Record",
    "Report",
    "Resources",
    "RobustRow",
    "Speed",
    "WholeTestSet",
    "parse_report",
]

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """Frozen, without unknown keys, and no value of another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class ModelInfo(Record):
    """The network: bit widths by layer, in order of execution."""

    name: str
    dataset: str
    weight_bits: tuple[Positive, ...]
    activation_bits: tuple[Positive, ...]
    input_shape: tuple[Positive, Positive, Positive] | None = None  # (H, W, C)
    layers: str | None = None  # in words, for readers


class Accuracy(Record):
    """Share of clean test images classified right, by engine."""

    brevitas: Fraction
    qonnx: Fraction
    integer: Fraction
    images: Positive | None = None


class WholeTestSet(Record):
    """The integer network on every test image of the run, with Wilson's 95% interval."""

    images: Positive
    accuracy: Fraction
    ci95: tuple[Fraction, Fraction]


class Comparison(Record):
    """Two engines on the same images; None is what was not compared."""

    images: Positive
    labels_differ: Count | None = None
    logits_differ: Count | None = None

    @model_validator(mode="after")
    def _something_was_compared(self) -> "Comparison":
        if self.labels_differ is None and self.logits_differ is None:
            raise ValueError("neither labels_differ nor logits_differ is given")
        return self


class Agreement(Record):
    """The comparisons; of FINN's, which may be left out, `skipped` then has the reason."""

    brevitas_vs_qonnx: Comparison
    finn_vs_integer: Comparison | None = None
    integer_vs_rtlsim: Comparison
    qonnx_vs_integer: Comparison | None = None
    skipped: dict[str, str] | None = None  # comparison to reason

    @model_validator(mode="after")
    def _finn_was_compared_or_skipped(self) -> "Agreement":
        if self.finn_vs_integer is None and "finn_vs_integer" not in (self.skipped or {}):
            raise ValueError("finn_vs_integer is neither given nor skipped with a reason")
        return self

    def items(self) -> list[tuple[str, Comparison]]:
        """Return (name, comparison) of those that were made, along the chain of engines."""
        order = ("brevitas_vs_qonnx", "qonnx_vs_integer", "finn_vs_integer", "integer_vs_rtlsim")
        return [(name, item) for name in order if (item := getattr(self, name)) is not None]


class BoardUse(Record):
    """What a board did for a row; see flow.evaluation.accuracy.BoardUse."""

    digest: str
    clock_mhz: Amount
    queries: Count
    seconds: Amount


class BoardOnTestSet(Record):
    """The board's logits beside the integers', all in a row."""

    images: Positive
    images_differ: Count
    cycles_per_image: Amount
    images_per_second: Amount
    link_share: Fraction


class BoardRun(Record):
    """A board that judged the attacks; see flow.engines.board.BoardFigures."""

    network: str
    board: str
    digest: str
    clock_mhz: Amount
    queries: Count
    requests: Count
    retries: Count
    cycles: Count
    seconds: Amount
    link_s: Amount
    test_set: BoardOnTestSet


class RobustRow(Record):
    """One measured robust accuracy; see flow.evaluation.evaluator.RobustAccuracy."""

    network: str
    engine: str
    attack: str
    norm: str
    epsilon_255: Count
    steps: Positive
    restarts: Positive
    seed: Count | None = None
    images: Positive
    accuracy: Fraction
    ci95: tuple[Fraction, Fraction]
    board: BoardUse | None = None


class CertifiedRow(Record):
    """What is proven of the first test images; see flow.certify.verdict.Bracket."""

    network: str
    norm: Literal["linf"]
    epsilon_255: Count
    images: Count
    robust: Count
    adversarial: Count
    unknown: Count
    nodes: Count  # boxes that the search might bound for an image
    tiers: dict[str, Count] = {}

    @model_validator(mode="after")
    def _every_image_has_an_answer(self) -> "CertifiedRow":
        if self.robust + self.adversarial + self.unknown != self.images:
            raise ValueError("robust, adversarial and unknown do not add up to images")
        return self

    @property
    def certified(self) -> float:
        """Share that is proven robust."""
        return self.robust / max(self.images, 1)

    @property
    def possible(self) -> float:
        """Share that nothing has broken."""
        return (self.robust + self.unknown) / max(self.images, 1)


class NoisePoint(Record):
    """Accuracy under random noise of an attack's size."""

    network: str
    epsilon_255: Count
    accuracy: Fraction


class AmplificationPoint(Record):
    """Relative l2 error behind one layer; see flow.evaluation.amplification.Amplification."""

    network: str
    layer: str
    distance: Amount
    ci95: tuple[float, float]


class Estimate(Record):
    """FINN's estimate of one layer; None is what FINN does not estimate."""

    lut: Amount | None = None
    dsp: Amount | None = None
    bram36: Amount | None = None


class LayerResources(Record):
    """What synthesis counts in one node of the accelerator, FIFOs and width converters too."""

    name: str
    op_type: str
    lut: Count
    lut_memory: Count | None = None  # of lut, those used as RAM or shift registers
    ff: Count
    dsp: Count
    bram36: Amount
    estimate: Estimate | None = None


class Resources(Record):
    """Sums over the accelerator, and its nodes."""

    lut: Count
    lut_memory: Count | None = None
    ff: Count
    dsp: Count
    bram36: Amount
    per_layer: tuple[LayerResources, ...]


class Capacity(Record):
    """What the part has."""

    lut: Positive
    ff: Positive
    dsp: Positive
    bram36: Amount


class Speed(Record):
    """Of the accelerator, in simulation."""

    part: str
    clock_mhz: Annotated[float, Field(gt=0)]
    cycles_per_frame_predicted: Positive
    cycles_per_frame_measured: Annotated[int | float, Field(gt=0)]
    frames_per_second: Annotated[float, Field(gt=0)]
    latency_cycles: Positive | None = None
    initiation_interval_cycles: Annotated[int | float, Field(gt=0)] | None = None


class Hardware(Speed):
    """The accelerator: its speed in simulation and its size in synthesis."""

    resources: Resources
    capacity: Capacity | None = None


class EpochPoint(Record):
    """One epoch of a training; see flow.training.trainer.EpochReport."""

    epoch: Positive
    epochs: Positive | None = None
    phase: str | None = None
    loss: float
    accuracy: Fraction
    epsilon_255: Amount | None = None
    clean: Fraction | None = None
    robust: Fraction | None = None
    penalties: dict[str, float] | None = None


class Report(Record):
    """All of report.json; later fields may be left empty, the page then leaves them out.

    Attributes:
        deployed: name of the network that became hardware.
        compared: name of the one trained without attack, None without one.
        accuracy: of the deployed network by engine, on the images on which these were compared.
        plain_accuracy: of the compared one on the integer engine, on the same images.
        test_set: network -> its accuracy on all test images.
        masked_gradient_signs: in words; empty when the attack passed its checks.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    model: ModelInfo
    deployed: str = "robust"
    compared: str | None = "plain"
    accuracy: Accuracy
    agreement: Agreement
    robust_accuracy: tuple[RobustRow, ...] = Field(min_length=1)
    hardware: Hardware
    timings_s: dict[str, Amount]
    plain_accuracy: Fraction | None = None
    test_set: dict[str, WholeTestSet] = {}
    boards: tuple[BoardRun, ...] = ()
    certified: tuple[CertifiedRow, ...] = ()
    noise_accuracy: tuple[NoisePoint, ...] = ()
    masked_gradient_signs: tuple[str, ...] = ()
    amplification: tuple[AmplificationPoint, ...] = ()
    training: dict[str, tuple[EpochPoint, ...]] = {}
    seed: Count | None = None
    settings: dict[str, Any] = {}
    tool_versions: dict[str, str] = {}
    machine: dict[str, str | int | float] = {}

    @model_validator(mode="after")
    def _no_attack_breaks_what_is_proven(self) -> "Report":
        proven = {(r.network, str(r.norm), r.epsilon_255, r.images): r for r in self.certified}
        for row in self.robust_accuracy:
            found = proven.get((row.network, row.norm, row.epsilon_255, row.images))
            if found and found.robust > round(row.accuracy * row.images):
                raise ValueError(
                    f"{row.attack} at {row.epsilon_255}/255 leaves {row.accuracy:.2%} of "
                    f"{row.images} images, of which {found.robust} are certified; one is wrong"
                )
        return self

    def to_json(self) -> str:
        """Return the document as indented JSON text; what is None is left out."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(document, indent=2, allow_nan=False) + "\n"


def parse_report(document: Mapping[str, Any]) -> Report:
    """Validate a document of JSON values.

    Raises:
        FlowError: a field is missing, unknown, or has another type than the schema says; an
            integer count is never taken from a float.
    """
    try:
        return Report.model_validate_json(json.dumps(document))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise FlowError(f"report: {where}: {problem['msg']} (got {problem['input']!r})") from error
