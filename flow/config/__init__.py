# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The sections of a configuration: one frozen, validated object a stage.

A section checks what it knows alone; names that only higher floors know (attacks, objectives,
architectures) are checked by the roof, flow.run.configuration.
"""

from flow.config.attack import AttackConfig
from flow.config.certify import CertifyConfig
from flow.config.checks import RtlsimConfig, VerifyConfig
from flow.config.compile import CompileConfig, FoldingConfig
from flow.config.data import DataConfig, DataFormat
from flow.config.network import NetworkConfig, PrecisionConfig, QuantizersConfig
from flow.config.section import parse_section
from flow.config.training import (
    HeldOut,
    Machine,
    Recipe,
    Schedule,
    TrainerSettings,
    TrainingConfig,
)

__all__ = [
    "AttackConfig",
    "CertifyConfig",
    "CompileConfig",
    "DataConfig",
    "DataFormat",
    "FoldingConfig",
    "HeldOut",
    "Machine",
    "NetworkConfig",
    "PrecisionConfig",
    "QuantizersConfig",
    "Recipe",
    "RtlsimConfig",
    "Schedule",
    "TrainerSettings",
    "TrainingConfig",
    "VerifyConfig",
    "parse_section",
]
