# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a configuration file may say: one frozen, validated object for each step."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from flow.errors import FlowError

__all__ = [
    "AttackConfig",
    "AttackName",
    "CompileConfig",
    "DataConfig",
    "DataFormat",
    "DataSource",
    "FoldingConfig",
    "HeldOutConfig",
    "NetworkConfig",
    "PrecisionConfig",
    "QuantizersConfig",
    "RtlsimConfig",
    "RunConfig",
    "TrainingConfig",
    "VerifyConfig",
    "load_config",
    "parse_config",
    "parse_section",
]

AttackName = Literal[
    "fgsm",
    "pgd",
    "r_fgsm",
    "bim",
    "pgdpp",
    "apgd_ce",
    "apgd_dlr",
    "apgd_dlr_targeted",
    "square",
    "flip",
    "cw",
    "deepfool",
    "zoo",
    "zoo_linf",
    "hop_skip_jump",
    "transfer",
    "noise",
]
DataFormat = Literal["jpeg", "python", "binary"]
DataSource = Literal["digits", "mnist", "cifar10", "svhn", "folder"]
Bits = Annotated[int, Field(ge=1, le=8)]
Epsilon = Annotated[int, Field(ge=0, le=255)]
Positive = Annotated[int, Field(gt=0)]
Section = TypeVar("Section", bound=BaseModel)


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) < len(values):
        raise ValueError("give at least one, and each once")
    return values


Distinct = AfterValidator(_distinct)


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DataConfig(_Config):
    """The images: embedded digits (8x8), MNIST, CIFAR-10, SVHN, or a folder or tar of your own."""

    source: DataSource = "digits"
    train_images: Annotated[int, Field(ge=2)] | None = (
        None  # the first n of the training split; all when absent
    )
    test_images: Positive | None = None  # the first n of the test split; all when absent
    format: DataFormat | None = None  # of CIFAR-10, where the data folder holds several
    path: str | None = None  # of `folder`: train/<class>/*.png ..., in the data folder or absolute
    image_size: tuple[Positive, Positive] | None = None  # of `folder`: height, width to resize to

    @model_validator(mode="after")
    def _keys_of_the_source(self) -> "DataConfig":
        if self.source == "folder" and self.path is None:
            raise ValueError("source: folder needs path, the folder or tar of the images; add it")
        for key, source in (("format", "cifar10"), ("path", "folder"), ("image_size", "folder")):
            if getattr(self, key) is not None and self.source != source:
                raise ValueError(f"{key} is for source: {source} only; remove it")
        return self


class PrecisionConfig(_Config):
    """Bits of one layer's weights and of the activation behind it; 1 bit is -1 or 1."""

    weight_bits: Bits
    activation_bits: Bits


class QuantizersConfig(_Config):
    """The kinds of brevitas_models.quantizers; scales that move follow what penalties ask for."""

    weights: Literal["fixed", "learned", "learned_channel", "power_of_two", "binary", "ternary"] = (
        "power_of_two"
    )
    activations: Literal["fixed", "learned", "power_of_two", "dqa_fixed", "dqa_learned"] = "fixed"


class NetworkConfig(_Config):
    """3x3 convolutions with BatchNorm and quantized ReLU, then a linear layer; or a named network.

    `bits` gives single layers, conv0, conv1, ... and classifier or the named network's own, others
    than the rest.
    """

    channels: tuple[Positive, ...] = (16, 32, 32)
    strides: tuple[Literal[1, 2], ...] = (1, 2, 2)
    architecture: str | None = None  # of brevitas_models.architectures: lenet5, cnv, resnet8, ...
    weight_bits: Bits = 4
    activation_bits: Bits = 4
    bits: dict[str, PrecisionConfig] = {}
    # of a named network
    width: Annotated[float, Field(gt=0)] = 1.0  # factor of its channel counts
    quantizers: QuantizersConfig = QuantizersConfig()
    input_bits: Bits | None = None  # bit depth that the image is squeezed to
    join: Literal["sum", "convex"] = "sum"  # of residual branches
    pool: Literal["max", "average"] = "max"  # the 2x2 pools

    @model_validator(mode="after")
    def _keys_of_one_form(self) -> "NetworkConfig":
        named = {"width", "quantizers", "input_bits", "join", "pool"}
        other = {"channels", "strides"} if self.architecture is not None else named
        given = sorted(other & self.model_fields_set)
        if given:
            form = "a network of channels and strides" if other is not named else "an architecture"
            raise ValueError(f"{given[0]} is for {form} only; remove it")
        return self

    @model_validator(mode="after")
    def _one_stride_a_convolution(self) -> "NetworkConfig":
        if len(self.channels) != len(self.strides) or not self.channels:
            raise ValueError(
                f"channels has {len(self.channels)} entries and strides {len(self.strides)}; "
                "give one stride for each convolution, and at least one"
            )
        return self


