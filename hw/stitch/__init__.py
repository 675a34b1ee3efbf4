# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a dataflow graph with generated RTL to an accelerator folder."""
