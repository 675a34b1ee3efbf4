# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The steps of a run, one file each."""

from flow.run.pipeline import Step
from flow.run.steps.attack import AttackStep
from flow.run.steps.certify import CertifyStep
from flow.run.steps.compile import CompileStep
from flow.run.steps.export import ExportStep
from flow.run.steps.report import ReportStep
from flow.run.steps.rtlsim import RtlsimStep
from flow.run.steps.synth import SynthStep
from flow.run.steps.train import TrainStep
from flow.run.steps.verify import VerifyStep

__all__ = ["all_steps"]


def all_steps() -> tuple[Step, ...]:
    """Return every step, in the order in which they run."""
    return (
        TrainStep(),
        ExportStep(),
        CompileStep(),
        VerifyStep(),
        AttackStep(),
        RtlsimStep(),
        SynthStep(),
        CertifyStep(),
        ReportStep(),
    )
