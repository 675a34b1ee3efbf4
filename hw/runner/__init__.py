# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What runs on a board's host: one driver for every board. numpy and the standard library only.

This folder is copied to the board as the package `runner`, so it imports by relative names and
nothing else of the project; Python 3.10 on.
"""
