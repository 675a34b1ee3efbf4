# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Image sets as uint8 arrays; a new source is a file and a line in the registry."""
