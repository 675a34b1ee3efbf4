# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Exact lowering of QONNX classifiers to integer networks."""

from flow.lowering.encoding import InputEncoding
from flow.lowering.lower import Lowered, lower
from flow.lowering.reading import read_model

__all__ = ["InputEncoding", "Lowered", "lower", "read_model"]
