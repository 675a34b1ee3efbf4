# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A gate for continuous integration: figures of a model or of a run against limits."""

from flow.check.junit import write_junit
from flow.check.limits import Figure, Limits
from flow.check.model import ModelCheck, TestSet, check_model, dataset_images, file_images
from flow.check.run import check_run

__all__ = [
    "Figure",
    "Limits",
    "ModelCheck",
    "TestSet",
    "check_model",
    "check_run",
    "dataset_images",
    "file_images",
    "write_junit",
]