class HeldOutConfig(_Config):
    """Training images that are not trained on: the best epoch on them is kept."""

    images: Annotated[int, Field(ge=0)] = 0  # 0 keeps the last epoch
    every: Positive = 1  # epochs between two measurements
    steps: Positive = 10  # of the PGD that measures
    restarts: Positive = 1
    epsilon_255: Epsilon | None = None  # of it; that of the training when absent
    patience: Positive | None = None  # measurements without a better one that end the training


class TrainingConfig(_Config):
    """Adversarial quantization-aware training (PGD, Madry et al. 2018) with the DQ penalty.

    `objective` and `penalties` choose others; what they are called is checked on loading.
    """

    epochs: Positive = 40
    batch_size: Annotated[int, Field(ge=2)] = 64  # BatchNorm needs two images
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    weight_decay: Annotated[float, Field(ge=0)] = 0.0001
    epsilon_255: Epsilon = 32  # strength of the training attack, in uint8 units
    warmup_epochs: Annotated[int, Field(ge=0)] = 5  # epsilon grows linearly from 0 over these
    objective: str = "pgd"  # of flow.objectives
    options: dict[str, Any] = {}  # of the objective, where they are not its paper's
    pgd_steps: Positive = 7  # of objective pgd
    pgd_step_255: Annotated[float, Field(gt=0)] = 8.0  # at full epsilon; of objective pgd
    dq_beta: Annotated[float, Field(ge=0)] = 0.001  # Defensive Quantization's beta
    penalties: dict[str, Annotated[float, Field(ge=0)]] | None = None  # dq, parseval, spectral, ...
    float_epochs: Annotated[int, Field(ge=0)] = 0  # before the others, without quantizers
    optimiser: Literal["adamw", "sgd"] = "adamw"
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None  # of averaged weights
    calibration_batches: Annotated[int, Field(ge=0)] = 0  # of BatchNorm's statistics, at the end
    shift: Annotated[int, Field(ge=0)] = 0  # pixels that training images move at most
    flip: bool = False  # whether they are mirrored
    held_out: HeldOutConfig = HeldOutConfig()
    accelerator: Literal["cpu", "cuda"] = "cpu"
    devices: Positive = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    plain: bool = True  # train the same without attack and penalty too, for comparison
    # files to load instead of training; saved by this version for the same network
    checkpoints: dict[Literal["robust", "plain"], str] = {}

    @property
    def strengths(self) -> dict[str, float]:
        """Name of a Lipschitz control to its strength."""
        if self.penalties is not None:
            return dict(self.penalties)
        return {"dq": self.dq_beta} if self.dq_beta > 0 else {}

    @model_validator(mode="after")
    def _said_once(self) -> "TrainingConfig":
        given = self.model_fields_set
        for key, option in (("pgd_steps", "steps"), ("pgd_step_255", "relative_step")):
            if key in given and (self.objective != "pgd" or option in self.options):
                raise ValueError(
                    f"{key} is for objective: pgd without options.{option}, and this is "
                    f"{self.objective} with options {self.options}; remove one of them"
                )
        if {"dq_beta", "penalties"} <= given:
            raise ValueError("dq_beta is given beside penalties; write it as penalties: {dq: ...}")
        return self


class FoldingConfig(_Config):
    """Parallelism of one MVAU: PE output channels and SIMD inputs a cycle."""

    pe: Positive
    simd: Positive


class CompileConfig(_Config):
    """The accelerator: the part, its clock, and how far each layer is unfolded."""

    part: str = "xc7z020clg400-1"  # PYNQ-Z1
    clock_mhz: Annotated[float, Field(gt=0, le=1000)] = 100.0
    target_fps: Annotated[float, Field(gt=0)] | None = 10_000.0
    folding: dict[str, FoldingConfig] = {}  # by matrix layer (MVAU_rtl_0, ...); over target_fps
    lut_per_dsp: Annotated[float, Field(gt=0)] | None = None  # worth of a DSP; by the part if null


class VerifyConfig(_Config):
    """How many test images each engine is compared on."""

    images: Positive | None = None  # Brevitas, QONNX and integer: all test images when absent
    finn_images: Annotated[int, Field(ge=0)] = 64  # FINN's own execution, which is slow; 0: none


class RtlsimConfig(_Config):
    """How many test images the stitched RTL sees, each clean and after attack."""

    images: Annotated[int, Field(ge=64)] = 64
    epsilon_255: Epsilon = 32


class AttackConfig(_Config):
    """Attacks on the integer network: white box through its torch twin, black box by its logits."""

    attacks: Annotated[tuple[AttackName, ...], Distinct] = ("fgsm", "pgd")  # in this order
    # the radius of l2 where the attack's norm is l2: cw, deepfool, zoo
    epsilons_255: Annotated[tuple[Epsilon, ...], Distinct] = (0, 8, 16, 32, 64, 128)
    images: Positive | None = None  # the first n test images; all when absent
    steps: Positive = 40  # gradients of one restart; for each target of apgd_dlr_targeted
    restarts: Positive = 5  # of every attack that starts at random; 1 of those with queries
    queries: Positive = 5000  # of a black box for an image; of transfer in all
    stop_early: bool = False  # each attack sees only the images that those before it left
    device: Literal["cpu", "cuda"] = "cpu"  # where gradients are computed; cpu judges in any case
    check_steps: Positive | None = None  # PGD takes so many too, to see that more do no worse


