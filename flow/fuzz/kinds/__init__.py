# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of layers of random networks: one file each, and one line in the registry."""
