# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Layer-wise adversarial-aware choice of bits (Song, Ranjan, Li, arXiv:2110.12308, 2021)."""

from brevitas_models.selection.score import Option, score_layers
from brevitas_models.selection.select import Cost, Selection, select_bits, weight_bits_cost

__all__ = ["Cost", "Option", "Selection", "score_layers", "select_bits", "weight_bits_cost"]
