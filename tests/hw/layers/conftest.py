# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our layers are FINN's in all of these tests."""

from hw.layers import register

register()
