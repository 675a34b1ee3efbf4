# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A run: its configuration, its steps, and the pipeline that brings them up to date."""
