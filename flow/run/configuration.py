# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The whole configuration of a run: its sections, and what they must say together."""

from typing import Annotated

from pydantic import Field, model_validator

from flow.config import (
    AttackConfig,
    CertifyConfig,
    CompileConfig,
    DataConfig,
    NetworkConfig,
    RtlsimConfig,
    TrainingConfig,
    VerifyConfig,
)
from flow.config.section import Section

__all__ = ["RunConfig"]


class RunConfig(Section):
    """One run of the whole flow; with `zoo` the network is a trained one, and nothing is trained.

    What is not given of such a run, its name too, comes from flow.zoo.defaults.
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
    certify: CertifyConfig = CertifyConfig()

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
    def deployed(self) -> str:
        """Name, in files and rows, of the network that becomes hardware."""
        return "robust" if self.zoo is None else self.name

    @property
    def compared(self) -> str | None:
        """Name of the same network without attack and penalty, if one is trained beside it."""
        return "plain" if self.zoo is None and self.training.plain else None

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of all networks of the run, the deployed one first."""
        return (self.deployed,) if self.compared is None else (self.deployed, self.compared)
