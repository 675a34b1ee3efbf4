# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The steps of a run, one file each."""

from flow.pipeline import Step
from flow.steps.attack import AttackStep
from flow.steps.compile import CompileStep
from flow.steps.export import ExportStep
from flow.steps.report import ReportStep
from flow.steps.rtlsim import RtlsimStep
from flow.steps.synth import SynthStep
from flow.steps.train import TrainStep
from flow.steps.verify import VerifyStep

__all__ = ["all_steps"]


def all_steps() -> tuple[Step, ...]:
    """Return every step, in the order in which they run."""
    return (
        TrainStep(),
        ExportStep(),
        CompileStep(),
        VerifyStep(),
        RtlsimStep(),
        SynthStep(),
        AttackStep(),
        ReportStep(),
    )
