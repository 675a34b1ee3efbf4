# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From Brevitas to QONNX files, and by these to the integers on the board."""
