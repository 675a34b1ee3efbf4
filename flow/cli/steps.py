# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow run`, and the steps of a run that are nothing but that: `train`, `export`, ..."""

from flow.cli.base import StepCommand

__all__ = ["ATTACK", "EXPORT", "REPORT", "RUN", "TRAIN", "VERIFY"]

RUN = StepCommand(
    name="run",
    help="run every step and write the report",
    result="report/index.html",
    attacks=True,
)
TRAIN = StepCommand(
    name="train", help="train the robust network and the plain one it is compared with"
)
EXPORT = StepCommand(name="export", help="write the trained networks as QONNX")
VERIFY = StepCommand(name="verify", help="compare every engine on the same images, exactly")
ATTACK = StepCommand(
    name="attack", help="attack the integer networks and measure robust accuracy", attacks=True
)
REPORT = StepCommand(
    name="report", help="write report.json and index.html", result="report/index.html"
)
