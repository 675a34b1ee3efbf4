# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks: each measures ours beside the rival in the same run, one row a comparison."""
