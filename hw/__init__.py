# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a FINN dataflow graph to RTL, its simulation and its synthesis."""
