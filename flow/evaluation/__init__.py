# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Judgement of attacks: budgets, worst case, masked gradients, adapters for attack libraries."""
