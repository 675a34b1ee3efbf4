# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The best networks for a board: bits, shape, folding and training, searched together."""
