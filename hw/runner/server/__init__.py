# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel on the network: Open Inference Protocol v2 over HTTP/1.1, on the standard library."""
