# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to a sized and checked accelerator: of a run, or of a model file."""
