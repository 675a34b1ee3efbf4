# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a search is told: the space, the limits, what is better, and what it may cost."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from brevitas_models.architectures import check
from brevitas_models.errors import ModelError
from flow.config import DataConfig, NetworkConfig, TrainingConfig, parse_section
from flow.config.section import Bits, Distinct, Epsilon, Positive, Section
from flow.errors import FlowError
from flow.training.configured import network_settings
from hw.errors import HardwareError
from hw.parts import find_part
from steelflow_names import one_line

__all__ = [
    "Constraints",
    "Final",
    "Goal",
    "Prior",
    "Rung",
    "SearchConfig",
    "Space",
    "load_search",
]

_ANY_IMAGE = (8, 8, 1)  # the names of layers do not depend on it

Goal = Literal["worst_case", "clean", "certified", "lut", "fps"]


class Space(Section):
    """What may be chosen; a list of one is fixed.

    A family is a part of a run's section `network`: channels and strides, or architecture and
    width. The kinds of quantizers and input_bits are for named architectures; `cells` are the
    kinds that each convolution but the first of a family of channels may be.
    """

    families: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    weight_bits: Annotated[tuple[Bits, ...], Distinct] = (2, 3, 4)
    activation_bits: Annotated[tuple[Bits, ...], Distinct] = (2, 3, 4)
    each_layer: bool = True  # whether layers may differ in their bits
    cells: Annotated[tuple[Literal["conv", "residual", "separable"], ...], Distinct] = ("conv",)
    weight_quantizers: tuple[str, ...] = ()
    activation_quantizers: tuple[str, ...] = ()
    input_bits: tuple[Bits, ...] = ()
    target_fps: Annotated[tuple[float, ...], Distinct] = (10_000.0,)
    parts: Annotated[tuple[str, ...], Distinct] = ("xc7z020clg400-1",)
    objectives: Annotated[tuple[str, ...], Distinct] = ("pgd",)
    epsilons_255: Annotated[tuple[Epsilon, ...], Distinct] = (32,)


class Constraints(Section):
    """Limits; a resource that is not given is the part's own."""

    lut: Positive | None = None
    bram36: Annotated[float, Field(ge=0)] | None = None
    dsp: Annotated[int, Field(ge=0)] | None = None
    fps: Annotated[float, Field(gt=0)] | None = None
    latency_us: Annotated[float, Field(gt=0)] | None = None  # of the first frame, as simulated


class Prior(Section):
    """What a network of many bits tells first: which layers can spare some, by Lipschitz bounds.

    One training for each family; it is not among the search's trials.
    """

    epochs: Positive
    widths: Annotated[tuple[Bits, ...], Distinct]  # uniform ones, whose cost the layers divide


class Rung(Section):
    """One round of successive halving: short trainings, attacks on held-out training images."""

    epochs: Positive
    steps: Positive = 10  # of PGD
    restarts: Positive = 1
    images: Positive = 200
    flips: Annotated[int, Field(ge=0)] = 0  # of the search over cells, see Final
    keep: Positive  # candidates that go on


class Final(Section):
    """What each of the last candidates gets: the whole training, and every number measured."""

    images: Positive = 200  # test images under attack
    steps: Positive = 50
    restarts: Positive = 3
    queries: Positive = 2000  # of the square attack
    # Images that the attack flip evaluates for each one; where a network reads few bits it finds
    # what gradients miss. 0: it is left out.
    flips: Annotated[int, Field(ge=0)] = 0
    certify_images: Annotated[int, Field(ge=0)] = 0  # first of them; 0: no certificates
    nodes: Annotated[int, Field(ge=0)] = 10_000
    rtl_images: Annotated[int, Field(ge=2)] = 8  # test images through the RTL


class SearchConfig(Section):
    """The file of a search."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    data: DataConfig = DataConfig()
    space: Space
    constraints: Constraints = Constraints()
    goals: Annotated[tuple[Goal, ...], Distinct] = ("worst_case", "lut")
    epsilon_255: Epsilon = 32  # of the ball that is attacked and certified
    training: TrainingConfig = TrainingConfig()
    clock_mhz: Annotated[float, Field(gt=0, le=1000)] = 100.0
    trials: Positive = 24  # candidates that are trained
    batch: Positive = 8  # candidates that are proposed at a time
    sampler: Literal["tpe", "nsga2", "random"] = "tpe"
    validation_images: Positive = 200  # of the training images, for the rungs
    prior: Prior | None = None
    rungs: Annotated[tuple[Rung, ...], Field(min_length=1)]
    final: Final = Final()
    storage: str | None = None  # of Optuna: a database's URL; a SQLite file of the output if absent

    @model_validator(mode="after")
    def _certified_needs_images(self) -> "SearchConfig":
        if "certified" in self.goals and not self.final.certify_images:
            raise ValueError("goals has certified, and final.certify_images is 0; give at least 1")
        return self

    @model_validator(mode="after")
    def _prior_within_the_space(self) -> "SearchConfig":
        if self.prior is None:
            return self
        if not self.space.each_layer:
            raise ValueError("prior chooses bits layer by layer; remove it or space.each_layer")
        if self.space.cells != ("conv",):
            raise ValueError("prior needs one shape a family; remove it or space.cells")
        common = set(self.space.weight_bits) & set(self.space.activation_bits)
        if missing := set(self.prior.widths) - common:
            raise ValueError(
                f"prior.widths has {min(missing)}, which is not in space.weight_bits and "
                "space.activation_bits; choose of these"
            )
        return self

    @model_validator(mode="after")
    def _fewer_and_fewer(self) -> "SearchConfig":
        kept = [self.trials, *(rung.keep for rung in self.rungs)]
        if sorted(kept, reverse=True) != kept:
            raise ValueError(f"rungs keep {kept[1:]} of {kept[0]} trials; keep fewer and fewer")
        return self

    def family(self, index: int) -> NetworkConfig:
        """Return a family with the least bits of the space, which the candidates change."""
        return parse_section(NetworkConfig, self.space.families[index], f"space.families.{index}")


def load_search(path: Path) -> SearchConfig:
    """Read a YAML file.

    Raises:
        FlowError: it cannot be read, or has an unknown key or a value that cannot be used.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = one_line(error)
        raise FlowError(f"search {path}: cannot be read ({reason}); give a YAML file") from error
    if not isinstance(document, dict):
        raise FlowError(f"search {path}: holds no mapping; start with name: ...")
    config = parse_section(SearchConfig, document, f"search {path}")
    families = [config.family(index) for index in range(len(config.space.families))]
    try:
        for family in families:
            check(network_settings(family, input_shape=_ANY_IMAGE, classes=2))
        for part in config.space.parts:
            find_part(part)
    except (HardwareError, ModelError) as error:
        raise FlowError(f"search {path}: {error}") from error
    return config
