# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Files that are complete or absent, folders of runs, records of what was made from what."""
