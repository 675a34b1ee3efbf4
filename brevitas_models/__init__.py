# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantized architectures and the Lipschitz machinery; knows neither flow nor hw."""
