# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Each setting of an objective is taken up to its limit and refused beyond."""

import re

import pytest

from flow.errors import FlowError
from flow.objectives import build_objective

LIMITS = [
    ("pgd", "steps", 1, 0, "at least 1"),
    ("fgsm", "relative_step", 1e-9, 0.0, "above 0"),
    ("trades", "beta", 0.0, -1e-9, "at least 0"),
    ("trades", "start_deviation_255", 1e-9, 0.0, "above 0"),
    ("mart", "weight", 0.0, -1e-9, "at least 0"),
    ("mart", "start_deviation_255", 0.0, -1e-9, "at least 0"),
    ("logit_pairing", "weight", 0.0, -1e-9, "at least 0"),
    ("distillation", "teacher_weight", 0.0, -1e-9, r"within 0\.\.1"),
    ("distillation", "teacher_weight", 1.0, 1 + 1e-9, r"within 0\.\.1"),
    ("distillation", "temperature", 1e-9, 0.0, "above 0"),
    ("interpolated", "mixup_alpha", 1e-9, 0.0, "above 0"),
    ("mat_mixed", "strengths", (0.0, 1.0), (0.5, 1 + 1e-9), r"one or more shares .* in 0\.\.1"),
    ("mat_mixed", "strengths", (1.0,), (-1e-9, 0.5), "one or more shares"),
    ("mat_parallel", "strengths", (0.0,), (), "one or more shares"),
    ("feedback", "images_per_class", 1, 0, "at least 1"),
    ("feedback", "directions", 0, -1, "at least 0"),
    ("feedback", "bisections", 0, -1, "at least 0"),
    ("feedback", "reach", 1e-9, 0.0, "above 0"),
    ("feedback", "sharpness", 0.0, -1e-9, "at least 0"),
    ("feedback", "random_share", 0.0, -1e-9, r"within 0\.\.1"),
    ("feedback", "random_share", 1.0, 1 + 1e-9, r"within 0\.\.1"),
    ("boundary", "scanned", 1, 0, "at least 1"),
    ("boundary", "bisections", 0, -1, "at least 0"),
    ("boundary", "weight", 0.0, -1e-9, "at least 0"),
    ("boundary", "mapping_mu", 0.0, -1e-9, "at least 0"),
    ("ibp", "clean_weight", 0.0, -1e-9, r"within 0\.\.1"),
    ("ibp", "clean_weight", 1.0, 1 + 1e-9, r"within 0\.\.1"),
    ("ibp", "clean_start", 0.0, -1e-9, r"within 0\.\.1"),
    ("ibp", "clean_start", 1.0, 1 + 1e-9, r"within 0\.\.1"),
    ("ibp", "logit_gain", 1e-9, 0.0, "above 0"),
    ("ibp", "logit_gain", 1.0, -1.0, "above 0"),
    ("mtl_ibp", "bound_weight", 0.0, -1e-9, r"within 0\.\.1"),
    ("mtl_ibp", "bound_weight", 1.0, 1 + 1e-9, r"within 0\.\.1"),
    ("mtl_ibp", "steps", 1, 0, "at least 1"),
    ("mtl_ibp", "clean_weight", 1.0, 1 + 1e-9, r"within 0\.\.1"),
]


@pytest.mark.parametrize(("name", "key", "last", "beyond", "rule"), LIMITS)
def test_settings_are_taken_up_to_their_limits(
    name: str, key: str, last: object, beyond: object, rule: str
) -> None:
    assert getattr(build_objective(name, {key: last}).settings, key) == last
    said = rf"objective: {key} {re.escape(str(beyond))} is not {rule}.*; change it"
    with pytest.raises(FlowError, match=said):
        build_objective(name, {key: beyond})