class RunConfig(_Config):
    """One run of the whole flow; with `zoo` the network is a trained one, and nothing is trained.

    What is not given of such a run, its name too, comes from flow.zoo_config.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    zoo: str | None = None  # its name there: steelflow zoo list
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    compile: CompileConfig = CompileConfig()
    verify: VerifyConfig = VerifyConfig()
    rtlsim: RtlsimConfig = RtlsimConfig()
    attack: AttackConfig = AttackConfig()

    @model_validator(mode="after")
    def _a_trained_network_is_not_trained(self) -> "RunConfig":
        given = sorted({"network", "training"} & self.model_fields_set)
        if self.zoo is not None and given:
            raise ValueError(
                f"{' and '.join(given)} cannot be given with zoo: {self.zoo}, which is trained "
                "already; remove one or the other"
            )
        return self

    @model_validator(mode="after")
    def _penalties_move_scales(self) -> "RunConfig":
        network = self.network
        strengths = {name: one for name, one in self.training.strengths.items() if one > 0}
        if network.architecture is None or network.quantizers.weights != "fixed" or not strengths:
            return self
        name, strength = next(iter(strengths.items()))
        remedy = "dq_beta: 0" if self.training.penalties is None else "remove the penalty"
        raise ValueError(
            f"training: the penalty {name} of {strength:g} needs weight scales that move, and "
            f"network.quantizers.weights is fixed; choose power_of_two, or {remedy}"
        )

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the files and rows of this run's networks; the first is what is deployed."""
        compared = self.zoo is None and self.training.plain
        return ("robust", "plain") if compared else ("robust",)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats: 2e-3 is a number, which YAML 1.1 takes for a string."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - PyYAML is untyped
        """Refuse aliases, which can make a document that holds itself."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not used here; write the value out")
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def load_config(path: Path) -> RunConfig:
    """Read a YAML file.

    Raises:
        FlowError: the file is missing, is not YAML, has an unknown key (the message names the
            nearest known one) or a value of the wrong type or range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(f"config {path}: cannot be read ({error}); give a YAML file") from error
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise FlowError(f"config {path}: is not YAML: {reason}") from error
    return parse_config(document, str(path))


def parse_config(document: Any, where: str) -> RunConfig:  # noqa: ANN401 - YAML holds anything
    """Validate a parsed document; `where` names it in errors (see load_config)."""
    if not isinstance(document, dict):
        raise FlowError(
            f"config {where}: holds {type(document).__name__}, not a mapping; start with name: ..."
        )
    if isinstance(document.get("zoo"), str):
        document = _with_zoo_defaults(document, f"config {where}")
    config = parse_section(RunConfig, document, f"config {where}")
    from flow._config_names import check_names  # noqa: PLC0415 - imports torch

    check_names(config, f"config {where}")
    return config


def _with_zoo_defaults(document: dict[str, Any], where: str) -> dict[str, Any]:
    from brevitas_models.errors import ModelError  # noqa: PLC0415 - its package imports torch
    from flow.zoo_config import with_zoo_defaults  # noqa: PLC0415 - imports torch

    try:
        return with_zoo_defaults(document)
    except ModelError as error:
        raise FlowError(f"{where}: {error}") from error


def parse_section(kind: type[Section], values: dict[str, Any], where: str) -> Section:
    """Validate one section of a configuration; `where` begins the errors (see load_config)."""
    try:
        return kind.model_validate(_lists_to_tuples(values))
    except ValidationError as error:
        raise FlowError(f"{where}: {_first_problem(error)}") from error


def _lists_to_tuples(value: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    if isinstance(value, dict):
        return {key: _lists_to_tuples(item) for key, item in value.items()}
    return tuple(_lists_to_tuples(item) for item in value) if isinstance(value, list) else value


def _first_problem(error: ValidationError) -> str:
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}{_nearest(problem['loc'])}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing; add it"
    if not key:  # of several sections
        return str(problem["msg"]).removeprefix("Value error, ")
    return f"{key}: {problem['input']!r} is refused: {problem['msg']}"


def _nearest(location: tuple[int | str, ...]) -> str:
    known = list(_fields_at(location[:-1]))
    match = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
    return f"; did you mean {match[0]!r}? Known here: {', '.join(known)}" if match else ""


def _fields_at(location: tuple[int | str, ...]) -> tuple[str, ...]:
    model: type[BaseModel] = RunConfig
    for part in location:
        annotation = (
            model.model_fields[str(part)].annotation if part in model.model_fields else None
        )
        candidates = (annotation, *get_args(annotation))
        model = next(
            (kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)),
            model,
        )
    return tuple(model.model_fields)
