# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proofs of robustness of the integer network, and their independent checker.

This package imports nothing by itself, so that flow.certify.checker shares no code with the rest:
use flow.certify.run.certify.
"""
